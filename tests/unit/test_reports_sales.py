"""The report `sales` against a plain computation over the same sales, by every combination of its dimensions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine
from sqlcipher3 import dbapi2

from hq_server.storage.rollups import RollupDeltas
from hq_server.storage.sqlite_store import SqliteBulkWriter
from shared.domain.business_time import local_moment
from shared.domain.sales import CASH, Payment, Refund, RefundLine, Sale, SaleLine
from shared.errors import NotFound
from shared.reports.ground import Ground
from shared.reports.parameters import ReportParameters
from shared.reports.registry import REPORTS, find_report
from shared.reports.sales import MEASURES, ROLLUP_SOURCES, run_sales
from shared.storage.fact_rows import add_refund_rows, add_sale_rows, new_rows
from shared.storage.rollup_tables import rollup_metadata
from shared.storage.tables import record_metadata
from tests.support.clock import START_US
from tests.support.strategies import FEW, SOME

BRANCHES = {b"1" * 16: "B1", b"2" * 16: "B2", b"3" * 16: "B3"}
HOUR_US = 3_600_000_000


class Sold(NamedTuple):
    """A sale where and when head office has it."""

    branch_id: bytes
    sale_id: bytes
    sale: Sale
    received_at_us: int

    @property
    def day(self) -> date:
        return self.sale.business_date


class Returned(NamedTuple):
    """A refund where and when head office has it."""

    branch_id: bytes
    refund_id: bytes
    refund: Refund
    received_at_us: int

    @property
    def day(self) -> date:
        return self.refund.business_date


Fact = Sold | Returned


def random_sales(seed: int, count: int) -> list[Fact]:
    """Sales of two branches over three months, with lines that share products and categories; some come back later."""
    choose = random.Random(seed)
    made: list[Fact] = []
    for number in range(count):
        moment = local_moment(START_US - choose.randrange(70 * 24) * HOUR_US, "Europe/Moscow")
        lines = tuple(
            SaleLine(
                choose.choice("123"),
                None,
                choose.choice(["Dairy", "Bread", None]),
                choose.choice([0, 500, 1_000]),
                choose.randrange(3) * 50,
                choose.randrange(2) * 7,
            )
            for _ in range(choose.randint(1, 4))
        )
        paid = (Payment(CASH, sum(line.amount_minor for line in lines)),)
        cashier, client = choose.choice(["anna", "boris"]), choose.choice(["900", "901", None])
        day = moment.business_date
        sale = Sale(b"s" * 16, "1", number, cashier, client, None, moment, day, "RUB", lines, paid, 0)
        branch_id = choose.choice(list(BRANCHES)[:2])
        made.append(Sold(branch_id, b"%016d" % number, sale, START_US + choose.randrange(3)))
        if choose.random() < 0.4:
            made.append(_come_back(choose, made[-1], number))
    return made


def _come_back(choose: random.Random, sold: Fact, number: int) -> Returned:
    assert isinstance(sold, Sold)
    moment = local_moment(START_US - choose.randrange(30 * 24) * HOUR_US, "Europe/Moscow")
    lines = tuple(
        RefundLine(place, *each[:6])
        for place, each in enumerate(sold.sale.lines, 1)
        if place == 1 or choose.random() < 0.5
    )
    paid = (Payment(CASH, sum(line.amount_minor for line in lines)),)
    refund = Refund(
        b"s" * 16,
        "1",
        10_000 + number,
        choose.choice(["anna", "vera"]),
        sold.sale.client,
        None,
        moment,
        moment.business_date,
        "RUB",
        sold.sale_id,
        None,
        None,
        None,
        None,
        lines,
        paid,
    )
    return Returned(sold.branch_id, b"%016d" % (10_000 + number), refund, START_US + choose.randrange(3))


@contextmanager
def stored(facts: Sequence[Fact]) -> Iterator[Connection]:
    """A store with those sales and the rollups that a merge makes of them."""
    engine = create_engine("sqlite://", module=dbapi2)
    with engine.connect() as connection:
        for metadata in (record_metadata, rollup_metadata):
            metadata.create_all(connection)
        bulk, rows, rollups = SqliteBulkWriter(), new_rows(), RollupDeltas()
        for fact in facts:
            if isinstance(fact, Returned):
                add_refund_rows(rows, fact.branch_id, fact.refund_id, b"c" * 16, fact.refund, fact.received_at_us)
                rollups.add_refund(fact.branch_id, fact.refund)
                continue
            branch_id, sale_id, sale, received_at_us = fact
            rollups.add(branch_id, sale, add_sale_rows(rows, branch_id, sale_id, b"c" * 16, sale, received_at_us))
        for table, table_rows in rows.items():
            bulk.insert(connection, table, table_rows)
        bulk.write(connection, {}, rollups.rows())
        yield connection
    engine.dispose()


# The plain computation.


def key_of(by: Sequence[str], fact: Fact, line: SaleLine | RefundLine) -> tuple[Any, ...]:
    """The group a line belongs to."""
    sale = fact.sale if isinstance(fact, Sold) else fact.refund
    moment = sale.sold_at if isinstance(sale, Sale) else sale.refunded_at
    values = {
        "branch": BRANCHES[fact.branch_id],
        "business_date": sale.business_date.isoformat(),
        "month": sale.business_date.isoformat()[:7],
        "category": line.category,
        "product": line.sku,
        "cashier": sale.cashier,
        "client": sale.client,
        "hour": moment.hour,
    }
    return tuple(values[name] for name in by)


def computed(facts: Sequence[Fact], asked: ReportParameters) -> list[tuple[Any, ...]]:
    """What the report must say."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for sold in facts:
        if not is_asked(sold, asked):
            continue
        if isinstance(sold, Returned):
            for back in sold.refund.lines:
                sums = groups.setdefault(key_of(asked.by, sold, back), [set(), 0, 0, 0, 0, 0])
                sums[4] += back.amount_minor
                sums[5] -= back.amount_minor
            continue
        for line in sold.sale.lines:
            sums = groups.setdefault(key_of(asked.by, sold, line), [set(), 0, 0, 0, 0, 0])
            sums[0].add((sold.branch_id, sold.sale_id))
            for place, amount in (
                (1, line.quantity_thousandths),
                (2, line.amount_minor + line.discount_minor),
                (3, line.discount_minor),
                (5, line.amount_minor),
            ):
                sums[place] += amount
    rows = [(*key, len(sums[0]), *sums[1:]) for key, sums in groups.items()]
    width = len(asked.by)
    return sorted(rows, key=lambda row: [(value is None, value) for value in row[:width]])


