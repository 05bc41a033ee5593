"""The branch's side of one stream. Pure: messages and facts from the store in, commands for the shell out.

Theory of operation

    GREETING ──welcome──► STREAMING ──────finish──────► FINISHED
        │                     │ histories differ            │
        ├──repair────────► LOCATING ──re-homed──────────────┤
        └────────── refusal, silence ───────────────────────┘

While STREAMING three things go on independently. *Push*: whenever there are entries above the last one sent and a
credit is free, the session asks the shell to read a batch and sends it; an ack frees the credit and moves the
acknowledged head. *Feed*: each batch from HQ is applied in one transaction by the shell and then acknowledged. *Tick*:
at intervals the shell reads the journal's head together with the clock; when HQ has acknowledged that head, everything
recorded before that reading is at HQ, and the session says so.

A store whose chain is not the one HQ holds was restored from a backup, or is a copy. LOCATING asks HQ which marks of
the past it holds until the last common entry is found; then the shell *re-homes* the store: a new incarnation whose
parent is that entry, with the later entries sealed anew under it, and the stream ends to begin again as that
incarnation. What HQ holds of the branch's other incarnations is then asked for batch by batch (*history*).

A *pass* (`sync run`) is complete when the head as it was at the start is acknowledged and the feed is taken up to HQ's
head as it was then, no history is left to take, and no leases are asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from shared.sync.branch_commands import (
    ApplyFeed,
    ApplyHistory,
    Command,
    CompareHistory,
    Finish,
    FinishReason,
    PassDone,
    ReadEntries,
    ReadHead,
    ReadMarks,
    ReadProposals,
    Rehome,
    Send,
    StoreAcknowledged,
    StoreLeases,
    StoreProposalsDone,
    StoreWelcome,
)
from shared.sync.chain import Head
from shared.sync.limits import GREETING_MS_MAX, SILENCE_MS_MAX, TICK_INTERVAL_MS, Credits
from shared.sync.locating import Search
from shared.sync.messages import (
    Ack,
    Batch,
    Checkpoint,
    Common,
    Drain,
    FeedAck,
    FeedBatch,
    FeedCursor,
    Goodbye,
    Hello,
    HistoryBatch,
    HistoryCursor,
    HistoryRequest,
    HqMessage,
    LeaseRequest,
    LeasesGranted,
    LeaseWish,
    Mark,
    Marks,
    Proposals,
    ProposalsKept,
    ResumeMode,
    Tick,
    Undecodable,
    Welcome,
)


@dataclass(slots=True)
class _Pass:
    target_seq: int
    tick_number: int | None = None
    feed_target: int | None = None


class _State(Enum):
    GREETING = auto()
    STREAMING = auto()
    LOCATING = auto()
    FINISHED = auto()


class BranchSession:
    """One stream, from hello to its end."""

    def __init__(self, hello: Hello, now_ms: int) -> None:
        """`now_ms` here and below is monotonic time in milliseconds."""
        self._state = _State.GREETING
        self._commands: deque[Command] = deque([Send(hello)])
        self._hello = hello
        self._credits = Credits()
        self._acknowledged = Head(0, b"")
        self._history_compared = False
        self._head_seq = hello.head.seq
        self._sent_seq = 0
        self._in_flight: deque[Head] = deque()
        self._reading = False
        self._feed = hello.feed
        self._feed_received = hello.feed.position
        self._feed_queue: deque[FeedBatch] = deque()
        self._heard_ms = now_ms
        self._started_ms = now_ms
        self._next_tick_ms = now_ms
        self._tick_number = 0
        self._evenness: tuple[int, int] | None = None  # (head seq, clock read before it)
        self._hq_clock_us = 0
        self._skew_at_most_us = 0
        self._pass: _Pass | None = None
        self._search: Search | None = None
        self._marks: tuple[Mark, ...] = ()
        self._history_after: HistoryCursor | None = None  # None: there is none to take
        self._wished = False  # leases were asked for, and HQ has not answered
        self._proposals_sent: tuple[tuple[int, bytes], bool] | None = None  # the last key, and whether it was the end
        self._is_handing_back = False
        self._kept_by = 0  # where the feed shows that HQ keeps what was handed back

    # Messages from HQ.

    def receive_message(self, message: HqMessage, now_ms: int) -> None:
        """Takes any message of HQ's."""
        self._heard_ms = now_ms
        match message:
            case Welcome():
                self._receive_welcome(message)
            case Ack():
                self._receive_ack(message)
            case FeedBatch():
                self._receive_feed(message)
            case Checkpoint():
                self._receive_checkpoint(message)
            case Common():
                self._receive_common(message)
            case HistoryBatch():
                if self._state is _State.STREAMING and self._history_after is not None:
                    self._commands.append(ApplyHistory(message))
            case ProposalsKept(feed_head):
                self._receive_proposals_kept(feed_head)
            case LeasesGranted() if self._wished:
                self._wished = False
                self._commands.append(StoreLeases(message))
                self._check_pass()
            case Drain():
                self._finish(FinishReason.DRAINED, message.reason, message.delay_ms)
            case Undecodable():
                self._finish(FinishReason.VIOLATION, message.reason)

    def _receive_welcome(self, welcome: Welcome) -> None:
        if self._state is not _State.GREETING:
            self._finish(FinishReason.VIOLATION, "HQ sent a second welcome.")
            return
        self._hq_clock_us = welcome.hq_clock_us
        self._commands.append(StoreWelcome(welcome))
        if welcome.resume is ResumeMode.REPAIR:
            self._begin_locating()
            return
        if welcome.resume is not ResumeMode.INCREMENTAL:
            self._finish(FinishReason.REFUSED, welcome.reason or f"HQ answered {welcome.resume.name.lower()}.")
            return
        self._state = _State.STREAMING
        self._credits = welcome.credits
        if welcome.feed_lost:
            self._feed_received = 0
        self._acknowledged = welcome.acknowledged
        self._sent_seq = welcome.acknowledged.seq
        self._commands.append(CompareHistory(welcome.acknowledged))

    def _receive_ack(self, ack: Ack) -> None:
        if self._state is not _State.STREAMING:
            return
        while self._in_flight and self._in_flight[0].seq < ack.acknowledged.seq:
            self._in_flight.popleft()
        if not self._in_flight or self._in_flight[0] != ack.acknowledged:
            self._finish(
                FinishReason.VIOLATION, f"HQ acknowledged entry {ack.acknowledged.seq}, which was not sent so."
            )
            return
        self._in_flight.popleft()
        self._acknowledged = ack.acknowledged
        self._commands.append(StoreAcknowledged(ack))
        self._say_when_even()
        self._pump()

    def _receive_feed(self, batch: FeedBatch) -> None:
        if self._state is not _State.STREAMING:
            return
        if batch.after_position != self._feed_received:
            explanation = f"A stretch of the feed is missing: {self._feed_received}–{batch.after_position}."
            self._finish(FinishReason.VIOLATION, explanation)
            return
        self._feed_received = batch.cursor.position
        self._feed_queue.append(batch)
        if len(self._feed_queue) == 1:
            self._commands.append(ApplyFeed(batch))

    def _receive_common(self, common: Common) -> None:
        if self._search is None or not self._marks:
            self._finish(FinishReason.VIOLATION, "HQ answered marks that were not asked.")
            return
        marks, self._marks = self._marks, ()
        if not self._search.record_answer(marks, common.index):
            self._finish(FinishReason.VIOLATION, "HQ answered with a mark that was not asked.")
            return
        self._search_on()

    def _receive_proposals_kept(self, feed_head: int) -> None:
        if self._proposals_sent is None:
            return
        last_key, done = self._proposals_sent
        self._proposals_sent = None
        if done:
            self._is_handing_back, self._kept_by = False, feed_head
        self._commands.append(StoreProposalsDone(feed_head) if done else ReadProposals(last_key))
        self._check_pass()

    def _receive_checkpoint(self, checkpoint: Checkpoint) -> None:
        if self._pass and self._pass.tick_number == checkpoint.tick_number:
            self._pass.feed_target = checkpoint.feed_head
            self._check_pass()

    # Facts from the store.

    def record_welcome_stored(self, clock_us: int) -> None:
        """The welcome is stored; `clock_us` is the branch's clock, read after it came."""
        self._skew_at_most_us = clock_us - self._hq_clock_us

    def record_history(self, own_hash: bytes | None) -> None:
        """The branch's own hash at the acknowledged seq; None when it has no such entry."""
        if self._state is not _State.STREAMING:
            return
        if own_hash != self._acknowledged.entry_hash:
            self._begin_locating()
            return
        self._history_compared = True
        self._say_when_even()
        self._pump()

    def record_history_wanted(self, after: HistoryCursor) -> None:
        """The store has yet to take what HQ holds of its other incarnations."""
        if self._state is _State.STREAMING:
            self._history_after = after
            self._commands.append(Send(HistoryRequest(after)))

    def record_history_applied(self, batch: HistoryBatch, head_seq: int) -> None:
        """A batch of history is durable; the journal's head has grown when HQ has lost what it once gave."""
        if self._state is not _State.STREAMING:
            return
        if batch.done and self._pass and head_seq > self._pass.target_seq:
            self.record_pass_wanted(head_seq)
        self._history_after = None if batch.done else batch.cursor
        if self._history_after is not None:
            self._commands.append(Send(HistoryRequest(self._history_after)))
        self.record_appended(head_seq)
        self._check_pass()

    def record_proposals_wanted(self) -> None:
        """HQ has lost its feed, and the store has yet to hand back HQ's own cards."""
        if self._state is _State.STREAMING:
            self._is_handing_back = True
            self._commands.append(ReadProposals((0, b"")))

    def record_proposals(self, records: tuple[bytes, ...], last_key: tuple[int, bytes], done: bool) -> None:
        """What `ReadProposals` found."""
        if self._state is _State.STREAMING:
            self._proposals_sent = (last_key, done)
            self._commands.append(Send(Proposals(records, done)))

    def record_wishes(self, wishes: tuple[LeaseWish, ...]) -> None:
        """Leases that the store would like to have; nothing most of the time."""
        if self._state is _State.STREAMING and wishes and not self._wished:
            self._wished = True
            self._commands.append(Send(LeaseRequest(wishes)))

    def record_head_position(self, position: int) -> None:
        """The journal's newest position, answering `ReadMarks` of nothing."""
        if self._state is _State.LOCATING and self._search is None:
            self._search = Search(position)
            self._search_on()

    def record_marks(self, marks: tuple[Mark, ...]) -> None:
        """What `ReadMarks` found."""
        if self._state is _State.LOCATING:
            self._marks = marks
            self._commands.append(Send(Marks(marks)))

    def record_rehomed(self) -> None:
        """The store is a new incarnation now."""
        self._finish(FinishReason.REHOMED, "The store goes on as a new incarnation.")

    def record_appended(self, head_seq: int) -> None:
        """The journal grew."""
        self._head_seq = max(self._head_seq, head_seq)
        self._pump()

    def record_switched(self, head_seq: int) -> None:
        """What HQ said made the store record something itself: a pass is not done before that is at HQ too."""
        if self._pass and head_seq > self._pass.target_seq:
            self.record_pass_wanted(head_seq)
        self.record_appended(head_seq)

    def record_head(self, head_seq: int, clock_us: int) -> None:
        """The journal's head, and the branch clock as it was just before the head was read."""
        self._head_seq = max(self._head_seq, head_seq)
        if self._evenness is None:
            self._evenness = (head_seq, clock_us)
        self._say_when_even()
        self._pump()

    def record_entries(self, entries: tuple[bytes, ...], last_hash: bytes) -> None:
        """What `ReadEntries` found, in order; nothing when there is nothing more."""
        self._reading = False
        if self._state is not _State.STREAMING or not entries:
            return
        batch = Batch(self._hello.incarnation, self._sent_seq + 1, entries, last_hash, self._head_seq)
        self._sent_seq = batch.last_seq
        self._head_seq = max(self._head_seq, batch.last_seq)
        self._in_flight.append(Head(batch.last_seq, last_hash))
        self._commands.append(Send(batch))
        self._pump()

    def record_feed_applied(self, cursor: FeedCursor) -> None:
        """The oldest feed batch is durable."""
        self._feed_queue.popleft()
        self._feed = cursor
        if self._state is not _State.STREAMING:
            return
        self._commands.append(Send(FeedAck(cursor)))
        if self._feed_queue:
            self._commands.append(ApplyFeed(self._feed_queue[0]))
        self._check_pass()

    def record_pass_wanted(self, target_seq: int) -> None:
        """Someone asks to be even: the branch's head now, and HQ's feed."""
        self._pass = _Pass(max(target_seq, self._pass.target_seq if self._pass else 0))
        self._commands.append(ReadHead())

    def record_goodbye(self) -> None:
        """The shell wants to end the stream."""
        if self._state in (_State.STREAMING, _State.LOCATING):
            self._commands.append(Send(Goodbye()))
        self._finish(FinishReason.GOODBYE)

    # Time.

    def tick(self, now_ms: int) -> None:
        """Lets time pass."""
        streams = self._state in (_State.STREAMING, _State.LOCATING)
        if self._state is _State.GREETING and now_ms - self._started_ms >= GREETING_MS_MAX:
            self._finish(FinishReason.SILENCE, "HQ did not answer the hello.")
        elif streams and now_ms - self._heard_ms >= SILENCE_MS_MAX:
            self._finish(FinishReason.SILENCE, "HQ has been silent for too long.")
        elif self._state is _State.STREAMING and now_ms >= self._next_tick_ms:
            self._next_tick_ms = now_ms + TICK_INTERVAL_MS
            self._commands.append(ReadHead())

    # Drains.

    def commands(self) -> list[Command]:
        """What the shell is to do now, in order; empties the queue. Sales go before cards: the feed is applied last."""
        drained = sorted(self._commands, key=lambda command: isinstance(command, ApplyFeed))
        self._commands.clear()
        return drained

    def next_wake_at(self) -> int | None:
        """When to call `tick` at the latest, in milliseconds; None when finished."""
        match self._state:
            case _State.GREETING:
                return self._started_ms + GREETING_MS_MAX
            case _State.STREAMING:
                return min(self._next_tick_ms, self._heard_ms + SILENCE_MS_MAX)
            case _State.LOCATING:
                return self._heard_ms + SILENCE_MS_MAX
            case _State.FINISHED:
                return None

    @property
    def incarnation(self) -> bytes:
        return self._hello.incarnation

    @property
    def acknowledged(self) -> Head:
        return self._acknowledged

    @property
    def feed(self) -> FeedCursor:
        return self._feed

    @property
    def is_streaming(self) -> bool:
        return self._state is _State.STREAMING

    # Decisions.

    def _begin_locating(self) -> None:
        self._state = _State.LOCATING
        self._commands.append(ReadMarks(()))

    def _search_on(self) -> None:
        assert self._search is not None
        positions = self._search.next_positions()
        if positions:
            self._commands.append(ReadMarks(positions))
        else:
            self._commands.append(Rehome(self._search.common, self._search.common_position))

    def _pump(self) -> None:
        wanted = (
            self._state is _State.STREAMING
            and self._history_compared
            and not self._reading
            and self._sent_seq < self._head_seq
            and len(self._in_flight) < self._credits.batches
        )
        if wanted:
            self._reading = True
            self._commands.append(ReadEntries(self._sent_seq, self._credits.batch_rows, self._credits.batch_bytes))

    def _say_when_even(self) -> None:
        if self._state is not _State.STREAMING or not self._evenness or not self._history_compared:
            return
        head_seq, clock_us = self._evenness
        if self._acknowledged.seq < head_seq:
            return
        self._evenness = None
        self._tick_number += 1
        if self._pass and self._pass.tick_number is None and self._acknowledged.seq >= self._pass.target_seq:
            self._pass.tick_number = self._tick_number
        self._commands.append(Send(Tick(self._tick_number, clock_us, head_seq, self._skew_at_most_us)))
        if self._pass and self._pass.tick_number is None:
            self._commands.append(ReadHead())

    def _check_pass(self) -> None:
        wanted = self._pass
        if self._history_after is not None or self._wished or self._is_handing_back:
            return
        if wanted and wanted.feed_target is not None and self._feed.position >= max(wanted.feed_target, self._kept_by):
            self._pass = None
            self._commands.append(PassDone())

    def _finish(self, reason: FinishReason, explanation: str = "", delay_ms: int | None = None) -> None:
        if self._state is not _State.FINISHED:
            self._state = _State.FINISHED
            self._commands.append(Finish(reason, explanation, delay_ms))
