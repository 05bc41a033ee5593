"""The till's own work with a large catalogue: a scan, a payment and a search, beside the driver doing the least of it.

The bare scan looks a barcode up and writes one line, in a transaction of its own with the same durability; the bare
payment is three such transactions: that it was asked for, the rows of the sale, that it is paid. Ours keeps what a
kill, a repeated request and an undo need besides.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from sqlcipher3 import dbapi2

from benchmarks.figures import Figure, at_least, spread
from branch_node.operations import basket
from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.storage import migrations
from branch_node.storage.store import BranchStore
from branch_node.sync_client.processor import Central, Processor
from shared.clock import SystemClock, SystemIds
from shared.domain.sales import Payment
from shared.storage.sqlite_engine import SqliteStore

SCAN_RATIO_MIN = 0.2
PAY_RATIO_MIN = 0.12
SEARCH_RATIO_MIN = 2.0
LINES_A_BASKET = 5
ROUND_BASKETS = 20
BARE_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL")

_FIRST = ("Молоко", "Кефир", "Сыр", "Хлеб", "Чай", "Кофе", "Сок", "Вода", "Масло", "Йогурт", "Печенье", "Шоколад")
_SECOND = ("Весёлая", "Домашний", "Русское", "Альпийский", "Деревенское", "Белый", "Чёрный", "Зелёный", "Золотой")
_THIRD = ("ферма", "двор", "поле", "луг", "лес", "берег", "остров", "дом", "сад", "край", "путь", "город", "мир")
_QUERIES = ("мол", "молоко ферма", "сыр бел", "шок 77", "в", "vjkjrj", "артикул 31")


def measure_till(folder: Path, products: int, baskets: int, runs: int) -> list[Figure]:
    """Alternates rounds of ours and of the bare driver; `baskets` of each a run."""
    folder.mkdir(parents=True, exist_ok=True)
    store = new_store(folder, products)
    bare = _BareTill(folder / "bare.db", products)
    scans, pays, scan_ms, pay_ms, bare_scan_ms = [], [], [], [], []
    for number in range(runs):
        ours, theirs = _Times(), _Times()
        random = Random(number)
        for _ in range(0, baskets, ROUND_BASKETS):
            codes = [
                [barcode_of(random.randrange(products)) for _ in range(LINES_A_BASKET)] for _ in range(ROUND_BASKETS)
            ]
            for basket_codes in codes:
                bare.sell(basket_codes, theirs)
            for basket_codes in codes:
                _sell(store, basket_codes, ours)
        scan_ms.append(statistics.median(ours.scans) * 1_000)
        pay_ms.append(statistics.median(ours.pays) * 1_000)
        bare_scan_ms.append(statistics.median(theirs.scans) * 1_000)
        scans.append(statistics.median(theirs.scans) / statistics.median(ours.scans))
        pays.append(statistics.median(theirs.pays) / statistics.median(ours.pays))
    search, looking = _search_ms(store, runs), bare.looking_ms(runs)
    store.close()
    note = f"{products:,} products; a basket has {LINES_A_BASKET} lines; a payment is three durable transactions."
    return [
        Figure("bare scan: look-up and one line", statistics.median(bare_scan_ms), "ms", detail=spread(bare_scan_ms)),
        Figure("a scan at the till", statistics.median(scan_ms), "ms", detail=spread(scan_ms), note=note),
        Figure("a payment at the till", statistics.median(pay_ms), "ms", detail=spread(pay_ms)),
        at_least("scan ÷ bare scan, speed", statistics.median(scans), SCAN_RATIO_MIN, "ratio", spread(scans)),
        at_least("pay ÷ bare sale, speed", statistics.median(pays), PAY_RATIO_MIN, "ratio", spread(pays)),
        Figure("a search by words at the till", statistics.median(search), "ms", detail=spread(search)),
        at_least(
            "search ÷ looking at every name, speed",
            looking / statistics.median(search),
            SEARCH_RATIO_MIN,
            "ratio",
            spread([looking / took for took in search]),
        ),
    ]


class _Times:
    """Seconds of each scan and of each payment."""

    def __init__(self) -> None:
        self.scans: list[float] = []
        self.pays: list[float] = []


def _timed(times: list[float], work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    result = work()
    times.append(time.perf_counter() - began)
    return result


def _sell(store: BranchStore, codes: Sequence[str], times: _Times) -> None:
    basket_id = basket.open_basket(store, "1", "anna")
    for number, code in enumerate(codes):
        _timed(times.scans, partial(basket.scan, store, basket_id, f"r{number}", code))
    total = basket.view(store, basket_id).total_minor
    processor = Processor(store, _nobody)
    _timed(times.pays, lambda: basket.pay(store, processor.sell, basket_id, [Payment("cash", total)]))


def _search_ms(store: BranchStore, runs: int) -> list[float]:
    took = []
    for query in _QUERIES:
        times: list[float] = []
        for _ in range(runs * 3):
            _timed(times, partial(basket.find_products, store, query))
        took.append(statistics.median(times) * 1_000)
    return took


def _nobody() -> Central:
    raise AssertionError("a distributed branch asks nobody")


def _name(number: int) -> str:
    first, second = _FIRST[number % len(_FIRST)], _SECOND[number // 7 % len(_SECOND)]
    return f"{first} {second} {_THIRD[number // 61 % len(_THIRD)]} артикул {number}"


def barcode_of(number: int) -> str:
    """The barcode of a product of the catalogue."""
    return f"46{number:011d}"


def catalogue(products: int) -> Iterator[tuple[bytes, str, str, str]]:
    """Products: id, SKU, name and barcode."""
    for number in range(products):
        yield b"%016d" % number, f"SKU{number}", _name(number), barcode_of(number)


def new_store(home: Path, products: int) -> BranchStore:
    """A branch with that many products, each with a price."""
    clock, ids = SystemClock(), SystemIds()
    bare = SqliteStore(home / "branch.db", clock)
    identity = BranchIdentity(ids.new_id(), "Chain", ids.new_id(), "B1", "Shop", "Europe/Moscow", "RUB", "")
    with bare.write() as connection:
        migrations.upgrade(connection)
        write_identity(connection, identity, "127.0.0.1:1", ids, clock.now_us())
        cursor: Any = connection.connection.cursor()
        statement = "INSERT INTO product (id, sku, name, barcode, archived) VALUES (?, ?, ?, ?, 0)"
        cursor.executemany(statement, catalogue(products))
        cursor.execute(
            "INSERT INTO price (id, product_id, zone, amount_minor, archived) SELECT id, id, '', 9990, 0 FROM product"
        )
    bare.close()
    return BranchStore(home / "branch.db", clock, ids)


class _BareTill:
    """The least that a till must do, by the driver alone."""

    def __init__(self, path: Path, products: int) -> None:
        self._connection = dbapi2.connect(str(path), isolation_level=None)
        for pragma in BARE_PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE product (barcode TEXT PRIMARY KEY, name TEXT, price INTEGER)")
        self._connection.execute("CREATE TABLE line (id INTEGER PRIMARY KEY, basket INTEGER, name TEXT, price INTEGER)")
        self._connection.execute("CREATE TABLE sale (id INTEGER PRIMARY KEY, total INTEGER)")
        self._connection.execute("BEGIN")
        rows = ((barcode, name, 9_990) for _, _, name, barcode in catalogue(products))
        self._connection.executemany("INSERT INTO product VALUES (?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def sell(self, codes: Sequence[str], times: _Times) -> None:
        for code in codes:
            _timed(times.scans, partial(self._scan, code))
        _timed(times.pays, lambda: self._pay(len(codes)))

    def looking_ms(self, runs: int) -> float:
        """How long it takes to look at every name for a word, as one does without an index."""
        statement = "SELECT name, price FROM product WHERE name LIKE '%молоко%' ORDER BY name LIMIT 20"
        times: list[float] = []
        for _ in range(runs):
            _timed(times, lambda: self._connection.execute(statement).fetchall())
        return statistics.median(times) * 1_000

    def _scan(self, code: str) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        name, price = execute("SELECT name, price FROM product WHERE barcode = ?", (code,)).fetchone()
        execute("INSERT INTO line (basket, name, price) VALUES (1, ?, ?)", (name, price))
        execute("COMMIT")

    def _pay(self, lines: int) -> None:
        execute = self._connection.execute
        execute("INSERT INTO line (basket, name, price) VALUES (1, 'asked', 0)")
        execute("BEGIN IMMEDIATE")
        sale = execute("INSERT INTO sale (total) VALUES (?)", (lines * 9_990,)).lastrowid
        for _ in range(lines):
            execute("INSERT INTO line (basket, name, price) VALUES (?, 'a', 9990)", (sale,))
        execute("INSERT INTO line (basket, name, price) VALUES (?, 'cash', ?)", (sale, lines * 9_990))
        execute("COMMIT")
        execute("INSERT INTO line (basket, name, price) VALUES (1, 'paid', 0)")
