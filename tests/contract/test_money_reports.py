"""Margin and stock on both databases: as deliveries, sales and returns of three weeks make them by hand."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from hq_server.operations.importing import import_catalog
from hq_server.storage.branches import all_branches
from shared.domain.business_time import parse_local
from shared.domain.records import Record, RecordKind
from shared.domain.sales import SaleLine
from shared.domain.stock import MovementLine, StockMovement
from shared.errors import NotFound
from shared.operations.tabular_files import FileRow
from shared.reports import margin, stock
from shared.reports.ground import Ground
from shared.reports.items import Asked, Kind
from shared.reports.parameters import ReportAsk, ReportParameters
from shared.reports.registry import find_report
from shared.reports.stock_lists import list_moved
from shared.wire.payloads import encode_branch_fact, encode_refund
from tests.support.drilled import listed, require_adds_up
from tests.support.journal import ZONE, JournalWriter, line
from tests.support.journal import refund as make_refund
from tests.support.journal import sale as make_sale
from tests.support.office import Office
from tests.support.report_runs import at_hq, groupings, named, summed

FIRST = date(2026, 11, 2)
TODAY = date(2026, 11, 23)
CATEGORIES = {"1": "Dairy", "2": "Dairy", "3": "Bakery", "4": None}


class Moved(NamedTuple):
    """One line: how it changed what is on hand, and what it was."""

    branch: str
    day: date
    sku: str
    kind: str
    quantity: int
    amount: int = 0
    vat: int = 0
    cost: int | None = None
    cashier: str = ""
    category: str | None = None


@dataclass
class Trader:
    """Delivers, sells and takes back at a branch, and keeps a log of its own."""

    office: Office
    code: str
    journal: JournalWriter
    chance: random.Random
    log: list[Moved]
    number: int = 0

    def trade(self) -> None:
        for day in (FIRST + timedelta(days=number) for number in range((TODAY - FIRST).days + 1)):
            for _ in range(self.chance.randrange(4)):
                self.chance.choice([self.deliver, self.write_off, self.sell, self.sell])(day)
        self.office.merge(self.journal, self.journal.batch())

    def deliver(self, day: date) -> None:
        sku, quantity = self.chance.choice("1234"), self.chance.choice([2_000, 3_500, 7_000])
        # Of the third nobody ever says the cost.
        cost = None if sku == "3" or self.chance.random() < 0.3 else self.chance.randrange(0, 9_999)
        self._move(day, "received", sku, quantity, cost)

    def write_off(self, day: date) -> None:
        self._move(day, "written_off", self.chance.choice("1234"), -500, None)

    def sell(self, day: date) -> None:
        self.number += 1
        cashier = self.chance.choice(["anna", "boris"])
        lines = [self._line() for _ in range(self.chance.randint(1, 3))]
        fact = make_sale(self.number, lines, f"{day}T12:00:00", cashier=cashier)
        sale_id = self.journal.add_sale(fact)
        self._log(day, "sold", cashier, lines)
        if self.chance.random() < 0.3:
            self._give_back(min(day + timedelta(days=self.chance.randrange(5)), TODAY), sale_id, lines[0])

    def _give_back(self, day: date, sale_id: bytes, given: SaleLine) -> None:
        self.number += 1
        fact = make_refund(self.number, sale_id, [(1, given)], f"{day}T15:00:00", cashier="vera")
        fact = fact._replace(lines=tuple(each._replace(vat_minor=given.vat_minor) for each in fact.lines))
        self.journal.add([Record(RecordKind.REFUND, self.journal.ids.new_id(), encode_refund(fact))])
        self._log(day, "returned", "vera", [given])

    def _line(self) -> SaleLine:
        sku, amount = self.chance.choice("1234"), self.chance.randrange(100, 2_000)
        made = line(sku, amount, self.chance.randint(1, 3), category=CATEGORIES[sku])
        return made._replace(vat_basis_points=2_000, vat_minor=amount // 6)

    def _log(self, day: date, kind: str, cashier: str, lines: Sequence[SaleLine]) -> None:
        for each in lines:
            amounts = (each.quantity_thousandths, each.amount_minor, each.vat_minor, None)
            self.log.append(Moved(self.code, day, each.sku, kind, *amounts, cashier, each.category))

    def _move(self, day: date, reason: str, sku: str, quantity: int, cost: int | None) -> None:
        at = parse_local(f"{day}T09:00:00", ZONE, "at")
        lines = (MovementLine(sku, None, quantity, cost),)
        fact = StockMovement(reason, f"d{len(self.log)}", None, "anna", lines, at)
        self.journal.add([Record(RecordKind.STOCK_MOVEMENT, self.journal.ids.new_id(), encode_branch_fact(fact))])
        self.log.append(Moved(self.code, day, sku, reason, quantity, cost=cost))


@pytest.fixture(params=[1, 2, 3])
def log(request: pytest.FixtureRequest, office: Office) -> list[Moved]:
    """What two branches did in three weeks."""
    log: list[Moved] = []
    rows = [
        FileRow(number, {"sku": sku, "name": sku, "category": category or "", "price": "1"})
        for number, (sku, category) in enumerate(CATEGORIES.items(), 2)
    ]
    with office.store.write() as connection:
        import_catalog(connection, office.ids, office.clock.now_us(), office.chain.chain_id, "RUB", rows)
    for code in ("B1", "B2"):
        Trader(office, code, office.journal(code), random.Random(f"{request.param}{code}"), log).trade()
    return log


def half_up(number: Fraction) -> int:
    return (number.numerator * 2 + number.denominator) // (2 * number.denominator)


# Margin.


def margin_by_hand(
    log: Sequence[Moved], by: Sequence[str], first: date = FIRST, last: date = TODAY
) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Net, of it without cost, cost; each line's cost rounded by itself."""
    received = [each for each in log if each.kind == "received" and each.cost is not None and each.day <= last]
    costs: dict[str, Fraction] = {}
    for sku in {each.sku for each in received}:
        own = [each for each in received if each.sku == sku]
        costs[sku] = Fraction(sum(each.cost or 0 for each in own), sum(each.quantity for each in own))
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for each in log:
        if each.kind not in ("sold", "returned") or not first <= each.day <= last:
            continue
        sign = 1 if each.kind == "sold" else -1
        values = {**each._asdict(), "product": each.sku, "business_date": each.day.isoformat()}
        group = sums[tuple({**values, "month": each.day.isoformat()[:7]}[name] for name in by)]
        group[0] += sign * (each.amount - each.vat)
        if each.sku in costs:
            group[2] += sign * half_up(each.quantity * costs[each.sku])
        else:
            group[1] += sign * (each.amount - each.vat)
    return {key: tuple(group) for key, group in sums.items()}


