"""Erasing a person of whom there are several cards, on both databases: merges known, late, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.operations import client_merging as merging
from branch_node.sync_client.carrying import messages_for_hq
from branch_node.sync_client.worker import StoreWorker
from hq_server.operations.carrying import Carried
from hq_server.operations.client_merging import ClientMerging
from hq_server.storage.feed import number_feed
from hq_server.sync_server.identity import Peer
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.storage.tables import client, erasure
from shared.sync.branch_commands import FinishReason
from tests.contract.test_erasing import assert_nothing_left, even
from tests.support.link import Link
from tests.support.office import Office
from tests.support.pair import Node, Pair
from tests.support.persons import PHONE, edit, erase, live, meet, note_at_till, traces_in_database

CLOCK_AHEAD_SECONDS = 3 * 3_600
STRANGER = {"name": "Иван", "emails": (), "phones": ("+79990000001",)}


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def merge(node: Node, survivor: bytes, loser: bytes) -> None:
    node.clock.advance(1)
    merging.merge(node.store, node.line().commit, LOCAL_ADMINISTRATOR, survivor, loser)


def part(node: Node, loser: bytes) -> None:
    node.clock.advance(1)
    merging.unmerge(node.line().commit, LOCAL_ADMINISTRATOR, loser)


def persons(pair: Pair, node: Node) -> tuple[bytes, bytes]:
    """Somebody of whom everything is known, and a stranger, at one branch and the head office."""
    client_id, other = meet(node), meet(node, external_id="C-18", **STRANGER)
    live(node, client_id)
    even(node)
    return client_id, other


def known_to_both(pair: Pair) -> tuple[Node, Node, bytes, bytes]:
    """Two branches that both know both of them."""
    first, second = pair.join("B1"), pair.join("B2")
    client_id, other = persons(pair, first)
    edit(second, client_id, tags=("vip",))
    edit(second, other, tags=("vip",))
    even(second, first)
    return first, second, client_id, other


def merge_at_hq(pair: Pair, survivor: bytes, loser: bytes) -> None:
    """The head office merges them, and has told nobody yet."""
    office = pair.office
    office.clock.advance(1)
    with office.store.write() as connection:
        ClientMerging(connection, office.ids, office.clock.now_us()).merge(survivor, loser)
    number_feed(office.store, office.clock.now_us())


def only_copied_files(pair: Pair) -> None:
    """Where the head office is put back from a copy of its file."""
    if pair.office.store.dialect != "sqlite":
        pytest.skip("the copy of a file")


def clients_of(pair: Pair, *nodes: Node) -> list[list[bytes]]:
    found = [[row[0] for row in pair.office.rows(select(client.c.id).order_by(client.c.id))]]
    for node in nodes:
        with node.store.read() as connection:
            found.append(list(connection.execute(select(client.c.id).order_by(client.c.id)).scalars()))
    return found


def test_words_that_a_branch_wrote_before_it_heard_do_not_leave_it(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    client_id = meet(first)
    live(first, client_id)
    even(first)
    live(second, client_id)
    even(second, first)
    note_at_till(second, f"asked for {PHONE}")
    erase(pair.office, client_id)
    second.sync()
    assert traces_in_database(pair.office) == []
    even(first, second)
    assert_nothing_left(pair, first, second)


def test_a_merge_that_waits_in_a_parked_entry_counts(pair: Pair) -> None:
    # Found by seed 434: once the order is carried out, nothing of the parked entry says any more whose the card is.
    first = pair.join("B1")
    client_id, other = persons(pair, first)
    pair.office.clock.advance(CLOCK_AHEAD_SECONDS)
    merge(first, other, client_id)
    pair.office.clock.advance(-CLOCK_AHEAD_SECONDS)
    first.sync()
    assert clients_of(pair) == [sorted([client_id, other])]
    erase(pair.office, client_id)
    even(first)
    assert clients_of(pair, first) == [[], []]
    assert_nothing_left(pair, first)


def test_whoever_the_card_was_merged_into_is_the_person_too(pair: Pair) -> None:
    first = pair.join("B1")
    client_id, other = persons(pair, first)
    merge(first, other, client_id)
    even(first)
    erase(pair.office, client_id)
    even(first)
    assert_nothing_left(pair, first)
    assert clients_of(pair, first) == [[], []]


def test_of_two_merges_that_contradict_each_other_both_count(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    client_id, other = persons(pair, first)
    third = meet(second, external_id="C-19", **{**STRANGER, "name": "Пётр"})
    edit(second, client_id, tags=("vip",))
    even(second, first)
    merge(first, other, client_id)
    merge(second, third, client_id)
    even(first, second)
    erase(pair.office, client_id)
    even(first, second)
    assert_nothing_left(pair, first, second)
    assert clients_of(pair, first, second) == [[], [], []]


@pytest.mark.parametrize("survives", ["the erased", "the other"])
@pytest.mark.parametrize("heard", ["before it sent", "after it sent"])
def test_a_merge_that_arrives_after_the_order_brings_the_twin_into_it(pair: Pair, survives: str, heard: str) -> None:
    first, second, client_id, other = known_to_both(pair)
    bystander = meet(first, external_id="C-19", **{**STRANGER, "name": "Пётр"})
    merge(second, *((client_id, other) if survives == "the erased" else (other, client_id)))
    if heard == "after it sent":
        worker = StoreWorker(second.store, b"b" * 16)
        carried = messages_for_hq(worker, worker.hello(), [0])
        worker.close()
        erase(pair.office, client_id)
        Carried(pair.office.store, pair.office.clock, second.branch_id).take(carried)
    else:
        erase(pair.office, client_id)
    even(first, second)
    even(first, second)
    pair.gateway.compact()  # as in every quiet hour
    assert_nothing_left(pair, first, second)
    assert clients_of(pair, first, second) == [[bystander], [bystander], []]
    assert len(pair.office.rows(select(erasure.c.id))) == 2


@pytest.mark.parametrize("survives", ["the erased", "the other"])
def test_a_late_merge_that_was_taken_back_before_it_arrived_erases_nobody(pair: Pair, survives: str) -> None:
    first, second, client_id, other = known_to_both(pair)
    one, two = (client_id, other) if survives == "the erased" else (other, client_id)
    merge(second, one, two)
    part(second, two)
    erase(pair.office, client_id)
    even(first, second)
    even(first, second)
    assert clients_of(pair, first, second) == [[other], [other], [other]]


def test_an_undo_that_the_head_office_knows_protects_whoever_was_merged(pair: Pair) -> None:
    first, second, client_id, other = known_to_both(pair)
    merge(second, other, client_id)
    even(second, first)
    part(first, client_id)
    first.sync()
    erase(pair.office, client_id)
    number_feed(pair.office.store, pair.office.clock.now_us())
    even(second, first)
    even(second, first)
    assert clients_of(pair, first, second) == [[other], [other], [other]]


@pytest.mark.parametrize("survives", ["the erased", "the other"])
@pytest.mark.parametrize("merges", ["the head office", "a branch", "a branch, and it is parked"])
def test_a_merge_by_whoever_had_forgotten_the_order_brings_the_twin_into_it(
    pair: Pair, merges: str, survives: str
) -> None:
    # Found by seeds 902 and 998: a restored head office merges the erased person's card before a branch tells it.
    only_copied_files(pair)
    first, second, client_id, other = known_to_both(pair)
    bystander = meet(first, external_id="C-19", **{**STRANGER, "name": "Пётр"})
    even(first)
    backup = pair.backup_hq()
    erase(pair.office, client_id)
    first.sync()
    pair.restore_hq(backup)
    one, two = (client_id, other) if survives == "the erased" else (other, client_id)
    if merges == "the head office":
        merge_at_hq(pair, one, two)
    else:
        ahead = CLOCK_AHEAD_SECONDS if "parked" in merges else 0
        pair.office.clock.advance(ahead)
        merge(second, one, two)
        pair.office.clock.advance(-ahead)
        second.sync()
    even(first, second)
    even(first, second)
    pair.gateway.compact()  # as in every quiet hour
    backup.unlink()
    assert_nothing_left(pair, first, second)
    assert clients_of(pair, first, second) == [[bystander], [bystander], []]
    assert len(pair.office.rows(select(erasure.c.id))) == 2


def test_an_order_that_a_restored_head_office_greets_with_goes_beside_the_history_journaled_anew(pair: Pair) -> None:
    # Found by seed 1286: both wanted the next place in the journal, and the branch could not connect any more.
    only_copied_files(pair)
    client_id, other = persons(pair, pair.join("B1"))
    again = pair.replace("B1")
    even(again)
    backup = pair.backup_hq()
    note_at_till(again, "a quiet day")
    even(again)
    pair.restore_hq(backup)
    merge(again, other, client_id)
    erase(pair.office, client_id)
    even(again)
    even(again)
    pair.gateway.compact()  # as in every quiet hour
    backup.unlink()
    assert_nothing_left(pair, again)
    assert clients_of(pair, again) == [[], []]


@pytest.mark.parametrize("survives", ["the erased", "the other"])
@pytest.mark.parametrize("heard", ["the order first", "the merge first"])
def test_a_merge_that_the_head_office_lost_is_told_by_the_branches_that_hold_it(
    pair: Pair, survives: str, heard: str
) -> None:
    only_copied_files(pair)
    first, second, client_id, other = known_to_both(pair)
    bystander = meet(first, external_id="C-19", **{**STRANGER, "name": "Пётр"})
    even(first)
    backup = pair.backup_hq()
    one, two = (client_id, other) if survives == "the erased" else (other, client_id)
    merge_at_hq(pair, one, two)
    even(first, second)
    pair.restore_hq(backup)
    if heard == "the merge first":
        first.sync()
    erase(pair.office, client_id)
    even(first, second)
    even(first, second)
    pair.gateway.compact()  # as in every quiet hour
    backup.unlink()
    assert_nothing_left(pair, first, second)
    assert clients_of(pair, first, second) == [[bystander], [bystander], []]


@pytest.mark.parametrize("survives", ["the erased", "the other"])
def test_a_merge_that_a_restored_head_office_took_back_erases_nobody(pair: Pair, survives: str) -> None:
    only_copied_files(pair)
    first, second, client_id, other = known_to_both(pair)
    one, two = (client_id, other) if survives == "the erased" else (other, client_id)
    office = pair.office
    merge_at_hq(pair, one, two)
    even(first, second)
    backup = pair.backup_hq()
    pair.add_product("P-1", "Чай")
    even(first, second)
    pair.restore_hq(backup)
    office.clock.advance(1)
    with office.store.write() as connection:
        ClientMerging(connection, office.ids, office.clock.now_us()).unmerge(two)
    pair.add_product("P-2", "Кофе")
    erase(office, client_id)
    even(first, second)
    even(first, second)
    assert clients_of(pair, first, second) == [[other], [other], [other]]


def test_a_merge_of_an_older_copy_is_told_when_it_is_clear_what_the_head_office_has(pair: Pair) -> None:
    # Found by seed 2390: by the head office's number the merge was sent, but that number was another entry's.
    first = pair.join("B1")
    client_id, other = persons(pair, first)
    copy = first.copy("copy")
    first.sell("a", "b", "c")
    even(first)
    merge(copy, other, client_id)
    erase(pair.office, client_id)
    even(copy)
    even(copy)
    pair.gateway.compact()  # as in every quiet hour
    assert_nothing_left(pair, copy)
    assert clients_of(pair, copy) == [[], []]


def test_an_order_that_only_a_copy_was_greeted_with_is_not_left_to_the_copy_alone(pair: Pair) -> None:
    # Found by seed 3386: a store that is to be re-homed took the order, and nothing showed that HQ had lost it since.
    only_copied_files(pair)
    first = pair.join("B1")
    client_id, _other = persons(pair, first)
    copy = first.copy("copy")
    backup = pair.backup_hq()
    first.sell("a", "b", "c")
    even(first)
    erase(pair.office, client_id)
    link = copy.stream()
    assert link.finish is not None
    assert link.finish.reason is FinishReason.REHOMED
    pair.restore_hq(backup)
    even(copy)
    even(copy)
    at_hq, at_copy = clients_of(pair, copy)
    assert at_hq == at_copy


def test_a_late_merge_that_the_head_office_loses_again_is_told_by_the_branch_that_made_it(pair: Pair) -> None:
    # Found by seed 7286: what the branch sends again is without the erased card's part.
    only_copied_files(pair)
    first, second, client_id, other = known_to_both(pair)
    merge(second, other, client_id)
    worker = StoreWorker(second.store, b"b" * 16)
    carried = messages_for_hq(worker, worker.hello(), [0])
    worker.close()
    erase(pair.office, client_id)
    backup = pair.backup_hq()
    Carried(pair.office.store, pair.office.clock, second.branch_id).take(carried)
    worker = StoreWorker(second.store, b"b" * 16)
    link = Link(worker, pair.gateway, Peer("B2", second.branch_id, may_enrol=False), lambda: 0)
    while client_id in clients_of(pair, second)[1]:
        link.do(link.ready()[0])
    link.cut()
    worker.close()
    pair.restore_hq(backup)
    even(second, first)
    even(second, first)
    pair.gateway.compact()  # as in every quiet hour
    backup.unlink()
    assert_nothing_left(pair, first, second)
    assert clients_of(pair, first, second) == [[], [], []]
