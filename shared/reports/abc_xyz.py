"""The report `abc-xyz`: which products bring the money, and how evenly they are sold.

ABC, of the products that were sold or came back within the period, by net (as in the report `sales`), the highest first
and equals by their codes:

    A  those before it have less than 80 % of Σ net, B  less than 95 %, C  the others, and whatever has no net above 0

Σ is over products with a net above 0. XYZ, by the quantity sold in intervals of `interval` days (7), counted back from
the period's last day; the days before the first whole interval are left out, and what came back was sold all the same:

    variation  σ ÷ μ of the quantities of the intervals, σ of the whole population
    X  ≤ 10 %, Y  ≤ 25 %, Z  > 25 %, or nothing to tell by: less than two intervals, or nothing sold in them

An interval without a sale of the product counts as zero, unless it was out of stock: at none of the branches asked for
was anything on hand when the interval began, and nothing was added within it. Stock is kept where there is a movement
of the product (shared.reports.stock); a product that is sold by a branch which keeps no stock of it is always in stock.

Without a first day the period begins with the first sale, without a last it ends yesterday. A product's category is the
card's as it is now. All comparisons are between whole numbers; what is shown is rounded down to 0.01 %. Source:
REQUIREMENTS §3; Dickie, *ABC inventory analysis shoots for dollars, not pennies* (1951); the bounds of XYZ are those in
general use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import isqrt
from typing import Any

from sqlalchemy import and_, func, select

from shared.reports.fact_lists import FactList, list_facts, receipt_keys
from shared.reports.fact_sums import FactSource
from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath, Kind
from shared.reports.parameters import Option, ReportParameters
from shared.reports.purchases import Row, Window, group_clients, within
from shared.reports.report import Report, Scope, share_basis_points
from shared.reports.result import Column
from shared.reports.stock_intervals import Intervals, in_stock
from shared.storage.tables import product, refund, refund_line, sale, sale_line

NAME = "abc-xyz"
A_BASIS_POINTS, B_BASIS_POINTS = 8_000, 9_500
X_BASIS_POINTS, Y_BASIS_POINTS = 1_000, 2_500
WHOLE = 10_000

OPTIONS = (Option("interval", 7, 1, 92, "Over how many days quantities are summed for XYZ."),)

DIMENSIONS: dict[str, Column] = {
    "abc": Column("abc", "text", "ABC"),
    "xyz": Column("xyz", "text", "XYZ"),
    "class": Column("class", "text", "Class"),
    "category": Column("category", "text"),
    "product": Column("product", "text"),
}

MEASURES: tuple[Column, ...] = (
    Column("products", "integer", "Products"),
    Column("units", "quantity"),
    Column("net", "money"),
    Column("share", "percent", "Share of net"),
    Column("cumulative", "percent", "Cumulative share"),
    Column("variation", "percent", "Variation"),
    Column("intervals", "integer", "Intervals in stock"),
)

DEFINITIONS: dict[str, str] = {
    "products": "products that were sold or came back within the period",
    "units": "Σ quantity sold",
    "net": "gross − discounts − returns, as in the report sales",
    "share": "net ÷ Σ net of the products whose net is above 0",
    "cumulative": "the share of the product and of all with a higher net: A until 80 % are reached, B until 95 %, C",
    "variation": "σ ÷ μ of the quantities sold in intervals, out of stock left out: X ≤ 10 %, Y ≤ 25 %, Z above",
    "intervals": "intervals in which the product was sold or in stock",
}

_OF_SALE = and_(sale.c.branch_id == sale_line.c.branch_id, sale.c.id == sale_line.c.sale_id)
_OF_REFUND = and_(refund.c.branch_id == refund_line.c.branch_id, refund.c.id == refund_line.c.refund_id)


@dataclass(slots=True)
class Product:
    """What was sold of a product: thousandths, minor units, and thousandths by the number of the interval."""

    sku: str
    units: int = 0
    net: int = 0
    quantities: dict[int, int] = field(default_factory=dict)

    def intervals(self, count: int, present: set[int] | None) -> int:
        """In how many intervals it was sold or in stock; `present` says in which it was, None in all."""
        return count if present is None else len(present | self.quantities.keys())


def run_abc_xyz(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows by class, category or product, and the totals. A group of products has no variation."""
    window = _window(ground, parameters)
    if window is None:
        return group_clients([], parameters, lambda rows: _measured(rows, 0))
    length = parameters.option("interval")
    days = (window.last - window.first).days + 1 if window.first else 0
    intervals = Intervals(window, length, days // length)
    products = _sold(ground, parameters, intervals)
    ground.progress(2, 4)
    _take_back(ground, parameters, window, products)
    present = in_stock(ground, parameters, intervals)
    ground.progress(3, 4)
    names = {*parameters.by, *dict(parameters.filters)}
    categories = _categories(ground) if "category" in names else {}
    whole = sum(each.net for each in products.values() if each.net > 0)
    counts = {sku: each.intervals(intervals.count, present.get(sku)) for sku, each in products.items()}
    rows = list(_classified(products.values(), whole, counts, categories))
    return group_clients(rows, parameters, lambda kept: _measured(kept, whole))


LISTED = ("units", "net")
"""What the list of receipts adds up to."""


def list_products(ground: Ground, asked: Asked) -> Beneath:
    """The receipts and returns of the products asked for, by code and category."""
    window = _window(ground, asked.parameters)
    if window is None:
        return Beneath([], 0, (0,) * len(LISTED))
    parameters = replace(asked.parameters, date_from=window.first, date_to=window.last)
    cards = select(product.c.sku, func.min(product.c.category).label("category")).group_by(product.c.sku).subquery()
    amount, back = func.sum(sale_line.c.amount_minor), -func.sum(refund_line.c.amount_minor)
    sources = (
        (sale, sale_line, _OF_SALE, {"units": func.sum(sale_line.c.quantity_thousandths), "net": amount}),
        (refund, refund_line, _OF_REFUND, {"net": back}),
    )
    lists = [
        FactList(
            FactSource(
                head,
                sums,
                {"product": line.c.sku, "category": cards.c.category},
                joined=head.join(line, of_head).outerjoin(cards, cards.c.sku == line.c.sku),
            ),
            Kind.SALE if head is sale else Kind.REFUND,
            sale.c.sold_at if head is sale else refund.c.refunded_at,
            receipt_keys(head),
        )
        for head, line, of_head, sums in sources
    ]
    return list_facts(ground, asked._replace(parameters=parameters), LISTED, lists)


def _window(ground: Ground, parameters: ReportParameters) -> Window | None:
    last = parameters.date_to or ground.today - timedelta(days=1)
    first = parameters.date_from
    if first is None:
        conditions = within(ground, parameters, sale, Window(None, last))
        first = ground.connection.execute(select(func.min(sale.c.business_date)).where(*conditions)).scalar()
    return None if first is None else Window(first, last)


def _sold(ground: Ground, parameters: ReportParameters, intervals: Intervals) -> dict[str, Product]:
    """What lies before the first whole interval counts for the net alone."""
    products: dict[str, Product] = {}
    interval = intervals.number_of(sale.c.business_date)
    sums = func.sum(sale_line.c.quantity_thousandths), func.sum(sale_line.c.amount_minor)
    statement = select(sale_line.c.sku, interval, *sums).select_from(sale.join(sale_line, _OF_SALE))
    statement = statement.where(*within(ground, parameters, sale, intervals.window)).group_by(sale_line.c.sku, interval)
    for sku, number, quantity, amount in ground.connection.execute(statement):
        known = products.get(sku)
        if known is None:
            known = products[sku] = Product(sku)
        quantity = int(quantity)
        known.units += quantity
        known.net += int(amount)
        if number < intervals.count and quantity:
            known.quantities[number] = quantity
    return products


def _take_back(ground: Ground, parameters: ReportParameters, window: Window, products: dict[str, Product]) -> None:
    statement = select(refund_line.c.sku, func.sum(refund_line.c.amount_minor)).select_from(
        refund.join(refund_line, _OF_REFUND)
    )
    statement = statement.where(*within(ground, parameters, refund, window)).group_by(refund_line.c.sku)
    for sku, amount in ground.connection.execute(statement):
        products.setdefault(sku, Product(sku)).net -= int(amount)


def _classified(
    products: Iterable[Product], whole: int, counts: Mapping[str, int], categories: Mapping[str, str | None]
) -> Iterator[Row]:
    before = 0
    for each in sorted(products, key=lambda found: (-found.net, found.sku)):
        abc = abc_of(each.net, before, whole)
        before += max(0, each.net)
        variation, xyz = xyz_of(each.quantities.values(), counts[each.sku])
        yield {
            "abc": abc,
            "xyz": xyz,
            "class": abc + xyz,
            "category": categories.get(each.sku),
            "product": each.sku,
            "sold": each,
            "cumulative": before * WHOLE // whole if whole else None,
            "variation": variation,
            "intervals": counts[each.sku],
        }


def _categories(ground: Ground) -> dict[str, str | None]:
    """One category a SKU, should two cards bear it."""
    statement = select(product.c.sku, func.min(product.c.category)).where(product.c.sku.is_not(None))
    return {row[0]: row[1] for row in ground.connection.execute(statement.group_by(product.c.sku))}


def abc_of(net: int, before: int, whole: int) -> str:
    """The class of a product by its net, by Σ net of those before it and of all."""
    if net <= 0 or before * WHOLE >= B_BASIS_POINTS * whole:
        return "C"
    return "A" if before * WHOLE < A_BASIS_POINTS * whole else "B"


def xyz_of(quantities: Collection[int], intervals: int) -> tuple[int | None, str]:
    """The coefficient of variation in basis points, and its class: σ² ÷ μ² = (n Σq² − (Σq)²) ÷ (Σq)²."""
    total = sum(quantities)
    if intervals < 2 or total <= 0:
        return None, "Z"
    spread = intervals * sum(each * each for each in quantities) - total * total
    scaled = spread * WHOLE * WHOLE
    squares = total * total
    variation = isqrt(scaled // squares)
    if scaled <= X_BASIS_POINTS**2 * squares:
        return variation, "X"
    return variation, "Y" if scaled <= Y_BASIS_POINTS**2 * squares else "Z"


def _measured(rows: Collection[Row], whole: int) -> tuple[Any, ...]:
    sold: list[Product] = [row["sold"] for row in rows]
    net = sum(each.net for each in sold)
    only = next(iter(rows)) if len(rows) == 1 else {}
    return (
        len(rows),
        sum(each.units for each in sold),
        net,
        share_basis_points(net, whole),
        only.get("cumulative"),
        only.get("variation"),
        only.get("intervals"),
    )


ABC_XYZ = Report(
    name=NAME,
    title="ABC and XYZ",
    summary="Which products bring the money, and how evenly they are sold.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_abc_xyz,
    scope=Scope.CHAIN,
    options=OPTIONS,
    filters_itself=True,
    first_by=("abc", "xyz"),
    first_period="last-365-days",
    is_slow=True,
)