def test_the_margin_is_what_a_hand_makes_of_deliveries_and_sales(office: Office, log: list[Moved]) -> None:
    for by in groupings(margin.NAME):
        assert summed(at_hq(office, margin.NAME, *by)) == margin_by_hand(log, by), by


def test_the_margin_of_a_period_knows_the_deliveries_up_to_its_end(office: Office, log: list[Moved]) -> None:
    first, last = date(2026, 11, 9), date(2026, 11, 15)
    told = at_hq(office, margin.NAME, "product", date_from=str(first), date_to=str(last))
    assert summed(told) == margin_by_hand(log, ("product",), first, last)


def test_the_receipts_behind_every_row_of_margin_add_up_to_it(office: Office, log: list[Moved]) -> None:
    for by in (*groupings(margin.NAME, 1), ("cashier", "category")):
        require_adds_up(office, margin.NAME, ReportAsk(by))
        ask = ReportAsk(by, "2026-11-09", "2026-11-18", ("B1",), filters=("category=Dairy", "category=", "product=1"))
        require_adds_up(office, margin.NAME, ask)


def test_a_branch_alone_is_costed_by_the_deliveries_of_all(office: Office, log: list[Moved]) -> None:
    of_all = summed(at_hq(office, margin.NAME, "branch", "product"))
    told = summed(at_hq(office, margin.NAME, "branch", "product", branches=("B2",)))
    assert told == {key: sums for key, sums in of_all.items() if key[0] == "B2"}
    filtered = summed(at_hq(office, margin.NAME, "product", filters=("branch=B2", "category=Dairy")))
    assert filtered == {key[1:]: sums for key, sums in told.items() if CATEGORIES[key[1]] == "Dairy"}


def test_what_has_no_known_cost_is_left_out_and_never_free(office: Office, log: list[Moved]) -> None:
    (row,) = [row for row in at_hq(office, margin.NAME, "product").rows if row[0] == "3"]
    sums = named(at_hq(office, margin.NAME, "product"), row)
    assert sums["net"] == sums["uncosted"] != 0
    assert (sums["cost"], sums["margin"], sums["margin_percent"]) == (0, 0, None)
    totals = named(at_hq(office, margin.NAME))
    known = totals["net"] - totals["uncosted"]
    assert totals["margin"] == known - totals["cost"]
    assert abs(totals["margin_percent"] - 10_000 * totals["margin"] / known) <= 0.5
    assert "average cost" in find_report(margin.NAME).all_definitions["cost"]


# Stock.


