"""The store as the asynchronous shell uses it: every call in a bounded pool of threads, each one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select

from hq_server.operations import central
from hq_server.operations.answering import answer
from hq_server.operations.authority import Authority
from hq_server.operations.central import Asked
from hq_server.operations.enrolment import enrol
from hq_server.operations.erasing import scour_if_due
from hq_server.operations.parked import retry_parked, waits_for_clock
from hq_server.storage import branches, budgets, lives
from hq_server.storage.audience import Reference, read_feed_of
from hq_server.storage.branches import OpenedSession
from hq_server.storage.compaction import COMPACTED_PER_TRANSACTION_MAX, compact_some
from hq_server.storage.counters import read_counters
from hq_server.storage.erased_twins import are_twins_due, erase_twins
from hq_server.storage.feed import FeedRead, index_committed, number_feed, read_head
from hq_server.storage.merge import merge_batch
from hq_server.storage.parking import count_parked
from hq_server.storage.proposals import keep_proposals, mark_kept
from hq_server.storage.store import HqStore
from hq_server.storage.tables import chain
from hq_server.sync_server.identity import Peer, require_bootstrap, require_branch, strangers_among
from shared.clock import Clock
from shared.errors import FilialError, ProtocolViolation, SessionReplaced
from shared.sync import hq_session as core
from shared.sync.central import FindClients, Findings, Outcome, Question, ResolveRequest
from shared.sync.chain import Head
from shared.sync.counting import digest_counters
from shared.sync.hlc import SKEW_MS_MAX
from shared.sync.hq_session import HqSession
from shared.sync.limits import HISTORY_BATCH_BYTES_MAX, HISTORY_BATCH_ENTRIES_MAX
from shared.sync.messages import (
    Ack,
    Batch,
    Common,
    FeedCursor,
    Hello,
    HistoryBatch,
    HistoryRequest,
    LeaseRequest,
    LeasesGranted,
    Marks,
    Proposals,
    ResumeMode,
    VerifyReply,
    VerifyRequest,
)
from shared.wire.enrolment import EnrolReply, EnrolRequest

ResultT = TypeVar("ResultT")
REFERENCES_CACHED_MAX = 20_000


class Pulse(NamedTuple):
    """What a server looks for between messages: the feed's head, and whether the fleet changed."""

    feed_head: int
    fleet_revision: int


class Merged(NamedTuple):
    """A merged batch's ack, and the feed's head when the merge told branches something."""

    ack: Ack
    feed_head: int | None


class Committing(NamedTuple):
    """What was decided, in the order it was asked, and the feed's head when branches may have been told something."""

    outcomes: list[Outcome | FilialError]
    feed_head: int | None


class _KnownReferences:
    """Which clients branches are known to have named, by branch."""

    def __init__(self, by_branch: Mapping[bytes, Container[Reference]]) -> None:
        self._by_branch = by_branch

    def __contains__(self, reference: object) -> bool:
        return isinstance(reference, tuple) and reference in self._by_branch.get(reference[0], ())


