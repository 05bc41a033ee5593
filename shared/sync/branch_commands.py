"""What the branch's side of a stream asks its shell to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from shared.sync.chain import Head
from shared.sync.messages import Ack, BranchMessage, FeedBatch, HistoryBatch, LeasesGranted, Mark, Welcome


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message to HQ."""

    message: BranchMessage


@dataclass(frozen=True, slots=True)
class CompareHistory:
    """Look up the branch's own entry hash at this head's seq; answer with `record_history`."""

    acknowledged: Head


@dataclass(frozen=True, slots=True)
class ReadMarks:
    """Read the marks at these positions of the journal, oldest first; answer with `record_marks`."""

    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rehome:
    """Begin a new incarnation after the common mark (None: HQ holds nothing) and seal the entries above
    `common_position` anew under it, in one transaction; answer with `record_rehomed`."""

    common: Mark | None
    common_position: int


@dataclass(frozen=True, slots=True)
class ApplyHistory:
    """Apply entries of other incarnations and the cursor in one transaction; answer with `record_history_applied`."""

    batch: HistoryBatch


@dataclass(frozen=True, slots=True)
class ReadProposals:
    """Read the next of HQ's own cards to hand back, in the order of their keys; answer with `record_proposals`."""

    after: tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class StoreProposalsDone:
    """HQ keeps all that was handed back; the feed up to a position will show that it still does."""

    feed_head: int


@dataclass(frozen=True, slots=True)
class StoreWelcome:
    """Remember what HQ said of mode, skew, backup and fence; answer with `record_welcome_stored`."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class ReadEntries:
    """Read whole entries after a seq within the limits; answer with `record_entries`."""

    after_seq: int
    rows_max: int
    bytes_max: int


@dataclass(frozen=True, slots=True)
class StoreAcknowledged:
    """HQ durably holds every entry up to this head."""

    ack: Ack


@dataclass(frozen=True, slots=True)
class ApplyFeed:
    """Apply the batch and its cursor in one transaction; answer with `record_feed_applied`."""

    batch: FeedBatch


@dataclass(frozen=True, slots=True)
class ReadHead:
    """Read the clock, then the journal's head; answer with `record_head`."""


@dataclass(frozen=True, slots=True)
class PassDone:
    """The pass that was asked for is complete: both sides are even."""


@dataclass(frozen=True, slots=True)
class StoreLeases:
    """Keep what was granted."""

    granted: LeasesGranted


class FinishReason(Enum):
    """Why a session ended."""

    GOODBYE = auto()
    DRAINED = auto()
    SILENCE = auto()
    REFUSED = auto()
    REHOMED = auto()
    VIOLATION = auto()


@dataclass(frozen=True, slots=True)
class Finish:
    """Close the stream. `delay_ms` is HQ's wish for the next attempt, if it has one."""

    reason: FinishReason
    explanation: str = ""
    delay_ms: int | None = None


StoreCommand = (
    CompareHistory
    | StoreWelcome
    | ReadEntries
    | StoreAcknowledged
    | ApplyFeed
    | ReadHead
    | ReadMarks
    | Rehome
    | ApplyHistory
    | ReadProposals
    | StoreProposalsDone
    | StoreLeases
)
Command = StoreCommand | Send | PassDone | Finish
