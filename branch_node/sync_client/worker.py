"""The store as the asynchronous shell uses it: blocking calls, one at a time, in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import shared
from branch_node.operations.branch_facts import record_switch
from branch_node.operations.budgets import read_held, read_wishes, store_grants
from branch_node.operations.erased_twins import find_lost_twins, record_twins
from branch_node.operations.feed import apply_feed, apply_orders, clients_ordered
from branch_node.operations.history import apply_history
from branch_node.operations.proposals import ProposalsRead, read_proposals
from branch_node.storage import sync_state
from branch_node.storage.counters import count_acknowledged
from branch_node.storage.erasing import Scan, scan_journal
from branch_node.storage.file_transfers import reopen_all
from branch_node.storage.intents import note_answer, oldest_intent_us
from branch_node.storage.journal import EntriesRead, read_entries, read_hash
from branch_node.storage.pass_requests import finish_requests, open_requests
from branch_node.storage.pruning import prune_journal
from branch_node.storage.rehoming import journal_history, read_head_position, read_marks, rehome
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import store_mode
from branch_node.storage.transaction import read_node, read_parent
from shared.errors import Refused, StoreBusy
from shared.storage.erasing import is_scouring_due, note_scoured, unapplied
from shared.sync import branch_commands as core
from shared.sync.branch_session import BranchSession
from shared.sync.chain import Head
from shared.sync.limits import PROTOCOL_MAX, PROTOCOL_MIN, SCHEMA_VERSION
from shared.sync.messages import (
    Ack,
    FeedBatch,
    FeedCursor,
    Hello,
    HistoryBatch,
    HistoryCursor,
    LeasesGranted,
    LeaseWish,
    Mark,
    ResumeMode,
    Welcome,
)
from shared.sync.recognition import goes_on

ResultT = TypeVar("ResultT")


class Growth(NamedTuple):
    """What other processes did to the store: the journal's head, and passes they ask for."""

    head_seq: int
    requests: list[bytes]


class HeadRead(NamedTuple):
    """The journal's head, and the clock just before it was read."""

    seq: int
    clock_us: int


