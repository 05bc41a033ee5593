"""Centralized mode in the simulated chain: the way of a question to HQ and back, and what can happen on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from branch_node.operations.refund_request import RefundRequest
from branch_node.operations.sale_request import SaleRequest
from branch_node.sync_client.processor import Processor
from hq_server.operations.central import read_request
from shared.errors import FilialError
from shared.sync.central import (
    Answer,
    CommitRequest,
    Committed,
    Findings,
    NeverAsked,
    NoAnswer,
    NotNow,
    Question,
    Rejected,
    ResolveRequest,
)
from shared.wire.central import (
    decode_commit_request,
    decode_outcome,
    decode_resolve_request,
    encode_commit_request,
    encode_outcome,
    encode_resolve_request,
)
from shared.wire.entries import open_entry
from tests.simulation.places import RECEIPTS, Place

if TYPE_CHECKING:
    from tests.simulation.world import World

FAULTS = ("unreachable", "request lost", "answer lost", "late", "late", "dies before", "dies after")
LATE_MAX = 40
BUDGET, BUDGET_AMOUNT = "product:rare", 300


class ProcessDiedError(Exception):
    """The branch's process died while it waited for HQ."""


class Undecided(NamedTuple):
    """A sale that somebody will ask about again with the same key."""

    place: Place
    request: SaleRequest | RefundRequest


class SimulatedWire:
    """How one branch asks HQ, in the midst of faults."""

    def __init__(self, world: World, place: Place, key: str | None = None) -> None:
        """`key` is that of the sale which is asked about."""
        self._world, self._place, self._key = world, place, key

    def commit(self, question: CommitRequest) -> Answer:
        if self._key is not None:
            opened = open_entry(question.entry)
            for record in opened.records:
                self._world.note_key(self._place, self._key, record.record_id)
            self._world.asked[opened.header.command_id] = (self._place.name, self._key)
        data = encode_commit_request(question)
        return self._carry(lambda: deliver_commit(self._world, self._place, data), data)

    def query(self, question: Question) -> Findings:
        raise AssertionError(f"no till of a simulated world asks about the chain: {question}")

    def resolve(self, question: ResolveRequest) -> Answer:
        data = encode_resolve_request(question)
        return self._carry(lambda: deliver_resolve(self._world, self._place, data), None)

    def close(self) -> None:
        pass

    def _carry(self, deliver: Callable[[], Answer], late: bytes | None) -> Answer:
        world = self._world
        faulty = world.faults and world.random.random() < 0.3
        fault = world.random.choice(FAULTS) if faulty else "twice" if world.random.random() < 0.1 else "none"
        world.note(f"{self._place.name} asks: {fault}")
        match fault:
            case "unreachable":
                return NeverAsked("The head office cannot be reached.")
            case "request lost":
                return NoAnswer("No answer.")
            case "late":
                if late is not None:
                    world.late.append((self._place, late))
                    del world.late[:-LATE_MAX]
                return NoAnswer("No answer.")
            case "dies before":
                raise ProcessDiedError
        world.pass_time()
        answer = deliver()
        match fault:
            case "answer lost":
                return NoAnswer("No answer.")
            case "dies after":
                raise ProcessDiedError
            case "twice":
                deliver()
        world.pass_time()
        return answer


def deliver_commit(world: World, place: Place, data: bytes) -> Answer:
    """The question reaches HQ, and the answer comes back."""
    request: Any = decode_commit_request(data)
    try:
        asked = read_request(place.row.id, request)
        done = world.hq.gateway.commit([place.peer], [asked])
    except FilialError as error:
        return NoAnswer(error.message)
    (outcome,) = done.outcomes
    if done.feed_head is not None:
        world.tell_feed(done.feed_head)
    if isinstance(outcome, FilialError):
        return NotNow(outcome.message)
    if isinstance(outcome, Committed):
        # HQ has it now, whoever gets to know.
        records = open_entry(request.entry).records
        world.acknowledged |= {record.record_id for record in records if record.kind in RECEIPTS}
    return decode_outcome(encode_outcome(outcome))


def deliver_resolve(world: World, place: Place, data: bytes) -> Answer:
    """The same of a question what became of a command."""
    request: Any = decode_resolve_request(data)
    try:
        outcome = world.hq.gateway.resolve(place.peer, place.row.id, request)
    except FilialError as error:
        return NotNow(error.message)
    if isinstance(outcome, Rejected) and request.command_id in world.asked:
        world.given_up.setdefault(request.command_id, world.hq_restores)
    return decode_outcome(encode_outcome(outcome))


def sell(world: World, place: Place, request: SaleRequest | RefundRequest) -> bytes | None:
    """Sells, or gives back, as the branch works at the moment; the record's id.

    None when nothing was answered, or it was refused.
    """
    processor = Processor(place.store, lambda: SimulatedWire(world, place, request.key))
    try:
        if isinstance(request, RefundRequest):
            return processor.refund(request).refund_id
        return processor.sell(request).sale_id
    except ProcessDiedError:
        world.note("died")
        if place.is_alive:
            world.abandon(place)
            place.reopen()
    except FilialError as error:
        world.note(error.reason)
    world.undecided.append(Undecided(place, request))
    return None


def spend(world: World, place: Place, owner: str, amount: int) -> None:
    """Spends from a budget, out of leases or with HQ's leave; nobody asks again when it is refused or in doubt."""
    processor = Processor(place.store, lambda: SimulatedWire(world, place))
    try:
        processor.spend(owner, amount)
    except ProcessDiedError:
        if place.is_alive:
            world.abandon(place)
            place.reopen()
    except FilialError as error:
        world.note(error.reason)


def resolve(world: World, place: Place) -> None:
    """Somebody looks after what nobody waits for any more."""
    processor = Processor(place.store, lambda: SimulatedWire(world, place))
    try:
        processor.look_after()
    except ProcessDiedError:
        if place.is_alive:
            world.abandon(place)
            place.reopen()
