"""The report `stock`: what is on hand, how long it lasts, how much of it is sold, and what it is worth.

Definitions, alike at every branch and at HQ:

    on_hand         Σ movements − Σ sold + Σ given back, up to the end of the period
    sold            Σ sold − Σ given back, within the period
    received        Σ goods received, within the period
    negative        products of branches with less than nothing on hand
    opening         on hand before the period; nothing where it has no beginning
    in_stock_days   days of the period on which a product was on hand at the day's end, or more was sold of it than came
                    back; of every product of every branch, added up
    monthly_rate    of every product of every branch: sold ÷ its days in stock × 30, added up
    value           on hand × average cost, of what is on hand of products whose cost is known
    uncosted        on hand of products whose cost is not known
    days_of_stock   on hand ÷ (monthly rate ÷ 30)
    sell_through    sold ÷ (opening + received)

The average cost of a product is Σ cost ÷ Σ quantity of what its branch received up to the end of the period and whose
cost is known: a branch knows its own deliveries alone. A period that goes on ends today. It reads the facts themselves,
so it agrees with them whatever else is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from shared.domain.stock import MovementReason
from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath
from shared.reports.parameters import ReportParameters
from shared.reports.report import Derived, Sums, divide, share_basis_points
from shared.reports.result import Column
from shared.reports.stock_lists import list_moved
from shared.storage.dialect_functions import days_between, share_of
from shared.storage.tables import product, refund, refund_line, sale, sale_line, stock_movement, stock_movement_line

NAME = "stock"
DAYS_PER_MONTH = 30

DIMENSIONS: dict[str, Column] = {
    "branch": Column("branch", "text"),
    "product": Column("product", "text"),
    "category": Column("category", "text"),
}

MEASURES: tuple[Column, ...] = (
    Column("on_hand", "quantity"),
    Column("sold", "quantity"),
    Column("received", "quantity"),
    Column("negative", "integer"),
    Column("opening", "quantity", "On hand before"),
    Column("in_stock_days", "integer", "In stock", "days"),
    Column("monthly_rate", "quantity", "Sold in 30 days in stock"),
    Column("value", "money", "Value at average cost"),
    Column("uncosted", "quantity", "On hand without a known cost"),
)

DEFINITIONS: dict[str, str] = {
    "on_hand": "Σ movements − Σ sold + Σ given back, up to the end of the period",
    "sold": "Σ sold − Σ given back, within the period",
    "received": "Σ goods received, within the period",
    "negative": "products of branches with less than nothing on hand",
    "opening": "on hand before the period",
    "in_stock_days": "days on which a product was on hand at the end or was sold; of every product of every branch",
    "monthly_rate": "sold ÷ days in stock × 30, of every product of every branch, added up",
    "value": "on hand × average cost of what the branch received up to the end of the period, where it is known",
    "uncosted": "on hand of products of which no cost is known",
}


def _days_of_stock(sums: Sums) -> int | None:
    if sums["monthly_rate"] <= 0:
        return None
    return divide(max(0, sums["on_hand"]), sums["monthly_rate"], DAYS_PER_MONTH)


def _sell_through(sums: Sums) -> int | None:
    there = sums["opening"] + sums["received"]
    return share_basis_points(sums["sold"], there) if there > 0 else None


DERIVED: tuple[Derived, ...] = (
    Derived(
        Column("days_of_stock", "integer", "Stock lasts", "days"),
        "on hand ÷ mean daily sales on days in stock",
        _days_of_stock,
    ),
    Derived(Column("sell_through", "percent", "Sell-through, %"), "sold ÷ (on hand before + received)", _sell_through),
)

Expression = ColumnElement[Any]
_PARTS = ("on_hand", "sold", "received", "cost", "costed")
"""What one line adds: the cost of what was received, and how much of that cost is known of, stand last."""


def run_stock(ground: Ground, parameters: ReportParameters) -> Answer:
    """The rows by the dimensions asked for, sorted by them, and the totals of all.

    A category is the product's own as it is now; a product that is in no catalogue has none.
    """
    branch_codes = ground.branch_codes
    found = [tuple(row) for row in ground.connection.execute(_statement(parameters, branch_codes, ground.today))]
    width = len(parameters.by)
    rows = [(*_shown(row[:width], parameters.by, branch_codes), *map(int, row[width:])) for row in found]
    totals = tuple(sum(row[place] for row in rows) for place in range(width, width + len(MEASURES)))
    if not parameters.by:
        return [totals], totals
    return sorted(rows, key=lambda row: [(value is None, value or "") for value in row[:width]]), totals


LISTED = ("opening", "received", "sold", "on_hand")
"""What the list of movements adds up to."""


def list_stock(ground: Ground, asked: Asked) -> Beneath:
    """What moved the goods asked for, up to the end of the period."""
    parameters = asked.parameters

    def sums(head: Table, moved: Expression) -> dict[str, Expression]:
        is_received = stock_movement.c.reason == literal_column(f"'{MovementReason.RECEIVED}'")
        nothing, since = literal(0), _since(head, parameters)
        is_before = head.c.business_date < parameters.date_from if parameters.date_from else None
        return {
            "opening": nothing if is_before is None else case((is_before, moved), else_=0),
            "received": _within(moved, [is_received, *since]) if head is stock_movement else nothing,
            "sold": nothing if head is stock_movement else _within(-moved, since),
            "on_hand": moved,
        }

    return list_moved(ground, asked, parameters.date_to, sums)


def _shown(keys: tuple[Any, ...], by: tuple[str, ...], branch_codes: Mapping[bytes, str]) -> list[Any]:
    return [branch_codes.get(key, "") if name == "branch" else key for key, name in zip(keys, by, strict=True)]


def _statement(parameters: ReportParameters, branch_codes: Mapping[bytes, str], today: date) -> Select[Any]:
    """Sums by branch and product first: only there is it known what is below zero, and what it cost."""
    each = _by_product(parameters, branch_codes, today)
    categories = _categories()
    dimensions: dict[str, Expression] = {
        "branch": each.c.branch_id,
        "product": each.c.sku,
        "category": categories.c.category,
    }
    keys = [dimensions[name] for name in parameters.by]
    measured = _measured(each)
    sums = [func.coalesce(func.sum(measured[column.name]), 0) for column in MEASURES]
    source: FromClause = each
    if "category" in parameters.by:
        source = each.outerjoin(categories, categories.c.sku == each.c.sku)
    return select(*keys, *sums).select_from(source).group_by(*keys)


def _measured(each: Subquery) -> dict[str, Expression]:
    """The measures of one product of one branch."""
    is_there, is_costed = each.c.on_hand > 0, each.c.costed > 0
    sells = and_(each.c.sold > 0, each.c.in_stock_days > 0)
    plain = {name: each.c[name] for name in ("on_hand", "sold", "received", "opening", "in_stock_days")}
    return {
        **plain,
        "negative": case((each.c.on_hand < 0, 1), else_=0),
        "monthly_rate": case((sells, share_of(each.c.sold, literal(DAYS_PER_MONTH), each.c.in_stock_days)), else_=0),
        "value": case((and_(is_there, is_costed), share_of(each.c.on_hand, each.c.cost, each.c.costed)), else_=0),
        "uncosted": case((and_(is_there, ~is_costed), each.c.on_hand), else_=0),
    }


def _by_product(parameters: ReportParameters, branch_codes: Mapping[bytes, str], today: date) -> Subquery:
    """Every product of every branch, over the days on which something moved. What was before the period is one day."""
    daily = _by_day(parameters, branch_codes)
    of_product = (daily.c.branch_id, daily.c.sku)
    balances = select(
        *daily.c,
        func.sum(daily.c.on_hand).over(partition_by=of_product, order_by=daily.c.day).label("balance"),
        func.lead(daily.c.day).over(partition_by=of_product, order_by=daily.c.day).label("next_day"),
    ).subquery()
    is_before = balances.c.day < parameters.date_from if parameters.date_from else None
    opening = literal(0) if is_before is None else func.sum(case((is_before, balances.c.on_hand), else_=0))
    return (
        select(
            balances.c.branch_id,
            balances.c.sku,
            *(func.sum(balances.c[name]).label(name) for name in _PARTS),
            opening.label("opening"),
            func.sum(_days_in_stock(balances, parameters, today)).label("in_stock_days"),
        )
        .group_by(balances.c.branch_id, balances.c.sku)
        .subquery()
    )


def _days_in_stock(balances: Subquery, parameters: ReportParameters, today: date) -> Expression:
    """How many days of the period, from this one up to the next on which something moved, the product was there."""
    end = min(today, parameters.date_to) if parameters.date_to else today
    beyond = literal(end + timedelta(days=1), Date)
    day, next_day = balances.c.day, balances.c.next_day
    stop = case((or_(next_day.is_(None), next_day > beyond), beyond), else_=next_day)
    in_stock, sold = balances.c.balance > 0, balances.c.sold > 0
    ways: list[Any] = [(day >= beyond, 0)]
    if parameters.date_from:
        first = literal(parameters.date_from, Date)
        ways += [
            (and_(day < first, in_stock, stop > first), days_between(stop, first)),
            (day < first, 0),
        ]
    ways += [(in_stock, days_between(stop, day)), (sold, 1)]
    return case(*ways, else_=0)


def _by_day(parameters: ReportParameters, branch_codes: Mapping[bytes, str]) -> Subquery:
    """What moved, by branch, product and day; of the days before the period together."""
    quantity, cost = stock_movement_line.c.quantity_thousandths, stock_movement_line.c.cost_minor
    is_received = stock_movement.c.reason == literal_column(f"'{MovementReason.RECEIVED}'")
    is_costed = and_(is_received, cost.is_not(None), quantity > 0)
    sold, back = sale_line.c.quantity_thousandths, refund_line.c.quantity_thousandths
    nothing = literal(0)
    parts = union_all(
        _lines(stock_movement, stock_movement_line, stock_movement_line.c.movement_id, parameters, branch_codes)(
            quantity,
            nothing,
            case((and_(is_received, *_since(stock_movement, parameters)), quantity), else_=0),
            case((is_costed, cost), else_=0),
            case((is_costed, quantity), else_=0),
        ),
        _lines(sale, sale_line, sale_line.c.sale_id, parameters, branch_codes)(
            -sold, _within(sold, _since(sale, parameters)), nothing, nothing, nothing
        ),
        _lines(refund, refund_line, refund_line.c.refund_id, parameters, branch_codes)(
            back, _within(-back, _since(refund, parameters)), nothing, nothing, nothing
        ),
    ).subquery()
    keys = (parts.c.branch_id, parts.c.sku, parts.c.day)
    return select(*keys, *(func.sum(parts.c[name]).label(name) for name in _PARTS)).group_by(*keys).subquery()


def _lines(
    head: Table, line: Table, head_id: Expression, parameters: ReportParameters, branch_codes: Mapping[bytes, str]
) -> Any:
    """Lines up to the end of the period as (branch, SKU, day, what each adds)."""
    joined = head.join(line, and_(line.c.branch_id == head.c.branch_id, head_id == head.c.id))
    conditions: list[Expression] = [head.c.branch_id.in_(list(branch_codes))]
    if parameters.date_to:
        conditions.append(head.c.business_date <= parameters.date_to)
    if parameters.as_of_us is not None:
        conditions.append(head.c.received_at <= parameters.as_of_us)
    day: Expression = head.c.business_date
    if parameters.date_from:
        before = literal(parameters.date_from - timedelta(days=1), Date)
        day = case((day < parameters.date_from, before), else_=day)

    def build(*added: Expression) -> Select[Any]:
        measured = (each.label(name) for name, each in zip(_PARTS, added, strict=True))
        return select(head.c.branch_id, line.c.sku, day.label("day"), *measured).select_from(joined).where(*conditions)

    return build


def _since(head: Table, parameters: ReportParameters) -> list[Expression]:
    return [head.c.business_date >= parameters.date_from] if parameters.date_from else []


def _within(quantity: Expression, conditions: Sequence[Expression]) -> Expression:
    return case((and_(*conditions), quantity), else_=0) if conditions else quantity


def _categories() -> Subquery:
    """One category a SKU, should two cards bear it."""
    return select(product.c.sku, func.min(product.c.category).label("category")).group_by(product.c.sku).subquery()
