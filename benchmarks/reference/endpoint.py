"""The bare endpoint: Starlette over SQLite, durable, that looks up, writes and answers with a line of HTML."""

from __future__ import annotations

import sys
import threading

import uvicorn
from sqlcipher3 import dbapi2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from benchmarks.till import BARE_PRAGMAS, catalogue

PRICE_MINOR = 9_990


class _Store:
    """One connection behind a lock: SQLite has one writer."""

    def __init__(self, path: str, products: int) -> None:
        self.lock = threading.Lock()
        self.connection = dbapi2.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in BARE_PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.execute("CREATE TABLE product (barcode TEXT PRIMARY KEY, name TEXT, price INTEGER)")
        self.connection.execute("CREATE TABLE line (id INTEGER PRIMARY KEY, sale INTEGER, name TEXT, price INTEGER)")
        self.connection.execute("CREATE TABLE sale (id INTEGER PRIMARY KEY, total INTEGER)")
        self.connection.execute("BEGIN")
        rows = ((barcode, name, PRICE_MINOR) for _, _, name, barcode in catalogue(products))
        self.connection.executemany("INSERT INTO product VALUES (?, ?, ?)", rows)
        self.connection.execute("COMMIT")

    def scan(self, code: str) -> str:
        """Looks up and writes one line."""
        with self.lock:
            execute = self.connection.execute
            execute("BEGIN IMMEDIATE")
            name, price = execute("SELECT name, price FROM product WHERE barcode = ?", (code,)).fetchone()
            execute("INSERT INTO line (sale, name, price) VALUES (0, ?, ?)", (name, price))
            execute("COMMIT")
        return f"<li>{name} {price}</li>"

    def pay(self, lines: int) -> str:
        """Writes a sale with its lines and one payment."""
        with self.lock:
            execute = self.connection.execute
            execute("BEGIN IMMEDIATE")
            sale = execute("INSERT INTO sale (total) VALUES (?)", (lines * PRICE_MINOR,)).lastrowid
            for _ in range(lines + 1):
                execute("INSERT INTO line (sale, name, price) VALUES (?, 'a', ?)", (sale, PRICE_MINOR))
            execute("COMMIT")
        return f"<p>{sale}</p>"


def create_endpoint(store: _Store) -> Starlette:
    """POST /scan and /pay. Views run in threads, as ours do."""

    async def scan(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        form = await request.form()
        return HTMLResponse(await run_in_threadpool(store.scan, str(form["code"])))

    async def pay(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        form = await request.form()
        return HTMLResponse(await run_in_threadpool(store.pay, int(str(form["lines"]))))

    return Starlette(routes=[Route("/scan", scan, methods=["POST"]), Route("/pay", pay, methods=["POST"])])


def main() -> None:
    """`endpoint DATABASE PRODUCTS --web HOST:PORT`: says a line when it is about to listen."""
    path, products, _, address = sys.argv[1:5]
    app = create_endpoint(_Store(path, int(products)))
    host, _, port = address.rpartition(":")
    config = uvicorn.Config(app, host=host, port=int(port), log_config=None, access_log=False)
    server = uvicorn.Server(config)
    threading.Thread(target=_say_when_started, args=(server,), daemon=True).start()
    server.run()


def _say_when_started(server: uvicorn.Server) -> None:
    while not server.started:
        threading.Event().wait(0.01)
    sys.stdout.write("listening\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
