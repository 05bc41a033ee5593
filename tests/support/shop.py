"""A branch without its programs: an enrolled store, and what the tests sell, learn and look up in it."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from branch_node.operations.feed import apply_feed
from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.operations.sale_request import SaleRequest, parse_object, parse_sale_request
from branch_node.operations.selling import SaleAnswer, sell
from branch_node.operations.shift_reports import OpenedShift
from branch_node.operations.shifts import close_shift, open_shift
from branch_node.storage.store import BranchStore
from branch_node.sync_client.processor import Central, Processor
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID, derived_id
from shared.domain.records import RecordKind
from shared.domain.shifts import ShiftClose
from shared.storage.sqlite_engine import SqliteStore
from shared.sync.card_merge import HQ_ORIGIN, FieldPatch, Stamp
from shared.sync.chain import Head, chain_entries
from shared.sync.hlc import from_wall
from shared.sync.messages import CardChange, FeedBatch, FeedCursor, FeedRecord
from shared.wire.entries import OpenedEntry, open_entry
from shared.wire.exchange import encode_feed_record
from tests.support.clock import START_US, FakeClock, SeededIds
from tests.support.tills import asked

EPOCH = b"e" * 16
_commands = itertools.count(1)


def enrolled_store(folder: Path, template: Path, clock: FakeClock, ids: SeededIds) -> BranchStore:
    """Branch B7 in a folder, on a copy of the file that holds the schema; it has never seen its head office."""
    path = folder / "branch.db"
    shutil.copy(template, path)
    bare = SqliteStore(path, clock)
    identity = BranchIdentity(ids.new_id(), "Chain", ids.new_id(), "B7", "Shop 7", "Europe/Moscow", "RUB", "")
    with bare.write() as connection:
        write_identity(connection, identity, "127.0.0.1:1", ids, clock.now_us())
    bare.close()
    return BranchStore(path, clock, ids)


def request(key: str = "k1", amount: int = 50, /, **changes: Any) -> SaleRequest:
    """A parsed request for a plain sale."""
    return parse_sale_request(parse_object(json.dumps(asked(key, amount, **changes))))


def change(kind: RecordKind, card_id: bytes, /, **fields: Value) -> CardChange:
    """An edit made at head office that saw nothing, later than all before it."""
    number = next(_commands)
    stamp = Stamp(0, from_wall(START_US) + number, b"%016d" % number, NIL_ID, HQ_ORIGIN)
    return CardChange(kind, card_id, stamp, tuple(FieldPatch(name, value) for name, value in fields.items()))


@dataclass
class Shop:
    """One branch and the clock on its wall."""

    store: BranchStore
    clock: FakeClock
    position: int = field(default=0)

    # Doing.

    @property
    def processor(self) -> Processor:
        """A branch that has never met its head office."""

        def connect() -> Central:
            raise AssertionError("a distributed branch asks nobody")

        return Processor(self.store, connect)

    def sell(self, key: str = "k1", amount: int = 50, /, **changes: Any) -> SaleAnswer:
        """Sells in a transaction of its own."""
        with self.store.operation() as transaction:
            return sell(transaction, request(key, amount, **changes))

    def open_shift(self, register: str = "1", float_minor: int = 0) -> OpenedShift:
        with self.store.operation() as transaction:
            return open_shift(transaction, register, "anna", float_minor)

    def close_shift(self, register: str = "1", counted_minor: int | None = None) -> ShiftClose:
        with self.store.operation() as transaction:
            return close_shift(transaction, register, "boris", counted_minor)

    def learn(self, *records: FeedRecord | bytes) -> list[str]:
        """Takes a feed batch from head office; returns what was not understood."""
        self.position += 1
        encoded = tuple(record if isinstance(record, bytes) else encode_feed_record(record) for record in records)
        batch = FeedBatch(encoded, FeedCursor(EPOCH, self.position, bytes([self.position]) * 32), self.position)
        with self.store.write() as connection:
            return apply_feed(connection, batch, self.clock.now_us())

    def learn_product(self, sku: str, category: str | None = None, **prices: int) -> bytes:
        """A product and its prices by zone; `everywhere` is the price list of no zone. Returns the product's id."""
        product_id = derived_id("product", sku.encode())
        records = [change(RecordKind.PRODUCT, product_id, sku=sku, category=category)]
        for zone, amount in prices.items():
            kept = "" if zone == "everywhere" else zone
            price_id = derived_id("price", product_id, kept.encode())
            records.append(change(RecordKind.PRICE, price_id, product_id=product_id, zone=kept, amount_minor=amount))
        assert self.learn(*records) == []
        return product_id

    def learn_price(self, product_id: bytes, amount_minor: int, zone: str = "", **days: int | None) -> bytes:
        """A price with dates: `valid_from` and `valid_to` are days. Returns the card's id."""
        price_id = derived_id("price", product_id, zone.encode(), str(days.get("valid_from")).encode())
        fields: dict[str, Value] = {"product_id": product_id, "zone": zone, "amount_minor": amount_minor, **days}
        assert self.learn(change(RecordKind.PRICE, price_id, **fields)) == []
        return price_id

    def learn_settings(self, **settings: Value) -> None:
        """The branch's own settings, as head office has them."""
        self.learn(change(RecordKind.BRANCH_SETTINGS, self.store.node()[0].branch_id, **settings))

    # Looking.

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        """The rows of a query."""
        with self.store.read_cursor() as cursor:
            return list(cursor.execute(statement, parameters).fetchall())

    def one(self, statement: str, *parameters: Any) -> Any:
        """The only value of a query's only row."""
        ((value,),) = self.rows(statement, *parameters)
        return value

    def count(self, table: str) -> int:
        return int(self.one(f"SELECT COUNT(*) FROM {table}"))

    def entries(self) -> list[OpenedEntry]:
        """The journal, after its chain was checked from the genesis hash on."""
        _, chain = self.store.node()
        rows = self.rows("SELECT entry_hash, data FROM journal ORDER BY position")
        opened = [open_entry(data) for _, data in rows]
        hashes = chain_entries(chain.incarnation, Head(0, chain.genesis_hash), [entry.sealed for entry in opened])
        assert hashes == [entry_hash for entry_hash, _ in rows]
        assert chain.head == Head(len(rows), hashes[-1] if hashes else chain.genesis_hash)
        return opened

    def kinds(self, seq: int) -> list[int]:
        """The kinds of an entry's records."""
        return [record.kind for record in self.entries()[seq - 1].records]
