"""Clients merged in several branches: the cards converge, the way back takes one merge back, in both modes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.client_merging import merge, merges_into, preview, say_different, unmerge
from branch_node.operations.clients import add_client
from hq_server.operations.client_merging import (
    BY_RULE,
    ClientMerging,
    list_proposals,
    merge_certain,
    merges_that_hold,
    proposals,
)
from hq_server.operations.loyalty import client_points, set_program
from hq_server.storage.feed import number_feed
from hq_server.storage.loyalty import refresh_amounts
from hq_server.storage.tables import budget
from shared.domain.business_time import local_moment
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.domain.loyalty import ADJUSTED, LoyaltyEntry, make_program, owner_of_client
from shared.domain.permissions import LOCAL_ADMINISTRATOR as ADMIN
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, Refused, StaleEdit
from shared.operations.aliases import cards_of_client, find_survivor
from shared.operations.cards import load_card, shown_fields
from shared.storage.tables import client_key
from shared.sync.messages import ProcessingMode
from tests.support.office import Office
from tests.support.pair import Node, Pair

PHONE, OTHER_PHONE = "+79123456789", "+79990001122"


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def add(node: Node, **fields: Value) -> bytes:
    with node.store.operation() as transaction:
        return add_client(transaction, fields)


def edit(node: Node, client_id: bytes, **fields: Value) -> None:
    node.line().edit_client(format_id(client_id), fields)


def fields_of(store: Any, client_id: bytes) -> dict[str, Value]:
    with store.read() as connection:
        state = load_card(connection, RecordKind.CLIENT, client_id)
    assert state is not None
    return {name: value for name, value in shown_fields(RecordKind.CLIENT, state).items() if value not in (None, ())}


def survivor(store: Any, client_id: bytes) -> bytes:
    with store.read() as connection:
        return find_survivor(connection, client_id)


def sync_all(*nodes: Node) -> None:
    for _ in range(2):
        for node in nodes:
            node.sync()


def two_known_everywhere(pair: Pair, codes: tuple[str, ...]) -> tuple[list[Node], bytes, bytes]:
    """Branches that all know two clients, each of whom was entered at one of the first two."""
    nodes = [pair.join(code) for code in codes]
    one = add(nodes[0], name="Анна Белова", phones=(PHONE,), external_id="100")
    other = add(nodes[1], name="Белова А.", phones=(PHONE, OTHER_PHONE), note="любит чай", external_id="200")
    for node in nodes:
        node.sell_to("100", "one")
        node.sell_to("200", "other")
    sync_all(*nodes)
    return nodes, one, other


def test_a_merge_keeps_fills_and_unites_in_one_entry(pair: Pair) -> None:
    (node,), one, other = two_at_one(pair)
    before = node.store.node()[1].head.seq
    found = preview(node.store, ADMIN, one, other)
    merge(node.store, node.line().commit, ADMIN, one, other, seen=found.seen)
    assert node.store.node()[1].head.seq == before + 1
    kept = fields_of(node.store, one)
    assert (kept["name"], kept["note"], kept["phones"]) == ("Анна Белова", "любит чай", (PHONE, OTHER_PHONE))
    assert fields_of(node.store, other)["merged_into"] == one
    with node.store.read() as connection:
        assert cards_of_client(connection, other) == cards_of_client(connection, one) == (one, other)


def two_at_one(pair: Pair) -> tuple[list[Node], bytes, bytes]:
    node = pair.join("B1")
    one = add(node, name="Анна Белова", phones=(PHONE,))
    other = add(node, name="Белова А.", phones=(PHONE, OTHER_PHONE), note="любит чай")
    return [node], one, other


def test_what_was_chosen_of_the_other_card_is_kept_and_comes_back_with_the_undo(pair: Pair) -> None:
    (node,), one, other = two_at_one(pair)
    command = merge(node.store, node.line().commit, ADMIN, one, other, chosen=("name",))
    assert fields_of(node.store, one)["name"] == "Белова А."
    unmerge(node.line().commit, ADMIN, other, command)
    assert fields_of(node.store, one) == {"name": "Анна Белова", "phones": (PHONE,)}
    assert "merged_into" not in fields_of(node.store, other)
    with pytest.raises((Refused, NotFound)):
        unmerge(node.line().commit, ADMIN, other, command)


def test_a_later_edit_stays_when_the_merge_is_undone(pair: Pair) -> None:
    (node,), one, other = two_at_one(pair)
    command = merge(node.store, node.line().commit, ADMIN, one, other)
    edit(node, one, note="любит кофе")
    unmerge(node.line().commit, ADMIN, other, command)
    assert fields_of(node.store, one) == {"name": "Анна Белова", "phones": (PHONE,), "note": "любит кофе"}


def test_merges_in_opposite_directions_converge_and_are_undone_in_a_third_branch(pair: Pair) -> None:
    (first, second, third), one, other = two_known_everywhere(pair, ("B1", "B2", "B3"))
    forward = merge(first.store, first.line().commit, ADMIN, one, other)
    merge(second.store, second.line().commit, ADMIN, other, one)
    sync_all(first, second, third)
    stores = [pair.office.store, first.store, second.store, third.store]
    assert {survivor(store, each) for store in stores for each in (one, other)} == {min(one, other)}
    for client_id in (one, other):
        assert len({repr(sorted(fields_of(store, client_id).items())) for store in stores}) == 1

    unmerge(third.line().commit, ADMIN, other, forward)
    sync_all(third, first, second)
    assert {survivor(store, each) for store in stores for each in (one, other)} == {other}
    unmerge(third.line().commit, ADMIN, one)
    sync_all(third, first, second)
    assert {survivor(store, one) for store in stores} == {one}
    assert {survivor(store, other) for store in stores} == {other}
    for store in stores:
        assert fields_of(store, one) == {"name": "Анна Белова", "phones": (PHONE,), "external_id": "100"}


def test_an_edit_made_elsewhere_meanwhile_is_kept_by_the_undo(pair: Pair) -> None:
    (first, second), one, other = two_known_everywhere(pair, ("B1", "B2"))
    command = merge(first.store, first.line().commit, ADMIN, one, other)
    edit(second, one, phones=(PHONE, "+79001112233"))
    sync_all(first, second)
    assert fields_of(second.store, one)["phones"] == ("+79001112233", PHONE, OTHER_PHONE)
    unmerge(second.line().commit, ADMIN, other, command)
    sync_all(second, first)
    for store in (first.store, second.store, pair.office.store):
        assert fields_of(store, one)["phones"] == ("+79001112233", PHONE)


def test_a_branch_that_knew_one_of_them_learns_the_other(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    one = add(first, name="Анна Белова", external_id="100")
    other = add(first, name="Белова А.", external_id="200", note="любит чай")
    first.sync()
    second.sell_to("200", "other")
    sync_all(second, first)
    merge(first.store, first.line().commit, ADMIN, one, other)
    sync_all(first, second)
    assert survivor(second.store, other) == one
    assert fields_of(second.store, one)["note"] == "любит чай"


@pytest.mark.parametrize("chosen", [(), ("name",)])
def test_the_head_office_commits_a_merge_and_its_undo_in_centralized_mode(pair: Pair, chosen: tuple[str, ...]) -> None:
    (node,), one, other = two_at_one(pair)
    pair.set_mode("B1", ProcessingMode.CENTRALIZED)
    node.sync()
    before = fields_of(node.store, one)
    command = merge(node.store, node.line().commit, ADMIN, one, other, chosen)
    # Before the journal brings it.
    assert survivor(pair.office.store, other) == one
    unmerge(node.line().commit, ADMIN, other, command)
    assert fields_of(pair.office.store, one) == fields_of(node.store, one) == before
    node.sync()
    assert node.verify() == ()


def test_merging_sees_what_it_was_shown_or_is_refused(pair: Pair) -> None:
    (node,), one, other = two_at_one(pair)
    seen = preview(node.store, ADMIN, one, other).seen
    edit(node, other, note="не любит чай")
    with pytest.raises(StaleEdit):
        merge(node.store, node.line().commit, ADMIN, one, other, seen=seen)


def test_one_client_is_not_merged_with_itself(pair: Pair) -> None:
    (node,), one, other = two_at_one(pair)
    with pytest.raises(InvalidInput):
        preview(node.store, ADMIN, one, one)
    merge(node.store, node.line().commit, ADMIN, one, other)
    with pytest.raises(InvalidInput):
        preview(node.store, ADMIN, one, other)
    assert [(each.loser_id, each.loser_name) for each in merges_into(node.store, ADMIN, one)] == [(other, "Белова А.")]


def test_a_merged_card_has_no_keys_and_gets_them_back(pair: Pair) -> None:
    (node,), one, other = two_at_one(pair)

    def holders() -> set[tuple[bytes, bool]]:
        with node.store.read() as connection:
            statement = select(client_key.c.client_id, client_key.c.shared_key).where(
                client_key.c.key == f"phone:{PHONE}"
            )
            return {(row.client_id, row.shared_key is not None) for row in connection.execute(statement)}

    assert holders() == {(one, True), (other, True)}
    command = merge(node.store, node.line().commit, ADMIN, one, other)
    assert holders() == {(one, False)}
    unmerge(node.line().commit, ADMIN, other, command)
    assert holders() == {(one, True), (other, True)}
    say_different(node.line().commit, ADMIN, one, other)
    assert fields_of(node.store, one)["not_same_as"] == (format_id(other),)


def test_points_of_merged_cards_are_spent_together_and_parted_by_the_undo(pair: Pair) -> None:
    pair_with_program(pair)
    (first, second), one, other = two_known_everywhere(pair, ("B1", "B2"))
    earn(first, one, 100)
    earn(second, other, 30)
    sync_all(first, second)
    command = merge(first.store, first.line().commit, ADMIN, one, other)
    # The second branch has not heard of it.
    earn(second, other, 5)
    sync_all(first, second)
    assert points_of(pair, one) == points_of(pair, other) == (135, 135)
    assert left_of(pair, other) == 0
    with pair.office.store.write() as connection:
        assert refresh_amounts(connection, 20_000, pair.office.clock.now_us())[0] == 0
    unmerge(second.line().commit, ADMIN, other, command)
    sync_all(second, first)
    assert (left_of(pair, one), left_of(pair, other)) == (100, 35)


def pair_with_program(pair: Pair) -> None:
    program = make_program("main", ["*:*:1000"], 5_000, 0, 100)
    with pair.office.store.write() as connection:
        set_program(connection, pair.office.ids, pair.office.clock.now_us(), program, "Club")
    number_feed(pair.office.store, pair.office.clock.now_us())


def earn(node: Node, client_id: bytes, points: int) -> None:
    with node.store.operation() as transaction:
        at = local_moment(transaction.now_us, transaction.node.timezone)
        record_branch_fact(transaction, LoyaltyEntry(client_id, ADJUSTED, points, None, None, None, "gift", at))


def points_of(pair: Pair, client_id: bytes) -> tuple[int, int]:
    with pair.office.store.read() as connection:
        found = client_points(connection, client_id, pair.office.clock.now_us())
    return found["points"], found["points_available"]


def left_of(pair: Pair, client_id: bytes) -> int:
    statement = select(budget.c.amount - budget.c.committed).where(budget.c.owner == owner_of_client(client_id))
    return int(pair.office.rows(statement)[0][0])


def test_the_head_office_finds_clients_made_in_two_branches_merges_and_parts_them(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    one = add(first, name="Анна Белова", phones=(PHONE,))
    other = add(second, name="Anna Belova", phones=(PHONE,), note="любит чай")
    sync_all(first, second)
    store = pair.office.store
    with store.read() as connection:
        (found,) = proposals(connection, ADMIN).proposals
    assert {found.one.client_id, found.other.client_id} == {one, other}
    with store.write() as connection:
        command = merging(pair, connection).merge(one, other)
    number_feed(store, pair.office.clock.now_us())
    sync_all(first, second)
    # Who knew the one knows the other.
    assert {survivor(node.store, other) for node in (first, second)} == {one}
    assert fields_of(second.store, one)["note"] == "любит чай"
    with store.write() as connection:
        merging(pair, connection).unmerge(other, command)
    number_feed(store, pair.office.clock.now_us())
    sync_all(first, second)
    assert {survivor(node.store, other) for node in (first, second)} == {other}
    with store.write() as connection:
        merging(pair, connection).say_different(one, other)
        assert proposals(connection, ADMIN).proposals == ()
        assert list(list_proposals(connection)) == []


def test_only_certain_pairs_are_merged_by_the_rule_and_are_listed_as_such(pair: Pair) -> None:
    node = pair.join("B1")
    one = add(node, name="Анна Белова", phones=(PHONE,))
    other = add(node, name="белова анна", phones=(PHONE,))
    add(node, name="Пётр Белов", phones=(PHONE,))
    node.sync()
    with pair.office.store.write() as connection:
        done = merge_certain(merging(pair, connection), connection)
    assert [(each.survivor_id, each.loser_id) for each in done] == [(min(one, other), max(one, other))]
    with pair.office.store.read() as connection:
        (held,) = merges_that_hold(connection, ADMIN)
        assert held.author == BY_RULE
        assert len(proposals(connection, ADMIN).proposals) == 1


def test_marks_that_two_processes_missed_are_mended(pair: Pair) -> None:
    node = pair.join("B1")
    add(node, name="Анна Белова", phones=(PHONE,))
    add(node, name="Белова А.", phones=(PHONE,))
    node.sync()
    with pair.office.store.write() as connection:
        connection.execute(client_key.update().values(shared_key=None))
        assert proposals(connection, ADMIN).proposals == ()
        assert len(list_proposals(connection)) == 1
        assert len(proposals(connection, ADMIN).proposals) == 1


def merging(pair: Pair, connection: Any) -> ClientMerging:
    pair.office.clock.advance(1)
    return ClientMerging(connection, pair.office.ids, pair.office.clock.now_us())
