"""Papers of what was committed: built from the facts alone, and queued in the transaction that commits them.

So paper follows the commit: what is rolled back is never printed, and what is committed waits for its printer however
long that takes. Without a printer nothing is built. Contains no layout and no printing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from branch_node.operations.fiscal_registering import register_refund, register_sale
from branch_node.operations.shift_reports import OpenedShift
from branch_node.settings import Settings
from branch_node.storage.card_attempts import open_attempts
from branch_node.storage.print_jobs import queue_print
from branch_node.storage.transaction import BranchTransaction, Node, ReceiptTexts
from shared.domain.branch_facts import CASH_IN, CashMovement
from shared.domain.business_time import LocalMoment, local_moment
from shared.domain.exchanges import is_exchange
from shared.domain.money import format_minor
from shared.domain.receipt_document import (
    ReceiptDocument,
    ReceiptLine,
    ReceiptSale,
    ReceiptShift,
    ReceiptShop,
    as_reprint,
    cash_movement_document,
    drawer_document,
    exchange_document,
    refund_document,
    sale_document,
    shift_document,
)
from shared.domain.receipt_labels import LANGUAGES, label, method_label
from shared.domain.sales import CASH, Payment, Refund, RefundLine, Sale, SaleLine, format_receipt
from shared.domain.shifts import ShiftClose
from shared.errors import InvalidInput

NO_TEXTS = ReceiptTexts(LANGUAGES[0])
_CASHIER = "SELECT name FROM employee WHERE code = ? LIMIT 1"
_PRODUCT = "SELECT name FROM product WHERE sku = ? LIMIT 1"


class Papers(NamedTuple):
    """Builds the papers of one branch. `cursor` looks up the names of people, and of goods sold without one."""

    cursor: Any
    node: Node
    texts: ReceiptTexts

    @property
    def shop(self) -> ReceiptShop:
        """What stands on every paper."""
        node, texts = self.node, self.texts
        return ReceiptShop(
            node.chain_name, node.name or node.code, node.code, texts.language, texts.header_lines, texts.footer_lines
        )

    def sale(self, sale_id: bytes, sale: Sale, opens_drawer: bool = False) -> ReceiptDocument:
        """The receipt of a sale."""
        return sale_document(self.shop, self._sale_paper(sale_id, sale), opens_drawer=opens_drawer)

    def _sale_paper(self, sale_id: bytes, sale: Sale) -> ReceiptSale:
        return ReceiptSale(
            sale_id=sale_id,
            register=sale.register,
            receipt=format_receipt(sale.register, sale.receipt_number),
            cashier=self.person(sale.cashier),
            sold_at=sale.sold_at,
            currency=sale.currency,
            lines=tuple(self._line(line, line.reason) for line in sale.lines),
            payments=sale.payments,
            change_minor=sale.change_minor,
            rounding_minor=sale.rounding_minor,
        )

    def refund(self, refund_id: bytes, refund: Refund, opens_drawer: bool = False) -> ReceiptDocument:
        """The receipt of a refund."""
        sold_as, reason = refund.sale_receipt or "", refund.reason or ""
        return refund_document(
            self.shop, self._refund_paper(refund_id, refund), sold_as, reason, opens_drawer=opens_drawer
        )

    def exchange(
        self, sold: tuple[bytes, Sale], back: tuple[bytes, Refund], opens_drawer: bool = False
    ) -> ReceiptDocument:
        """The one paper of a sale and a refund that are an exchange."""
        refund = back[1]
        papers = self._sale_paper(*sold), self._refund_paper(*back)
        sold_as, reason = refund.sale_receipt or "", refund.reason or ""
        return exchange_document(self.shop, *papers, sold_as, reason, opens_drawer=opens_drawer)

    def _refund_paper(self, refund_id: bytes, refund: Refund) -> ReceiptSale:
        return ReceiptSale(
            sale_id=refund_id,
            register=refund.register,
            receipt=format_receipt(refund.register, refund.receipt_number),
            cashier=self.person(refund.cashier),
            sold_at=refund.refunded_at,
            currency=refund.currency,
            lines=tuple(self._line(line, None) for line in refund.lines),
            payments=refund.payments,
            rounding_minor=refund.rounding_minor,
        )

    def cash_movement(self, moved: CashMovement) -> ReceiptDocument:
        """The slip of cash put in or taken out."""
        return cash_movement_document(
            self.shop,
            moved.register,
            self.person(moved.cashier),
            moved.at,
            self.node.currency,
            moved.amount_minor,
            moved.reason,
            incoming=moved.direction == CASH_IN,
        )

    def opening_float(self, opened: OpenedShift) -> ReceiptDocument:
        """The slip of the cash that a drawer begins with."""
        return cash_movement_document(
            self.shop,
            opened.register,
            self.person(opened.cashier),
            local_moment(opened.opened_at_us, self.node.timezone),
            self.node.currency,
            opened.float_minor,
            label("float", self.texts.language),
            incoming=True,
        )

    def shift(self, opened: OpenedShift, report: ShiftClose, closes: bool) -> ReceiptDocument:
        """The X-report of a shift as it stands, or the Z-report that closed it."""
        paper = ReceiptShift(
            register=report.register,
            cashier=self.person(report.cashier),
            opened_at=local_moment(opened.opened_at_us, self.node.timezone),
            moment=report.closed_at,
            currency=report.currency,
            receipts=report.receipts + report.refunds,
            first_receipt=format_receipt(report.register, report.first_receipt),
            last_receipt=format_receipt(report.register, report.last_receipt),
            gross_minor=report.gross_minor,
            discounts_minor=report.discounts_minor,
            net_minor=report.net_minor - report.returns_minor,
            # Exchanges come to nothing.
            methods=tuple(
                Payment(total.method, total.amount_minor)
                for total in report.methods
                if total.amount_minor or not is_exchange(total.method)
            ),
            float_minor=report.float_minor,
            expected_cash_minor=report.expected_cash_minor,
            counted_cash_minor=report.counted_cash_minor,
            refunds_minor=report.returns_minor,
            cash_in_minor=report.cash_in_minor,
            cash_out_minor=report.cash_out_minor,
            unresolved=(*_receipts(report.register, report.undecided), *self._charges(report.register)),
            rounding_minor=report.rounding_minor,
            late=_receipts(report.register, report.late),
        )
        return shift_document(self.shop, paper, closes=closes)

    def drawer(self, register: str, cashier: str, moment: LocalMoment) -> ReceiptDocument:
        """Opens the drawer and prints nothing."""
        return drawer_document(self.shop, register, self.person(cashier), moment)

    def person(self, code: str) -> str:
        """An employee's name; the code when there is none."""
        row = self.cursor.execute(_CASHIER, (code,)).fetchone()
        return str(row[0]) if row and row[0] else code

    def goods(self, line: SaleLine | RefundLine) -> str:
        """What was sold, as it was printed; else the product's name today, else its SKU."""
        if line.name:
            return line.name
        row = self.cursor.execute(_PRODUCT, (line.sku,)).fetchone()
        return str(row[0]) if row and row[0] else line.sku

    def _line(self, line: SaleLine | RefundLine, reason: str | None) -> ReceiptLine:
        name = self.goods(line)
        amounts = (line.quantity_thousandths, line.amount_minor, line.discount_minor)
        rate, vat_minor = line.vat_basis_points, line.vat_minor
        return ReceiptLine(name, *amounts, reason or "", vat_basis_points=rate, vat_minor=vat_minor, sku=line.sku)

    def _charges(self, register: str) -> tuple[str, ...]:
        """Card payments of a register of which it is not known yet whether they are anything's."""
        card = method_label("card", self.texts.language)
        return tuple(
            f"{card} {format_minor(attempt.amount_minor, attempt.currency)}"
            for attempt in open_attempts(self.cursor, register)
        )


