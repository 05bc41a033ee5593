"""What an auditor reads of the tills besides the shifts: acts by hand, and goods taken back without a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, func, select

from hq_server.operations.paging import PAGE_ROWS_MAX, Page
from hq_server.operations.verdicts import Shown, Subject, SubjectKind, shown_condition
from hq_server.storage.branches import branch_by_code, branch_names
from shared.domain.permissions import Actor, Permission, require
from shared.domain.sales import format_receipt
from shared.storage.tables import audit_entry, refund


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which acts are asked for; what is empty does not matter. Days are business dates, both included."""

    branch_code: str = ""
    first: date | None = None
    last: date | None = None
    cashier: str = ""
    action: str = ""
    shown: Shown = Shown.ALL


class TillAct(NamedTuple):
    """Something that was done by hand at a till, and who allowed it."""

    branch_code: str
    register: str
    cashier: str
    authorised_by: str | None
    action: str
    amount_minor: int
    detail: str
    at_us: int
    zone: str
    business_date: date
    subject: Subject


class RefundWithoutReceipt(NamedTuple):
    """Goods that came back without a receipt."""

    branch_code: str
    receipt: str
    cashier: str
    authorised_by: str | None
    reason: str | None
    amount_minor: int
    at_us: int
    zone: str
    business_date: date
    subject: Subject


class CashierTotal(NamedTuple):
    """How much one cashier took back without a receipt in the period."""

    branch_code: str
    cashier: str
    refunds: int
    amount_minor: int


def list_till_acts(connection: Connection, actor: Actor, wanted: AuditFilter, page: int = 1) -> Page[TillAct]:
    """The acts, the newest first. Raises NotPermitted, NotFound for a branch that there is not."""
    require(actor, Permission.AUDIT_VIEW)
    conditions = _conditions(connection, audit_entry, wanted, SubjectKind.TILL_ACT)
    if wanted.action:
        conditions.append(audit_entry.c.action == wanted.action)
    order = (audit_entry.c.business_date.desc(), audit_entry.c.at.desc(), audit_entry.c.id)
    rows, shown = _page(connection, audit_entry, conditions, order, page)
    names = branch_names(connection)
    return shown._replace(
        rows=[
            TillAct(
                names.get(row.branch_id, "?"),
                row.register,
                row.cashier,
                row.authorised_by,
                row.action,
                row.amount_minor,
                row.detail,
                row.at,
                row.zone,
                row.business_date,
                Subject(SubjectKind.TILL_ACT, row.branch_id, row.id),
            )
            for row in rows
        ]
    )


def list_actions(connection: Connection) -> list[str]:
    """The kinds of acts that there are."""
    return sorted(connection.execute(select(audit_entry.c.action).distinct()).scalars())


def list_refunds_without_receipt(
    connection: Connection, actor: Actor, wanted: AuditFilter, page: int = 1
) -> Page[RefundWithoutReceipt]:
    """The refunds, the newest first. Raises NotPermitted, NotFound for a branch that there is not."""
    require(actor, Permission.AUDIT_VIEW)
    conditions = [
        *_conditions(connection, refund, wanted, SubjectKind.REFUND_WITHOUT_RECEIPT),
        refund.c.sale_id.is_(None),
    ]
    order = (refund.c.business_date.desc(), refund.c.refunded_at.desc(), refund.c.id)
    rows, shown = _page(connection, refund, conditions, order, page)
    names = branch_names(connection)
    return shown._replace(
        rows=[
            RefundWithoutReceipt(
                names.get(row.branch_id, "?"),
                format_receipt(row.register, row.receipt_number),
                row.cashier,
                row.authorised_by,
                row.reason,
                row.returns_minor,
                row.refunded_at,
                row.zone,
                row.business_date,
                Subject(SubjectKind.REFUND_WITHOUT_RECEIPT, row.branch_id, row.id),
            )
            for row in rows
        ]
    )


def total_refunds_without_receipt(connection: Connection, actor: Actor, wanted: AuditFilter) -> list[CashierTotal]:
    """By cashier, the largest sum first; at most a page."""
    require(actor, Permission.AUDIT_VIEW)
    conditions = [
        *_conditions(connection, refund, wanted, SubjectKind.REFUND_WITHOUT_RECEIPT),
        refund.c.sale_id.is_(None),
    ]
    amount = func.sum(refund.c.returns_minor)
    statement = (
        select(refund.c.branch_id, refund.c.cashier, func.count(), amount)
        .where(*conditions)
        .group_by(refund.c.branch_id, refund.c.cashier)
        .order_by(amount.desc(), refund.c.cashier, refund.c.branch_id)
        .limit(PAGE_ROWS_MAX)
    )
    names = branch_names(connection)
    return [CashierTotal(names.get(row[0], "?"), row[1], row[2], int(row[3])) for row in connection.execute(statement)]


def _conditions(
    connection: Connection, table: Table, wanted: AuditFilter, kind: SubjectKind
) -> list[ColumnElement[bool]]:
    shown = shown_condition(kind, table, wanted.shown)
    found: list[ColumnElement[bool]] = [] if shown is None else [shown]
    if wanted.branch_code:
        found.append(table.c.branch_id == branch_by_code(connection, wanted.branch_code).id)
    if wanted.first is not None:
        found.append(table.c.business_date >= wanted.first)
    if wanted.last is not None:
        found.append(table.c.business_date <= wanted.last)
    if wanted.cashier:
        found.append(table.c.cashier == wanted.cashier)
    return found


def _page(
    connection: Connection, table: Table, conditions: list[ColumnElement[bool]], order: Any, number: int
) -> tuple[list[Any], Page[Any]]:
    total = connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
    pages = max(1, -(-total // PAGE_ROWS_MAX))
    number = min(max(number, 1), pages)
    statement = select(table).where(*conditions).order_by(*order)
    rows = connection.execute(statement.limit(PAGE_ROWS_MAX).offset((number - 1) * PAGE_ROWS_MAX)).all()
    return list(rows), Page((), number, pages, total)
