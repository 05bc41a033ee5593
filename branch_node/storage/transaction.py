"""One operation of a branch as one transaction: rows and journal entry together, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from branch_node.storage import tables
from shared.clock import Ids
from shared.domain.identifiers import NIL_ID
from shared.domain.records import Record
from shared.errors import StoreMissing
from shared.storage.cursor_reading import CursorReader
from shared.storage.fact_rows import FACT_TABLES, Row, RowsByTable
from shared.sync.card_merge import Stamp
from shared.sync.chain import NO_PARENT, EntryHeader, Head, Parent
from shared.sync.hlc import next_stamp
from shared.sync.messages import ProcessingMode, WhenUnreachable
from shared.wire.entries import intend_entry, place_intent, seal_entry


class Node(NamedTuple):
    """Who this branch is."""

    chain_id: bytes
    chain_name: str
    branch_id: bytes
    code: str
    name: str
    timezone: str
    currency: str
    price_zone: str
    mode: ProcessingMode
    when_unreachable: WhenUnreachable
    hq_address: str
    hlc_epoch: int


KnownProduct = tuple[bytes, str | None, int, str | None]
"""A product's id, category, whether it is limited, and its VAT code."""


class ReceiptTexts(NamedTuple):
    """What a branch's papers say beside the facts: their language, the shop's own lines above and below."""

    language: str
    header_lines: tuple[str, ...] = ()
    footer_lines: tuple[str, ...] = ()


class ChainState(NamedTuple):
    """The current incarnation and its last entry. `hlc` is the largest clock this store has seen."""

    incarnation: bytes
    first_position: int
    genesis_hash: bytes
    head: Head
    hlc: int


_READ_HEAD = """
SELECT n.revision, n.hlc_seen, j.position, j.entry_hash, j.hlc
FROM node n LEFT JOIN journal j ON j.position = (SELECT MAX(position) FROM journal)
"""
_READ_NODE = """
SELECT n.chain_id, n.chain_name, n.branch_id, n.code, n.name, n.timezone, n.currency, n.price_zone, n.mode,
       n.when_unreachable, n.hq_address, n.hlc_epoch, i.id, i.first_position, i.genesis_hash
FROM node n, incarnation i ORDER BY i.number DESC LIMIT 1
"""


class NodeCache:
    """What a sale asks every time and hardly ever changes, kept as long as the node's revision stays the same.

    Everything is read under the store's write lock together with the revision, so nothing here can be out of date.
    """

    def __init__(self) -> None:
        self._revision: int | None = None
        self._node: tuple[Node, bytes, int, bytes] | None = None
        self.known_employees: dict[str, bytes] = {}
        # Products by SKU, client ids by external id; None for what is not there.
        self.products: dict[str, KnownProduct | None] = {}
        self.clients: dict[str, bytes | None] = {}
        # What branch_node.operations.price_lists read.
        self.price_lists: dict[tuple[object, ...], Any] = {}

    def forget(self) -> None:
        """Drops what a transaction read that was rolled back: it may have read what it had written itself."""
        self._node = None

    def read(self, cursor: Any) -> tuple[Node, ChainState]:
        """The node, and its chain's head as of this transaction. Raises StoreMissing before enrolment."""
        row = cursor.execute(_READ_HEAD).fetchone()
        if row is None:
            raise StoreMissing("This node is not enrolled.", "Run: filial-branch enrol --hq HOST:PORT --token TOKEN")
        revision, hlc_seen, position, entry_hash, hlc = row
        if self._node is None or revision != self._revision:
            self._node, self._revision = _read_identity(cursor), revision
            self.known_employees.clear()  # a store restored from a backup may lack some
            self.products.clear()
            self.clients.clear()
            self.price_lists.clear()
        node, incarnation, first_position, genesis_hash = self._node
        if position is None or position < first_position:
            return node, ChainState(
                incarnation, first_position, genesis_hash, Head(0, genesis_hash), max(hlc_seen, hlc or 0)
            )
        head = Head(position - first_position + 1, entry_hash)
        return node, ChainState(incarnation, first_position, genesis_hash, head, max(hlc_seen, hlc))


def _read_identity(cursor: Any) -> tuple[Node, bytes, int, bytes]:
    row = cursor.execute(_READ_NODE).fetchone()
    node = Node._make((*row[:8], ProcessingMode(row[8]), WhenUnreachable(row[9]), *row[10:12]))
    return node, *row[12:]


def read_node(cursor: Any) -> tuple[Node, ChainState]:
    """The node and its chain's head, without a cache."""
    return NodeCache().read(cursor)


