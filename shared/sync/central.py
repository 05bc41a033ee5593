"""Processing through the head office, decided: what an answer, or none, means for an operation that waits.

A branch in centralized mode stores an *intent* – the finished operation, not yet in the journal – and asks HQ to commit
it. Then

    answer                        refuse              fall_back
    committed ................... confirm             confirm
    rejected .................... void                void
    never asked ................. void                fall back
    not now ..................... void                fall back
    none ........................ keep, in doubt      fall back

To *confirm* is to journal the intent as HQ has it, to *fall back* to journal it unconfirmed, as a distributed branch
does; both keep the command id, by which HQ links the entry to what it has committed, or applies it. To *void* is to
drop it: its receipt number is given to the next sale or recorded as voided. An intent in doubt is kept, and asked about
again under the same command id: HQ commits a command once. Only what was never asked, or what HQ has put off, may be
voided without HQ's word, because a request that nobody answered may still be on its way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from shared.domain.identifiers import ID_BYTES, NIL_ID
from shared.sync.messages import WhenUnreachable

COMMITS = 2**62
"""In place of a life in a history's cursor: what was committed at once and is in no journal, by moments of commits."""

GIVEN_UP = "given_up"
"""Why HQ rejects a command that the branch has asked it to forget."""

BREAK_MS_MIN = 1_000
BREAK_MS_MAX = 30_000
"""For how long HQ is taken to be unreachable after a failure, and after many in a row."""


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What a branch asks HQ to commit. `entry` is a serialised Entry with neither seq nor incarnation."""

    incarnation: bytes
    last_fence: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """Which command a branch asks about."""

    command_id: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """HQ holds the effects, since that moment on its clock."""

    at_us: int


@dataclass(frozen=True, slots=True)
class StaleCard:
    """A card as HQ has it: a serialised CardState."""

    kind: int
    card_id: bytes
    state: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """HQ does not commit the command, and never will."""

    reason: str
    explanation: str
    hint: str = ""
    stale: tuple[StaleCard, ...] = ()


@dataclass(frozen=True, slots=True)
class FindClients:
    """Clients of the chain by any part of the name, external id, e-mail, or the digits of a phone."""

    text: str
    limit: int


@dataclass(frozen=True, slots=True)
class ShowClient:
    """One client by id (as text) or external id, and the newest sales to him in the whole chain."""

    reference: str
    sales: int


@dataclass(frozen=True, slots=True)
class ShowReceipt:
    """The sale that a branch gave a receipt number."""

    branch_code: str
    register: str
    receipt_number: int


@dataclass(frozen=True, slots=True)
class ShowBudget:
    """What is left of a budget, and which branches hold it: of a limited product, its stock."""

    owner: str


Question = FindClients | ShowClient | ShowReceipt | ShowBudget


POINTS_OF_SALE_MAX = 4_000
REFUNDS_OF_SALE_MAX = 1_000
"""Refunds of one sale that HQ tells of."""


@dataclass(frozen=True, slots=True)
class FoundClient:
    """A card: a serialised CardState."""

    client_id: bytes
    state: bytes


@dataclass(frozen=True, slots=True)
class FoundSale:
    """A sale of any branch: a serialised Sale; and when it alone was asked for, serialised, its refunds and points."""

    branch_code: str
    sale_id: bytes
    payload: bytes
    branch_id: bytes = NIL_ID
    refunds: tuple[bytes, ...] = ()
    points: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundBudget:
    """What nobody has spent and no branch holds of a budget, and what is left of the branches' leases, by code."""

    owner: str
    available: int
    holdings: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What HQ knows at that moment of its clock. Sales are newest first."""

    as_of_us: int
    clients: tuple[FoundClient, ...] = ()
    sales: tuple[FoundSale, ...] = ()
    budgets: tuple[FoundBudget, ...] = ()


@dataclass(frozen=True, slots=True)
class NeverAsked:
    """The request did not leave the branch. `explanation` and `hint` say why."""

    explanation: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class NotNow:
    """HQ decides nothing at present, and says why."""

    explanation: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The request left, and nothing came back in time."""

    explanation: str
    hint: str = ""


Outcome = Committed | Rejected
Answer = Outcome | NeverAsked | NotNow | NoAnswer


class Decision(Enum):
    """What becomes of an intent."""

    CONFIRM = auto()
    FALL_BACK = auto()
    VOID = auto()
    KEEP = auto()


def decide(answer: Answer, when_unreachable: WhenUnreachable, in_doubt: bool, needs_leave: bool = False) -> Decision:
    """`in_doubt`: an earlier request for the same intent may be on its way. `needs_leave`: it must not be done without
    HQ, whatever the policy is: it spends of a budget that HQ alone knows."""
    match answer:
        case Committed():
            return Decision.CONFIRM
        case Rejected():
            return Decision.VOID
        case _ if when_unreachable is WhenUnreachable.FALL_BACK and not needs_leave:
            return Decision.FALL_BACK
        case NeverAsked() | NotNow() if not in_doubt:
            return Decision.VOID
        case _:
            return Decision.KEEP


def next_break_ms(failures: int) -> int:
    """How long not to ask again after so many failures in a row, in milliseconds."""
    return min(BREAK_MS_MAX, BREAK_MS_MIN << min(failures, 10))


def digest_commands(command_ids: Iterable[bytes]) -> bytes:
    """Ids combined by exclusive or, whatever their order; empty when there are none."""
    combined = 0
    for command_id in command_ids:
        combined ^= int.from_bytes(command_id)
    return combined.to_bytes(ID_BYTES) if combined else b""
