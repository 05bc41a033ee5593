"""A whole employee handed over at the head office: every branch learns it, late work follows, the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from branch_node.operations.committing import Wanted, WantedEdit
from hq_server.operations.client_merging import ClientMerging
from hq_server.operations.hand_over import (
    end_hand_over,
    hand_over_employee,
    list_hand_overs,
    preview,
    take_back,
)
from hq_server.operations.people import Personnel, Placement
from hq_server.operations.proposals import accept_proposals
from hq_server.storage.feed import number_feed
from hq_server.storage.proposals import keep_proposals
from shared.domain.cards import Value
from shared.domain.permissions import LOCAL_ADMINISTRATOR as ADMIN
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, Refused, StoreFull
from shared.storage.card_rows import load_states
from shared.storage.tables import client, task
from shared.sync.messages import CardFull
from shared.wire.exchange import encode_feed_record
from tests.support.office import Office
from tests.support.pair import Node, Pair


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def change(pair: Pair) -> Callable[[Callable[[Any, int], Any]], Any]:
    def act(work: Callable[[Any, int], Any]) -> Any:
        pair.office.clock.advance(1)
        now_us = pair.office.clock.now_us()
        with pair.office.store.write() as connection:
            result = work(connection, now_us)
        number_feed(pair.office.store, now_us)
        return result

    return act


def hire(pair: Pair, *codes: str) -> list[bytes]:
    def work(connection: Any, now_us: int) -> list[bytes]:
        people = Personnel(connection, pair.office.ids, now_us)
        placement = Placement("sales_rep", ("*",), None, 0, None)
        return [people.hire(code, code.title(), placement) for code in codes]

    found: list[bytes] = change(pair)(work)
    return found


def add(node: Node, kind: RecordKind, **fields: Value) -> bytes:
    identity = node.ids.new_id()
    node.line().commit(lambda _transaction: Wanted(edits=(WantedEdit(kind, identity, fields),)))
    return identity


def hand_back(pair: Pair, node: Node, *keys: tuple[RecordKind, bytes], speaker: Node | None = None) -> None:
    """The branch, or another that speaks for it, hands its cards back, as to a head office that was restored."""
    with node.store.read() as connection:
        states = load_states(connection, [(int(kind), card_id) for kind, card_id in keys])
    records = tuple(encode_feed_record(CardFull(*key, state)) for key, state in sorted(states.items()))
    branch_id = (speaker or node).branch_id
    change(pair)(lambda connection, now_us: keep_proposals(connection, branch_id, records, now_us))


def owners(store: Any) -> dict[str, bytes]:
    with store.read() as connection:
        found = {row.name: row.owner_id for row in connection.execute(select(client.c.name, client.c.owner_id))}
        rows = connection.execute(select(task.c.title, task.c.assignee_id))
        return {**found, **{row.title: row.assignee_id for row in rows}}


def test_what_fits_one_operation_goes_over_with_the_hand_over_itself(pair: Pair) -> None:
    # Found by seed 830: the disk was full after the first of several operations.
    node = pair.join("B1")
    rita, roman = hire(pair, "rita", "roman")
    client_id = add(node, RecordKind.CLIENT, name="Anna", owner_id=rita)
    add(node, RecordKind.TASK, title="Call Anna", client_id=client_id, assignee_id=rita, state="open")
    node.sync()
    once, calls = change(pair), iter([True])

    def full_after_the_first(work: Callable[[Any, int], Any]) -> Any:
        if not next(calls, False):
            raise StoreFull("The disk is full or failing.")
        return once(work)

    with pytest.raises(StoreFull):
        hand_over_employee(full_after_the_first, pair.office.ids, rita, roman)
    assert owners(pair.office.store) == {"Anna": roman, "Call Anna": roman}


def test_everything_of_an_employee_goes_over_in_every_branch_and_comes_back(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    oleg, irina = hire(pair, "oleg", "irina")
    one = add(first, RecordKind.CLIENT, name="А", owner_id=oleg)
    add(second, RecordKind.CLIENT, name="Б", owner_id=oleg)
    add(
        first, RecordKind.TASK, title="звонок", client_id=one, assignee_id=oleg, state="open", branch_id=first.branch_id
    )
    first.sync()
    second.sync()
    with pair.office.store.read() as connection:
        seen = preview(connection, ADMIN, pair.office.clock.now_us(), oleg)
    assert (seen.looked_after.clients, seen.tasks_by_code, seen.unheard) == (2, {"B1": 1}, ())
    done = hand_over_employee(change(pair), pair.office.ids, oleg, irina, "ушёл")
    assert (done.clients, done.tasks) == (2, 1)
    first.sync()
    second.sync()
    assert owners(first.store) == {"А": irina, "звонок": irina}
    assert owners(second.store) == {"Б": irina}
    back = take_back(change(pair), pair.office.ids, done.hand_over_id)
    assert (back.clients, back.tasks) == (2, 1)
    first.sync()
    assert owners(first.store) == {"А": oleg, "звонок": oleg}
    with pytest.raises(Refused):
        take_back(change(pair), pair.office.ids, done.hand_over_id)


def test_late_work_of_the_predecessor_follows_until_the_hand_over_is_ended(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    oleg, irina = hire(pair, "oleg", "irina")
    first.sync()
    second.sync()
    pair.office.clock.advance(3_600)
    add(second, RecordKind.CLIENT, name="до", owner_id=oleg)
    first.sync()
    with pair.office.store.read() as connection:
        seen = preview(connection, ADMIN, pair.office.clock.now_us(), oleg)
    assert [each.code for each in seen.unheard] == ["B2"]
    done = hand_over_employee(change(pair), pair.office.ids, oleg, irina)
    # The second branch has not heard of it.
    late = add(second, RecordKind.CLIENT, name="после", owner_id=oleg)
    add(second, RecordKind.TASK, title="звонок", client_id=late, assignee_id=oleg, state="open")
    first.sync()
    with pair.office.store.read() as connection:
        (listed,) = list_hand_overs(connection)
    assert [each.code for each in listed.unheard] == ["B2"]
    second.sync()
    second.sync()
    assert owners(second.store) == owners(pair.office.store) == {"до": irina, "после": irina, "звонок": irina}
    with pair.office.store.read() as connection:
        (listed,) = list_hand_overs(connection)
    assert (listed.clients, listed.tasks, listed.late, listed.unheard) == (2, 1, 3, ())
    change(pair)(lambda connection, now_us: end_hand_over(connection, now_us, done.hand_over_id))
    add(second, RecordKind.CLIENT, name="снова", owner_id=oleg)
    second.sync()
    assert owners(pair.office.store)["снова"] == oleg
    assert take_back(change(pair), pair.office.ids, done.hand_over_id).clients == 2


def test_late_work_that_is_handed_back_before_it_is_journaled_follows(pair: Pair) -> None:
    # Found by seed 1502: a merge at the head office gave the predecessor another client meanwhile.
    first, second = pair.join("B1"), pair.join("B2")
    rita, roman = hire(pair, "rita", "roman")
    hand_over_employee(change(pair), pair.office.ids, rita, roman)
    client_id = add(first, RecordKind.CLIENT, name="Anna", owner_id=rita)
    task_id = add(first, RecordKind.TASK, title="Call Anna", client_id=client_id, assignee_id=rita, state="open")
    hand_back(pair, first, (RecordKind.CLIENT, client_id), (RecordKind.TASK, task_id))
    other = add(second, RecordKind.CLIENT, name="Anne")
    second.sync()
    change(pair)(lambda connection, now_us: ClientMerging(connection, pair.office.ids, now_us).merge(other, client_id))
    expected = {"Anna": roman, "Call Anna": roman, "Anne": roman}
    assert owners(pair.office.store) == expected
    first.sync()
    second.sync()
    assert owners(pair.office.store) == owners(first.store) == owners(second.store) == expected
    with pair.office.store.read() as connection:
        (listed,) = list_hand_overs(connection)
    assert (listed.clients, listed.tasks, listed.late) == (1, 1, 2)


def test_late_work_that_an_administrator_takes_up_follows(pair: Pair) -> None:
    first, second = pair.join("B1"), pair.join("B2")
    rita, roman = hire(pair, "rita", "roman")
    hand_over_employee(change(pair), pair.office.ids, rita, roman)
    client_id = add(first, RecordKind.CLIENT, name="Anna", owner_id=rita)
    hand_back(pair, first, (RecordKind.CLIENT, client_id), speaker=second)
    assert owners(pair.office.store) == {}
    change(pair)(lambda connection, now_us: accept_proposals(connection, pair.office.ids, now_us))
    # Its author may never be heard again.
    assert owners(pair.office.store) == {"Anna": roman}
    first.sync()
    assert owners(pair.office.store) == owners(first.store) == {"Anna": roman}


def test_a_merge_taken_back_at_the_head_office_leaves_nothing_with_the_predecessor(pair: Pair) -> None:
    node = pair.join("B1")
    rita, roman, vera = hire(pair, "rita", "roman", "vera")
    one = add(node, RecordKind.CLIENT, name="Anna", owner_id=rita)
    other = add(node, RecordKind.CLIENT, name="Anne", owner_id=vera)
    node.sync()

    def merge(connection: Any, now_us: int) -> bytes:
        return ClientMerging(connection, pair.office.ids, now_us).merge(one, other, ["owner_id"])

    change(pair)(merge)
    hand_over_employee(change(pair), pair.office.ids, rita, roman)
    assert owners(pair.office.store)["Anna"] == vera
    change(pair)(lambda connection, now_us: ClientMerging(connection, pair.office.ids, now_us).unmerge(other))
    node.sync()
    assert owners(pair.office.store) == owners(node.store) == {"Anna": roman, "Anne": vera}


def test_what_comes_back_to_somebody_who_is_handed_over_anew_goes_on(pair: Pair) -> None:
    node = pair.join("B1")
    rita, roman, vera = hire(pair, "rita", "roman", "vera")
    add(node, RecordKind.CLIENT, name="Anna", owner_id=rita)
    node.sync()
    first = hand_over_employee(change(pair), pair.office.ids, rita, roman)
    hand_over_employee(change(pair), pair.office.ids, rita, vera)
    take_back(change(pair), pair.office.ids, first.hand_over_id)
    node.sync()
    assert owners(pair.office.store) == owners(node.store) == {"Anna": vera}


def test_nobody_is_handed_over_to_himself_in_a_ring_or_to_nobody(pair: Pair) -> None:
    pair.join("B1")
    oleg, irina = hire(pair, "oleg", "irina")
    with pytest.raises(InvalidInput):
        hand_over_employee(change(pair), pair.office.ids, oleg, oleg)
    with pytest.raises(NotFound):
        hand_over_employee(change(pair), pair.office.ids, oleg, b"x" * 16)
    hand_over_employee(change(pair), pair.office.ids, oleg, irina)
    with pytest.raises(Refused):
        hand_over_employee(change(pair), pair.office.ids, irina, oleg)
