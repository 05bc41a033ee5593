"""The head office's side of one stream. Pure: messages and facts from the store in, commands for the shell out.

Theory of operation

    GREETING ──hello──► OPENING ──opened──► STREAMING ──finish──► FINISHED
        └───────────────────┴── refusal ─────────┘

`recognition.decide_hello` compares what the branch says of itself with what HQ holds; the shell runs it inside the
transaction that locks the branch's cursor row and raises the session's fence. A branch that must find its last common
entry (REPAIR) may only ask about marks, and comes again as another incarnation.

While STREAMING, batches are merged one after the other in
the order they came; the feed is read whenever its head is beyond what was sent and a credit is free.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from shared.domain.identifiers import NIL_ID
from shared.domain.money import BUDGET_MAX
from shared.sync.limits import (
    FEED_BATCH_BYTES_MAX,
    FEED_BATCH_RECORDS_MAX,
    FEED_BATCHES_IN_FLIGHT_MAX,
    GREETING_MS_MAX,
    LEASES_PER_MESSAGE_MAX,
    MARKS_MAX,
    PROPOSALS_PER_MESSAGE_MAX,
    PUSH_BATCH_ENTRIES_MAX,
    SILENCE_MS_MAX,
    Credits,
)
from shared.sync.messages import (
    Ack,
    Batch,
    BranchMessage,
    Checkpoint,
    Common,
    Drain,
    FeedAck,
    FeedBatch,
    FeedCursor,
    Goodbye,
    Hello,
    HistoryBatch,
    HistoryRequest,
    HqMessage,
    LeaseRequest,
    LeasesGranted,
    Marks,
    Proposals,
    ProposalsKept,
    ResumeMode,
    Tick,
    Undecodable,
    Welcome,
)
from shared.sync.recognition import HelloDecision, KnownBranch, goes_on


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Lock the branch's cursor, decide the hello, raise the fence; answer with `record_opened`."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message to the branch."""

    message: HqMessage


@dataclass(frozen=True, slots=True)
class MergeBatch:
    """Merge in one transaction, checking the fence; answer with `record_merged`."""

    batch: Batch
    fence: int


@dataclass(frozen=True, slots=True)
class ReadFeed:
    """Read what this branch receives after the cursor; answer with `record_feed_read`."""

    after: FeedCursor
    records_max: int
    bytes_max: int


@dataclass(frozen=True, slots=True)
class StoreFeedAck:
    """The branch has durably applied the feed up to the cursor."""

    cursor: FeedCursor


@dataclass(frozen=True, slots=True)
class StoreTick:
    """Set the branch's watermark; answer with `record_tick_stored`. `complete_to_us` is on HQ's clock."""

    tick: Tick
    complete_to_us: int


@dataclass(frozen=True, slots=True)
class CompareMarks:
    """Look up which of the marks HQ holds; answer with `record_common`."""

    marks: Marks


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Read what HQ holds of the branch's other incarnations; answer with `record_history_read`."""

    request: HistoryRequest


@dataclass(frozen=True, slots=True)
class StoreProposals:
    """Keep what the branch hands back of HQ's own cards; answer with `record_proposals_kept`."""

    proposals: Proposals


@dataclass(frozen=True, slots=True)
class GrantLeases:
    """Grant what is available of what the branch wishes; answer with `record_leases_granted`."""

    request: LeaseRequest


@dataclass(frozen=True, slots=True)
class StoreGoodbye:
    """The branch left on purpose."""


class FinishReason(Enum):
    """Why a session ended."""

    GOODBYE = auto()
    SILENCE = auto()
    REFUSED = auto()
    REPLACED = auto()
    VIOLATION = auto()
    DRAINED = auto()


@dataclass(frozen=True, slots=True)
class Finish:
    """Close the stream."""

    reason: FinishReason
    explanation: str = ""


Question = CompareMarks | ReadHistory | StoreProposals | GrantLeases
StoreCommand = MergeBatch | ReadFeed | StoreFeedAck | StoreTick | Question
Command = StoreCommand | OpenSession | Send | StoreGoodbye | Finish


class _State(Enum):
    GREETING = auto()
    OPENING = auto()
    STREAMING = auto()
    FINISHED = auto()


