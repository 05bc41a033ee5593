"""A scan and a payment over HTTP with a large catalogue and four tills, beside a bare endpoint that does the least.

The bare endpoint is Starlette over SQLite, durable alike: a scan looks a barcode up and writes a line, a payment writes
a sale with its lines. Ours asks who it is, prices the basket and answers with the page's block. Each is a process of
its own. Each till asks five times a second, as fast as a quick cashier scans; all tills at once.
"""

from __future__ import annotations

import http.client
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from benchmarks.figures import Figure, at_most, spread
from benchmarks.till import barcode_of, new_store
from branch_node.settings import Settings
from tests.support.shop import Shop
from tests.support.staff import PASSWORD, Staff

TILLS = 4
SCANS_A_BASKET = 5
PACE_SECONDS = 0.2
SLOWER_MAX = 3.0
_TOKEN, _BASKET = re.compile(r'name="csrf_token" value="([^"]+)"'), re.compile(r'name="basket" value="([^"]+)"')
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true"}


@dataclass
class _Times:
    """Milliseconds of every scan and payment, of all tills of a run."""

    scans: list[float] = field(default_factory=list)
    pays: list[float] = field(default_factory=list)


def measure_pages(folder: Path, products: int, baskets: int, runs: int) -> list[Figure]:
    """`baskets` of each till and run, of ours and of the bare endpoint in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    store = new_store(folder, products)
    staff = Staff(Shop(store, store.clock), Settings(home=folder))  # type: ignore[arg-type]
    for number in range(TILLS):
        staff.hire(f"cashier{number}", "cashier")
    store.close()
    bare_path = folder / "bare.db"
    with (
        _Serving([sys.executable, "-m", "branch_node", "--home", str(folder), "serve", "--no-sync"]) as ours,
        _Serving([sys.executable, "-m", "benchmarks.reference.endpoint", str(bare_path), str(products)]) as bare,
    ):
        tills: list[Any] = [_Till(ours.port, number, products) for number in range(TILLS)]
        bare_tills: list[Any] = [_BareTill(bare.port, number, products) for number in range(TILLS)]
        _together(tills, 2, _Times())
        _together(bare_tills, 2, _Times())
        measured = [
            (_together(bare_tills, baskets, _Times()), _together(tills, baskets, _Times())) for _ in range(runs)
        ]
    return [
        *_figures("scan", [(b.scans, o.scans) for b, o in measured], products),
        *_figures("payment", [(b.pays, o.pays) for b, o in measured], products),
    ]


def _figures(name: str, measured: list[tuple[list[float], list[float]]], products: int) -> list[Figure]:
    bare = [statistics.median(theirs) for theirs, _ in measured]
    ours = [statistics.median(mine) for _, mine in measured]
    late = [sorted(mine)[int(len(mine) * 0.95)] for _, mine in measured]
    ratios = [mine / theirs for theirs, mine in zip(bare, ours, strict=True)]
    note = f"{TILLS} tills over HTTP, {products:,} products; seen by the till, five requests a second each."
    return [
        Figure(f"bare {name} over HTTP", statistics.median(bare), "ms", detail=spread(bare)),
        Figure(f"a {name} over HTTP", statistics.median(ours), "ms", detail=spread(ours), note=note),
        Figure(f"a {name} over HTTP, 95th percentile", statistics.median(late), "ms", detail=spread(late)),
        at_most(f"{name} ÷ bare {name}, time", statistics.median(ratios), SLOWER_MAX, "ratio", spread(ratios)),
    ]


def _together(tills: list[Any], baskets: int, times: _Times) -> _Times:
    problems: list[BaseException] = []

    def work(till: Any) -> None:
        try:
            till.connect_anew()
            for _ in range(baskets):
                till.sell(times)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            problems.append(error)

    threads = [threading.Thread(target=work, args=(till,)) for till in tills]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return times


class _Serving:
    """A server of its own process, on a free port of this machine."""

    def __init__(self, command: list[str]) -> None:
        self.port = _free_port()
        self._process = subprocess.Popen([*command, "--web", f"127.0.0.1:{self.port}"], stdout=subprocess.PIPE)

    def __enter__(self) -> _Serving:
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


class _Asker:
    """One browser: a connection that stays, and cookies."""

    def __init__(self, port: int, number: int, products: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._random, self._products = Random(number), products
        self._cookies: dict[str, str] = {}
        self._scans = 0
        self._place = number
        self._turn = 0.0

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None, page: bool = False) -> str:
        headers = {} if page else dict(_FORM)
        if fields is not None:
            headers["Content-Type"] = _FORM["Content-Type"]
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        self._connection.request(method, path, urlencode(fields) if fields is not None else None, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
        return text

    def connect_anew(self) -> None:
        """A server hangs up on whoever said nothing for a while."""
        self._connection.close()
        self._connection.connect()
        # Tills do not ask in step.
        self._turn = time.perf_counter() + self._place * PACE_SECONDS / TILLS

    def timed(self, times: list[float], work: Callable[[], object]) -> None:
        """Waits for this till's turn, and keeps how long the answer takes."""
        self._turn = max(self._turn + PACE_SECONDS, time.perf_counter())
        time.sleep(max(0.0, self._turn - time.perf_counter()))
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1_000)

    def code(self) -> str:
        return barcode_of(self._random.randrange(self._products))


class _Till(_Asker):
    """A cashier at the sale's page."""

    def __init__(self, port: int, number: int, products: int) -> None:
        super().__init__(port, number, products)
        token = self._token(self.ask("GET", "/login", page=True))
        fields = {"csrf_token": token, "code": f"cashier{number}", "password": PASSWORD, "method": "password"}
        self.ask("POST", "/login", {**fields, "register": str(number + 1), "next": "/sale"}, page=True)
        self._csrf = self._token(self.ask("GET", "/sale", page=True))
        self._number = number

    def sell(self, times: _Times) -> None:
        for _ in range(SCANS_A_BASKET):
            self._scans += 1
            fields = {"csrf_token": self._csrf, "scan": f"s{self._number}-{self._scans} {self.code()}"}
            self.timed(times.scans, lambda fields=fields: self.ask("POST", "/sale/scan", fields))  # type: ignore[misc]
        found = _BASKET.search(self.ask("GET", "/sale"))
        assert found
        paid = {"csrf_token": self._csrf, "basket": found[1]}
        self.timed(times.pays, lambda: self.ask("POST", "/sale/pay", paid))

    def _token(self, page: str) -> str:
        found = _TOKEN.search(page)
        assert found, page[:500]
        return found[1]


class _BareTill(_Asker):
    """The same requests to the bare endpoint."""

    def sell(self, times: _Times) -> None:
        for _ in range(SCANS_A_BASKET):
            code = self.code()
            self.timed(times.scans, lambda code=code: self.ask("POST", "/scan", {"code": code}))  # type: ignore[misc]
        self.timed(times.pays, lambda: self.ask("POST", "/pay", {"lines": str(SCANS_A_BASKET)}))


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
