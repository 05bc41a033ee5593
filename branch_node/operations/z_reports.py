"""Shifts that were closed at this branch: the list of their Z-reports, and each as it was signed."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import select

from branch_node.operations.shift_reports import OpenedShift
from branch_node.operations.shifts import read_shift
from branch_node.storage.transaction import BranchTransaction
from shared.domain.identifiers import format_id
from shared.domain.shifts import MethodTotal, ShiftClose
from shared.errors import NotFound
from shared.operations.z_reports import report_of_row
from shared.storage.tables import shift_close, shift_close_method

Z_REPORTS_PER_PAGE = 50

_LIST = """
SELECT shift_id, register, cashier, closed_at, business_date, currency, receipts + refunds, net_minor - returns_minor,
       counted_cash_minor, counted_cash_minor - expected_cash_minor
FROM shift_close WHERE branch_id = ? AND (? = '' OR register = ?) ORDER BY closed_at DESC, shift_id LIMIT ? OFFSET ?
"""


class ZGlance(NamedTuple):
    """A Z-report in a list. `variance_minor` is None when nobody counted."""

    shift_id: bytes
    register: str
    cashier: str
    closed_at_us: int
    business_date: date
    currency: str
    receipts: int
    net_minor: int
    counted_minor: int | None
    variance_minor: int | None


class ZReport(NamedTuple):
    """A shift that is over."""

    opened: OpenedShift
    report: ShiftClose


def list_z_reports(transaction: BranchTransaction, register: str = "", page: int = 0) -> list[ZGlance]:
    """The latest first, Z_REPORTS_PER_PAGE a page; of one register, or of all."""
    values = (transaction.node.branch_id, register, register, Z_REPORTS_PER_PAGE, max(0, page) * Z_REPORTS_PER_PAGE)
    rows = transaction.cursor.execute(_LIST, values).fetchall()
    return [ZGlance._make((*row[:4], date.fromisoformat(row[4]), *row[5:])) for row in rows]


def read_z_report(transaction: BranchTransaction, shift_id: bytes) -> ZReport:
    """A Z-report as it was signed. Raises NotFound."""
    key = (shift_close.c.branch_id == transaction.node.branch_id) & (shift_close.c.shift_id == shift_id)
    # Two stores of one branch may have closed it: the last word is shown.
    last_first = (shift_close.c.closed_at.desc(), shift_close.c.id)
    row = transaction.connection.execute(select(shift_close).where(key).order_by(*last_first)).first()
    if row is None:
        raise NotFound(f"No shift {format_id(shift_id)} was closed at this branch.", "Look at the list of Z-reports.")
    methods = transaction.connection.execute(
        select(shift_close_method.c.method, shift_close_method.c.amount_minor)
        .where(shift_close_method.c.branch_id == row.branch_id, shift_close_method.c.close_id == row.id)
        .order_by(shift_close_method.c.method)
    )
    return ZReport(read_shift(transaction, shift_id), report_of_row(row, [MethodTotal(*each) for each in methods]))
