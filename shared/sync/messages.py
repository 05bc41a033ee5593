"""What branch and head office say to each other, as values. The wire codec turns them into protobuf and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

from shared.domain.identifiers import NIL_ID
from shared.sync.card_merge import FieldPatch, Stamp
from shared.sync.chain import NO_HASH, NO_PARENT, Head, Parent
from shared.sync.counting import Counter, CounterKey
from shared.sync.limits import Credits


class ResumeMode(IntEnum):
    """How HQ answers a hello."""

    INCREMENTAL = 1
    REPAIR = 2
    SNAPSHOT = 3
    QUARANTINE = 4
    UPGRADE = 5


class ProcessingMode(StrEnum):
    """Where a branch's operations are committed first."""

    DISTRIBUTED = "distributed"
    CENTRALIZED = "centralized"


class WhenUnreachable(StrEnum):
    """What a centralized branch does when HQ does not answer."""

    REFUSE = "refuse"
    FALL_BACK = "fall_back"


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """How far a branch has taken the feed. `epoch` is one life of HQ's feed; nil before the first batch.

    A branch that reads a stretch which HQ has compacted holds what was told up to `position`, but for what is folded
    into rows up to `folded_to`; until it is beyond, the running hash is the one there. 0 otherwise.
    """

    epoch: bytes = NIL_ID
    position: int = 0
    running_hash: bytes = NO_HASH
    folded_to: int = 0


@dataclass(frozen=True, slots=True)
class Hello:
    """The branch introduces itself and says what it has."""

    branch_id: bytes
    incarnation: bytes
    head: Head
    feed: FeedCursor
    wall_clock_us: int
    hlc_epoch: int
    hlc: int
    release: str
    boot_id: bytes
    instance_id: bytes
    protocol_min: int
    protocol_max: int
    schema_version: int
    parent: Parent = NO_PARENT
    last_fence: int = 0
    """The fence of the last session this store took part in; 0 before the first."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """HQ says what it holds and how the branch is to go on. `skew_ms` is branch clock − HQ clock."""

    protocol: int
    session_fence: int
    acknowledged: Head
    resume: ResumeMode
    reason: str
    credits: Credits
    skew_ms: int
    mode: ProcessingMode
    when_unreachable: WhenUnreachable
    backup_seq: int
    feed_head: int
    hq_clock_us: int
    hq_restored: bool = False
    """HQ does not remember a session this branch took part in: it was restored from a backup."""

    feed_lost: bool = False
    """HQ's feed is not the one the branch has taken: it is told anew from the beginning."""

    foreign_entries: int = 0
    commits_digest: bytes = b""
    # Orders to erase persons of which the branch may not have heard, as feed records.
    orders: tuple[bytes, ...] = ()
    """Entries of the branch that HQ holds outside the past of this incarnation: there is history to take."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole entries as they were recorded, without a gap. `head_seq` is the branch's newest entry at sending."""

    incarnation: bytes
    first_seq: int
    entries: tuple[bytes, ...]
    last_hash: bytes
    head_seq: int

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.entries) - 1


@dataclass(frozen=True, slots=True)
class FieldLost:
    """A field of a card shows another version than the entry's."""

    kind: int
    card_id: bytes
    field: str
    winner_command_id: bytes


