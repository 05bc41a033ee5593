"""The report `stock`: what is on hand, by branch, product and category.

Definitions, alike at every branch and at HQ:

    on_hand   Σ movements − Σ sold + Σ given back, up to the end of the period
    sold      Σ sold − Σ given back, within the period
    received  Σ goods received, within the period
    negative  products of branches with less than nothing on hand

It reads the facts themselves, so it agrees with them whatever else is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from shared.domain.stock import MovementReason
from shared.reports.ground import Answer, Ground
from shared.reports.parameters import ReportParameters
from shared.reports.result import Column
from shared.storage.tables import product, refund, refund_line, sale, sale_line, stock_movement, stock_movement_line

NAME = "stock"

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
)

DEFINITIONS: dict[str, str] = {
    "on_hand": "Σ movements − Σ sold + Σ given back, up to the end of the period",
    "sold": "Σ sold − Σ given back, within the period",
    "received": "Σ goods received, within the period",
    "negative": "products of branches with less than nothing on hand",
}

Expression = ColumnElement[Any]


def run_stock(ground: Ground, parameters: ReportParameters) -> Answer:
    """The rows by the dimensions asked for, sorted by them, and the totals of all.

    A category is the product's own as it is now; a product that is in no catalogue has none.
    """
    branch_codes = ground.branch_codes
    found = [tuple(row) for row in ground.connection.execute(_statement(parameters, branch_codes))]
    width = len(parameters.by)
    rows = [(*_shown(row[:width], parameters.by, branch_codes), *map(int, row[width:])) for row in found]
    totals = tuple(sum(row[place] for row in rows) for place in range(width, width + len(MEASURES)))
    if not parameters.by:
        return [totals], totals
    return sorted(rows, key=lambda row: [(value is None, value or "") for value in row[:width]]), totals


def _shown(keys: tuple[Any, ...], by: tuple[str, ...], branch_codes: Mapping[bytes, str]) -> list[Any]:
    return [branch_codes.get(key, "") if name == "branch" else key for key, name in zip(keys, by, strict=True)]


def _statement(parameters: ReportParameters, branch_codes: Mapping[bytes, str]) -> Select[Any]:
    """Sums by branch and product first: only there is it known what is below zero."""
    each = _by_product(parameters, branch_codes)
    categories = _categories()
    dimensions: dict[str, Expression] = {
        "branch": each.c.branch_id,
        "product": each.c.sku,
        "category": categories.c.category,
    }
    keys = [dimensions[name] for name in parameters.by]
    sums = (
        func.coalesce(func.sum(each.c.on_hand), 0),
        func.coalesce(func.sum(each.c.sold), 0),
        func.coalesce(func.sum(each.c.received), 0),
        func.coalesce(func.sum(case((each.c.on_hand < 0, 1), else_=0)), 0),
    )
    source: FromClause = each
    if "category" in parameters.by:
        source = each.outerjoin(categories, categories.c.sku == each.c.sku)
    return select(*keys, *sums).select_from(source).group_by(*keys)


def _by_product(parameters: ReportParameters, branch_codes: Mapping[bytes, str]) -> Subquery:
    moved = _lines(stock_movement, stock_movement_line, stock_movement_line.c.movement_id, parameters, branch_codes)
    sold = _lines(sale, sale_line, sale_line.c.sale_id, parameters, branch_codes)
    back = _lines(refund, refund_line, refund_line.c.refund_id, parameters, branch_codes)
    is_received = stock_movement.c.reason == literal_column(f"'{MovementReason.RECEIVED}'")
    quantity = stock_movement_line.c.quantity_thousandths
    in_period = _since(stock_movement, parameters)
    received = case((and_(is_received, *in_period), quantity), else_=0)
    parts = union_all(
        moved(quantity, literal(0), received),
        sold(
            -sale_line.c.quantity_thousandths,
            _within(sale_line.c.quantity_thousandths, _since(sale, parameters)),
            literal(0),
        ),
        back(
            refund_line.c.quantity_thousandths,
            _within(-refund_line.c.quantity_thousandths, _since(refund, parameters)),
            literal(0),
        ),
    ).subquery()
    names = ("on_hand", "sold", "received")
    sums = [func.sum(parts.c[name]).label(name) for name in names]
    return select(parts.c.branch_id, parts.c.sku, *sums).group_by(parts.c.branch_id, parts.c.sku).subquery()


def _lines(
    head: Table, line: Table, head_id: Expression, parameters: ReportParameters, branch_codes: Mapping[bytes, str]
) -> Any:
    """Lines up to the end of the period as (branch, SKU, on hand, sold, received)."""
    joined = head.join(line, and_(line.c.branch_id == head.c.branch_id, head_id == head.c.id))
    conditions: list[Expression] = [head.c.branch_id.in_(list(branch_codes))]
    if parameters.date_to:
        conditions.append(head.c.business_date <= parameters.date_to)
    if parameters.as_of_us is not None:
        conditions.append(head.c.received_at <= parameters.as_of_us)

    def build(on_hand: Expression, sold: Expression, received: Expression) -> Select[Any]:
        measured = (on_hand.label("on_hand"), sold.label("sold"), received.label("received"))
        return select(head.c.branch_id, line.c.sku, *measured).select_from(joined).where(*conditions)

    return build


def _since(head: Table, parameters: ReportParameters) -> list[Expression]:
    return [head.c.business_date >= parameters.date_from] if parameters.date_from else []


def _within(quantity: Expression, conditions: list[Expression]) -> Expression:
    return case((and_(*conditions), quantity), else_=0) if conditions else quantity


def _categories() -> Subquery:
    """One category a SKU, should two cards bear it."""
    return select(product.c.sku, func.min(product.c.category).label("category")).group_by(product.c.sku).subquery()