class StoreWorker:
    """Runs storage for the shell."""

    def __init__(self, store: BranchStore, boot_id: bytes) -> None:
        self._store = store
        self._boot_id = boot_id
        self._instance_id = store.ids.new_id()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._data_version: int | None = None
        self._feed: FeedCursor | None = None  # as the hello named it, and as applied since
        self._erased: set[str] = set()  # words of erased persons that the files may hold still
        self._may_prune = False  # HQ's word on its backups is of this session, and HQ was not restored

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Runs blocking work in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    # Blocking calls.

    def perform(self, session: BranchSession, command: core.StoreCommand) -> list[str]:
        """Does what the session asks of the store and answers it; returns what could not be understood of the feed."""
        match command:
            case core.StoreWelcome(welcome):
                session.record_welcome_stored(self.store_welcome(welcome))
                switched_seq = self.store_mode(welcome)
                if switched_seq is not None:
                    session.record_switched(switched_seq)
            case core.CompareHistory(acknowledged):
                session.record_history(self.history(acknowledged))
                self._take_up(session)
            case core.ReadEntries(after_seq, rows_max, bytes_max):
                session.record_entries(*self.entries(after_seq, rows_max, bytes_max))
            case core.StoreAcknowledged(ack):
                self.store_ack(session.incarnation, ack)
            case core.ReadHead():
                session.record_head(*self.head())
                session.record_wishes(self.wishes())
            case core.ReadMarks(positions):
                if positions:
                    session.record_marks(self.marks(positions))
                else:
                    session.record_head_position(self.head_position())
            case core.Rehome(common, common_position):
                self.rehome(common, common_position)
                session.record_rehomed()
            case core.ApplyHistory(history):
                session.record_history_applied(history, self.apply_history(history))
            case core.ReadProposals(after):
                session.record_proposals(*self.proposals(after))
            case core.StoreProposalsDone(feed_head):
                self.store_proposals_done(feed_head)
            case core.StoreLeases(granted):
                self.store_leases(session.incarnation, granted)
            case core.ApplyFeed(batch):
                problems, switched_seq = self.apply_feed(batch)
                session.record_feed_applied(batch.cursor)
                if switched_seq is not None:
                    session.record_switched(switched_seq)
                return problems
        return []

    def _take_up(self, session: BranchSession) -> None:
        session.record_wishes(self.held_leases() + self.wishes())
        history, proposals_wanted = self.wanted()
        if history is not None:
            session.record_history_wanted(history)
        if proposals_wanted:
            session.record_proposals_wanted()

    def hello(self) -> Hello:
        with self._store.read_cursor() as cursor:
            node, chain = read_node(cursor)
            state = sync_state.read_sync_state(cursor)
            parent = read_parent(cursor)
        self._feed = state.feed
        return Hello(
            branch_id=node.branch_id,
            incarnation=chain.incarnation,
            head=chain.head,
            feed=state.feed,
            wall_clock_us=self._store.clock.now_us(),
            hlc_epoch=node.hlc_epoch,
            hlc=chain.hlc,
            release=shared.__version__,
            boot_id=self._boot_id,
            instance_id=self._instance_id,
            protocol_min=PROTOCOL_MIN,
            protocol_max=PROTOCOL_MAX,
            schema_version=SCHEMA_VERSION,
            parent=parent,
            last_fence=state.last_fence,
        )

    def acknowledged_seq(self) -> int:
        with self._store.read_cursor() as cursor:
            return sync_state.read_sync_state(cursor).acknowledged.seq

    def hq_address(self) -> str:
        return self._store.node()[0].hq_address

    def head(self) -> HeadRead:
        """Read in a writer's turn: an operation that is under way has read its clock, and would be passed over."""
        with self._store.write() as connection:
            cursor = connection.connection.cursor()
            clock_us = self._store.clock.now_us()
            # What HQ is still asked about was recorded before, and may come later.
            oldest_us = oldest_intent_us(cursor)
            return HeadRead(read_node(cursor)[1].head.seq, clock_us if oldest_us is None else min(clock_us, oldest_us))

    def entries(self, after_seq: int, rows_max: int, bytes_max: int) -> EntriesRead:
        with self._store.read_cursor() as cursor:
            return read_entries(cursor, after_seq, rows_max, bytes_max)

    def history(self, acknowledged: Head) -> bytes | None:
        """The branch's own hash at HQ's acknowledged entry; when it is the same, the session goes on from there.

        Only then is anything pruned: HQ's backups may hold other entries than a copy has under the same numbers.
        """
        with self._store.read_cursor() as cursor:
            own_hash = read_hash(cursor, acknowledged.seq)
            known = sync_state.read_sync_state(cursor).acknowledged
        if own_hash == acknowledged.entry_hash and (known != acknowledged or self._may_prune):
            with self._store.write() as connection:
                own = connection.connection.cursor()
                if known != acknowledged:
                    sync_state.store_resumed(own, acknowledged)
                if self._may_prune:
                    prune_journal(own, self._store.clock.now_us())
        return own_hash

    def store_welcome(self, welcome: Welcome) -> int:
        """Returns the branch's clock, read before anything else."""
        clock_us = self._store.clock.now_us()
        scan = self._scan(welcome.orders, only_new=True) if goes_on(welcome.resume) else None
        with self._store.operation() as transaction:
            cursor = transaction.cursor
            sync_state.store_welcome(cursor, welcome, goes_on(welcome.resume), clock_us)
            if goes_on(welcome.resume):
                note_answer(cursor)
            known = welcome.acknowledged
            if welcome.resume is ResumeMode.INCREMENTAL and read_hash(cursor, known.seq) == known.entry_hash:
                # Before anything is sent: what people wrote of the erased names them, and HQ does not know the words.
                # A store that is to be re-homed sends nothing yet; what HQ has of it shows only then, and HQ, should it
                # lose the order, would recognise the loss by the session alone.
                twins = apply_orders(transaction.connection, welcome.orders, clock_us, self._erased, scan, known.seq)
                record_twins(transaction, twins | find_lost_twins(transaction.connection, known.seq))
            if (welcome.hq_restored or welcome.feed_lost) and goes_on(welcome.resume):
                reopen_all(cursor)
            if welcome.hq_restored and goes_on(welcome.resume):
                journal_history(cursor, all_of_it=True)
                transaction.go_on_from_journal()
                # What was handed back before may be lost again, undecided.
                sync_state.want_proposals(cursor)
                # It may hold again what it had committed at once for a store that was lost, and had lost in between.
                sync_state.restart_history(cursor)
        if self._erased:
            self.scour()
        self._may_prune = welcome.resume is ResumeMode.INCREMENTAL and not welcome.hq_restored
        return clock_us

    def store_mode(self, welcome: Welcome) -> int | None:
        """Adopts how HQ wants the branch to process, and records that it does; returns the entry, if there is one."""
        with self._store.operation() as transaction:
            if not record_switch(transaction, welcome.mode.value, welcome.when_unreachable.value):
                return None
            store_mode(transaction.cursor, welcome.mode, welcome.when_unreachable)
            return transaction.seq

    def wanted(self) -> tuple[HistoryCursor | None, bool]:
        """What is left to take back from HQ, and whether HQ's own cards are to be handed back to it."""
        with self._store.read_cursor() as cursor:
            state = sync_state.read_sync_state(cursor)
        return state.history, state.proposals_wanted

    def store_ack(self, incarnation: bytes, ack: Ack) -> None:
        with self._store.write() as connection:
            cursor = connection.connection.cursor()
            sync_state.store_ack(cursor, incarnation, ack, self._store.clock.now_us())
            count_acknowledged(cursor)

    def head_position(self) -> int:
        with self._store.read_cursor() as cursor:
            return read_head_position(cursor)

    def marks(self, positions: tuple[int, ...]) -> tuple[Mark, ...]:
        with self._store.read_cursor() as cursor:
            return read_marks(cursor, positions)

    def rehome(self, common: Mark | None, common_position: int) -> None:
        with self._store.write() as connection:
            cursor = connection.connection.cursor()
            rehome(cursor, common, common_position, self._store.ids, self._store.clock.now_us())

    def apply_history(self, batch: HistoryBatch) -> int:
        """Returns the journal's head: the last batch may show that HQ has lost some of the history."""
        with self._store.write() as connection:
            apply_history(connection, batch, self._store.clock.now_us())
            return read_node(connection.connection.cursor())[1].head.seq

    def proposals(self, after: tuple[int, bytes]) -> ProposalsRead:
        with self._store.read() as connection:
            return read_proposals(connection, after)

    def store_proposals_done(self, feed_head: int) -> None:
        with self._store.write() as connection:
            sync_state.store_proposals_done(connection.connection.cursor(), feed_head)

    def apply_feed(self, batch: FeedBatch, hands_back: bool = False) -> tuple[list[str], int | None]:
        """With `hands_back`, HQ may not know what the batch holds: its cards are to be proposed to it.

        Returns what could not be understood, and the entry that records a switch of the mode, if there is one.

        Raises Refused when somebody else moved the feed's cursor: the hello has told HQ of another.
        """
        scan, twins = self._scan(batch.records), dict[bytes, bytes]()
        with self._store.operation() as transaction:
            if self._feed not in (None, sync_state.read_sync_state(transaction.cursor).feed):
                raise Refused("A carry file was taken in the meanwhile.", "The branch connects again by itself.")
            problems = apply_feed(transaction.connection, batch, self._store.clock.now_us(), self._erased, scan, twins)
            said = record_twins(transaction, twins)
            node = read_node(transaction.cursor)[0]
            switched = record_switch(transaction, node.mode.value, node.when_unreachable.value)
            if hands_back:
                sync_state.want_proposals(transaction.cursor)
        self._feed = batch.cursor
        if self._erased:
            self.scour()
        return problems, transaction.seq if switched or said else None

    def _scan(self, records: Sequence[bytes], only_new: bool = False) -> Scan | None:
        """Looks for persons who are to be erased before the transaction that does it keeps tills waiting."""
        ordered = clients_ordered(records)
        if not ordered:
            return None
        with self._store.read() as connection:
            wanted = unapplied(connection, ordered) if only_new else ordered
            return scan_journal(connection, wanted) if wanted else None

    def scour(self) -> None:
        """Takes the traces of erased persons out of the files; what a reader does not let it, it tries again later."""
        with self._store.read() as connection:
            if not is_scouring_due(connection):
                return
        # After a restart nobody knows the words any more: then the file is rebuilt.
        with contextlib.suppress(StoreBusy):
            if self._store.scour([word.encode() for word in sorted(self._erased)] or None):
                with self._store.write() as connection:
                    note_scoured(connection, self._store.clock.now_us())
                self._erased.clear()

    def wishes(self) -> tuple[LeaseWish, ...]:
        with self._store.read_cursor() as cursor:
            return read_wishes(cursor, self._store.clock.now_us())

    def held_leases(self) -> tuple[LeaseWish, ...]:
        with self._store.read_cursor() as cursor:
            return read_held(cursor)

    def store_leases(self, incarnation: bytes, granted: LeasesGranted) -> None:
        with self._store.write() as connection:
            store_grants(connection.connection.cursor(), self._store.ids, incarnation, granted.grants)

    def store_disconnected(self, trouble: str | None) -> None:
        with self._store.write() as connection:
            sync_state.store_disconnected(connection.connection.cursor(), trouble)
        self.scour()

    def growth(self) -> Growth | None:
        """What others did since the last call; None when nobody committed."""
        version = self._store.data_version()
        if version == self._data_version:
            return None
        self._data_version = version
        with self._store.read_cursor() as cursor:
            return Growth(read_node(cursor)[1].head.seq, open_requests(cursor))

    def finish_requests(self, request_ids: list[bytes], problem: str | None) -> None:
        if request_ids:
            with self._store.write() as connection:
                cursor = connection.connection.cursor()
                finish_requests(cursor, request_ids, problem, self._store.clock.now_us())