def queue_sale(transaction: BranchTransaction, sale_id: bytes, sale: Sale) -> None:
    """Queues the receipt of a sale of today, and the sale for the fiscal device, to be called where it is written.

    History is neither printed nor registered.
    """
    if not _is_of_today(transaction, sale.sold_at):
        return
    if transaction.has_fiscal_device:
        register_sale(transaction, _papers(transaction, transaction.printing or NO_TEXTS), sale_id, sale)
    if transaction.printing is None:
        return
    document = _papers(transaction, transaction.printing).sale(sale_id, sale, _has_cash(sale.payments))
    _queue(transaction, document, sale_id)


def queue_refund(transaction: BranchTransaction, refund_id: bytes, refund: Refund) -> None:
    """Queues the receipt of a refund of today, and the refund for the fiscal device."""
    if not _is_of_today(transaction, refund.refunded_at):
        return
    if transaction.has_fiscal_device:
        register_refund(transaction, _papers(transaction, transaction.printing or NO_TEXTS), refund_id, refund)
    if transaction.printing is None:
        return
    document = _papers(transaction, transaction.printing).refund(refund_id, refund, _has_cash(refund.payments))
    _queue(transaction, document, refund_id)


def queue_exchange(transaction: BranchTransaction, sold: tuple[bytes, Sale], back: tuple[bytes, Refund]) -> None:
    """Queues the one paper of an exchange of today; the fiscal device is told of both its parts."""
    if not _is_of_today(transaction, sold[1].sold_at):
        return
    if transaction.has_fiscal_device:
        papers = _papers(transaction, transaction.printing or NO_TEXTS)
        register_refund(transaction, papers, *back)
        register_sale(transaction, papers, *sold)
    if transaction.printing is None:
        return
    opens_drawer = _has_cash((*sold[1].payments, *back[1].payments))
    _queue(transaction, _papers(transaction, transaction.printing).exchange(sold, back, opens_drawer), sold[0])


