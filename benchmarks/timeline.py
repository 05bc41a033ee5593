"""The page of a client's timeline in a branch with many clients and conversations, beside its bare queries.

The bare queries are the statements that the page itself sends, with their parameters, through the driver alone, all
rows fetched. The page's time is that of the whole application without a network: who asks, the rows, the words, HTML.
Both are processor time, so that whatever else the machine does does not count.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, Table, event
from sqlcipher3 import dbapi2

from benchmarks.figures import Figure, at_most, spread
from benchmarks.till import new_store
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.web.people import SESSION_COOKIE
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY, from_us
from shared.domain.identifiers import derived_id, format_id
from shared.storage.tables import client, interaction, interaction_point
from tests.support.shop import Shop
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages

SLOWER_MAX = 3.0
PAGES_A_RUN = 100
ROWS_PER_INSERT = 50_000
BUSY_INTERACTIONS = 60
"""A client with more than a page of them."""


def measure_timeline(folder: Path, clients: int, interactions: int, runs: int) -> list[Figure]:
    """`runs` of so many pages each: of whichever clients, and of those with a long history."""
    folder.mkdir(parents=True, exist_ok=True)
    store = new_store(folder, 10)
    _fill(store, clients, interactions)
    staff = Staff(Shop(store, store.clock), Settings(home=folder))  # type: ignore[arg-type]
    staff.hire("rita", "sales_rep")
    app = make_pages(store, folder)
    browser = Browser(app)
    assert browser.log_in("rita").status_code == 303
    cookie = f"{SESSION_COOKIE}={browser.client.cookies[SESSION_COOKIE]}"
    path, figures = Settings(home=folder).store_path, list[Figure]()
    for name, numbers in (("any client's", range(clients)), ("a busy client's", range(_busy(clients, interactions)))):
        measured = asyncio.run(_measure(app, cookie, path, numbers, runs))
        figures += _figures(name, measured, f"{clients:,} clients, {interactions:,} conversations")
    store.close()
    return figures


def _figures(name: str, measured: list[tuple[list[float], list[float]]], note: str) -> list[Figure]:
    bare = [statistics.median(theirs) for theirs, _ in measured]
    ours = [statistics.median(mine) for _, mine in measured]
    late = [sorted(mine)[int(len(mine) * 0.95)] for _, mine in measured]
    ratios = [mine / theirs for theirs, mine in zip(bare, ours, strict=True)]
    return [
        Figure(f"bare queries of {name} timeline", statistics.median(bare), "ms", detail=spread(bare), note=note),
        Figure(f"{name} timeline, server time", statistics.median(ours), "ms", detail=spread(ours)),
        Figure(f"{name} timeline, 95th percentile", statistics.median(late), "ms", detail=spread(late)),
        at_most(f"{name} timeline ÷ its queries, time", statistics.median(ratios), SLOWER_MAX, "ratio", spread(ratios)),
    ]


async def _measure(
    app: Any, cookie: str, path: Path, numbers: range, runs: int
) -> list[tuple[list[float], list[float]]]:
    """Milliseconds of the bare queries and of the page, run by run."""
    random, measured = Random(1), list[tuple[list[float], list[float]]]()
    bare = dbapi2.connect(str(path), isolation_level=None)
    bare.execute("PRAGMA cache_size = -65536")
    with _recorded() as statements:
        await _ask(app, cookie, _client_id(0))
        for _ in range(runs):
            theirs, mine = list[float](), list[float]()
            for _ in range(PAGES_A_RUN):
                identity = _client_id(random.choice(numbers))
                statements.clear()
                mine.append(await _ask(app, cookie, identity))
                asked = list(statements)
                theirs.append(_replay(bare, asked))
            measured.append((theirs, mine))
    bare.close()
    return measured


class _recorded:  # noqa: N801 - used as a function
    """The statements that SQLAlchemy sends meanwhile."""

    def __enter__(self) -> list[tuple[str, Any]]:
        self.statements: list[tuple[str, Any]] = []
        event.listen(Engine, "before_cursor_execute", self._note)
        return self.statements

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        self.statements.append((statement, parameters))


def _replay(bare: Any, statements: list[tuple[str, Any]]) -> float:
    began = time.process_time()
    bare.execute("BEGIN")
    for statement, parameters in statements:
        bare.execute(statement, parameters).fetchall()
    bare.execute("COMMIT")
    return (time.process_time() - began) * 1_000


async def _ask(app: Any, cookie: str, identity: bytes) -> float:
    """One page, as the server asks the application; milliseconds."""
    path = f"/clients/{format_id(identity)}/timeline"
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": ("127.0.0.1", 1),
        "client": ("127.0.0.1", 2), "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())],
    }  # fmt: skip
    status: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    began = time.process_time()
    await app(scope, receive, send)
    took = time.process_time() - began
    assert status == [200], status
    return took * 1_000


def _client_id(number: int) -> bytes:
    return derived_id("bench client", number.to_bytes(4, "big"))


def _share(clients: int, number: int, interactions: int) -> int:
    """Whose an interaction is: few clients have many."""
    return int(clients * (number / interactions) ** 2)


def _busy(clients: int, interactions: int) -> int:
    """How many of the first clients have a long history: as many interactions fall to the first k as √(k/clients)."""
    firsts = (_first_of(number, clients, interactions) for number in range(clients + 1))
    counts = (after - before for before, after in itertools.pairwise(firsts))
    return max(1, sum(1 for _ in itertools.takewhile(lambda count: count >= BUSY_INTERACTIONS, counts)))


def _first_of(number: int, clients: int, interactions: int) -> int:
    return int(interactions * (number / clients) ** 0.5)


def _fill(store: BranchStore, clients: int, interactions: int) -> None:
    """Rows straight into the tables, as they would be after years."""
    branch_id, now_us = store.node()[0].branch_id, store.clock.now_us()
    _insert(
        store,
        client,
        (
            {"id": _client_id(number), "name": f"Клиент {number}", "phones": f"+7912{number:07}", "do_not_contact": 0,
             "archived": 0, "sort_key": f"клиент {number}", "search_text": f"клиент {number}",
             "consent_data": 1, "consent_advertising": 0}
            for number in range(clients)
        ),
    )  # fmt: skip
    _insert(store, interaction, _interactions(branch_id, now_us, clients, interactions))
    points = (
        {"branch_id": branch_id, "interaction_id": _interaction_id(number), "point_number": 1, "theme": "price",
         "competitor": "", "sentiment": "negative", "quote": "дорого"}
        for number in range(0, interactions, 3)
    )  # fmt: skip
    _insert(store, interaction_point, points)
    with store.write() as connection:
        connection.exec_driver_sql("ANALYZE")


def _interactions(branch_id: bytes, now_us: int, clients: int, interactions: int) -> Iterator[dict[str, Any]]:
    for number in range(interactions):
        at_us = now_us - (number * 7_919 % (3 * 365 * SECONDS_PER_DAY)) * MICROSECONDS - number % 997
        yield {
            "branch_id": branch_id, "id": _interaction_id(number), "command_id": _interaction_id(number),
            "client_id": _client_id(_share(clients, number, interactions)), "channel": "call", "direction": "out",
            "employee": "rita", "contact": "+79120000000", "reached": 1, "outcome": "thinking",
            "duration_seconds": 95, "subject": "", "body": "Говорили о цене и о сроках; просил перезвонить.",
            "told": "Скидка 5 % до конца месяца." if number % 4 == 0 else "", "at": at_us,
            "utc_offset_seconds": 10_800, "zone": "Europe/Moscow", "business_date": from_us(at_us).date().isoformat(),
            "hour": number % 24,
        }  # fmt: skip


def _interaction_id(number: int) -> bytes:
    return b"interaction " + number.to_bytes(4, "big")


def _insert(store: BranchStore, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    names: list[str] = []
    while chunk := list(itertools.islice(rows, ROWS_PER_INSERT)):
        names = names or list(chunk[0])
        sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with store.write() as connection:
            connection.connection.cursor().executemany(sql, [tuple(row.values()) for row in chunk])
