"""A branch that commits through its head office: what becomes of a sale whatever happens to question and answer."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select, text

from branch_node.operations.clients import add_client, edit_client
from branch_node.operations.selling import SaleAnswer
from branch_node.storage.intents import count_intents
from hq_server.operations.central import Asked, Decided, _Group, commit, read_request
from hq_server.operations.central_checks import STALE, TAKEN
from hq_server.storage.store import HqStore
from hq_server.storage.tables import central_commit
from hq_server.sync_server.identity import strangers_among
from shared.domain.cards import Value
from shared.errors import HqUnreachable, InDoubt, Refused, StaleEdit
from shared.storage.tables import client, conflict, mode_switch, receipt_void, sale
from shared.sync.central import Answer, CommitRequest, Committed, NotNow, Rejected, ResolveRequest
from shared.sync.messages import ProcessingMode, WhenUnreachable
from shared.wire.entries import intend_entry, open_entry
from tests.support.deadlines import wait_until
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair, ProcessDiedError
from tests.support.shop import request

REFUSE, FALL_BACK = WhenUnreachable.REFUSE, WhenUnreachable.FALL_BACK


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def centralized(pair: Pair, policy: WhenUnreachable) -> Node:
    """A branch that has heard that it works so."""
    node = pair.join("B1")
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, policy)
    node.sync()
    return node


def sell(node: Node, wire: CentralWire, key: str) -> SaleAnswer:
    node.clock.advance(1)
    answer = node.line(wire).sell(request(key))
    node.pair.keys[answer.sale_id] = key
    return answer


def undecided(node: Node) -> int:
    with node.store.read_cursor() as cursor:
        return count_intents(cursor)


def numbers(node: Node) -> list[int]:
    with node.store.read() as connection:
        return sorted(connection.execute(select(sale.c.receipt_number)).scalars())


def voids(node: Node) -> list[int]:
    with node.store.read() as connection:
        return list(connection.execute(select(receipt_void.c.receipt_number)).scalars())


def test_a_sale_is_at_hq_when_it_is_answered(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    answer = sell(node, CentralWire(node), "a")
    assert answer.confirmed
    assert pair.keys_at_hq() == ["a"] == node.keys()
    assert pair.verify("B1") == ()
    node.sync()
    assert pair.keys_at_hq() == ["a"]
    assert pair.verify("B1") == ()
    assert node.verify() == ()


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
def test_without_an_answer_the_same_key_asks_again(pair: Pair, fault: str) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node, fault)
    with pytest.raises(InDoubt):
        sell(node, wire, "a")
    assert node.keys() == []
    assert undecided(node) == 1
    node.clock.advance(60)
    wire.fault = None
    answer = sell(node, wire, "a")
    assert (answer.receipt, answer.confirmed, undecided(node)) == ("1-000001", True, 0)
    assert sell(node, wire, "a") == answer
    node.sync()
    assert pair.keys_at_hq() == ["a"] == node.keys()
    assert pair.verify("B1") == () == node.verify()


@pytest.mark.parametrize("fault", ["unreachable", "request lost", "answer lost"])
def test_falling_back_sells_once_whatever_hq_did(pair: Pair, fault: str) -> None:
    node = centralized(pair, FALL_BACK)
    wire = CentralWire(node, fault)
    answer = sell(node, wire, "a")
    assert not answer.confirmed
    wire.fault = None
    late = wire.asked[0]
    node.sync()
    wire.commit_at_hq(late)  # type: ignore[arg-type]
    assert pair.keys_at_hq() == ["a"] == node.keys()
    assert pair.verify("B1") == () == node.verify()
    assert sell(node, wire, "a") == answer


def test_refusing_leaves_nothing_behind(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node, "unreachable")
    with pytest.raises(Refused):
        sell(node, wire, "a")
    assert (node.keys(), undecided(node), voids(node)) == ([], 0, [])
    node.clock.advance(60)
    wire.fault = None
    assert sell(node, wire, "b").receipt == "1-000001"
    assert sell(node, wire, "a").receipt == "1-000002"


def test_while_hq_is_away_it_is_not_asked_for_every_sale(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node, "request lost")
    with pytest.raises(InDoubt):
        sell(node, wire, "a")
    with pytest.raises(HqUnreachable):
        node.line(wire).sell(request("b"))
    assert len(wire.asked) == 1


def test_while_hq_is_away_falling_back_does_not_ask_for_every_sale(pair: Pair) -> None:
    node = centralized(pair, FALL_BACK)
    wire = CentralWire(node, "request lost")
    assert not sell(node, wire, "a").confirmed
    assert not node.line(wire).sell(request("b")).confirmed
    assert len(wire.asked) == 1


def test_what_nobody_waits_for_is_found_out(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    for key, fault in (("taken", "answer lost"), ("lost", "request lost"), ("later", None)):
        wire = CentralWire(node, fault)
        node.clock.advance(100)
        with contextlib.suppress(InDoubt):
            sell(node, wire, key)
    assert undecided(node) == 2
    late = CentralWire(node)
    node.clock.advance(60)
    assert node.line(late).resolve_doubts() == 2
    assert undecided(node) == 0
    assert voids(node) == [2]
    node.sync()
    assert numbers(node) == [1, 3]
    assert pair.verify("B1") == () == node.verify()


def test_what_a_dead_process_asked_is_not_given_up_because_nobody_can_be_asked(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    with pytest.raises(ProcessDiedError):
        sell(node, CentralWire(node, "dies waiting"), "a")
    node.clock.advance(60)
    assert node.line(CentralWire(node, "unreachable")).resolve_doubts() == 0
    assert undecided(node) == 1
    node.clock.advance(60)
    assert node.line(CentralWire(node)).resolve_doubts() == 1
    assert sell(node, CentralWire(node, "unreachable"), "a").confirmed
    node.sync()
    assert numbers(node) == [1]
    assert voids(node) == []


def test_a_late_request_meets_the_tombstone(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node, "request lost")
    with pytest.raises(InDoubt):
        sell(node, wire, "a")
    node.clock.advance(60)
    assert node.line(CentralWire(node)).resolve_doubts() == 1
    outcome = wire.commit_at_hq(wire.asked[0])  # type: ignore[arg-type]
    assert isinstance(outcome, Rejected)
    assert pair.keys_at_hq() == []
    again = sell(node, CentralWire(node), "a")
    assert (again.receipt, pair.keys_at_hq()) == ("1-000001", ["a"])


def test_a_key_whose_attempt_was_given_up_sells_anew_at_once(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node, "request lost")
    with pytest.raises(InDoubt):
        sell(node, wire, "a")
    wire.fault = None
    question = wire.asked[0]
    assert isinstance(question, CommitRequest)
    # Whoever looked after it died before he had heard the answer.
    wire.resolve_at_hq(ResolveRequest(open_entry(question.entry).header.command_id))
    node.clock.advance(60)
    answer = sell(node, wire, "a")
    assert (answer.receipt, answer.confirmed, undecided(node)) == ("1-000001", True, 0)
    assert isinstance(wire.commit_at_hq(question), Rejected)
    node.sync()
    assert pair.keys_at_hq() == ["a"] == node.keys()
    assert pair.verify("B1") == () == node.verify()


def test_a_store_that_is_replaced_gets_what_was_committed_at_once(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    sell(node, CentralWire(node), "before")
    node.sync()
    wire = CentralWire(node, "answer lost")
    with pytest.raises(InDoubt):
        sell(node, wire, "lost with the store")
    late = wire.commit_at_hq(wire.asked[0])  # type: ignore[arg-type]
    assert isinstance(late, Committed)
    node = pair.replace("B1")
    node.sync()
    node.sync()
    assert numbers(node) == [1, 2]
    assert pair.verify("B1") == () == node.verify()
    rows = pair.office.rows(select(central_commit.c.linked_at))
    assert all(linked_at is not None for (linked_at,) in rows)
    assert sell(node, CentralWire(node), "next").receipt == "1-000003"


def test_an_edit_that_did_not_see_what_is_there_comes_back(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    line = node.line(CentralWire(node))
    client_id = line.add_client({"external_id": "900", "name": "Anna"})
    node.sync()
    other = pair.join("B2")
    other.sync()
    other.sell_to("900", "knows her")
    other.sync()
    with other.store.operation() as transaction:
        edit_client(transaction, client_id, {"name": "Anna of B2"})
    other.sync()
    with pytest.raises(StaleEdit):
        line.edit_client("900", {"name": "Anna of B1"})
    assert node.client_names() == ["Anna of B2"]
    assert line.edit_client("900", {"name": "Anna of B1"}) == (client_id, True)
    node.sync()
    other.sync()
    assert node.client_names() == ["Anna of B1"] == other.client_names()
    assert pair.verify("B1") == () == node.verify()
    assert pair.office.count(conflict) == 0


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [({"external_id": "900"}, {"external_id": "900"}), ({"phones": ("+79161234567",)}, {"phones": ("+79161234567",)})],
)
def test_a_number_belongs_to_one_client_of_the_chain(
    pair: Pair, mine: dict[str, Value], theirs: dict[str, Value]
) -> None:
    node = centralized(pair, REFUSE)
    other = pair.join("B2")
    with other.store.operation() as transaction:
        add_client(transaction, {"name": "Boris", **theirs})
    other.sync()
    with pytest.raises(Refused, match="belongs to another client: Boris"):
        node.line(CentralWire(node)).add_client({"name": "Anna", **mine})
    assert (node.client_names(), undecided(node)) == ([], 0)


def test_an_edit_that_builds_on_one_still_on_its_way_waits_for_it(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node)
    node.line(wire).add_client({"external_id": "900", "name": "Anna"})
    node.sync()
    with node.store.operation() as transaction:  # as an operation that fell back does
        (client_id,) = transaction.connection.execute(select(client.c.id)).scalars()
        edit_client(transaction, client_id, {"name": "Anna, journaled"})
    with pytest.raises(Refused, match="not heard yet of an earlier edit"):
        node.line(wire).edit_client("900", {"name": "Anna, later"})
    assert isinstance(wire.commit_at_hq(wire.asked[-1]), NotNow)  # type: ignore[arg-type]
    assert (node.client_names(), undecided(node)) == (["Anna, journaled"], 0)
    node.sync()
    assert node.line(wire).edit_client("900", {"name": "Anna, later"}) == (client_id, True)
    assert pair.office.count(conflict) == 0


def test_why_an_edit_was_rejected_is_said_again(pair: Pair) -> None:
    node, other = centralized(pair, REFUSE), pair.join("B2")
    other.add_client("900", "Boris")
    other.sync()
    wire = CentralWire(node)
    with pytest.raises(Refused):
        node.line(wire).add_client({"external_id": "900", "name": "Anna"})
    for _ in range(2):
        outcome = wire.commit_at_hq(wire.asked[0])  # type: ignore[arg-type]
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.reason == STALE) == (TAKEN, False)


def test_a_phone_that_begins_like_another_is_free(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    line = node.line(CentralWire(node))
    line.add_client({"name": "Boris", "phones": ("+4930123456",)})
    line.add_client({"name": "Anna", "phones": ("+493012345",)})
    assert node.client_names() == ["Anna", "Boris"]


def asked_for_one_number(pair: Pair) -> list[Asked]:
    """Two branches give one phone to a client of theirs, and nothing arrived yet."""
    nodes = [pair.join("B1"), pair.join("B2")]
    questions = []
    for node in nodes:
        pair.set_mode(node.code, ProcessingMode.CENTRALIZED, REFUSE)
        node.sync()
        wire = CentralWire(node, "request lost")
        with pytest.raises(InDoubt):
            node.line(wire).add_client({"name": node.code, "phones": ("+79161234567",)})
        questions.append((node.branch_id, wire.asked[0]))
    return [read_request(branch_id, question) for branch_id, question in questions]  # type: ignore[arg-type]


def test_a_number_belongs_to_one_client_also_when_two_ask_for_it_at_once(pair: Pair) -> None:
    asked = asked_for_one_number(pair)
    now_us = pair.office.clock.now_us()
    first, second = commit(pair.office.store, asked, now_us, strangers_among([])).outcomes
    assert isinstance(first, Committed)
    assert isinstance(second, Refused)
    (again,) = commit(pair.office.store, asked[1:], now_us, strangers_among([])).outcomes
    assert isinstance(again, Rejected)
    assert again.reason == TAKEN
    assert pair.office.count(client) == 1


def somebody_waits_for_a_lock(store: HqStore) -> bool:
    with store.read() as connection:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(connection.execute(waiting).scalar_one())


def test_a_number_belongs_to_one_client_also_when_two_processes_commit_at_once(pair: Pair) -> None:
    store, now_us = pair.office.store, pair.office.clock.now_us()
    first, second = asked_for_one_number(pair)
    later: list[Decided] = []
    other = Thread(target=lambda: later.append(commit(store, [second], now_us, strangers_among([]))))
    with store.write() as connection:
        decided = _Group(store, connection, now_us).decide([first], strangers_among([]), ())
        other.start()
        if store.dialect == "postgresql":
            wait_until(lambda: later or somebody_waits_for_a_lock(store), "the other process to wait, or to be done")
    other.join()
    assert isinstance(decided.outcomes[0], Committed)
    (outcome,) = later[0].outcomes
    assert isinstance(outcome, Rejected)
    assert outcome.reason == TAKEN


def test_an_edit_that_the_history_brought_before_its_answer_is_made(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = SlowWire(node)
    client_id = node.line(wire).add_client({"external_id": "900", "name": "Anna"})
    assert node.line(wire).edit_client("900", {"name": "Anna B."}) == (client_id, True)
    assert (node.client_names(), undecided(node)) == (["Anna B."], 0)
    assert pair.verify("B1") == () == node.verify()


class SlowWire(CentralWire):
    """While its answer is on the way, the branch synchronises, and takes back what HQ has committed."""

    def commit(self, question: CommitRequest) -> Answer:
        answer = super().commit(question)
        self.node.sync()
        return answer


def test_a_switch_is_a_fact_and_takes_effect_between_two_sales(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node)
    assert sell(node, wire, "a").confirmed
    pair.set_mode("B1", ProcessingMode.DISTRIBUTED)
    assert sell(node, wire, "b").confirmed
    node.sync()
    assert not sell(node, wire, "c").confirmed
    node.sync()
    assert len(wire.asked) == 2
    assert pair.keys_at_hq() == ["a", "b", "c"]
    modes = pair.office.rows(select(mode_switch.c.mode).order_by(mode_switch.c.switched_at))
    assert [mode for (mode,) in modes] == ["centralized", "distributed"]
    assert pair.verify("B1") == () == node.verify()


def test_what_was_begun_before_the_clock_was_set_back_is_found_out_too(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    node.clock.advance(86_400)
    with pytest.raises(InDoubt):
        sell(node, CentralWire(node, "request lost"), "a")
    node.clock.advance(-86_000)
    assert node.line(CentralWire(node)).resolve_doubts() == 1
    assert undecided(node) == 0


def test_an_older_copy_gets_what_was_committed_at_once(pair: Pair) -> None:
    node = centralized(pair, REFUSE)
    sell(node, CentralWire(node), "before")
    node.sync()
    older = node.copy("older")
    sell(node, CentralWire(node), "lost with the disk")
    older.sync()
    assert older.keys() == ["before", "lost with the disk"]
    assert sell(older, CentralWire(older), "next").receipt == "1-000003"
    older.sync()
    assert pair.keys_at_hq() == ["before", "lost with the disk", "next"]
    assert pair.verify("B1") == () == older.verify()


@pytest.mark.parametrize("confirms", [True, False])
def test_an_older_copy_learns_from_the_history_what_became_of_its_question(pair: Pair, confirms: bool) -> None:
    node = centralized(pair, REFUSE)
    wire = CentralWire(node, "answer lost" if confirms else "request lost")
    with pytest.raises(InDoubt):
        sell(node, wire, "a")
    older = node.copy("older")
    if confirms:
        wire.fault = None
    else:
        pair.set_mode("B1", ProcessingMode.CENTRALIZED, FALL_BACK)
        node.sync()
    node.clock.advance(60)
    answer = sell(node, wire, "a")
    assert answer.confirmed is confirms
    node.sync()
    older.sync()
    assert (undecided(older), older.keys()) == (0, ["a"])
    again = sell(older, CentralWire(older), "a")
    assert (again.sale_id, again.receipt, again.confirmed) == (answer.sale_id, answer.receipt, confirms)
    older.sync()
    assert pair.keys_at_hq() == ["a"]
    assert pair.verify("B1") == () == older.verify()


def test_one_command_that_the_store_refuses_does_not_stop_the_others(pair: Pair) -> None:
    nodes = [pair.join("B1"), pair.join("B2")]
    for node in nodes:
        pair.set_mode(node.code, ProcessingMode.CENTRALIZED, REFUSE)
        node.sync()
    first = CentralWire(nodes[0])
    sell(nodes[0], first, "a")
    taken = asked_anew(first.asked[0])
    lost = CentralWire(nodes[1], "request lost")
    with pytest.raises(InDoubt):
        sell(nodes[1], lost, "b")
    questions = [(nodes[0].branch_id, taken), (nodes[1].branch_id, lost.asked[0])]
    for _ in range(2):
        now_us = pair.office.clock.now_us()
        asked = [read_request(branch_id, question) for branch_id, question in questions]  # type: ignore[arg-type]
        refused, committed = commit(pair.office.store, asked, now_us, strangers_among([])).outcomes
        assert isinstance(refused, Rejected)
        assert refused.reason == "refused_by_store"
        assert "unique" in refused.explanation.lower()
        assert isinstance(committed, Committed)
    assert pair.office.count(sale) == len(["a", "b"])


def asked_anew(question: object) -> CommitRequest:
    """The same sale under another command, as only a broken store would ask."""
    assert isinstance(question, CommitRequest)
    opened = open_entry(question.entry)
    header = opened.header._replace(command_id=b"another command!")
    return replace(question, entry=intend_entry(header, opened.records, [b"s" * 16 for _ in opened.records]))
