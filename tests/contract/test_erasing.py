"""Erasing a person, on both databases: at the head office and in every branch, whatever each of them knew or missed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from branch_node.operations.backup import restore_backup as restore_branch_backup
from branch_node.operations.backup import take_backup as take_branch_backup
from branch_node.storage.pruning import prune_journal
from branch_node.storage.store import BranchStore
from branch_node.sync_client.carrying import messages_for_hq
from branch_node.sync_client.worker import StoreWorker
from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.carrying import Carried, messages_for_branch
from hq_server.operations.erasing import list_orders, preview, scour_if_due
from hq_server.operations.erasure_file import keep_orders, read_orders
from hq_server.storage.audience import read_feed_of
from hq_server.storage.branches import branch_by_code
from hq_server.storage.compaction import compact_feed
from hq_server.storage.feed import number_feed
from hq_server.storage.lives import read_history
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound
from shared.storage.card_history import forget_edits
from shared.storage.card_rows import delete_card, load_states
from shared.storage.tables import client, erased_card, erasure, interaction, sale, task
from shared.sync.messages import FeedCursor, HistoryCursor
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.persons import (
    OLD_PHONE,
    PHONE,
    REASON,
    SAID,
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


def test_what_is_written_afterwards_holds_nothing_of_the_person(pair: Pair, tmp_path: Path) -> None:
    office, first = pair.office, pair.join("B1")
    client_id = meet(first)
    live(first, client_id)
    even(first)
    live(first, client_id)
    erase(office, client_id)
    first.stream()
    written = tmp_path / "written"
    written.mkdir()
    take_backup(office.store, written / "hq.backup", office.clock, office.ids)
    take_branch_backup(first.store, written / "branch.backup", first.clock)
    worker = StoreWorker(first.store, b"b" * 16)
    (written / "up").write_bytes(b"".join(messages_for_hq(worker, worker.hello(), [0])))
    worker.close()
    counted = {"records": 0, "acknowledged_seq": 0, "feed_position": 0}
    with office.store.read() as connection:
        row = branch_by_code(connection, "B1")
        (written / "down").write_bytes(b"".join(messages_for_branch(connection, row, office.clock.now_us(), counted)))
        fresh = read_feed_of(connection, first.branch_id, FeedCursor(), 10_000, 10**9)
        (written / "snapshot").write_bytes(b"".join(fresh.records))
        lives = read_history(connection, first.branch_id, b"n" * 16, HistoryCursor(), 10_000, 10**9)
        (written / "history").write_bytes(b"".join(lives.entries))
    assert all(path.stat().st_size for path in written.iterdir())
    assert traces_in(written) == {}


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


def test_a_card_that_does_not_say_whose_it_is_goes_too(pair: Pair) -> None:
    # Found by seed 3530: a store had an edit of a task, and the entry that made the task came without it.
    first, second = pair.join("B1"), pair.join("B2")
    client_id = meet(first)
    card_id = put_card(first, RecordKind.TASK, first.ids.new_id(), client_id=client_id, title="Call")
    even(first)
    edit(second, client_id, tags=("vip",))
    even(second)
    with second.store.write() as connection:
        delete_card(connection, RecordKind.TASK, card_id)
        forget_edits(connection, RecordKind.TASK, card_id)
    put_card(first, RecordKind.TASK, card_id, note=SAID)
    even(first, second)
    erase(pair.office, client_id)
    even(first, second)
    assert_nothing_left(pair, first, second)
    with second.store.read() as connection:
        assert load_states(connection, [(int(RecordKind.TASK), card_id)]) == {}


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


def test_a_carried_file_written_before_the_order_is_taken_in_without_the_person(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    even(first)
    call(first, client_id)
    card_id = put_card(first, RecordKind.TASK, first.ids.new_id(), client_id=client_id, title="Мария Полякова")
    sell_to(first, "C-17", "k1")
    worker = StoreWorker(first.store, b"b" * 16)
    messages = list(messages_for_hq(worker, worker.hello(), [0]))
    worker.close()
    erase(pair.office, client_id)
    Carried(pair.office.store, pair.office.clock, first.branch_id).take(messages)
    number_feed(pair.office.store, pair.office.clock.now_us())
    assert traces_in_database(pair.office) == []
    assert pair.office.count(sale) == 1
    assert (pair.office.count(task), pair.office.count(interaction)) == (0, 0)
    # The task is remembered as the person's, and the branch is told once more.
    assert card_id in {row[0] for row in pair.office.rows(select(erased_card.c.id))}
    even(first)
    assert_nothing_left(pair, first)


def test_a_head_office_restored_from_before_the_order_learns_of_it_from_a_branch(pair: Pair) -> None:
    if pair.office.store.dialect != "sqlite":
        pytest.skip("the copy of a file")
    first, second = pair.join("B1"), pair.join("B2")
    client_id = meet(first)
    live(first, client_id)
    even(first, second)
    backup = pair.backup_hq()
    erase(pair.office, client_id)
    first.sync()
    pair.restore_hq(backup)
    assert traces_in_database(pair.office)
    even(first)
    assert traces_in_database(pair.office) == []
    assert scour_if_due(pair.office.store, pair.office.clock.now_us())
    even(first, second)
    backup.unlink()
    assert_nothing_left(pair, first, second)


@pytest.mark.parametrize("knows", ["the store", "the file"])
def test_a_backup_put_back_is_erased_at_once(pair: Pair, tmp_path: Path, knows: str) -> None:
    office = pair.office
    first = pair.join("B1")
    client_id = meet(first)
    live(first, client_id)
    even(first)
    path, orders = tmp_path / "hq.backup", tmp_path / "erasures.jsonl"
    take_backup(office.store, path, office.clock, office.ids)
    assert traces_in(path)
    erase(office, client_id)
    with office.store.read() as connection:
        assert (keep_orders(connection, orders), keep_orders(connection, orders)) == (1, 0)
    assert traces_in(orders) == {}
    if knows == "the file":
        with office.store.write() as connection:
            connection.execute(erasure.delete())
    restore_backup(office.store, path, office.clock, office.ids, read_orders(orders) if knows == "the file" else {})
    assert traces_in_database(office) == []
    with office.store.read() as connection:
        assert [order.reason for order in list_orders(connection, LOCAL_ADMINISTRATOR)] == [REASON]
    assert scour_if_due(office.store, office.clock.now_us())
    for kept in tmp_path.glob("hq.db.before-restore-*"):
        assert traces_in(kept) == {}
    even(first)
    path.unlink()
    assert_nothing_left(pair, first)


def test_a_branch_backup_put_back_is_erased_before_it_is_used(pair: Pair, tmp_path: Path) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    live(first, client_id)
    even(first)
    path = tmp_path / "branch.backup"
    take_branch_backup(first.store, path, first.clock)
    erase(pair.office, client_id)
    even(first)
    first.store.close()
    restore_branch_backup(first.path, path, first.clock)
    assert traces_in(*first.path.parent.glob(f"{first.path.name}*")) == {}
    back = Node(pair, first.code, first.branch_id, first.path, BranchStore(first.path, first.clock, first.ids))
    even(back)
    assert_nothing_left(pair, back)


def test_what_a_branch_pruned_is_counted_as_at_the_head_office(pair: Pair) -> None:
    first = pair.join("B1")
    client_id = meet(first)
    live(first, client_id)
    first.sell("k1")
    even(first)
    with first.store.write() as connection:
        cursor = connection.connection.cursor()
        seq = first.store.node()[1].head.seq
        cursor.execute("UPDATE sync_state SET backup_seq = ?", (seq,))
        assert prune_journal(cursor, first.clock.now_us() + 10**15, 0) > 0
    erase(pair.office, client_id)
    even(first)
    assert_nothing_left(pair, first)


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
