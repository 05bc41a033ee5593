"""What moved the goods behind a row of `stock` or `stock-outs`, one by one: movements, sales and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, func, or_, select, true, union_all

from shared.reports.fact_lists import keys_of, read_page, receipt_keys
from shared.reports.fact_sums import is_among
from shared.reports.ground import Ground
from shared.reports.items import Asked, Beneath, Kind
from shared.storage.tables import product, refund, refund_line, sale, sale_line, stock_movement, stock_movement_line

Expression = ColumnElement[Any]
Sums = Callable[[Table, Expression], Mapping[str, Expression]]
"""What a table's lines add to each measure, from what they add to the goods on hand."""

_movement = stock_movement.c
_SOURCES: Final = (
    (Kind.MOVEMENT, stock_movement, stock_movement_line, "movement_id", _movement.moved_at, 1),
    (Kind.SALE, sale, sale_line, "sale_id", sale.c.sold_at, -1),
    (Kind.REFUND, refund, refund_line, "refund_id", refund.c.refunded_at, 1),
)


def _all(_head: Table, _line: Table) -> Expression:
    return true()


def list_moved(
    ground: Ground, asked: Asked, last: date | None, sums: Sums, is_meant: Callable[[Table, Table], Expression] = _all
) -> Beneath:
    """A page of everything that moved goods up to a day – None is open –, and what it adds up to. `is_meant` is a
    condition besides, over a table and its lines."""
    parts = []
    for kind, head, line, link, moment, sign in _SOURCES:
        known: dict[str, Expression] = {"branch_id": head.c.branch_id, "id": head.c.id, "at": moment}
        if head is stock_movement:
            known |= {"code": _movement.reason, "who": _movement.employee}
        else:
            known |= receipt_keys(head)
        measured = sums(head, line.c.quantity_thousandths * sign)
        conditions: list[Expression] = [head.c.branch_id.in_(list(ground.branch_codes))]
        if last is not None:
            conditions.append(head.c.business_date <= last)
        if asked.parameters.as_of_us is not None:
            conditions.append(head.c.received_at <= asked.parameters.as_of_us)
        of_head = (line.c.branch_id == head.c.branch_id) & (line.c[link] == head.c.id)
        parts.append(
            select(*keys_of(kind, known), *(func.sum(each).label(name) for name, each in measured.items()))
            .select_from(head.join(line, of_head))
            .where(*conditions, *_asked_goods(ground, asked, head, line), is_meant(head, line))
            .group_by(*known.values())
        )
    return read_page(ground, asked, union_all(*parts))


def _asked_goods(ground: Ground, asked: Asked, head: Table, line: Table) -> list[Expression]:
    conditions: list[Expression] = []
    for name, values in asked.parameters.filters:
        if name == "branch":
            conditions.append(is_among(ground, name, head.c.branch_id, values))
        elif name == "product":
            conditions.append(line.c.sku.in_(values))
        else:
            conditions.append(_of_category(line, values))
    return conditions


def _of_category(line: Table, values: Sequence[str]) -> Expression:
    """By the cards of now, one category a SKU; a product that no card has is of none."""
    carded = select(product.c.sku).where(product.c.sku.is_not(None)).group_by(product.c.sku)
    category = func.min(product.c.category)
    named: Expression = line.c.sku.in_(carded.having(category.in_(values)))
    return or_(named, line.c.sku.not_in(carded.having(category.is_not(None)))) if "" in values else named
