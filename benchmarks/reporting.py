"""The report `sales` at HQ over a million lines and over five million, beside the same sums scanned from the facts."""

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
LINES_PER_SALE = 5
LINES_PER_YEAR = 1_000_000
REPORT_MS_MAX = 50.0
GROWTH_MAX = 1.5
"""How much slower five years may be than one and still count as no slower: the noise of these machines."""
REPETITIONS = 15

_SALES = """
INSERT INTO sale
SELECT b.id, md5(b.code || '-' || n)::uuid, md5('c' || b.code || '-' || n)::uuid, b.id, '1', n, 'cashier' || n %% 7,
       (n %% 2500)::text, NULL, s.at, 10800, 'Europe/Moscow', s.at::date, 9 + n %% 12, 'RUB', 5000, 1000, 0, 1000, 0,
       s.at
FROM branch b CROSS JOIN generate_series(1, %(per_branch)s) n
CROSS JOIN LATERAL (SELECT timestamptz '2021-01-01 12:00+00'
                           + interval '1 day' * (n::bigint * %(days)s / %(per_branch)s) AS at) s
"""
_LINES = """
INSERT INTO sale_line
SELECT s.branch_id, s.id, l, (s.receipt_number * l %% 20000)::text, NULL, 'category' || (s.receipt_number + l) %% 25,
       1000, 200, 0, s.received_at
FROM sale s CROSS JOIN generate_series(1, %(lines)s) l
"""


def measure_reports(server: PostgresqlServer, folder: Path, years: tuple[int, ...]) -> list[Figure]:
    """The report's time in milliseconds for each size of history, and how it grows for the same year asked for."""
    figures: list[Figure] = []
    medians: list[float] = []
    for number in years:
        store = _fill(server, folder, number)
        lines = f"{number * LINES_PER_YEAR // 1_000_000} M lines"
        of_a_year = _times(partial(_report, store, ("branch", "month"), "2021-01-01", "2021-12-31"))
        medians.append(statistics.median(of_a_year))
        name = f"sales by branch and month of one year, {lines}"
        figures.append(at_most(name, medians[-1], REPORT_MS_MAX, "ms", spread(of_a_year)))
        of_all = _times(partial(_report, store, ("branch", "month"), None, None))
        name = f"sales by branch and month of all {number} years, {lines}"
        figures.append(at_most(name, statistics.median(of_all), REPORT_MS_MAX, "ms", spread(of_all)))
        category = _times(partial(_report, store, ("month", "category"), "2021-01-01", "2021-12-31"))
        figures.append(Figure(f"sales by month and category of one year, {lines}", statistics.median(category), "ms"))
        scan = _times(partial(_scan, store), 3)
        figures.append(Figure(f"the same sums scanned from the sales, {lines}", statistics.median(scan), "ms"))
        store.close()
    growth = medians[-1] / medians[0]
    figures.append(at_most(f"one year's report, {years[-1]} M ÷ {years[0]} M lines, time", growth, GROWTH_MAX, "ratio"))
    return figures


def _fill(server: PostgresqlServer, folder: Path, years: int) -> HqStore:
    clock, ids = SystemClock(), SystemIds()
    url = server.create_database(f"years{years}")
    store = connect_store(url, folder, clock)
    found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids)
    with store.write() as connection:
        for number in range(BRANCHES):
            add_branch(connection, ids, clock.now_us(), f"B{number}", None, None, "")
    per_branch = years * LINES_PER_YEAR // LINES_PER_SALE // BRANCHES
    with psycopg.connect(url) as driver:
        driver.execute(_SALES.encode(), {"per_branch": per_branch, "days": years * 365})
        driver.execute(_LINES.encode(), {"lines": LINES_PER_SALE})
    with psycopg.connect(url, autocommit=True) as driver:
        driver.execute("VACUUM ANALYZE")
    with store.write() as connection:
        rebuild_rollups(connection)
    with psycopg.connect(url, autocommit=True) as driver:
        driver.execute("VACUUM ANALYZE")
    return store


def _report(store: HqStore, by: tuple[str, ...], date_from: str | None, date_to: str | None) -> None:
    with store.read() as connection:
        run_report(connection, find_report("sales"), ReportAsk(by, date_from, date_to), SystemClock().now_us(), 15)


def _scan(store: HqStore) -> None:
    statement = "SELECT branch_id, to_char(business_date, 'YYYY-MM'), count(*), sum(net_minor) FROM sale GROUP BY 1, 2"
    with store.read() as connection:
        connection.exec_driver_sql(statement).all()


def _times(work: Callable[[], None], repetitions: int = REPETITIONS) -> list[float]:
    """Milliseconds of each repetition, the first left out."""
    work()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1_000)
    return times
