"""Erasing a person, on both databases: at the head office and in every branch, whatever each of them knew or missed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from hq_server.operations.erasing import list_orders, preview
from hq_server.storage.compaction import compact_feed
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound
from shared.storage.tables import client, erased_card, interaction, sale, task
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.persons import (
    OLD_PHONE,
    PHONE,
    call,
    edit,
    erase,
    live,
    meet,
    note_at_till,
    put_card,
    sell_to,
    traces_in,
    traces_in_database,
)


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def even(*nodes: Node) -> None:
    for _ in range(2):
        for node in nodes:
            node.sync()


def assert_nothing_left(pair: Pair, *nodes: Node) -> None:
    """No trace anywhere, every chain and counter sound."""
    assert traces_in_database(pair.office) == []
    for node in nodes:
        assert node.verify() == (), node.code
        assert pair.verify(node.code) == (), node.code
        node.store._sqlite.checkpoint()
        beside = [node.path.with_name(node.path.name + suffix) for suffix in ("", "-wal", "-shm")]
        assert traces_in(*(path for path in beside if path.exists())) == {}
    if pair.office.store.dialect == "sqlite":
        assert traces_in(*pair.folder.glob("hq.db*")) == {}


def test_a_person_leaves_the_head_office_and_every_branch(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    client_id = meet(first)
    live(first, client_id)
    even(first, second)
    sell_to(second, "C-17", "k2")  # now the second knows her, too
    even(first, second)
    live(second, client_id)
    even(first, second)
    assert traces_in_database(pair.office)
    net = pair.office.rows(select(func.sum(sale.c.net_minor), func.count()))
    done = erase(pair.office, client_id)
    assert done.entries > 5
    assert done.feed_rows > 5
    assert traces_in_database(pair.office) == []
    even(first, second)
    assert_nothing_left(pair, first, second)
    assert pair.office.rows(select(func.sum(sale.c.net_minor), func.count())) == net
    for table in (client, interaction, task):
        assert pair.office.count(table) == 0
    for node in (first, second):
        with node.store.read() as connection:
            assert connection.execute(select(func.count()).select_from(client)).scalar_one() == 0
            assert connection.execute(select(func.count()).select_from(sale)).scalar_one() > 0


def test_a_branch_that_was_away_brings_what_it_recorded_meanwhile_and_then_hears(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    client_id = meet(first)
    sell_to(second, "C-17", "k2")
    even(first, second)
    live(second, client_id)  # not sent yet
    erase(pair.office, client_id)
    first.sync()
    assert traces_in_database(pair.office) == []
    live(second, client_id)
    second.sync()
    even(first, second)
    assert_nothing_left(pair, first, second)


def test_the_order_reaches_a_branch_that_records_something_of_the_person_after_all(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    even(first)
    erase(pair.office, client_id)
    even(first)
    call(first, client_id)  # a page that was open
    edit(first, client_id, name="Мария Полякова")
    even(first)
    assert_nothing_left(pair, first)


def test_a_branch_restored_from_before_the_order_hears_of_it_again(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    live(first, client_id)
    first.sync()
    old = first.copy("old")
    live(first, client_id)
    first.sync()
    erase(pair.office, client_id)
    even(first)
    first.store.close()
    assert traces_in(old.path)
    even(old)
    assert_nothing_left(pair, old)
    assert old.store.node()[1].head.seq >= 0


def test_a_new_store_gets_the_history_without_the_person(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    live(first, client_id)
    even(first)
    erase(pair.office, client_id)
    fresh = pair.replace("B1")
    even(fresh)
    assert_nothing_left(pair, fresh)


def test_the_feed_goes_on_for_cursors_from_before_and_may_be_compacted(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    client_id = meet(first)
    sell_to(second, "C-17", "k2")
    even(first, second)
    live(first, client_id)
    first.sync()
    compact_feed(pair.office.store)
    live(first, client_id)
    first.sync()
    erase(pair.office, client_id)
    compact_feed(pair.office.store)
    second.sync()
    assert second.store.node()[1] is not None
    even(first, second)
    assert_nothing_left(pair, first, second)
    pair.join("B3").sync()


def test_sales_stay_with_their_sums_and_lose_a_phone_that_named_the_client(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first, external_id=PHONE)
    sell_to(first, PHONE, "k1")
    note_at_till(first, "nothing of anybody")
    even(first)
    erase(pair.office, client_id)
    even(first)
    assert pair.office.rows(select(sale.c.client, sale.c.client_id, sale.c.net_minor)) == [(None, client_id, 50)]
    assert_nothing_left(pair, first)


def test_who_was_merged_into_the_person_goes_with_it(pair: Pair) -> None:
    first = pair.join("B1")
    survivor, alias = meet(first), meet(first, external_id="C-18")
    edit(first, alias, merged_into=survivor)
    even(first)
    erase(pair.office, survivor)
    even(first)
    assert_nothing_left(pair, first)
    assert pair.office.count(client) == 0


def test_other_clients_stay_as_they_are_even_with_the_same_phone(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    other = meet(first, external_id="C-18", name="Иван", emails=(), phones=(PHONE,))
    live(first, client_id)
    even(first)
    erase(pair.office, client_id)
    even(first)
    with first.store.read() as connection:
        rows = connection.execute(select(client.c.id, client.c.name, client.c.phones)).all()
    assert rows == [(other, "Иван", PHONE)]
    assert pair.office.rows(select(client.c.id, client.c.name, client.c.phones)) == rows
    assert (first.verify(), pair.verify("B1")) == ((), ())


def test_a_task_that_turns_up_later_is_remembered_as_the_persons(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    even(first)
    card_id = put_card(first, RecordKind.TASK, first.ids.new_id(), client_id=client_id, title="later")
    erase(pair.office, client_id)
    even(first)
    assert card_id in {row[0] for row in pair.office.rows(select(erased_card.c.id))}
    assert pair.office.count(task) == 0


def test_the_preview_says_what_goes_and_what_stays(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    live(first, client_id)
    even(first)
    with pair.office.store.read() as connection:
        seen = preview(connection, LOCAL_ADMINISTRATOR, client_id)
    assert (seen.word, seen.tasks, seen.files, seen.letters, seen.interactions) == ("Мария Полякова", 1, 1, 1, 1)
    assert (seen.sales, seen.net_minor, seen.branches) == (1, 50, ("B1",))


def test_the_list_says_which_branches_have_carried_it_out(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    client_id = meet(first)
    even(first, second)
    erase(pair.office, client_id)
    first.sync()

    def listed() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        with pair.office.store.read() as connection:
            return [(order.done, order.waiting) for order in list_orders(connection, LOCAL_ADMINISTRATOR)]

    assert listed() == [(("B1",), ("B2",))]
    second.sync()
    assert listed() == [(("B1", "B2"), ())]


def test_a_reason_is_needed_and_nobody_is_erased_twice(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    even(first)
    with pytest.raises(InvalidInput, match="names the person"):
        erase(pair.office, client_id, f"{OLD_PHONE} wants it")
    erase(pair.office, client_id)
    with pytest.raises(NotFound):
        erase(pair.office, client_id)
