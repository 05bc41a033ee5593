"""The report `stock-outs`: what a branch sells and has none of, so that somebody acts on it.

Definitions, alike at every branch and at HQ:

    on_hand  Σ movements − Σ sold + Σ given back, up to the end of the period: 0 or less
    sold     Σ sold − Σ given back in the last `days` days up to then: more than 0
    daily    sold ÷ days

Only products of which the branch keeps stock: at least one movement was entered there. It reads the facts themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    case,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath
from shared.reports.parameters import Option, ReportParameters
from shared.reports.report import Report, divide
from shared.reports.result import Column
from shared.reports.stock_lists import list_moved
from shared.storage.tables import refund, refund_line, sale, sale_line, stock_movement, stock_movement_line

NAME = "stock-outs"
DAYS = Option("days", 28, 1, 365, "over how many days up to the end of the period sales are looked at")

DIMENSIONS = {"branch": Column("branch", "text"), "product": Column("product", "text")}
MEASURES = (
    Column("products", "integer", "Products out of stock"),
    Column("on_hand", "quantity", "On hand"),
    Column("sold", "quantity", "Sold in those days"),
    Column("daily", "quantity", "Sold a day"),
)
DEFINITIONS = {
    "products": "products of branches with 0 or less on hand that were sold in the last days",
    "on_hand": "Σ movements − Σ sold + Σ given back, up to the end of the period",
    "sold": "Σ sold − Σ given back in the last days up to the end of the period",
    "daily": "sold in those days ÷ their number",
}

Expression = ColumnElement[Any]


def run_stock_outs(ground: Ground, parameters: ReportParameters) -> Answer:
    """The rows by the dimensions asked for, sorted by them, and the totals of all."""
    days = parameters.option(DAYS.name)
    last = parameters.date_to or ground.today
    groups: dict[tuple[Any, ...], list[int]] = {}
    total = [0, 0, 0]
    for branch_id, sku, on_hand, sold in ground.connection.execute(_statement(ground, parameters, last, days)):
        named = {"branch": ground.branch_codes.get(branch_id, ""), "product": sku}
        sums = groups.setdefault(tuple(named[name] for name in parameters.by), [0, 0, 0])
        for counted in (sums, total):
            counted[0] += 1
            counted[1] += int(on_hand)
            counted[2] += int(sold)
    rows = [(*key, *sums, divide(sums[2], days)) for key, sums in sorted(groups.items())]
    totals = (*total, divide(total[2], days))
    return ([totals], totals) if not parameters.by else (rows, totals)


LISTED = ("on_hand", "sold")
"""What the list of movements adds up to."""


def list_out_of_stock(ground: Ground, asked: Asked) -> Beneath:
    """What moved the products asked for in the branches that have none of them, up to the end of the period."""
    days, parameters = asked.parameters.option(DAYS.name), asked.parameters
    last = parameters.date_to or ground.today
    first = last - timedelta(days=days - 1)
    branches: dict[str, list[bytes]] = defaultdict(list)
    found = _statement(ground, parameters, last, days, parameters.filter_of("product"))
    for branch_id, sku, _on_hand, _sold in ground.connection.execute(found):
        branches[sku].append(branch_id)

    def sums(head: Table, moved: Expression) -> dict[str, Expression]:
        sold = literal(0) if head is stock_movement else case((head.c.business_date >= first, -moved), else_=0)
        return {"on_hand": moved, "sold": sold}

    def is_out(head: Table, line: Table) -> Expression:
        out = [and_(line.c.sku == sku, head.c.branch_id.in_(known)) for sku, known in branches.items()]
        return or_(false(), *out)

    return list_moved(ground, asked, last, sums, is_out)


def _statement(
    ground: Ground, parameters: ReportParameters, last: date, days: int, skus: Sequence[str] = ()
) -> Select[Any]:
    parts = _movements(ground, parameters, last, last - timedelta(days=days - 1), skus).subquery()
    on_hand, sold = func.sum(parts.c.on_hand), func.sum(parts.c.sold)
    keys = (parts.c.branch_id, parts.c.sku)
    is_out = and_(on_hand <= 0, sold > 0, func.max(parts.c.is_kept) == 1)
    return select(*keys, on_hand, sold).group_by(*keys).having(is_out)


def _movements(
    ground: Ground, parameters: ReportParameters, last: date, first: date, skus: Sequence[str]
) -> CompoundSelect[Any]:
    """Every line, or every one of these SKUs, as (branch, SKU, on hand, sold within the days, whether stock was
    entered)."""

    def part(head: Table, line: Table, head_id: Expression, sign: int, is_kept: int) -> Select[Any]:
        joined = head.join(line, and_(line.c.branch_id == head.c.branch_id, head_id == head.c.id))
        quantity = line.c.quantity_thousandths
        sold = literal(0) if is_kept else case((head.c.business_date >= first, -sign * quantity), else_=0)
        conditions = [head.c.branch_id.in_(list(ground.branch_codes)), head.c.business_date <= last]
        if parameters.as_of_us is not None:
            conditions.append(head.c.received_at <= parameters.as_of_us)
        if skus:
            conditions.append(line.c.sku.in_(skus))
        columns: tuple[Any, ...] = (
            head.c.branch_id,
            line.c.sku,
            (sign * quantity).label("on_hand"),
            sold.label("sold"),
            literal_column(str(is_kept)).label("is_kept"),
        )
        return select(*columns).select_from(joined).where(*conditions)

    return union_all(
        part(stock_movement, stock_movement_line, stock_movement_line.c.movement_id, 1, 1),
        part(sale, sale_line, sale_line.c.sale_id, -1, 0),
        part(refund, refund_line, refund_line.c.refund_id, 1, 0),
    )


STOCK_OUTS = Report(
    name=NAME,
    title="Out of stock",
    summary="What a shop sells and has none of: products with nothing on hand that were sold lately.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_stock_outs,
    options=(DAYS,),
    first_by=("branch", "product"),
    is_slow=True,
    notes=("Only products of which the shop keeps stock: at least one movement was entered there.",),
)