def queue_cash_movement(transaction: BranchTransaction, fact_id: bytes, moved: CashMovement) -> None:
    """Queues the slip of cash put in or taken out; it opens the drawer."""
    if transaction.printing is not None:
        document = _papers(transaction, transaction.printing).cash_movement(moved)
        _queue(transaction, document, fact_id)


def queue_opening(transaction: BranchTransaction, opened: OpenedShift) -> None:
    """Queues the slip of the float, when there is one; it opens the drawer."""
    if transaction.printing is not None and opened.float_minor:
        document = _papers(transaction, transaction.printing).opening_float(opened)
        _queue(transaction, document, opened.shift_id)


def queue_report(transaction: BranchTransaction, opened: OpenedShift, report: ShiftClose, closes: bool) -> None:
    """Queues a Z-report, or an X-report when nothing is closed."""
    if transaction.printing is not None:
        document = _papers(transaction, transaction.printing).shift(opened, report, closes)
        _queue(transaction, document, opened.shift_id if closes else None)


def queue_copy(transaction: BranchTransaction, document: ReceiptDocument, record_id: bytes) -> bool:
    """Queues a paper once more, marked as a copy; false when there is no printer."""
    if transaction.printing is None:
        return False
    _queue(transaction, as_reprint(document), record_id)
    return True


def queue_drawer(transaction: BranchTransaction, register: str, cashier: str) -> bool:
    """Opens the drawer; false when there is no printer that could."""
    if transaction.printing is None:
        return False
    moment = local_moment(transaction.now_us, transaction.node.timezone)
    document = _papers(transaction, transaction.printing).drawer(register, cashier, moment)
    _queue(transaction, document, None)
    return True


def _queue(transaction: BranchTransaction, document: ReceiptDocument, record_id: bytes | None) -> None:
    queue_print(transaction.cursor, document, record_id, transaction.now_us)
    transaction.has_paper = True


def _papers(transaction: BranchTransaction, texts: ReceiptTexts) -> Papers:
    return Papers(transaction.cursor, transaction.node, texts)


def _is_of_today(transaction: BranchTransaction, moment: LocalMoment) -> bool:
    today = local_moment(transaction.now_us, transaction.node.timezone).business_date
    return moment.business_date >= today


def _has_cash(payments: Sequence[Payment]) -> bool:
    return any(payment.method == CASH for payment in payments)


def _receipts(register: str, numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(format_receipt(register, number) for number in numbers)


def texts_of(settings: Settings) -> ReceiptTexts:
    """What receipts say beside the facts. Raises InvalidInput for a language that no receipt is printed in."""
    if settings.receipt_language not in LANGUAGES:
        raise InvalidInput(
            f"Receipts are not printed in “{settings.receipt_language}”.", "Set FILIAL_RECEIPT_LANGUAGE to ru or en."
        )
    return ReceiptTexts(
        settings.receipt_language, _lines_of(settings.receipt_header), _lines_of(settings.receipt_footer)
    )


def _lines_of(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("|") if line.strip())