def days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def stock_by_hand(log: Sequence[Moved], code: str, sku: str, first: date | None, last: date) -> dict[str, int]:
    """The measures of one product of one branch, day by day."""
    own = [each for each in log if (each.branch, each.sku) == (code, sku) and each.day <= last]
    changes: dict[date, int] = defaultdict(int)
    sold: dict[date, int] = defaultdict(int)
    for each in own:
        sign = {"sold": -1, "returned": 1}.get(each.kind, 0)
        changes[each.day] += sign * each.quantity if sign else each.quantity
        sold[each.day] -= sign * each.quantity
    begin = first or FIRST
    on_hand = sum(changes.values())
    in_stock = sum(
        sum(change for day, change in changes.items() if day <= each) > 0 or sold[each] > 0
        for each in days(begin, last)
    )
    sold_in_all = sum(sold[each] for each in days(begin, last))
    costed = [each for each in own if each.kind == "received" and each.cost is not None]
    quantity, cost = sum(each.quantity for each in costed), sum(each.cost or 0 for each in costed)
    is_there = on_hand > 0
    return {
        "on_hand": on_hand,
        "sold": sold_in_all,
        "received": sum(each.quantity for each in own if each.kind == "received" and each.day >= begin),
        "negative": int(on_hand < 0),
        "opening": sum(change for day, change in changes.items() if first and day < first),
        "in_stock_days": in_stock,
        "monthly_rate": half_up(Fraction(sold_in_all * 30, in_stock)) if sold_in_all > 0 and in_stock else 0,
        "value": half_up(Fraction(on_hand * cost, quantity)) if is_there and quantity else 0,
        "uncosted": on_hand if is_there and not quantity else 0,
    }


@pytest.mark.parametrize(
    ("first", "last"),
    [(None, TODAY), (date(2026, 11, 9), TODAY), (date(2026, 11, 9), date(2026, 11, 16)), (TODAY, TODAY)],
)
def test_stock_is_what_a_hand_makes_of_it_day_by_day(
    office: Office, log: list[Moved], first: date | None, last: date
) -> None:
    told = at_hq(office, stock.NAME, "branch", "product", date_from=first and str(first), date_to=str(last))
    assert len(told.rows) == 8 or first is None
    for row in told.rows:
        sums = named(told, row)
        expected = stock_by_hand(log, row[0], row[1], first, last)
        assert {name: sums[name] for name in expected} == expected, row[:2]
        assert_derived(sums)
    for by in groupings(stock.NAME):
        grouped = at_hq(office, stock.NAME, *by, date_from=first and str(first), date_to=str(last))
        added = [sum(column) for column in zip(*summed(grouped).values(), strict=True)]
        assert added == list(grouped.totals[: len(stock.MEASURES)]) == list(told.totals[: len(stock.MEASURES)])
        assert_derived(named(grouped))


def assert_derived(sums: dict[str, Any]) -> None:
    rate, there = sums["monthly_rate"], sums["opening"] + sums["received"]
    if rate > 0:
        assert abs(sums["days_of_stock"] - max(0, sums["on_hand"]) * 30 / rate) <= 0.5
    else:
        assert sums["days_of_stock"] is None
    if there > 0:
        assert abs(sums["sell_through"] - sums["sold"] * 10_000 / there) <= 0.5
    else:
        assert sums["sell_through"] is None


def test_the_movements_behind_a_product_add_up_to_it(office: Office, log: list[Moved]) -> None:
    for by in (("product",), ("branch", "product"), ("category", "product")):
        assert require_adds_up(office, stock.NAME, ReportAsk(by)) > 0
        require_adds_up(office, stock.NAME, ReportAsk(by, "2026-11-09", "2026-11-16", ("B2",)))
    dairy = ReportAsk(("product",), filters=("category=Dairy", "category="))
    require_adds_up(office, stock.NAME, dairy)
    kinds = {each.kind for each in listed(office, find_report(stock.NAME), ReportAsk(filters=("product=1",))).rows}
    assert kinds == {Kind.MOVEMENT, Kind.SALE, Kind.REFUND}
    with pytest.raises(NotFound):
        listed(office, find_report(stock.NAME), ReportAsk(filters=("branch=B1",)))


def test_everything_that_moved_is_what_is_on_hand(office: Office, log: list[Moved]) -> None:
    with office.store.read() as connection:
        codes = {each.id: each.code for each in all_branches(connection)}
        asked = Asked(find_report(stock.NAME), ReportParameters(), None, 0, 10)
        ground = Ground(connection, codes, False, TODAY)
        found = list_moved(ground, asked, TODAY, lambda _head, moved: {"on_hand": moved})
    assert found.sums == at_hq(office, stock.NAME, date_to=str(TODAY)).totals[:1]
    assert len(found.rows) == 10 < found.total


def test_the_movements_behind_what_is_out_of_stock_are_those_of_branches_without_it(
    office: Office, log: list[Moved]
) -> None:
    for by in (("product",), ("branch", "product")):
        for last in ("2026-11-12", "2026-11-18", str(TODAY)):
            asked = ReportAsk(by, None, last, options=("days=9",))
            require_adds_up(office, "stock-outs", asked)
    stocked = ReportAsk(filters=("product=none",))
    assert listed(office, find_report("stock-outs"), stocked).total == 0


def test_a_period_that_goes_on_ends_today(office: Office, log: list[Moved]) -> None:
    for ask in ({}, {"date_to": "2027-01-01"}):
        told = at_hq(office, stock.NAME, "branch", "product", **ask)
        assert told.rows == at_hq(office, stock.NAME, "branch", "product", date_to=str(TODAY)).rows
