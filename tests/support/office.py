"""A head office without its server: a founded store, and what the tests do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from hq_server.operations.fleet import add_branch
from hq_server.operations.founding import ChainRow
from hq_server.storage.branches import BranchRow, OpenedSession, open_session
from hq_server.storage.feed import audience_of_branch, number_feed, read_feed
from hq_server.storage.merge import MergeResult, merge_batch
from hq_server.storage.store import HqStore
from shared.sync.chain import Head
from shared.sync.limits import PROTOCOL_MAX, PROTOCOL_MIN, SCHEMA_VERSION
from shared.sync.messages import Batch, FeedCursor, FeedRecord, Hello
from shared.wire.exchange import decode_feed_record
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import JournalWriter


@dataclass
class Office:
    """A chain's store with a clock and ids of the test's."""

    store: HqStore
    clock: FakeClock
    ids: SeededIds
    chain: ChainRow

    def add_branch(self, code: str, price_zone: str = "") -> BranchRow:
        """A branch in the chain's zone."""
        with self.store.write() as connection:
            return add_branch(connection, self.ids, self.clock.now_us(), code, None, None, price_zone)

    def journal(self, code: str) -> JournalWriter:
        """A new branch and a journal for it."""
        return JournalWriter(self.add_branch(code).id, self.ids, self.clock)

    def open(self, journal: JournalWriter, head: Head | None = None, feed: FeedCursor | None = None) -> OpenedSession:
        """Says hello for the journal's branch."""
        with self.store.write() as connection:
            return open_session(connection, self.hello(journal, head, feed), self.clock.now_us())

    def hello(self, journal: JournalWriter, head: Head | None = None, feed: FeedCursor | None = None) -> Hello:
        """What the journal's branch says."""
        return Hello(
            branch_id=journal.branch_id,
            incarnation=journal.incarnation,
            head=head or journal.head,
            feed=feed or FeedCursor(),
            wall_clock_us=self.clock.now_us(),
            hlc_epoch=0,
            hlc=0,
            release="test",
            boot_id=b"b" * 16,
            instance_id=b"i" * 16,
            protocol_min=PROTOCOL_MIN,
            protocol_max=PROTOCOL_MAX,
            schema_version=SCHEMA_VERSION,
        )

    def merge(self, journal: JournalWriter, batch: Batch, fence: int | None = None) -> MergeResult:
        """Merges a batch in a session of its own, unless a fence is given."""
        held = fence if fence is not None else self.open(journal).known.fence
        result = merge_batch(self.store, journal.branch_id, batch, held, set(), self.clock.now_us(), lambda _: None)
        number_feed(self.store, self.clock.now_us())
        return result

    def merge_raw(self, branch_id: bytes, batch: Batch, fence: int) -> MergeResult:
        """Merges a batch that came as bytes, in a session that is open."""
        return merge_batch(self.store, branch_id, batch, fence, set(), self.clock.now_us(), lambda _: None)

    def feed_of(self, branch_id: bytes, after: FeedCursor | None = None) -> list[FeedRecord]:
        """What a branch would receive, decoded."""
        with self.store.read() as connection:
            read = read_feed(connection, ["all", audience_of_branch(branch_id)], after or FeedCursor(), 10_000, 10**9)
        return [decode_feed_record(data) for data in read.records]

    def count(self, table: Any) -> int:
        """Rows of a table."""
        with self.store.read() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def rows(self, statement: Any) -> list[Any]:
        """The rows of a query."""
        with self.store.read() as connection:
            return list(connection.execute(statement))