def is_asked(sold: Fact, asked: ReportParameters) -> bool:
    day = sold.day
    return (
        (asked.date_from is None or day >= asked.date_from)
        and (asked.date_to is None or day <= asked.date_to)
        and (not asked.branches or BRANCHES[sold.branch_id] in asked.branches)
        and (asked.as_of_us is None or sold.received_at_us <= asked.as_of_us)
    )


def run(
    connection: Connection, asked: ReportParameters, has_rollups: bool
) -> tuple[list[tuple[Any, ...]], tuple[Any, ...]]:
    codes = {key: code for key, code in BRANCHES.items() if not asked.branches or code in asked.branches}
    rows, totals = run_sales(Ground(connection, codes, has_rollups, date(2026, 11, 23)), asked)
    return [tuple(row) for row in rows], tuple(totals)


DIMENSIONS = ("branch", "business_date", "month", "category", "product", "cashier", "client", "hour")
SUBSETS = [by for size in range(len(DIMENSIONS) + 1) for by in itertools.combinations(DIMENSIONS, size)]
NOTHING = (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("has_rollups", [False, True])
def test_every_combination_of_dimensions_is_what_the_lines_add_up_to(has_rollups: bool) -> None:
    sales = random_sales(seed=1, count=40)
    with stored(sales) as connection:
        for by in SUBSETS:
            rows, totals = run(connection, ReportParameters(by), has_rollups)
            assert rows == computed(sales, ReportParameters(by)), by
            assert [totals] == computed(sales, ReportParameters()), by
    assert len(SUBSETS) == 256


@pytest.mark.parametrize("has_rollups", [False, True])
def test_both_ends_of_a_period_belong_to_it(has_rollups: bool) -> None:
    sales = random_sales(seed=2, count=30)
    with stored(sales) as connection:
        for day in {sold.day for sold in sales}:
            for asked in (
                ReportParameters(("category",), date_from=day),
                ReportParameters(("category",), date_to=day),
                ReportParameters(("category",), day, day),
            ):
                assert run(connection, asked, has_rollups)[0] == computed(sales, asked)


dates = (
    st.none()
    | st.dates(date(2026, 9, 1), date(2026, 12, 31))
    | st.sampled_from([date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 31)])
)
asked_for = st.builds(
    ReportParameters,
    by=st.sampled_from(SUBSETS),
    date_from=dates,
    date_to=dates,
    branches=st.sampled_from([(), ("B1",), ("B3",), ("B1", "B2")]),
    as_of_us=st.none() | st.integers(START_US - 1, START_US + 3),
)