def read_parent(cursor: Any) -> Parent:
    """Where the current incarnation branched off."""
    statement = "SELECT parent_id, parent_seq, parent_hash FROM incarnation ORDER BY number DESC LIMIT 1"
    parent_id, seq, entry_hash = cursor.execute(statement).fetchone()
    return NO_PARENT if parent_id is None else Parent(parent_id, seq, entry_hash)


def _insert_sql(table: Table) -> str:
    columns = [column.name for column in table.columns]
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


INSERT_SQL = {table: _insert_sql(table) for table in (*FACT_TABLES, tables.journal)}


class BranchTransaction:
    """Collects an operation's records; the store seals them into one entry before it commits.

    `connection` is for queries through SQLAlchemy, `cursor` for the driver itself; both see the same transaction.
    """

    def __init__(
        self,
        connection: Connection,
        driver: Any,
        nodes: NodeCache,
        ids: Ids,
        now_us: int,
        printing: ReceiptTexts | None = None,
        has_fiscal_device: bool = False,
    ) -> None:
        self.connection = connection
        # None: there is no printer, and nothing is queued for one.
        self.printing = printing
        # False: nothing is queued for a fiscal device either.
        self.has_fiscal_device = has_fiscal_device
        # Whether something was queued for the printer.
        self.has_paper = False
        self.cursor: Any = driver.cursor()
        # Selects that are constants of their modules, in a tenth of the time.
        self.reader = CursorReader(self.cursor)
        self.ids = ids
        self.now_us = now_us
        self.node, self.chain = nodes.read(self.cursor)
        self.seq = self.chain.head.seq + 1
        self.known = nodes
        # Remembered beyond this transaction once it is committed.
        self.learned_employees: dict[str, bytes] = {}
        self.command_id = ids.new_id()
        self.author = NIL_ID
        self._hlc = next_stamp(self.chain.hlc, now_us)
        self._records: list[Record] = []
        self._row_count = 0
        self._intended: tuple[bytes, bool] | None = None

    @property
    def stamp(self) -> Stamp:
        """The version that this operation's edits of cards make."""
        return Stamp(self.node.hlc_epoch, self._hlc, self.command_id, self.author, self.node.branch_id)

    def record(self, kind: int, record_id: bytes, payload: bytes, row_count: int = 1) -> None:
        """Adds a record to this operation's entry. `row_count` is how many rows it becomes."""
        self._records.append(Record(kind, record_id, payload))
        self._row_count += row_count

    @property
    def has_records(self) -> bool:
        """Whether this operation has recorded something so far; one that only repeats an answer has not."""
        return bool(self._records)

    def intend(self, command_id: bytes, records: Sequence[Record]) -> bytes:
        """Records as an entry that the journal does not have yet, under a command of its own."""
        salts = [self.ids.new_salt() for _ in records]
        header = self._header(len(records))._replace(command_id=command_id)
        return intend_entry(header, records, salts)

    def journal_intended(self, data: bytes, confirmed: bool, row_count: int) -> None:
        """The operation's entry is one that was intended before. `row_count` is how many rows it becomes."""
        self._intended = (data, confirmed)
        self._row_count = row_count

    def go_on_from_journal(self) -> None:
        """Entries were appended in this transaction beside its own, which comes after them."""
        self.node, self.chain = self.known.read(self.cursor)
        self.seq = self.chain.head.seq + 1

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Writes rows in column order."""
        if len(rows) == 1:
            self.cursor.execute(INSERT_SQL[table], rows[0])
        elif rows:
            self.cursor.executemany(INSERT_SQL[table], rows)

    def insert_all(self, rows: RowsByTable) -> None:
        """Writes rows of several tables, parents first."""
        for table, table_rows in rows.items():
            self.insert(table, table_rows)

    def seal(self) -> None:
        """Appends the entry to the journal, if anything was recorded."""
        chain = self.chain
        if self._intended is not None:
            assert not self._records
            intended, confirmed = self._intended
            data, entry_hash = place_intent(intended, confirmed, chain.incarnation, self.seq, chain.head.entry_hash)
        elif self._records:
            salts = [self.ids.new_salt() for _ in self._records]
            data, entry_hash = seal_entry(self._header(len(self._records)), self._records, salts, chain.head.entry_hash)
        else:
            return
        position = chain.first_position + self.seq - 1
        self.insert(tables.journal, [(position, entry_hash, self._hlc, self._row_count, data)])

    def _header(self, record_count: int) -> EntryHeader:
        return EntryHeader(
            flags=0,
            record_count=record_count,
            hlc_epoch=self.node.hlc_epoch,
            seq=self.seq,
            hlc=self._hlc,
            incarnation=self.chain.incarnation,
            command_id=self.command_id,
            author=self.author,
        )