@dataclass(frozen=True, slots=True)
class EntryOutcome:
    """What became of an entry that was not simply applied."""

    seq: int
    duplicate: bool = False
    fields_lost: tuple[FieldLost, ...] = ()
    parked_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """HQ durably holds every entry up to `acknowledged`."""

    acknowledged: Head
    outcomes: tuple[EntryOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """Serialised feed records and the cursor after them. `after_position` is where the last message ended.

    In a file, where no hello goes before it, `after` is the whole cursor that it goes on from.
    """

    records: tuple[bytes, ...]
    cursor: FeedCursor
    feed_head: int
    after_position: int = 0
    after: FeedCursor | None = None


@dataclass(frozen=True, slots=True)
class FeedAck:
    """The branch has durably applied the feed up to the cursor."""

    cursor: FeedCursor


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing recorded before `complete_to_us` (branch clock) waits at the branch.

    `skew_at_most_us` bounds from above how far the branch's clock is ahead of HQ's.
    """

    number: int
    complete_to_us: int
    head_seq: int
    skew_at_most_us: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """HQ's answer to a tick."""

    tick_number: int
    feed_head: int
    entries: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The branch ends the stream on purpose."""


@dataclass(frozen=True, slots=True)
class Drain:
    """HQ asks the branch to go away and come back after the delay."""

    delay_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Bytes that were no message of the protocol."""

    reason: str


class Mark(NamedTuple):
    """One point of a branch's past: an entry by its incarnation, seq and hash; seq 0 is the incarnation's beginning."""

    incarnation: bytes
    seq: int
    entry_hash: bytes


@dataclass(frozen=True, slots=True)
class Marks:
    """Points of the branch's past, oldest first: which of them does HQ hold?"""

    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Common:
    """HQ's answer to marks: the index of the newest one it holds; None when it holds none."""

    index: int | None


class HistoryCursor(NamedTuple):
    """How far a branch has taken back what HQ holds of its other incarnations. `life` counts them from 0."""

    life: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """The branch asks for what HQ holds of its other incarnations after the cursor."""

    after: HistoryCursor


@dataclass(frozen=True, slots=True)
class HistoryBatch:
    """Entries of other incarnations of the branch as they were recorded, and the cursor after them."""

    entries: tuple[bytes, ...]
    cursor: HistoryCursor
    done: bool


@dataclass(frozen=True, slots=True)
class Proposals:
    """Cards of the head office's own that the branch holds and a restored HQ may have lost: serialised records."""

    records: tuple[bytes, ...]
    done: bool


@dataclass(frozen=True, slots=True)
class ProposalsKept:
    """HQ durably keeps the proposals that came last. After the very last, `feed_head` is a position of the feed beyond
    which HQ cannot lose them unnoticed; 0 from an older head office."""

    feed_head: int = 0


class LeaseWish(NamedTuple):
    """So much of a budget a branch would like to be able to spend without HQ; the lease's id is the branch's choice.

    `held`: it has this lease, and HQ may have lost it.
    """

    lease_id: bytes
    owner: str
    amount: int
    held: bool = False


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """The branch asks for leases."""

    wishes: tuple[LeaseWish, ...]


class LeaseGrant(NamedTuple):
    """A lease. With amount 0 there is none: nothing is left, or there is no such budget."""

    lease_id: bytes
    budget_id: bytes
    owner: str
    amount: int
    expires_at_us: int


@dataclass(frozen=True, slots=True)
class LeasesGranted:
    """HQ answers every wish, in its order."""

    grants: tuple[LeaseGrant, ...]


BranchMessage = (
    Hello | Batch | FeedAck | Tick | Goodbye | Marks | HistoryRequest | Proposals | LeaseRequest | Undecodable
)
HqMessage = (
    Welcome | Ack | FeedBatch | Checkpoint | Drain | Common | HistoryBatch | ProposalsKept | LeasesGranted | Undecodable
)


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """The branch's chain, for HQ to compare with its own."""

    incarnation: bytes
    head: Head
    counters_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class VerifyReply:
    """What HQ holds of the branch. `entries` counts all incarnations.

    `counters` are HQ's when their digest differs from the branch's; None when it does not.
    """

    entries: int
    incarnation: bytes
    acknowledged: Head
    parked: int
    counters: Mapping[CounterKey, Counter] | None = None


@dataclass(frozen=True, slots=True)
class CardChange:
    """A feed record: one edit of a card."""

    kind: int
    card_id: bytes
    stamp: Stamp
    patches: tuple[FieldPatch, ...]


@dataclass(frozen=True, slots=True)
class CardFull:
    """A feed record: all that HQ knows of a card, as a serialised CardState."""

    kind: int
    card_id: bytes
    state: bytes


@dataclass(frozen=True, slots=True)
class CardForgotten:
    """A feed record: the branch no longer receives this card."""

    kind: int
    card_id: bytes


@dataclass(frozen=True, slots=True)
class NeighbourFact:
    """A feed record: a fact that another branch recorded about a client whom this branch knows.

    `client_id` is the client as HQ knows it; `payload` is the fact's, a message of records.proto.
    """

    kind: int
    # The fact's id.
    card_id: bytes
    branch_id: bytes
    branch_code: str
    client_id: bytes
    payload: bytes


CHAIN_ANSWER_KIND = 90
"""The kind of such a row in the feed: neither a card's nor a fact's."""


@dataclass(frozen=True, slots=True)
class ChainAnswer:
    """A feed record: what the head office computed over the whole chain, to a question that branches are told the
    answer to (shared.reports.branch_questions). The newest takes the place of an older one.

    `data` is an answer of shared.reports.answers.
    """

    # Of the question.
    card_id: bytes
    report: str
    question: str
    computed_at_us: int
    data: bytes
    kind: int = CHAIN_ANSWER_KIND


FeedRecord = CardChange | CardFull | CardForgotten | NeighbourFact | ChainAnswer
