"""The `sell` operation beside a bare SQLite writer of the same five rows: one transaction a sale on both sides."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable
from sqlcipher3 import dbapi2

from benchmarks.chains import sale_requests
from benchmarks.figures import Figure, at_least, spread
from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.operations.sale_request import SaleRequest
from branch_node.operations.selling import sell
from branch_node.storage import migrations
from branch_node.storage.store import BranchStore
from shared.clock import SystemClock, SystemIds
from shared.storage.sqlite_engine import SqliteStore
from shared.storage.tables import payment, sale, sale_line

RATIO_MIN = 0.5
ROUND_SALES = 200
BARE_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")


def measure_selling(folder: Path, sales: int, runs: int) -> list[Figure]:
    """Alternates rounds of the two, so that both see the same moods of the machine; `sales` of each a run."""
    ratios, ours, bare = [], [], []
    for number in range(runs):
        store = _new_store(folder / f"branch{number}")
        requests = list(sale_requests(sales, number))
        writer = _BareWriter(folder / f"bare{number}.db", requests)
        _sell(store, requests[:ROUND_SALES])
        writer.write(0, ROUND_SALES)
        mine, theirs = [], []
        for start in range(ROUND_SALES, sales, ROUND_SALES):
            began = time.perf_counter()
            writer.write(start, start + ROUND_SALES)
            between = time.perf_counter()
            _sell(store, requests[start : start + ROUND_SALES])
            theirs.append(between - began)
            mine.append(time.perf_counter() - between)
        store.close()
        ratios.append(sum(theirs) / sum(mine))
        ours.append(statistics.median(mine) / ROUND_SALES * 1_000)
        bare.append(statistics.median(theirs) / ROUND_SALES * 1_000)
    return [
        Figure("bare transaction of five rows", statistics.median(bare), "ms", detail=spread(bare)),
        Figure("the sell operation", statistics.median(ours), "ms", detail=spread(ours)),
        at_least("sell ÷ bare transaction, speed", statistics.median(ratios), RATIO_MIN, "ratio", spread(ratios)),
    ]


def median_sale_ms(home: Path, requests: Sequence[SaleRequest]) -> float:
    """How long one sale takes that is committed here."""
    store = _new_store(home)
    took = []
    for request in requests:
        began = time.perf_counter()
        _sell(store, [request])
        took.append(time.perf_counter() - began)
    store.close()
    return statistics.median(took) * 1_000


def _new_store(home: Path) -> BranchStore:
    clock, ids = SystemClock(), SystemIds()
    home.mkdir(parents=True)
    bare = SqliteStore(home / "branch.db", clock)
    identity = BranchIdentity(ids.new_id(), "Chain", ids.new_id(), "B1", "Shop", "Europe/Moscow", "RUB", "")
    with bare.write() as connection:
        migrations.upgrade(connection)
        write_identity(connection, identity, "127.0.0.1:1", ids, clock.now_us())
    bare.close()
    return BranchStore(home / "branch.db", clock, ids)


def _sell(store: BranchStore, requests: Sequence[SaleRequest]) -> None:
    for request in requests:
        with store.operation() as transaction:
            sell(transaction, request)


class _BareWriter:
    """The same tables and columns, the values made beforehand, the driver alone."""

    def __init__(self, path: Path, requests: Sequence[SaleRequest]) -> None:
        self._connection = dbapi2.connect(str(path), isolation_level=None)
        for pragma in BARE_PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        for table in (sale, sale_line, payment):
            self._connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        ids = SystemIds()
        self._rows = [_rows_of(request, number, ids) for number, request in enumerate(requests)]
        self._inserts = [
            f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.columns))})"
            for table in (sale, sale_line, payment)
        ]

    def write(self, start: int, end: int) -> None:
        execute, many = self._connection.execute, self._connection.executemany
        insert_sale, insert_line, insert_payment = self._inserts
        for sale_row, line_rows, payment_row in self._rows[start:end]:
            execute("BEGIN IMMEDIATE")
            execute(insert_sale, sale_row)
            many(insert_line, line_rows)
            execute(insert_payment, payment_row)
            execute("COMMIT")


def _rows_of(request: SaleRequest, number: int, ids: SystemIds) -> tuple[Any, Any, Any]:
    branch_id, sale_id, total = b"b" * 16, ids.new_id(), request.payments[0].amount_minor
    sold = (1_790_000_000_000_000 + number, 10_800, "Europe/Moscow", "2026-11-23", 12, "RUB")
    head = (
        branch_id,
        sale_id,
        ids.new_id(),
        b"s" * 16,
        request.register,
        number,
        request.cashier,
        request.client,
        None,
    )
    # discount, VAT, name, reason, received
    unprinted = (0, None, 0, None, None, None)
    lines = [
        (branch_id, sale_id, position, line.sku, None, None, line.quantity_thousandths, line.amount_minor, *unprinted)
        for position, line in enumerate(request.lines, 1)
    ]
    paid = (branch_id, sale_id, 1, "cash", total, None)
    return (*head, *sold, 3_000, total, 0, total, 0, 0, None), lines, paid
