"""What the fiscal device must be told of what was committed, queued in the transaction that commits it.

A fiscal shift begins with the first document after the last one's end, and ends with a Z-report. So the device follows
the commit as paper does: no sale waits for it. Without a device nothing is queued.
"""

from __future__ import annotations

from typing import Protocol

from branch_node.operations.shift_reports import OpenedShift
from branch_node.storage import fiscal_jobs
from branch_node.storage.fiscal_jobs import has_open_shift, queue_fiscal
from branch_node.storage.transaction import BranchTransaction
from shared.domain.fiscal_documents import FiscalLine, FiscalReceipt, FiscalShift
from shared.domain.identifiers import format_id
from shared.domain.sales import Refund, RefundLine, Sale, SaleLine
from shared.domain.shifts import ShiftClose


class Names(Protocol):
    """How people and goods are called on paper."""

    def person(self, code: str) -> str: ...

    def goods(self, line: SaleLine | RefundLine) -> str: ...


def register_sale(transaction: BranchTransaction, names: Names, sale_id: bytes, sale: Sale) -> None:
    """Queues a sale for the device."""
    receipt = FiscalReceipt(
        format_id(sale_id),
        sale.register,
        names.person(sale.cashier),
        sale.sold_at,
        sale.currency,
        tuple(_line(names, line) for line in sale.lines),
        sale.payments,
        sale.rounding_minor,
    )
    _queue(transaction, fiscal_jobs.SALE, sale_id, receipt)


def register_refund(transaction: BranchTransaction, names: Names, refund_id: bytes, refund: Refund) -> None:
    """Queues a refund for the device."""
    receipt = FiscalReceipt(
        format_id(refund_id),
        refund.register,
        names.person(refund.cashier),
        refund.refunded_at,
        refund.currency,
        tuple(_line(names, line) for line in refund.lines),
        refund.payments,
        refund.rounding_minor,
    )
    _queue(transaction, fiscal_jobs.REFUND, refund_id, receipt)


def register_close(transaction: BranchTransaction, opened: OpenedShift, report: ShiftClose) -> None:
    """Queues the end of the fiscal shift, if one is open."""
    if transaction.has_fiscal_device and has_open_shift(transaction.cursor, report.register):
        shift = FiscalShift(format_id(opened.shift_id), report.register, report.cashier, report.closed_at)
        queue_fiscal(transaction.cursor, fiscal_jobs.CLOSE_SHIFT, opened.shift_id, shift, transaction.now_us)


def _queue(transaction: BranchTransaction, kind: str, record_id: bytes, receipt: FiscalReceipt) -> None:
    if not has_open_shift(transaction.cursor, receipt.register):
        shift_id = transaction.ids.new_id()
        shift = FiscalShift(format_id(shift_id), receipt.register, receipt.cashier, receipt.moment)
        queue_fiscal(transaction.cursor, fiscal_jobs.OPEN_SHIFT, shift_id, shift, transaction.now_us)
    queue_fiscal(transaction.cursor, kind, record_id, receipt, transaction.now_us)


def _line(names: Names, line: SaleLine | RefundLine) -> FiscalLine:
    return FiscalLine(names.goods(line), line.quantity_thousandths, line.amount_minor, line.vat_basis_points)
