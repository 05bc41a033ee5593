"""The pipeline's server: `python -m benchmarks.reference.server URL FOLDER`; says its port, later its figures."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import psycopg
from psycopg_pool import ConnectionPool
from sqlcipher3 import dbapi2

from benchmarks.reference.messages import SERVICE, messages

THREADS = 4
TABLES = {
    1: ("sale", "branch_id, id, code, other_code, amount_minor, discount_minor, at_us"),
    2: ("line", "branch_id, id, number, code, quantity, amount_minor, discount_minor"),
    3: ("payment", "branch_id, id, number, code, amount_minor"),
}
TYPES = {
    1: ["bytea", "bytea", "text", "text", "int8", "int8", "int8"],
    2: ["bytea", "bytea", "int4", "text", "int8", "int8", "int8"],
    3: ["bytea", "bytea", "int4", "text", "int8"],
}
SCHEMA = """
CREATE TABLE sale (branch_id bytea, id bytea, code text, other_code text, amount_minor bigint, discount_minor bigint,
                   at_us bigint, PRIMARY KEY (branch_id, id));
CREATE TABLE line (branch_id bytea, id bytea, number int, code text, quantity bigint, amount_minor bigint,
                   discount_minor bigint, PRIMARY KEY (branch_id, id, number));
CREATE TABLE payment (branch_id bytea, id bytea, number int, code text, amount_minor bigint,
                      PRIMARY KEY (branch_id, id, number));
"""


def _configure(connection: psycopg.Connection[Any]) -> None:
    for name, _ in TABLES.values():
        connection.execute(f"CREATE TEMP TABLE staged_{name} (LIKE {name}) ON COMMIT DELETE ROWS".encode())
    connection.commit()


class Server:
    """Takes streams of rows."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(SCHEMA.encode())
        self.pool = ConnectionPool(url, min_size=THREADS, max_size=THREADS, configure=_configure, open=True)
        self.threads = ThreadPoolExecutor(THREADS)
        self.rows = 0
        self.first: float | None = None
        self.last = 0.0

    async def push(self, requests: Any, context: Any) -> None:
        loop = asyncio.get_running_loop()
        async for data in requests:
            if self.first is None:
                self.first = time.perf_counter()
            batch = messages().Rows.FromString(data)
            await loop.run_in_executor(self.threads, self.merge, batch)
            await context.write(messages().Done(last=batch.last).SerializeToString())
            self.rows += len(batch.rows)
            self.last = time.perf_counter()

    def merge(self, batch: Any) -> None:
        split: dict[int, list[tuple[Any, ...]]] = {1: [], 2: [], 3: []}
        sales, lines, payments = split[1].append, split[2].append, split[3].append
        for row in batch.rows:
            if row.table == 2:
                lines((row.branch_id, row.id, row.number, row.code, row.quantity, row.amount_minor, row.discount_minor))
            elif row.table == 1:
                sales(
                    (row.branch_id, row.id, row.code, row.other_code, row.amount_minor, row.discount_minor, row.at_us)
                )
            else:
                payments((row.branch_id, row.id, row.number, row.code, row.amount_minor))
        with self.pool.connection() as connection, connection.cursor() as cursor:
            for table, rows in split.items():
                name, columns = TABLES[table]
                with cursor.copy(f"COPY staged_{name} ({columns}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
                    copy.set_types(TYPES[table])
                    for values in rows:
                        copy.write_row(values)
                statement = f"INSERT INTO {name} ({columns}) SELECT {columns} FROM staged_{name} ON CONFLICT DO NOTHING"
                cursor.execute(statement.encode())


def merge_alone(url: str, journal: Path, batch_rows: int) -> float:
    """Rows a second of the merge by itself: one thread, no gRPC, the batches made beforehand."""
    server = Server(url)
    connection = dbapi2.connect(str(journal))
    rows = [data for (data,) in connection.execute("SELECT data FROM journal ORDER BY position")]
    connection.close()
    row, batch = messages().Row, messages().Rows
    batches = [
        batch(rows=[row.FromString(data) for data in rows[start : start + batch_rows]])
        for start in range(0, len(rows), batch_rows)
    ]
    began = time.perf_counter()
    for each in batches:
        server.merge(each)
    seconds = time.perf_counter() - began
    server.pool.close()
    return len(rows) / seconds


async def _main(url: str, folder: Path) -> None:
    server = Server(url)
    messages()
    grpc_server = grpc.aio.server(options=(("grpc.max_receive_message_length", 16_000_000),))
    handler: Any = grpc.stream_stream_rpc_method_handler(server.push)
    grpc_server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Push": handler}),))
    pairs = [((folder / "server.key").read_bytes(), (folder / "server.crt").read_bytes())]
    authority = (folder / "authority.crt").read_bytes()
    credentials = grpc.ssl_server_credentials(pairs, authority, require_client_auth=True)
    port = grpc_server.add_secure_port("127.0.0.1:0", credentials)
    await grpc_server.start()
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    seconds = server.last - (server.first or 0.0)
    sys.stdout.write(json.dumps({"rows": server.rows, "seconds": seconds}) + "\n")
    sys.stdout.flush()
    await grpc_server.stop(0)
    server.pool.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2])))
