"""Truth: the chain's reports over the real data set equal a computation over the Parquet files, written apart of them.

All 457 stores with 1 469 307 lines are merged by the real merge, on SQLite and on PostgreSQL (slow); some stores in
`make test`. On the whole set each report's time is told beside that of a bare statement with the same answer.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deploy.demo.receipts import CURRENCY, TIMEZONE, busiest_stores
from deploy.postgresql import PostgresqlServer
from hq_server.operations.founding import found_chain
from hq_server.storage.store import connect_store
from shared.domain.business_time import MICROSECONDS
from tests.acceptance import independent_reports as independent
from tests.acceptance.bare_sql import statements
from tests.support.chain_sales import ask, told
from tests.support.clock import FakeClock, SeededIds
from tests.support.office import Office
from tests.support.real_chain import load_real_chain
from tests.support.schemas import write_hq_schema

STORES, RECEIPTS, LINES = 457, 155_848, 1_469_307
SOME_STORES = slice(108, 118)
"""Of the stores by receipts: small ones, with 10 000 lines together."""
FIRST, LAST = date(2017, 1, 1), date(2017, 12, 31)
NEW_YEAR_US = int(datetime(2018, 1, 2, 12, tzinfo=UTC).timestamp()) * MICROSECONDS
BARE_RATIO_MAX = 3
AFFINITY_SECONDS_MAX = 30
REPETITIONS = 3
PERIOD = {"date_from": FIRST.isoformat(), "date_to": LAST.isoformat()}
SALES_BY = (
    (),
    ("branch", "month"),
    ("month", "category"),
    ("business_date",),
    ("weekday", "hour"),
    ("cashier", "hour"),
    ("client",),
    ("product",),
    ("branch", "category", "client"),
)


TIMED: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "sales": (("client",), {}),
    "rfm": (("client",), PERIOD),
    "cohorts": (("cohort", "month_number"), {}),
    "at-risk": (("client",), {"date_to": LAST.isoformat()}),
    "abc-xyz": (("product",), PERIOD),
}


class Chain(NamedTuple):
    """A head office that holds real receipts, and the same lines from the file."""

    office: Office
    lines: list[independent.Line]
    is_whole: bool


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("sqlite", True), marks=pytest.mark.slow, id="all stores on SQLite"),
        pytest.param(("postgresql", True), marks=pytest.mark.slow, id="all stores on PostgreSQL"),
        pytest.param(("sqlite", False), id="some stores on SQLite"),
        pytest.param(("postgresql", False), id="some stores on PostgreSQL"),
    ],
)
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    dialect, is_whole = request.param
    folder = tmp_path_factory.mktemp("whole")
    stores = busiest_stores(STORES)
    if not is_whole:
        stores = stores[SOME_STORES]
    clock = FakeClock(NEW_YEAR_US)
    ids = SeededIds(clock)
    with closing(connect_store(_database(request, dialect, folder), folder, clock)) as store:
        office = Office(store, clock, ids, found_chain(store, "Complete Journey", CURRENCY, TIMEZONE, clock, ids))
        started = time.perf_counter()
        loaded = load_real_chain(office, stores)
        print(f"\n{dialect}: {loaded.stores} stores, {loaded.receipts} receipts, {loaded.lines} lines merged in")
        print(f"{time.perf_counter() - started:.0f} s")
        if is_whole:
            assert (loaded.stores, loaded.receipts, loaded.lines) == (STORES, RECEIPTS, LINES)
        _analyse(office)
        lines = independent.read_lines(set(stores), loaded.client_of)
        # A million lines of the test's own would be looked through again and again while a report makes its rows.
        gc.collect()
        gc.freeze()
        yield Chain(office, lines, is_whole)
    gc.unfreeze()


def _database(request: pytest.FixtureRequest, dialect: str, folder: Path) -> str:
    if dialect == "sqlite":
        write_hq_schema(folder / "hq.db")
        return "sqlite:///hq.db"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.create_database(f"whole_{folder.name}", "template_schema")


def _analyse(office: Office) -> None:
    with office.store.write() as connection:
        connection.exec_driver_sql("ANALYZE")


@pytest.mark.parametrize("by", SALES_BY, ids=lambda by: " and ".join(by) or "nothing")
def test_sales_equal_the_file(chain: Chain, by: tuple[str, ...]) -> None:
    names = ("receipts", "units", "gross", "discounts", "returns", "net")
    found = {row[: len(by)]: row[len(by) : len(by) + len(names)] for row in ask(chain.office, "sales", *by).rows}
    assert found == independent.sales(chain.lines, by)


def test_rfm_equals_the_file(chain: Chain) -> None:
    by = ("client", "segment", "recency_score", "frequency_score", "monetary_score")
    result = ask(chain.office, "rfm", *by, **PERIOD)
    expected = independent.rfm(chain.lines, FIRST, LAST)
    assert told(result, "receipts", "net", "days_since") == expected
    by_segment = told(ask(chain.office, "rfm", "segment", **PERIOD), "clients", "net")
    for segment, sums in by_segment.items():
        members = [measures for key, measures in expected.items() if key[1] == segment]
        assert sums == (len(members), sum(measures[1] for measures in members))
    assert sum(clients for clients, _ in by_segment.values()) == len(expected)


def test_cohorts_equal_the_file(chain: Chain) -> None:
    result = ask(chain.office, "cohorts", "cohort", "month_number")
    assert told(result, "clients", "buyers", "net", "retention") == independent.cohorts(chain.lines)


@pytest.mark.parametrize("today", [LAST, date(2017, 10, 15)])
def test_clients_at_risk_equal_the_file(chain: Chain, today: date) -> None:
    result = ask(chain.office, "at-risk", "client", date_to=today.isoformat())
    found = told(result, "visits", "median_interval", "days_since", "net")
    assert {(client,): measures for client, measures in found.items()} == independent.at_risk(chain.lines, today)


@pytest.mark.parametrize("length", [7, 28])
def test_abc_and_xyz_equal_the_file(chain: Chain, length: int) -> None:
    result = ask(chain.office, "abc-xyz", "product", "class", options=[f"interval={length}"], **PERIOD)
    expected = independent.abc_xyz(chain.lines, FIRST, LAST, length)
    assert told(result, "units", "net", "share", "cumulative", "variation") == expected


@pytest.mark.parametrize("by", [("product", "other_product"), ("category", "other_category")])
def test_affinity_equals_the_file(chain: Chain, by: tuple[str, str]) -> None:
    minimum = 20 if chain.is_whole else 3
    result = ask(chain.office, "affinity", *by, options=[f"minimum={minimum}", "limit=10000"])
    expected = independent.affinity(chain.lines, independent.KEYS[by[0]], minimum)
    names = ("receipts", "support", "confidence", "confidence_back", "lift")
    ordered = sorted(expected, key=lambda pair: (-expected[pair][5], -expected[pair][0], pair))[:10_000]
    assert [row[:2] for row in result.rows] == ordered
    assert told(result, *names) == {pair: expected[pair][:5] for pair in ordered}
    assert result.totals[:2] == (len(expected), len({line.basket for line in chain.lines}))


def test_reports_take_at_most_three_times_as_long_as_the_bare_statement(chain: Chain) -> None:
    dialect = chain.office.store.dialect
    ratios = {}
    for name, statement in statements(dialect).items():
        ours, bare = _least_seconds(partial(_report, chain, name), partial(_run, chain.office, statement))
        ratios[name] = ours / bare
        print(f"{dialect} {name}: {ours:.2f} s, bare SQL {bare:.2f} s, {ours / bare:.1f}x")
    seconds = _seconds(lambda: ask(chain.office, "affinity", "product", "other_product"))
    print(f"{dialect} affinity: {seconds:.1f} s")
    assert seconds <= AFFINITY_SECONDS_MAX
    # A few thousand lines take no time, and the frame around a report a part of it that says nothing.
    assert not chain.is_whole or {name: ratio for name, ratio in ratios.items() if ratio > BARE_RATIO_MAX} == {}


def _report(chain: Chain, name: str) -> None:
    by, parameters = TIMED[name]
    ask(chain.office, name, *by, **parameters)


def _run(office: Office, statement: str) -> None:
    with office.store.read() as connection:
        connection.exec_driver_sql(statement).all()


def _least_seconds(*works: Callable[[], Any]) -> list[float]:
    """Each in turn, the fastest of some runs: what else the machine does only ever adds."""
    runs = [[_seconds(work) for work in works] for _ in range(REPETITIONS)]
    return [min(times) for times in zip(*runs, strict=True)]


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
