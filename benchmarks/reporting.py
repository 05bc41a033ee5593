"""The report `sales` at HQ over a year's history and over five years', beside the same sums scanned from the facts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.figures import Figure, at_most, spread
from deploy.postgresql import PostgresqlServer
from hq_server.operations.fleet import add_branch
from hq_server.operations.founding import found_chain
from hq_server.operations.reporting import run_report
from hq_server.storage.rollups import rebuild_rollups
from hq_server.storage.store import HqStore, connect_store
from shared.clock import SystemClock, SystemIds
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report

BRANCHES = 50
LINES_PER_YEAR = 1_000_000
REPORT_MS_MAX = 50.0
GROWTH_MAX = 1.5
"""How much slower five years may be than one and still count as no slower: the noise of these machines."""
REPETITIONS = 15

_SALE = """
INSERT INTO sale (branch_id, id, command_id, shift_id, register, receipt_number, cashier, client, sold_at,
                  utc_offset_seconds, zone, business_date, hour, currency, units_thousandths, gross_minor,
                  discounts_minor, net_minor, change_minor, received_at)
"""
_LINE = """
INSERT INTO sale_line (branch_id, sale_id, line_number, sku, category, quantity_thousandths, amount_minor,
                       discount_minor, received_at)
SELECT s.branch_id, s.id, {line}, CAST(s.receipt_number * {line} % 20000 AS TEXT),
       'category' || (s.receipt_number + {line}) % 25, 1000, 200, 0, s.received_at
FROM sale s"""
_FILL = {
    "postgresql": (
        _SALE
        + """
        SELECT b.id, md5(b.code || '-' || n)::uuid, md5('c' || b.code || '-' || n)::uuid, b.id, '1', n,
               'cashier' || n % 7, (n % 2500)::text, s.at, 10800, 'Europe/Moscow', s.at::date, 9 + n % 12, 'RUB',
               5000, 1000, 0, 1000, 0, s.at
        FROM branch b CROSS JOIN generate_series(1, {per_branch}) n
        CROSS JOIN LATERAL (SELECT timestamptz '2021-01-01 12:00+00'
                                   + interval '1 day' * (n::bigint * {days} / {per_branch}) AS at) s""",
        _LINE.replace("{line}", "l") + " CROSS JOIN generate_series(1, {lines}) l",
        "VACUUM ANALYZE",
    ),
    "sqlite": (
        _SALE
        + """
        WITH RECURSIVE numbers(n, at) AS (
            SELECT 1, 1609502400000000 UNION ALL
            SELECT n + 1, 1609502400000000 + (n + 1) * {days} / {per_branch} * 86400000000
            FROM numbers WHERE n < {per_branch})
        SELECT b.id, CAST(printf('%016d', n) AS BLOB), CAST(printf('%016d', n) AS BLOB), b.id, '1', n,
               'cashier' || n % 7, CAST(n % 2500 AS TEXT), at, 10800, 'Europe/Moscow',
               date(at / 1000000, 'unixepoch'), 9 + n % 12, 'RUB', 5000, 1000, 0, 1000, 0, at
        FROM branch b CROSS JOIN numbers""",
        _LINE.replace("{line}", "(1 + l.value)") + " CROSS JOIN (WITH RECURSIVE v(value) AS "
        "(SELECT 0 UNION ALL SELECT value + 1 FROM v WHERE value < {lines} - 1) SELECT value FROM v) l",
        "ANALYZE",
    ),
}
"""Sales, their lines, and what tells the planner of them."""
_SCAN = {
    name: f"SELECT branch_id, {month}, count(*), sum(net_minor) FROM sale GROUP BY 1, 2"
    for name, month in (("postgresql", "to_char(business_date, 'YYYY-MM')"), ("sqlite", "substr(business_date, 1, 7)"))
}


def measure_reports(server: PostgresqlServer, folder: Path, years: tuple[int, ...]) -> list[Figure]:
    """The report's time in milliseconds for each size of history, and how it grows for the same year asked for."""
    # SQLite takes a line a receipt: so many rows of its own take it minutes, and a rollup has the same rows.
    return [*_measure(server, folder, years, "PostgreSQL", 5), *_measure(server, folder, years, "SQLite", 1)]