class HqSession:
    """One stream of one branch, from hello to its end."""

    def __init__(self, branch_id: bytes, now_ms: int, credits: Credits | None = None) -> None:
        """`branch_id` comes from the certificate. `now_ms` here and below is monotonic time in milliseconds."""
        self._state = _State.GREETING
        self._branch_id = branch_id
        self._credits = credits or Credits()
        self._commands: deque[Command] = deque()
        self._heard_ms = now_ms
        self._incarnation = NIL_ID
        self._fence = 0
        self._skew_us = 0
        self._expected_seq = 0
        self._merging = 0
        self._feed = FeedCursor()
        self._feed_head = 0
        self._feed_sent_position = 0
        self._feed_in_flight: deque[int] = deque()
        self._feed_wanted_position: int | None = None  # a tick waits until the feed was scanned up to here
        self._reading = False
        self._may_write = False
        self._asked: set[type] = set()  # which questions wait for an answer

    # Messages from the branch.

    def receive_message(self, message: BranchMessage, now_ms: int) -> None:
        """Takes any message of the branch's."""
        self._heard_ms = now_ms
        if isinstance(message, Undecodable):
            self._finish(FinishReason.VIOLATION, message.reason)
        elif isinstance(message, Hello):
            self._receive_hello(message)
        elif self._state is not _State.STREAMING:
            self._finish(FinishReason.VIOLATION, "A message came before the hello was answered.")
        else:
            match message:
                case Marks():
                    self._receive_question(CompareMarks(message), self._problem_with_marks(message))
                case HistoryRequest():
                    self._receive_question(ReadHistory(message), self._problem_with_repair())
                case Proposals():
                    self._receive_question(StoreProposals(message), self._problem_with_proposals(message))
                case LeaseRequest():
                    self._receive_question(GrantLeases(message), self._problem_with_wishes(message))
                case Batch():
                    self._receive_batch(message)
                case FeedAck():
                    self._receive_feed_ack(message)
                case Tick():
                    self._receive_tick(message)
                case Goodbye():
                    self._commands.append(StoreGoodbye())
                    self._finish(FinishReason.GOODBYE)

    def _receive_hello(self, hello: Hello) -> None:
        if self._state is not _State.GREETING:
            self._finish(FinishReason.VIOLATION, "A second hello came.")
        elif hello.branch_id != self._branch_id:
            self._finish(FinishReason.VIOLATION, "The hello names another branch than the certificate.")
        else:
            self._state = _State.OPENING
            self._incarnation = hello.incarnation
            self._commands.append(OpenSession(hello))

    def _receive_tick(self, tick: Tick) -> None:
        problem = self._problem_with_repair()
        if problem:
            self._finish(FinishReason.VIOLATION, problem)
        else:
            self._commands.append(StoreTick(tick, self._complete_to(tick)))

    def _receive_question(self, command: Question, problem: str | None) -> None:
        if problem is None and type(command) in self._asked:
            problem = "A question came before the last one of its kind was answered."
        if problem:
            self._finish(FinishReason.VIOLATION, problem)
            return
        self._asked.add(type(command))
        self._commands.append(command)

    def _problem_with_marks(self, marks: Marks) -> str | None:
        if not 0 < len(marks.marks) <= MARKS_MAX:
            return f"{len(marks.marks)} marks came; the limit is {MARKS_MAX}."
        return None

    def _problem_with_proposals(self, proposals: Proposals) -> str | None:
        if len(proposals.records) > PROPOSALS_PER_MESSAGE_MAX:
            return f"{len(proposals.records)} proposals came; the limit is {PROPOSALS_PER_MESSAGE_MAX}."
        return self._problem_with_repair()

    def _problem_with_wishes(self, request: LeaseRequest) -> str | None:
        if len(request.wishes) > LEASES_PER_MESSAGE_MAX:
            return f"{len(request.wishes)} leases are wished for; the limit is {LEASES_PER_MESSAGE_MAX}."
        if not all(0 < wish.amount <= BUDGET_MAX for wish in request.wishes):
            return f"A lease is of 1 to {BUDGET_MAX}."
        return self._problem_with_repair()

    def _problem_with_repair(self) -> str | None:
        return None if self._may_write else "This store must be re-homed first."

    def _receive_batch(self, batch: Batch) -> None:
        problem = self._problem_with(batch)
        if problem:
            self._finish(FinishReason.VIOLATION, problem)
            return
        self._expected_seq = batch.last_seq + 1
        self._merging += 1
        self._commands.append(MergeBatch(batch, self._fence))

    def _problem_with(self, batch: Batch) -> str | None:
        if not self._may_write:
            return self._problem_with_repair()
        if batch.incarnation != self._incarnation:
            return "A batch came of another incarnation than the hello named."
        if not batch.entries:
            return "An empty batch came."
        if batch.first_seq != self._expected_seq:
            return f"Entry {self._expected_seq} was expected, a batch from {batch.first_seq} came."
        if self._merging >= self._credits.batches:
            return f"More than {self._credits.batches} batches were sent without waiting for an ack."
        if len(batch.entries) > PUSH_BATCH_ENTRIES_MAX:
            return f"A batch of {len(batch.entries)} entries came; the limit is {PUSH_BATCH_ENTRIES_MAX}."
        return None

    def _receive_feed_ack(self, ack: FeedAck) -> None:
        if not self._feed_in_flight or ack.cursor.position != self._feed_in_flight[0]:
            self._finish(FinishReason.VIOLATION, f"Feed position {ack.cursor.position} was acknowledged unasked.")
            return
        self._feed_in_flight.popleft()
        self._commands.append(StoreFeedAck(ack.cursor))
        self._pump_feed()

    # Facts from the store.

    def record_opened(self, hello: Hello, known: KnownBranch, decision: HelloDecision, now_us: int) -> None:
        """The hello was decided and the fence raised to `known.fence`."""
        skew_us = hello.wall_clock_us - now_us
        self._skew_us = skew_us
        self._commands.append(
            Send(
                Welcome(
                    protocol=decision.protocol,
                    session_fence=known.fence,
                    acknowledged=decision.acknowledged,
                    resume=decision.resume,
                    reason=decision.reason,
                    credits=self._credits,
                    skew_ms=skew_us // 1_000,
                    mode=known.mode,
                    when_unreachable=known.when_unreachable,
                    backup_seq=known.backup_seq,
                    feed_head=known.feed_head.position,
                    hq_clock_us=now_us,
                    hq_restored=decision.hq_restored,
                    feed_lost=decision.feed_lost,
                    foreign_entries=known.foreign_entries,
                    commits_digest=known.commits_digest,
                    orders=known.orders,
                )
            )
        )
        if not goes_on(decision.resume):
            self._finish(FinishReason.REFUSED, decision.reason)
            return
        self._state = _State.STREAMING
        self._fence = known.fence
        self._may_write = decision.resume is ResumeMode.INCREMENTAL
        self._expected_seq = decision.acknowledged.seq + 1
        self._feed = decision.feed
        self._feed_sent_position = decision.feed.position
        self._feed_head = known.feed_head.position
        self._pump_feed()

    def record_merged(self, ack: Ack) -> None:
        """The oldest batch is durable."""
        self._merging -= 1
        if self._state is _State.STREAMING:
            self._commands.append(Send(ack))

    def record_common(self, common: Common) -> None:
        """Which of the marks HQ holds."""
        self._answer(CompareMarks, common)

    def record_history_read(self, batch: HistoryBatch) -> None:
        """What `ReadHistory` found."""
        self._answer(ReadHistory, batch)

    def record_proposals_kept(self, feed_head: int) -> None:
        """What the branch handed back is durable; the feed's head after the last of it, else 0."""
        self._answer(StoreProposals, ProposalsKept(feed_head))
        self.record_feed_head(feed_head)

    def record_leases_granted(self, granted: LeasesGranted) -> None:
        """What was granted is durable."""
        self._answer(GrantLeases, granted)

    def _answer(self, question: type, message: Common | HistoryBatch | ProposalsKept | LeasesGranted) -> None:
        self._asked.discard(question)
        if self._state is _State.STREAMING:
            self._commands.append(Send(message))

    def record_replaced(self) -> None:
        """A newer session of this branch holds the fence."""
        self._finish(FinishReason.REPLACED, "A newer session of this branch took over.")

    def record_violation(self, explanation: str) -> None:
        """The store found what the session could not see: a wrong hash, a gap, a certificate revoked meanwhile."""
        self._finish(FinishReason.VIOLATION, explanation)

    def record_feed_head(self, position: int) -> None:
        """HQ's feed grew."""
        self._feed_head = max(self._feed_head, position)
        self._pump_feed()

    def record_feed_read(self, records: tuple[bytes, ...], cursor: FeedCursor) -> None:
        """What `ReadFeed` found; the cursor covers everything scanned, whether it was for this branch or not.

        A stretch that holds nothing for this branch is not worth a message of its own: the cursor goes with the next
        records, or with the next tick.
        """
        self._reading = False
        if self._state is not _State.STREAMING or cursor.position <= self._feed.position:
            return
        self._feed = cursor
        if records:
            self._send_feed(records)
        self._send_wanted_cursor()
        self._pump_feed()

    def record_tick_stored(self, tick: Tick, entries: int, feed_head: int) -> None:
        """The watermark is durable; HQ holds that many entries of the branch, and its feed has that head."""
        self._feed_head = max(self._feed_head, feed_head)
        if self._state is _State.STREAMING:
            self._commands.append(Send(Checkpoint(tick.number, self._feed_head, entries)))
            self._feed_wanted_position = self._feed_head
            self._send_wanted_cursor()
            self._pump_feed()

    def record_drain_wanted(self, delay_ms: int, reason: str) -> None:
        """HQ is going down, or the branch must come back later."""
        if self._state is _State.STREAMING:
            self._commands.append(Send(Drain(delay_ms, reason)))
        self._finish(FinishReason.DRAINED, reason)

    # Time.

    def tick(self, now_ms: int) -> None:
        """Lets time pass."""
        limit = SILENCE_MS_MAX if self._state is _State.STREAMING else GREETING_MS_MAX
        if self._state is not _State.FINISHED and now_ms - self._heard_ms >= limit:
            self._finish(FinishReason.SILENCE, "The branch has been silent for too long.")

    # Drains.

    def commands(self) -> list[Command]:
        """What the shell is to do now, in order; empties the queue. Sales go before cards: the feed is read last."""
        drained = sorted(self._commands, key=lambda command: isinstance(command, ReadFeed))
        self._commands.clear()
        return drained

    def next_wake_at(self) -> int | None:
        """When to call `tick` at the latest, in milliseconds; None when finished."""
        if self._state is _State.FINISHED:
            return None
        return self._heard_ms + (SILENCE_MS_MAX if self._state is _State.STREAMING else GREETING_MS_MAX)

    @property
    def fence(self) -> int:
        """This session's; 0 before it is open."""
        return self._fence

    @property
    def incarnation(self) -> bytes:
        """The one that the hello named."""
        return self._incarnation

    @property
    def is_streaming(self) -> bool:
        return self._state is _State.STREAMING

    # Decisions.

    def _complete_to(self, tick: Tick) -> int:
        """The tick's moment on HQ's clock, never too late.

        The hello measured the skew less its own travel time, the branch bounds it from above; the larger one counts.
        """
        return tick.complete_to_us - max(self._skew_us, tick.skew_at_most_us)

    def _pump_feed(self) -> None:
        wanted = (
            self._state is _State.STREAMING
            and self._may_write
            and not self._reading
            and self._feed.position < self._feed_head
            and len(self._feed_in_flight) < FEED_BATCHES_IN_FLIGHT_MAX
        )
        if wanted:
            self._reading = True
            self._commands.append(ReadFeed(self._feed, FEED_BATCH_RECORDS_MAX, FEED_BATCH_BYTES_MAX))

    def _send_wanted_cursor(self) -> None:
        if self._feed_wanted_position is None or self._feed.position < self._feed_wanted_position:
            return
        self._feed_wanted_position = None
        if self._feed_sent_position < self._feed.position:
            self._send_feed(())

    def _send_feed(self, records: tuple[bytes, ...]) -> None:
        after_position, self._feed_sent_position = self._feed_sent_position, self._feed.position
        self._feed_in_flight.append(self._feed.position)
        feed_head = max(self._feed_head, self._feed.position)
        self._commands.append(Send(FeedBatch(records, self._feed, feed_head, after_position)))

    def _finish(self, reason: FinishReason, explanation: str = "") -> None:
        if self._state is not _State.FINISHED:
            self._state = _State.FINISHED
            self._commands.append(Finish(reason, explanation))
