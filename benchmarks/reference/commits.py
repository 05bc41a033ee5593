"""Sales committed at once, bare: a till writes what it wants, asks, and writes what it was told; the server commits
whatever waits together. No chain, no checks, no rollups, no feed.

    python -m benchmarks.reference.commits server URL FOLDER
    python -m benchmarks.reference.commits till PORT FOLDER STORE SEED SALES SALES_PER_SECOND
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import psycopg
from sqlcipher3 import dbapi2

from benchmarks.central_till import sell_at_pace
from benchmarks.reference.messages import SERVICE, messages
from benchmarks.reference.server import SCHEMA, TABLES
from branch_node.operations.sale_request import SaleRequest
from shared.certificates import SERVER_NAME

COMMIT = f"/{SERVICE}/Commit"
_STORE = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS intent (key TEXT PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS journal (position INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS sale (id BLOB PRIMARY KEY, key TEXT UNIQUE, register TEXT, cashier TEXT,
                                 amount_minor INTEGER);
CREATE TABLE IF NOT EXISTS line (id BLOB, number INTEGER, sku TEXT, quantity INTEGER, amount_minor INTEGER,
                                 PRIMARY KEY (id, number));
CREATE TABLE IF NOT EXISTS payment (id BLOB, number INTEGER, method TEXT, amount_minor INTEGER,
                                    PRIMARY KEY (id, number));
"""


class Server:
    """Takes sales, one transaction at a time."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)
        self._connection.execute(SCHEMA.encode())
        self._connection.commit()
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._working: asyncio.Task[None] | None = None

    async def commit(self, data: bytes, context: Any) -> bytes:
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((data, answered))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        await answered
        return b""

    async def _work(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, [data for data, _ in group])
            for _, answered in group:
                answered.set_result(None)
        self._working = None

    def _write(self, sales: list[bytes]) -> None:
        rows: dict[int, list[tuple[Any, ...]]] = {1: [], 2: [], 3: []}
        for data in sales:
            for row in messages().Rows.FromString(data).rows:
                names = TABLES[row.table][1].split(", ")
                rows[row.table].append(tuple(getattr(row, name) for name in names))
        with self._connection.pipeline(), self._connection.cursor() as cursor:
            for table, (name, columns) in TABLES.items():
                places = ", ".join(["%s"] * len(columns.split(", ")))
                cursor.executemany(f"INSERT INTO {name} ({columns}) VALUES ({places})".encode(), rows[table])
            self._connection.commit()


async def _serve(url: str, folder: str) -> None:
    server = Server(url)
    grpc_server = grpc.aio.server()
    handler: Any = grpc.unary_unary_rpc_method_handler(server.commit)
    grpc_server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Commit": handler}),))
    key, certificate, authority = (
        Path(folder, name).read_bytes() for name in ("server.key", "server.crt", "authority.crt")
    )
    port = grpc_server.add_secure_port(
        "127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)
    )
    await grpc_server.start()
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await grpc_server.stop(0)


def _sell_with(port: str, folder: str, store: str, seed: int) -> Callable[[SaleRequest], None]:
    authority, key, certificate = (
        Path(folder, name).read_bytes() for name in ("authority.crt", "branch.key", "branch.crt")
    )
    channel = grpc.secure_channel(
        f"127.0.0.1:{port}",
        grpc.ssl_channel_credentials(authority, key, certificate),
        (("grpc.ssl_target_name_override", SERVER_NAME),),
    )
    commit: Any = channel.unary_unary(COMMIT)
    connection = dbapi2.connect(store, isolation_level=None)
    connection.executescript(_STORE)
    branch_id, source = bytes([seed % 256]) * 16, random.Random(seed)
    row, batch = messages().Row, messages().Rows

    def sell(request: SaleRequest) -> None:
        sale_id, total = source.randbytes(16), sum(line.amount_minor or 0 for line in request.lines)
        common = {"branch_id": branch_id, "id": sale_id}
        rows = [row(table=1, code=request.register, other_code=request.cashier, amount_minor=total, **common)]
        lines = []
        for number, line in enumerate(request.lines, 1):
            values = line.sku, line.quantity_thousandths, line.amount_minor
            lines.append((sale_id, number, *values))
            named = dict(zip(("code", "quantity", "amount_minor"), values, strict=True))
            rows.append(row(table=2, number=number, **named, **common))
        rows.append(row(table=3, number=1, code="cash", amount_minor=total, **common))
        data = batch(rows=rows).SerializeToString()
        connection.execute("INSERT INTO intent VALUES (?, ?)", (request.key, data))
        commit(data, timeout=10)
        connection.execute("BEGIN IMMEDIATE")
        sale = sale_id, request.key, request.register, request.cashier, total
        connection.execute("INSERT INTO sale VALUES (?, ?, ?, ?, ?)", sale)
        connection.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?)", lines)
        connection.execute("INSERT INTO payment VALUES (?, 1, 'cash', ?)", (sale_id, total))
        connection.execute("INSERT INTO journal (data) VALUES (?)", (data,))
        connection.execute("DELETE FROM intent WHERE key = ?", (request.key,))
        connection.execute("COMMIT")

    return sell


def _till(port: str, folder: str, store: str, seed: str, sales: str, rate: str) -> None:
    sell_at_pace(_sell_with(port, folder, store, int(seed)), int(seed), int(sales), float(rate))


if __name__ == "__main__":
    if sys.argv[1] == "server":
        asyncio.run(_serve(*sys.argv[2:]))
    else:
        _till(*sys.argv[2:])