def _measure(
    server: PostgresqlServer, folder: Path, years: tuple[int, ...], dialect: str, lines_per_sale: int
) -> list[Figure]:
    figures: list[Figure] = []
    medians: list[float] = []
    for number in years:
        is_postgresql = dialect == "PostgreSQL"
        url = server.create_database(f"years{number}") if is_postgresql else f"sqlite:///years{number}.db"
        store = _fill(url, folder, number, lines_per_sale)
        history = f"{number * LINES_PER_YEAR * lines_per_sale // 5:,} lines on {dialect}"
        of_a_year = _times(partial(_report, store, ("branch", "month"), "2021-01-01", "2021-12-31"))
        medians.append(statistics.median(of_a_year))
        name = f"sales by branch and month of one year, {history}"
        figures.append(at_most(name, medians[-1], REPORT_MS_MAX, "ms", spread(of_a_year)))
        of_all = _times(partial(_report, store, ("branch", "month"), None, None))
        name = f"sales by branch and month of all {number} years, {history}"
        figures.append(at_most(name, statistics.median(of_all), REPORT_MS_MAX, "ms", spread(of_all)))
        category = _times(partial(_report, store, ("month", "category"), "2021-01-01", "2021-12-31"))
        figures.append(Figure(f"sales by month and category of one year, {history}", statistics.median(category), "ms"))
        scan = _times(partial(_scan, store), 3)
        figures.append(Figure(f"the same sums scanned from the sales, {history}", statistics.median(scan), "ms"))
        store.close()
    growth = medians[-1] / medians[0]
    name = f"one year's report on {dialect}, {years[-1]} ÷ {years[0]} years of history, time"
    figures.append(at_most(name, growth, GROWTH_MAX, "ratio"))
    return figures


def _fill(url: str, folder: Path, years: int, lines: int) -> HqStore:
    clock, ids = SystemClock(), SystemIds()
    store = connect_store(url, folder, clock)
    found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids)
    per_branch = years * LINES_PER_YEAR // 5 // BRANCHES
    sizes = {"per_branch": str(per_branch), "days": str(years * 365), "lines": str(lines)}
    sales, sale_lines, told = _FILL[store.dialect]
    with store.write() as connection:
        for number in range(BRANCHES):
            add_branch(connection, ids, clock.now_us(), f"B{number}", None, None, "")
        for statement in (sales, sale_lines):
            for name, size in sizes.items():
                statement = statement.replace("{" + name + "}", size)
            connection.connection.cursor().execute(statement)
    _tell(store, url, told)
    with store.write() as connection:
        rebuild_rollups(connection)
    _tell(store, url, told)
    return store


def _tell(store: HqStore, url: str, statement: str) -> None:
    """PostgreSQL vacuums outside of a transaction."""
    if store.dialect == "postgresql":
        with psycopg.connect(url, autocommit=True) as driver:
            driver.execute(statement.encode())
    else:
        with store.write() as connection:
            connection.exec_driver_sql(statement)


def _report(store: HqStore, by: tuple[str, ...], date_from: str | None, date_to: str | None) -> None:
    with store.read() as connection:
        run_report(connection, find_report("sales"), ReportAsk(by, date_from, date_to), SystemClock().now_us(), 15)


def _scan(store: HqStore) -> None:
    with store.read() as connection:
        connection.exec_driver_sql(_SCAN[store.dialect]).all()


def _times(work: Callable[[], None], repetitions: int = REPETITIONS) -> list[float]:
    """Milliseconds of each repetition, the first left out."""
    work()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1_000)
    return times
