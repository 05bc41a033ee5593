"""What HQ checks of refunds: that no more of a sale comes back than was sold, and where that happened all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select

from hq_server.operations.verdicts import Subject, SubjectKind
from shared.domain.money import quantity_number
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.sales import format_receipt
from shared.storage.dialect_functions import over_lists
from shared.storage.tables import refund, refund_line, sale, sale_line
from shared.sync.central import Rejected
from shared.wire.decoding import DecodedEntry

OVER_REFUND = "over_refund"

GivenBack = dict[tuple[bytes, int], int]
"""Quantities in thousandths, by sale and line."""

_CASES_MAX = 10_000
_SALES_PER_QUERY_MAX = 500


class OverRefund(NamedTuple):
    """More came back of a sale's line than was sold: two stores gave it back without knowing of each other."""

    sale_branch_id: bytes
    sale_id: bytes
    receipt: str
    line: int
    sku: str
    sold_thousandths: int
    refunded_thousandths: int
    refunded_minor: int

    @property
    def subject(self) -> Subject:
        """What is judged: when still more comes back, it is open again."""
        figures = f"{self.line}/{self.refunded_thousandths}/{self.refunded_minor}"
        return Subject(SubjectKind.OVER_REFUND, self.sale_branch_id, self.sale_id, figures)


def problem_with_refunds(connection: Connection, entry: DecodedEntry, given_back: GivenBack) -> Rejected | None:
    """Why an operation must not give back what it does; None when it may, or when HQ does not know the sale yet.

    `given_back` is what other operations of this transaction give back, and grows by this one's. Holds the sales.
    """
    wanted: GivenBack = {}
    for _, fact in entry.refunds:
        for line in fact.lines if fact.sale_id is not None else ():
            assert fact.sale_id is not None
            key = (fact.sale_id, line.sale_line)
            wanted[key] = wanted.get(key, 0) + line.quantity_thousandths
    if not wanted:
        return None
    sale_ids = sorted({sale_id for sale_id, _ in wanted})
    held = select(sale.c.id).where(sale.c.id.in_(sale_ids)).order_by(sale.c.id).with_for_update()
    connection.execute(held).all()
    sold = _sold(connection, sale_ids)
    before = _refunded(connection, sale_ids)
    for key, quantity in wanted.items():
        if key not in sold:
            continue
        left = sold[key] - before.get(key, 0) - given_back.get(key, 0)
        if quantity > left:
            number = quantity_number(max(0, left))
            return Rejected(
                OVER_REFUND, f"Of line {key[1]} of this receipt only {number} can still be given back.", "Take less."
            )
    for key, quantity in wanted.items():
        given_back[key] = given_back.get(key, 0) + quantity
    return None


def find_over_refunds(connection: Connection, actor: Actor = LOCAL_ADMINISTRATOR) -> list[OverRefund]:
    """Lines of which more came back than was sold, the newest sales first; at most a limit of them."""
    require(actor, Permission.AUDIT_VIEW)
    return _read(connection.execute(_over_refunds(refund.c.sale_id.is_not(None))))


def over_refunds_of(connection: Connection, sale_ids: Sequence[bytes]) -> list[OverRefund]:
    """The same of these sales, for whoever has checked the permission."""
    found: list[OverRefund] = []
    for start in range(0, len(sale_ids), _SALES_PER_QUERY_MAX):
        asked = {"sales": list(sale_ids[start : start + _SALES_PER_QUERY_MAX])}
        found += _read(connection.execute(_OVER_REFUNDS_OF(connection), asked))
    return found


def _over_refunds(of_sales: ColumnElement[bool]) -> Select[Any]:
    back = (
        select(
            refund.c.sale_id,
            refund_line.c.sale_line,
            func.sum(refund_line.c.quantity_thousandths).label("quantity"),
            func.sum(refund_line.c.amount_minor).label("amount"),
        )
        .join(refund_line, (refund_line.c.branch_id == refund.c.branch_id) & (refund_line.c.refund_id == refund.c.id))
        .where(of_sales)
        .group_by(refund.c.sale_id, refund_line.c.sale_line)
        .subquery()
    )
    return (
        select(
            sale.c.branch_id,
            sale.c.id,
            sale.c.register,
            sale.c.receipt_number,
            sale_line.c.line_number,
            sale_line.c.sku,
            sale_line.c.quantity_thousandths,
            back.c.quantity,
            back.c.amount,
        )
        .join(sale_line, (sale_line.c.branch_id == sale.c.branch_id) & (sale_line.c.sale_id == sale.c.id))
        .join(back, (back.c.sale_id == sale.c.id) & (back.c.sale_line == sale_line.c.line_number))
        .where((back.c.quantity > sale_line.c.quantity_thousandths) | (back.c.amount > sale_line.c.amount_minor))
        .order_by(sale.c.sold_at.desc(), sale.c.id, sale_line.c.line_number)
        .limit(_CASES_MAX)
    )


# Built once: to build it takes longer than to find a few sales.
_OVER_REFUNDS_OF = over_lists(lambda among: _over_refunds(among(refund.c.sale_id, "sales")))


def _read(rows: Iterable[Any]) -> list[OverRefund]:
    return [
        OverRefund(row[0], row[1], format_receipt(row[2], row[3]), row[4], row[5], row[6], int(row[7]), int(row[8]))
        for row in rows
    ]


def _sold(connection: Connection, sale_ids: list[bytes]) -> GivenBack:
    statement = select(sale_line.c.sale_id, sale_line.c.line_number, sale_line.c.quantity_thousandths)
    rows = connection.execute(statement.where(sale_line.c.sale_id.in_(sale_ids)))
    return {(row[0], row[1]): row[2] for row in rows}


def _refunded(connection: Connection, sale_ids: list[bytes]) -> GivenBack:
    statement = (
        select(refund.c.sale_id, refund_line.c.sale_line, func.sum(refund_line.c.quantity_thousandths))
        .join(refund_line, (refund_line.c.branch_id == refund.c.branch_id) & (refund_line.c.refund_id == refund.c.id))
        .where(refund.c.sale_id.in_(sale_ids))
        .group_by(refund.c.sale_id, refund_line.c.sale_line)
    )
    return {(row[0], row[1]): int(row[2]) for row in connection.execute(statement)}