@SOME
@given(st.integers(0, 1_000), st.integers(0, 12), asked_for, st.booleans())
def test_whatever_is_asked_is_what_the_lines_add_up_to(
    seed: int, count: int, asked: ReportParameters, has_rollups: bool
) -> None:
    sales = random_sales(seed, count)
    with stored(sales) as connection:
        rows, totals = run(connection, asked, has_rollups)
    whole = ReportParameters((), asked.date_from, asked.date_to, asked.branches, asked.as_of_us)
    (expected,) = computed(sales, whole) or [NOTHING]
    assert rows == (computed(sales, asked) if asked.by else [expected])
    assert totals == expected


@FEW
@given(st.integers(0, 1_000), asked_for)
def test_a_branch_and_head_office_say_the_same(seed: int, asked: ReportParameters) -> None:
    with stored(random_sales(seed, 10)) as connection:
        assert run(connection, asked, has_rollups=False) == run(connection, asked, has_rollups=True)


def test_rows_stand_in_the_order_of_their_dimensions_with_nobody_last() -> None:
    sales = random_sales(seed=3, count=40)
    with stored(sales) as connection:
        rows, _ = run(connection, ReportParameters(("client", "hour")), False)
    clients = [row[0] for row in rows]
    assert clients == sorted(clients, key=lambda client: (client is None, client or ""))
    assert clients[-1] is None
    hours = [row[1] for row in rows if row[0] == "900"]
    assert hours == sorted(hours)


def test_a_receipt_of_nothing_for_nothing_counts() -> None:
    sold = random_sales(seed=1, count=1)[0]
    assert isinstance(sold, Sold)
    free = sold.sale._replace(lines=(SaleLine("1", None, None, 0, 0, 0),), payments=())
    with stored([sold._replace(sale=free)]) as connection:
        for has_rollups in (False, True):
            assert run(connection, ReportParameters(), has_rollups)[0] == [(1, 0, 0, 0, 0, 0)]
            assert run(connection, ReportParameters(("product",)), has_rollups)[0] == [("1", 1, 0, 0, 0, 0, 0)]


def test_a_branch_without_a_code_is_shown_by_its_id() -> None:
    sold = random_sales(seed=1, count=1)
    with stored(sold) as connection:
        ((code, *_),) = run_sales(Ground(connection, {}, False, date(2026, 11, 23)), ReportParameters(("branch",)))[0]
    assert code == sold[0].branch_id.hex()


# Which table is read.


def suits(**asked: Any) -> list[bool]:
    """Which rollups can answer, the coarsest first: month, day, category, hour and cashier."""
    return [source.suits(ReportParameters(**asked)) for source in ROLLUP_SOURCES]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [True, True, True, True]),
        ({"by": ("month", "branch")}, [True, True, True, True]),
        ({"by": ("business_date",)}, [False, True, True, True]),
        ({"by": ("category",)}, [False, False, True, False]),
        ({"by": ("hour", "cashier")}, [False, False, False, True]),
        ({"by": ("client",)}, [False, False, False, False]),
        ({"as_of_us": START_US}, [False, False, False, False]),
        ({"date_from": date(2026, 10, 1), "date_to": date(2026, 10, 31)}, [True, True, True, True]),
        ({"date_to": date(2024, 2, 29)}, [True, True, True, True]),
        ({"date_from": date(2026, 10, 2)}, [False, True, True, True]),
        ({"date_to": date(2026, 10, 30)}, [False, True, True, True]),
    ],
    ids=str,
)
def test_the_coarsest_table_that_can_answer_is_read(asked: dict[str, Any], expected: list[bool]) -> None:
    assert suits(**asked) == expected


def test_a_period_may_end_on_the_last_day_there_is() -> None:
    assert suits(date_to=date.max)[1]


# The registry.


def test_a_report_is_found_by_its_name() -> None:
    report = find_report("sales")
    assert report is REPORTS["sales"]
    assert [column.name for column in report.columns(("month", "branch"))] == [
        "month",
        "branch",
        *(measure.name for measure in MEASURES),
        "average_receipt",
        "units_per_receipt",
    ]
    assert set(report.definitions) == {measure.name for measure in MEASURES}


def test_an_unknown_report_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFound) as missing:
        find_report("horoscope\n" * 100)
    assert "sales" in missing.value.hint
    assert missing.value.message.isprintable()


def test_months_are_whole_only_from_first_to_last_day() -> None:
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    for shift in (timedelta(days=1), timedelta(days=-1)):
        assert not suits(date_from=first + shift)[0]
        assert not suits(date_to=last + shift)[0]
