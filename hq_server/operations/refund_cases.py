"""Both sides of what came back: a sale as its receipt says it, and every refund of it with its lines."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from hq_server.operations.refund_checks import OverRefund, over_refunds_of
from hq_server.storage.branches import branch_names
from shared.domain.permissions import Actor, Permission, require
from shared.domain.sales import format_receipt
from shared.errors import NotFound
from shared.storage.tables import refund, refund_line, sale, sale_line


class CaseLine(NamedTuple):
    """One line of a receipt; of a refund, `line` is that of the sale."""

    line: int
    sku: str
    name: str
    quantity_thousandths: int
    amount_minor: int


class CaseReceipt(NamedTuple):
    """A receipt: where, when and by whom, with its lines."""

    branch: str
    receipt: str
    cashier: str
    authorised_by: str
    reason: str
    at_us: int
    zone: str
    received_at_us: int | None
    currency: str
    total_minor: int
    lines: tuple[CaseLine, ...]


class RefundCase(NamedTuple):
    """A sale, its refunds in the order in which they were given, and lines of which more came back than was sold."""

    sale: CaseReceipt
    refunds: tuple[CaseReceipt, ...]
    over: tuple[OverRefund, ...]


def read_case(connection: Connection, actor: Actor, sale_id: bytes) -> RefundCase:
    """Raises NotPermitted, NotFound."""
    require(actor, Permission.AUDIT_VIEW)
    sold = connection.execute(select(sale).where(sale.c.id == sale_id)).first()
    if sold is None:
        raise NotFound("There is no such sale here.", "Open it from the list of returns.")
    names = branch_names(connection)
    given = connection.execute(
        select(refund)
        .where(refund.c.sale_id == sale_id)
        .order_by(refund.c.refunded_at, refund.c.branch_id, refund.c.receipt_number)
    ).all()
    sold_lines = _lines(connection, sale_line, sale_line.c.sale_id, sale_line.c.line_number, [sold.id])
    back_lines = _lines(
        connection, refund_line, refund_line.c.refund_id, refund_line.c.sale_line, [row.id for row in given]
    )
    return RefundCase(
        _receipt(names, sold, sold.sold_at, sold.net_minor, sold_lines[sold.branch_id, sold.id]),
        tuple(
            _receipt(names, row, row.refunded_at, row.returns_minor, back_lines[row.branch_id, row.id]) for row in given
        ),
        tuple(over_refunds_of(connection, [sale_id])),
    )


def _receipt(names: Any, row: Any, at_us: int, total_minor: int, lines: list[CaseLine]) -> CaseReceipt:
    return CaseReceipt(
        names.get(row.branch_id, "?"),
        format_receipt(row.register, row.receipt_number),
        row.cashier,
        getattr(row, "authorised_by", None) or "",
        getattr(row, "reason", None) or "",
        at_us,
        row.zone,
        row.received_at,
        row.currency,
        total_minor,
        tuple(lines),
    )


def _lines(
    connection: Connection, table: Table, owner: Any, number: Any, ids: list[bytes]
) -> dict[tuple[bytes, bytes], list[CaseLine]]:
    found: dict[tuple[bytes, bytes], list[CaseLine]] = defaultdict(list)
    columns = (table.c.sku, table.c.name, table.c.quantity_thousandths, table.c.amount_minor)
    statement = select(table.c.branch_id, owner, number, *columns).where(owner.in_(ids)).order_by(number)
    for row in connection.execute(statement):
        found[row[0], row[1]].append(CaseLine(row[2], row[3], row[4] or "", row[5], row[6]))
    return found
