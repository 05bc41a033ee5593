"""A branch and head office in memory: both sessions, their stores, and a link that delays, reorders work and breaks.

Everything that a shell does is one step here, and the order of the steps is drawn from a seed. The steps check the
promises as they go; `settle` runs until nothing is left to do.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.domain.identifiers import NIL_ID
from shared.sync import branch_commands as near
from shared.sync import hq_session as far
from shared.sync.branch_session import BranchSession
from shared.sync.chain import NO_HASH, Head, hash_genesis
from shared.sync.hq_session import HqSession
from shared.sync.limits import FEED_BATCHES_IN_FLIGHT_MAX, Credits
from shared.sync.messages import Ack, Batch, FeedBatch, FeedCursor, Hello, ProcessingMode, Tick, WhenUnreachable
from shared.sync.recognition import KnownBranch, KnownLife, decide_hello

BRANCH, INCARNATION, EPOCH = b"b" * 16, b"i" * 16, b"e" * 16
Step = Callable[[], None]


def _link(previous: bytes, data: bytes) -> bytes:
    return hashlib.sha256(previous + data).digest()


@dataclass
class Chain:
    """Data in order, with a running hash after each."""

    genesis: bytes
    items: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)

    def append(self, data: bytes) -> None:
        self.hashes.append(_link(self.hash_at(len(self.items)), data))
        self.items.append(data)

    def hash_at(self, seq: int) -> bytes:
        return self.hashes[seq - 1] if seq else self.genesis

    @property
    def head(self) -> Head:
        return Head(len(self.items), self.hash_at(len(self.items)))


class Streams:
    """One branch and its head office, whatever streams come and go between them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = 0
        self.skew = self.random.choice([-1_000, 0, 1_000])
        self.monotonic_ms = 0
        genesis = hash_genesis(BRANCH, INCARNATION)
        self.journal, self.held = Chain(genesis), Chain(genesis)
        self.recorded_at: list[int] = []
        self.feed, self.mine = Chain(NO_HASH), list[bool]()
        self.taken: list[bytes] = []
        self.feed_cursor = FeedCursor()
        self.stored_acks: list[Head] = []
        self.acked_feed = FeedCursor()
        self.known = False
        self.fence = 0
        self.watermark = 0
        self.passes_done = 0
        self.streams = 0
        self.connect()

    # Streams.

    def connect(self) -> None:
        """A new stream; whatever the last one had under way is lost."""
        self.streams += 1
        self.credits = Credits(self.random.randint(1, 4), self.random.randint(1, 5))
        self.to_hq: deque[Any] = deque()
        self.to_branch: deque[Any] = deque()
        self.branch_work: deque[Step] = deque()
        self.merges: deque[Step] = deque()
        self.hq_work: list[Step] = []
        self.batches_in_flight = self.feed_in_flight = 0
        now_ms = self.monotonic_ms
        hello = Hello(
            BRANCH, INCARNATION, self.journal.head, self.feed_cursor, self.clock, 0, 0, "", NIL_ID, NIL_ID, 1, 1, 1
        )
        self.branch, self.hq = BranchSession(hello, now_ms), HqSession(BRANCH, now_ms, self.credits)

    def want_pass(self) -> None:
        """Someone asks the branch for a pass."""
        self.branch.record_pass_wanted(len(self.journal.items))

    def record_entry(self) -> None:
        """The branch sells something; its session may hear of it late."""
        self.clock += 1
        self.journal.append(b"entry %d" % len(self.journal.items))
        self.recorded_at.append(self.clock)
        seq = len(self.journal.items)
        session = self.branch
        self.branch_work.append(lambda: session.record_appended(seq))

    def publish(self) -> None:
        """Head office's feed grows, by something for this branch or for another."""
        self.feed.append(b"record %d" % len(self.feed.items))
        self.mine.append(self.random.random() < 0.5)
        self.hq.record_feed_head(len(self.feed.items))

    def wait(self, ms: int) -> None:
        """Time passes on both sides."""
        self.monotonic_ms += ms
        self.clock += ms
        self.branch.tick(self.monotonic_ms)
        self.hq.tick(self.monotonic_ms)

    # Steps.

    def step(self) -> bool:
        """Does one thing that is ready, chosen at random; false when there is none."""
        self._collect()
        steps: list[Step] = []
        if self.to_hq:
            steps.append(lambda: self.hq.receive_message(self.to_hq.popleft(), self.monotonic_ms))
        if self.to_branch:
            steps.append(lambda: self.branch.receive_message(self.to_branch.popleft(), self.monotonic_ms))
        steps += [lambda work=work: work.popleft()() for work in (self.branch_work, self.merges) if work]  # type: ignore[misc]
        if self.hq_work:
            steps.append(lambda: self.hq_work.pop(self.random.randrange(len(self.hq_work)))())
        if not steps:
            return False
        self.random.choice(steps)()
        return True

    def settle(self) -> None:
        """Runs until nothing is left to do."""
        for _ in range(100_000):
            if not self.step():
                return
        raise AssertionError("the two sides never come to rest")

    def _collect(self) -> None:
        for command in self.branch.commands():
            self._carry_out_at_branch(command)
        for answer in self.hq.commands():
            self._carry_out_at_hq(answer)

    # What the shells do.

    def _carry_out_at_branch(self, command: near.Command) -> None:
        session, work = self.branch, self.branch_work
        match command:
            case near.Send(message):
                self._check_sent(message)
                self.to_hq.append(message)
            case near.CompareHistory(acknowledged):
                work.append(lambda: session.record_history(self.journal.hash_at(acknowledged.seq)))
            case near.ReadEntries(after_seq, rows_max):
                work.append(lambda: self._read_entries(after_seq, rows_max))
            case near.StoreAcknowledged(ack):
                self._check_ack(ack)
            case near.ApplyFeed(batch):
                work.append(lambda: self._apply_feed(batch))
            case near.ReadHead():
                clock = self.clock
                work.append(lambda: session.record_head(len(self.journal.items), clock))
            case near.PassDone():
                self.passes_done += 1
            case near.StoreWelcome():
                session.record_welcome_stored(self.clock)
            case near.Finish():
                raise AssertionError(f"the branch gave up: {command}")

    def _carry_out_at_hq(self, command: far.Command) -> None:
        session = self.hq
        match command:
            case far.Send(message):
                if isinstance(message, FeedBatch):
                    self.feed_in_flight += 1
                    assert self.feed_in_flight <= FEED_BATCHES_IN_FLIGHT_MAX
                self.to_branch.append(message)
            case far.OpenSession(hello):
                self.hq_work.append(lambda: self._open(hello))
            case far.MergeBatch(batch, fence):
                self.merges.append(lambda: self._merge(batch, fence))
            case far.ReadFeed(after):
                self.hq_work.append(lambda: self._read_feed(after))
            case far.StoreFeedAck(cursor):
                self.feed_in_flight -= 1
                assert cursor.position > self.acked_feed.position
                self.acked_feed = cursor
            case far.StoreTick(tick, complete_to_us):
                self.watermark = max(self.watermark, complete_to_us + self.skew)
                self.hq_work.append(
                    lambda: session.record_tick_stored(tick, len(self.held.items), len(self.feed.items))
                )
            case far.StoreGoodbye():
                pass
            case far.Finish():
                raise AssertionError(f"head office gave up: {command}")

    # The branch's store.

    def _read_entries(self, after_seq: int, rows_max: int) -> None:
        last = min(len(self.journal.items), after_seq + rows_max)
        self.branch.record_entries(tuple(self.journal.items[after_seq:last]), self.journal.hash_at(last))

    def _apply_feed(self, batch: FeedBatch) -> None:
        assert batch.cursor.position > self.feed_cursor.position
        self.taken += batch.records
        self.feed_cursor = batch.cursor
        self.branch.record_feed_applied(batch.cursor)

    def _check_sent(self, message: object) -> None:
        if isinstance(message, Batch):
            self.batches_in_flight += 1
            assert self.batches_in_flight <= self.credits.batches
        if isinstance(message, Tick):
            assert message.head_seq <= self.stored_acks[-1].seq if self.stored_acks else message.head_seq == 0

    def _check_ack(self, ack: Ack) -> None:
        self.batches_in_flight -= 1
        head = ack.acknowledged
        assert head == Head(head.seq, self.journal.hash_at(head.seq))
        assert not self.stored_acks or head.seq > self.stored_acks[-1].seq
        self.stored_acks.append(head)

    # Head office's store.

    def _open(self, hello: Hello) -> None:
        self.fence += 1
        claimed = hello.feed
        is_on_feed = (
            claimed.epoch == EPOCH
            and claimed.position <= len(self.feed.items)
            and claimed.running_hash == self.feed.hash_at(claimed.position)
        )
        known = KnownBranch(
            BRANCH,
            not self.known,
            KnownLife(self.held.head, 0) if self.known else None,
            False,
            self.fence,
            ProcessingMode.DISTRIBUTED,
            WhenUnreachable.REFUSE,
            FeedCursor(EPOCH, *_head(self.feed)),
        )
        decision = decide_hello(hello, known, is_on_feed)
        self.known = True
        self.acked_feed = decision.feed
        self.stored_acks.append(decision.acknowledged)
        self.hq.record_opened(hello, known, decision, self.clock - self.skew)

    def _merge(self, batch: Batch, fence: int) -> None:
        assert fence == self.fence
        assert batch.first_seq == len(self.held.items) + 1
        for data in batch.entries:
            self.held.append(data)
        assert self.held.head == Head(batch.last_seq, batch.last_hash)
        self.hq.record_merged(Ack(self.held.head))

    def _read_feed(self, after: FeedCursor) -> None:
        last = min(len(self.feed.items), after.position + self.random.randint(1, 4))
        numbers = range(after.position, last)
        records = tuple(self.feed.items[number] for number in numbers if self.mine[number])
        self.hq.record_feed_read(records, FeedCursor(EPOCH, last, self.feed.hash_at(last)))

    # The promises.

    def check_watermark(self) -> None:
        """Head office never believes that it has everything up to a moment when it does not."""
        held = len(self.held.items)
        assert all(recorded >= self.watermark for recorded in self.recorded_at[held:])

    def check_even(self) -> None:
        """Both sides hold the same, once and in order."""
        assert self.held == self.journal
        assert self.stored_acks[-1] == self.journal.head
        assert self.taken == [data for data, mine in zip(self.feed.items, self.mine, strict=True) if mine]


def _head(chain: Chain) -> tuple[int, bytes]:
    return chain.head.seq, chain.head.entry_hash