class Gateway:
    """Runs storage for the shell."""

    def __init__(self, store: HqStore, authority: Authority, clock: Clock, threads: int) -> None:
        self._store = store
        self._authority = authority
        self._clock = clock
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="merge")
        self._references: dict[bytes, set[Reference]] = {}
        self._carried: set[asyncio.Task[None]] = set()

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Runs blocking work in the pool; waits its turn when every thread is busy."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def carry_through(self, work: Coroutine[Any, Any, None]) -> None:
        """Does work that goes on to its end when whoever waits for it is cancelled."""
        task = asyncio.create_task(work)
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)
        await asyncio.shield(task)

    async def close(self) -> None:
        """Waits for what is being done."""
        if self._carried:
            await asyncio.wait(self._carried)
        self._pool.shutdown(wait=True)

    def now_us(self) -> int:
        return self._clock.now_us()

    @property
    def store(self) -> HqStore:
        return self._store

    # Blocking calls, each one transaction.

    def start(self) -> None:
        """Before the first call: nobody is connected, and what a dead server left unnumbered is numbered."""
        with self._store.write() as connection:
            branches.forget_connections(connection)
        number_feed(self._store, self.now_us())

    def identify(self, peer: Peer) -> bytes:
        with self._store.read() as connection:
            return require_branch(connection, peer)

    def enrol(self, peer: Peer, request: EnrolRequest) -> EnrolReply:
        with self._store.write() as connection:
            require_bootstrap(connection, peer)
            return enrol(connection, self._authority, request, self.now_us())

    def perform(self, peer: Peer, session: HqSession, branch_id: bytes, command: core.StoreCommand) -> Merged | None:
        """Does what a session asks of the store and answers it; returns what became of a batch.

        A store that refuses because of a newer session, or of what the branch sent, is an answer too. Raises StoreBusy,
        NotAuthorised.
        """
        try:
            return self._perform(peer, session, branch_id, command)
        except SessionReplaced:
            session.record_replaced()
        except ProtocolViolation as error:
            session.record_violation(error.message)
        return None

    def _perform(self, peer: Peer, session: HqSession, branch_id: bytes, command: core.StoreCommand) -> Merged | None:
        fence = session.fence
        match command:
            case core.MergeBatch(batch, merge_fence):
                merged = self.merge(peer, branch_id, batch, merge_fence)
                session.record_merged(merged.ack)
                return merged
            case core.ReadFeed(after, records_max, bytes_max):
                read = self.read_feed(branch_id, after, records_max, bytes_max)
                session.record_feed_read(read.records, read.cursor)
            case core.StoreFeedAck(cursor):
                self.store_feed_ack(branch_id, fence, cursor)
            case core.StoreTick(tick, complete_to_us):
                entries, feed_head = self.store_tick(peer, branch_id, fence, complete_to_us, tick.head_seq)
                session.record_tick_stored(tick, entries, feed_head)
            case core.CompareMarks(marks):
                session.record_common(self.compare_marks(branch_id, marks))
            case core.ReadHistory(request):
                session.record_history_read(self.read_history(branch_id, fence, session.incarnation, request))
            case core.StoreProposals(proposals):
                session.record_proposals_kept(self.store_proposals(peer, branch_id, fence, proposals))
            case core.GrantLeases(request):
                session.record_leases_granted(self.grant_leases(peer, branch_id, session, request))
        return None

    def open(self, hello: Hello, now_us: int) -> OpenedSession:
        with self._store.write() as connection:
            opened = branches.open_session(connection, hello, now_us)
            waits = opened.decision.resume is ResumeMode.INCREMENTAL and count_parked(connection, hello.branch_id)
            is_right = abs(hello.wall_clock_us - now_us) < SKEW_MS_MAX * 1_000
            if waits and is_right:
                # The clock is right again: what it had stamped wrongly is stamped anew.
                retry_parked(self._store, connection, hello.branch_id, now_us, waits_for_clock)
        if waits and is_right:
            number_feed(self._store, now_us)
        return opened

    def merge(self, peer: Peer, branch_id: bytes, batch: Batch, fence: int) -> Merged:
        known = self._references.setdefault(branch_id, set())
        result = merge_batch(
            self._store,
            branch_id,
            batch,
            fence,
            known,
            self.now_us(),
            lambda connection: require_branch(connection, peer),
        )
        self._remember_references(branch_id, result.references)
        feed_head = number_feed(self._store, self.now_us()).position if result.published else None
        return Merged(result.ack, feed_head)

    def _remember_references(self, branch_id: bytes, new: set[Reference]) -> None:
        known = self._references.setdefault(branch_id, set())
        if len(known) + len(new) > REFERENCES_CACHED_MAX:
            known.clear()
        known |= new

    def read_feed(self, branch_id: bytes, after: FeedCursor, records_max: int, bytes_max: int) -> FeedRead:
        with self._store.read() as connection:
            return read_feed_of(connection, branch_id, after, records_max, bytes_max)

    def store_feed_ack(self, branch_id: bytes, fence: int, cursor: FeedCursor) -> None:
        with self._store.write() as connection:
            branches.store_feed_ack(connection, branch_id, fence, cursor, self.now_us())

    def store_tick(
        self, peer: Peer, branch_id: bytes, fence: int, complete_to_us: int, head_seq: int
    ) -> tuple[int, int]:
        """Returns the entries HQ holds of the branch, and the feed's head."""
        with self._store.write() as connection:
            require_branch(connection, peer)
            entries = branches.store_tick(connection, branch_id, fence, complete_to_us, head_seq, self.now_us())
            head, twins = read_head(connection).position, are_twins_due(connection)
        return entries, self._erase_twins() if twins else head

    def _erase_twins(self) -> int:
        """Erases who turned out to be an erased person; returns the feed's head. The files follow in a quiet hour."""
        with self._store.write() as connection:
            erase_twins(connection, self.now_us())
        return number_feed(self._store, self.now_us()).position

    def store_departure(self, branch_id: bytes, fence: int, even: bool) -> None:
        with self._store.write() as connection:
            branches.store_departure(connection, branch_id, fence, even, self.now_us())

    def compare_marks(self, branch_id: bytes, marks: Marks) -> Common:
        with self._store.read() as connection:
            return Common(lives.newest_common(connection, branch_id, marks.marks))

    def read_history(self, branch_id: bytes, fence: int, incarnation: bytes, request: HistoryRequest) -> HistoryBatch:
        """Only what was here when the session began: of what comes later a newer session brings word."""
        with self._store.read() as connection:
            branches.require_fence(branches.read_cursor(connection, branch_id), fence)
            return lives.read_history(
                connection,
                branch_id,
                incarnation,
                request.after,
                HISTORY_BATCH_ENTRIES_MAX,
                HISTORY_BATCH_BYTES_MAX,
            )

    def store_proposals(self, peer: Peer, branch_id: bytes, fence: int, proposals: Proposals) -> int:
        """Returns the feed's head after the last of them, else 0."""
        with self._store.write() as connection:
            require_branch(connection, peer)
            branches.require_fence(branches.lock_cursor(connection, branch_id), fence)
            keep_proposals(connection, branch_id, proposals.records, self.now_us())
            if proposals.done:
                mark_kept(connection, branch_id)
        feed_head = number_feed(self._store, self.now_us()).position
        return feed_head if proposals.done else 0

    def grant_leases(self, peer: Peer, branch_id: bytes, session: HqSession, request: LeaseRequest) -> LeasesGranted:
        with self._store.write() as connection:
            require_branch(connection, peer)
            branches.require_fence(branches.lock_cursor(connection, branch_id), session.fence)
            return LeasesGranted(
                budgets.grant_leases(connection, branch_id, session.incarnation, request.wishes, self.now_us())
            )

    def commit(self, peers: Sequence[Peer], asked: Sequence[Asked]) -> Committing:
        """Decides what branches ask to be committed, together. Raises StoreBusy."""
        known = _KnownReferences(self._references)
        decided = central.commit(self._store, asked, self.now_us(), strangers_among(peers), known)
        for branch_id, external_id in decided.references:
            self._remember_references(branch_id, {(branch_id, external_id)})
        feed_head = number_feed(self._store, self.now_us()).position if decided.published else None
        return Committing(decided.outcomes, feed_head)

    def resolve(self, peer: Peer, branch_id: bytes, request: ResolveRequest) -> Outcome:
        with self._store.read() as connection:
            require_branch(connection, peer)
        return central.resolve(self._store, branch_id, request, self.now_us())

    def query(self, peer: Peer, question: Question) -> Findings:
        """Raises NotAuthorised, InvalidInput, NotFound."""
        if isinstance(question, FindClients):
            index_committed(self._store)
        with self._store.read() as connection:
            require_branch(connection, peer)
            return answer(connection, question, self.now_us())

    def verify(self, branch_id: bytes, request: VerifyRequest) -> VerifyReply:
        with self._store.read() as connection:
            row = branches.read_cursor(connection, branch_id)
            parked = count_parked(connection, branch_id)
            counters = read_counters(connection, branch_id) if request.counters_digest else None
        if counters is not None and digest_counters(counters) == request.counters_digest:
            counters = None
        head = Head(row.acknowledged_seq, row.acknowledged_hash)
        return VerifyReply(row.entries, row.incarnation, head, parked, counters)

    def compact(self) -> bool:
        """Compacts the next rows of the feed; false when there are no more. Before, traces leave the files of persons
        whom an order erased that branches brought back."""
        scour_if_due(self._store, self.now_us())
        return compact_some(self._store).rows == COMPACTED_PER_TRANSACTION_MAX

    def pulse(self) -> Pulse:
        with self._store.read() as connection:
            revision = connection.execute(select(chain.c.fleet_revision)).scalar_one()
            return Pulse(read_head(connection).position, revision)
