"""Pages of a branch beside their bare queries: the one way in which pages are measured.

A page is asked for in this process, through the whole application without a network: who asks, what is read, the words,
the HTML with its frame. Its bare queries are the statements that it sends the store while doing so, with the same
parameters, through the driver alone, all rows fetched. Both are processor time, so that whatever else the machine does
does not count. An empty page is one that asks for nothing of its own: what no page can be made without.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from sqlcipher3 import dbapi2
from starlette.types import ASGIApp

from benchmarks.figures import Figure, at_most, spread
from tests.support.statements import Statement, recorded_statements

SLOWER_MAX = 3.0
EMPTY_PAGE = "/help"
WARMING = 5
"""Pages before the first that counts."""


class Page(NamedTuple):
    """What is asked for: one of these addresses, at random."""

    name: str
    addresses: Sequence[str]


class _Costs(NamedTuple):
    """Milliseconds of one run."""

    queries: list[float]
    pages: list[float]
    empty: list[float]


class PageMeter:
    """Asks an application, as the employee whose cookie it has. `path` is the store's file."""

    def __init__(self, app: ASGIApp, cookie: str, path: Path, asked: int, runs: int) -> None:
        """`asked` pages of each kind a run."""
        self._app, self._cookie, self._path = app, cookie, path
        self._asked, self._runs = asked, runs

    def measure(self, page: Page, note: str = "") -> list[Figure]:
        """What the page takes, and how much that is of its queries."""
        costs = asyncio.run(self._costs(page))
        queries = [statistics.median(each.queries) for each in costs]
        pages = [statistics.median(each.pages) for each in costs]
        empty = [statistics.median(each.empty) for each in costs]
        late = sorted(itertools.chain.from_iterable(each.pages for each in costs))
        alone = [mine / theirs for mine, theirs in zip(pages, queries, strict=True)]
        framed = [mine / (theirs + frame) for mine, theirs, frame in zip(pages, queries, empty, strict=True)]
        name = page.name
        return [
            Figure(f"{name}: its bare queries", statistics.median(queries), "ms", detail=spread(queries), note=note),
            Figure(f"{name}: the page", statistics.median(pages), "ms", detail=spread(pages)),
            Figure(f"{name}: the page, 95th percentile", late[int(len(late) * 0.95)], "ms"),
            at_most(f"{name}: page ÷ its queries, time", statistics.median(alone), SLOWER_MAX, "ratio", spread(alone)),
            Figure(f"{name}: page ÷ queries and an empty page", statistics.median(framed), "ratio"),
        ]

    def statements(self, address: str) -> list[Statement]:
        """What the page asks the store."""
        return asyncio.run(self._statements(address))

    async def _costs(self, page: Page) -> list[_Costs]:
        random, bare = Random(1), dbapi2.connect(str(self._path), isolation_level=None)
        for _ in range(WARMING):
            await self._ask(random.choice(page.addresses))
            await self._ask(EMPTY_PAGE)
        found = []
        for _ in range(self._runs):
            costs = _Costs([], [], [])
            for _ in range(self._asked):
                address = random.choice(page.addresses)
                statements = await self._statements(address)
                costs.pages.append(await self._ask(address))
                costs.queries.append(_replay(bare, statements))
                costs.empty.append(await self._ask(EMPTY_PAGE))
            found.append(costs)
        bare.close()
        return found

    async def _statements(self, address: str) -> list[Statement]:
        with recorded_statements() as sent:
            await self._ask(address)
        return [(text, values) for text, values in sent if text.lstrip().startswith(("SELECT", "WITH"))]

    async def _ask(self, address: str) -> float:
        """One page, as the server asks the application; milliseconds of the processor."""
        path, _, query = address.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "server": ("127.0.0.1", 1), "client": ("127.0.0.1", 2),
            "headers": [(b"host", b"127.0.0.1"), (b"cookie", self._cookie.encode())],
        }  # fmt: skip
        status: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])

        began = time.process_time()
        await self._app(scope, receive, send)
        took = time.process_time() - began
        assert status == [200], f"{address}: {status}"
        return took * 1_000


def _replay(bare: Any, statements: Sequence[Statement]) -> float:
    began = time.process_time()
    bare.execute("BEGIN")
    for text, values in statements:
        bare.execute(text, values).fetchall()
    bare.execute("COMMIT")
    return (time.process_time() - began) * 1_000
