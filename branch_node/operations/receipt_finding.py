"""Finding a receipt by what somebody holds in hands: its square code, its number, or nothing but the day."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from branch_node.operations.receipt_printing import Papers
from branch_node.storage.fiscal_jobs import sign_of
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction, ReceiptTexts
from shared.domain.barcodes import ReceiptCode, parse_code
from shared.domain.business_time import SECONDS_PER_DAY
from shared.domain.exchanges import is_exchange
from shared.domain.fiscal_documents import fiscal_document
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.receipt_document import ReceiptDocument
from shared.domain.receipt_identity import QR_PREFIX, parse_qr
from shared.domain.sales import RECEIPT_NUMBER_DIGITS_MAX, Payment, Refund, Sale, format_receipt
from shared.errors import InvalidInput, NotFound
from shared.operations.receipts import read_refund, read_sale

RECEIPTS_SHOWN_MAX = 200
EPOCH = date(1970, 1, 1)

_BY_ID = """
SELECT id, 0 FROM sale WHERE branch_id = ?1 AND id = ?2
UNION ALL
SELECT id, 1 FROM refund WHERE branch_id = ?1 AND id = ?2
"""
_BY_NUMBER = """
SELECT id, 0, sold_at FROM sale WHERE branch_id = ?1 AND register = ?2 AND receipt_number = ?3
UNION ALL
SELECT id, 1, refunded_at FROM refund WHERE branch_id = ?1 AND register = ?2 AND receipt_number = ?3
ORDER BY 3 DESC LIMIT 1
"""
# The two are of one command, and the refund's number is the one before the sale's.
_PAIR_OF_SALE = """
SELECT s.id, r.id FROM node n JOIN sale s ON s.branch_id = n.branch_id AND s.id = ?
JOIN refund r ON r.branch_id = s.branch_id AND r.register = s.register
  AND r.receipt_number = s.receipt_number - 1 AND r.command_id = s.command_id
"""
_PAIR_OF_REFUND = """
SELECT s.id, r.id FROM node n JOIN refund r ON r.branch_id = n.branch_id AND r.id = ?
JOIN sale s ON s.branch_id = r.branch_id AND s.register = r.register
  AND s.receipt_number = r.receipt_number + 1 AND s.command_id = r.command_id
"""
_OF_DAY = """
SELECT id, 0, register, receipt_number, sold_at, cashier, net_minor + rounding_minor, currency,
       EXISTS (SELECT 1 FROM refund r WHERE r.sale_id = sale.id)
FROM sale WHERE branch_id = ?1 AND id >= ?5 AND business_date = ?2 AND (?3 = '' OR register = ?3)
UNION ALL
SELECT id, 1, register, receipt_number, refunded_at, cashier, -(returns_minor + rounding_minor), currency, 0
FROM refund WHERE branch_id = ?1 AND id >= ?5 AND business_date = ?2 AND (?3 = '' OR register = ?3)
ORDER BY 5 DESC, 4 DESC LIMIT ?4
"""


class ReceiptAt(NamedTuple):
    """Where a receipt is: at which branch, under which number; its id when the code told it."""

    branch_code: str
    receipt: str
    record_id: bytes | None = None


class ReceiptGlance(NamedTuple):
    """A receipt in a list; `total_minor` of a refund is below nought. `came_back`: something of it was given back."""

    record_id: bytes
    is_refund: bool
    register: str
    receipt_number: int
    at_us: int
    cashier: str
    total_minor: int
    currency: str
    came_back: bool

    @property
    def receipt(self) -> str:
        return format_receipt(self.register, self.receipt_number)


class ReceiptRead(NamedTuple):
    """One receipt with its paper."""

    record_id: bytes
    fact: Sale | Refund
    document: ReceiptDocument

    @property
    def is_refund(self) -> bool:
        return isinstance(self.fact, Refund)


class ExchangeRead(NamedTuple):
    """The two halves of an exchange."""

    sale: Sale
    refund: Refund

    @property
    def taken_minor(self) -> int:
        return sum(line.amount_minor for line in self.sale.lines) + self.sale.rounding_minor

    @property
    def returned_minor(self) -> int:
        return self.refund.total_minor + self.refund.rounding_minor

    @property
    def paid_minor(self) -> int:
        """What the client handed over: change is not taken off."""
        return sum(payment.amount_minor for payment in self.sale.payments if not is_exchange(payment.method))

    @property
    def paid_out(self) -> tuple[Payment, ...]:
        """What the client got, by method."""
        return tuple(payment for payment in self.refund.payments if not is_exchange(payment.method))


def read_reference(transaction: BranchTransaction, text: str, register: str = "", branch_code: str = "") -> ReceiptAt:
    """What was scanned or typed: a square code, `1-000042`, or a number alone, which is of the register at hand.

    Raises InvalidInput.
    """
    given = text.strip()
    code = branch_code.strip() or transaction.node.code
    if given.isascii() and given.isdigit() and len(given) <= RECEIPT_NUMBER_DIGITS_MAX and register:
        return ReceiptAt(code, format_receipt(register, int(given)))
    # A scanner types in the layout at hand: the code's own parser knows.
    found = parse_code(given)
    if isinstance(found, ReceiptCode) and found.text.startswith(QR_PREFIX):
        identity = parse_qr(found.text).identity
        return ReceiptAt(identity.branch_code, identity.receipt, identity.sale_id)
    if isinstance(found, ReceiptCode) and found.register:
        return ReceiptAt(code, format_receipt(found.register, found.number))
    raise InvalidInput(f"“{given[:40]}” is no receipt number.", "It is written as on the receipt: 1-000001.")


def find_receipt(transaction: BranchTransaction, at: ReceiptAt) -> bytes:
    """The id of a sale or a refund of this branch. Raises NotFound."""
    branch_id = transaction.node.branch_id
    row = None
    if at.record_id is not None:
        row = transaction.cursor.execute(_BY_ID, (branch_id, at.record_id)).fetchone()
    if row is None and at.branch_code == transaction.node.code:
        register, _, number = at.receipt.rpartition("-")
        row = transaction.cursor.execute(_BY_NUMBER, (branch_id, register, int(number))).fetchone()
    if row is None:
        raise NotFound(
            f"There is no receipt {at.receipt} of this branch.", "It may be of another branch, or not be confirmed yet."
        )
    return bytes(row[0])


def exchange_of(store: BranchStore, sale_id: bytes) -> ExchangeRead | None:
    """Both halves of an exchange, by the sale's id; None when it is an ordinary sale."""
    with store.look() as transaction:
        pair = find_pair(transaction.cursor, sale_id)
        if pair is None:
            return None
        branch_id = transaction.node.branch_id
        sold = read_sale(transaction.connection, (branch_id, pair[0]))
        return ExchangeRead(sold, read_refund(transaction.connection, (branch_id, pair[1])))


def find_pair(cursor: Any, record_id: bytes) -> tuple[bytes, bytes] | None:
    """The sale and the refund of the exchange that a receipt of this branch is a half of; None when it is none."""
    halves = (cursor.execute(statement, (record_id,)).fetchone() for statement in (_PAIR_OF_SALE, _PAIR_OF_REFUND))
    row = next(filter(None, halves), None)
    return None if row is None else (bytes(row[0]), bytes(row[1]))


def list_receipts(transaction: BranchTransaction, day: date, register: str = "") -> list[ReceiptGlance]:
    """Receipts of a day, the latest first; of one register, or of all."""
    values = (transaction.node.branch_id, day.isoformat(), register, RECEIPTS_SHOWN_MAX, _first_id_of(day))
    rows = transaction.cursor.execute(_OF_DAY, values).fetchall()
    return [ReceiptGlance._make((row[0], bool(row[1]), *row[2:8], bool(row[8]))) for row in rows]


def _first_id_of(day: date) -> bytes:
    """No record of that day has a smaller id: ids begin with the milliseconds at which they were made."""
    earliest_ms = ((day - EPOCH).days - 1) * SECONDS_PER_DAY * 1_000
    return max(0, earliest_ms).to_bytes(6) + bytes(10)


def read_receipt(transaction: BranchTransaction, record_id: bytes, texts: ReceiptTexts) -> ReceiptRead:
    """A sale or a refund of this branch, and its paper as it was printed. Raises NotFound."""
    key = (transaction.node.branch_id, record_id)
    row = transaction.cursor.execute(_BY_ID, key).fetchone()
    if row is None:
        raise NotFound(f"This branch has no receipt {format_id(record_id)}.", "Look at the list of receipts.")
    papers = Papers(transaction.cursor, transaction.node, texts)
    pair = find_pair(transaction.cursor, record_id)
    if pair is not None:
        sold = read_sale(transaction.connection, (key[0], pair[0]))
        back = read_refund(transaction.connection, (key[0], pair[1]))
        paper = _signed(transaction, pair[0], papers.exchange((pair[0], sold), (pair[1], back)))
        return ReceiptRead(record_id, back if row[1] else sold, paper)
    if row[1]:
        given_back = read_refund(transaction.connection, key)
        return ReceiptRead(record_id, given_back, _signed(transaction, record_id, papers.refund(record_id, given_back)))
    sold = read_sale(transaction.connection, key)
    return ReceiptRead(record_id, sold, _signed(transaction, record_id, papers.sale(record_id, sold)))


def _signed(transaction: BranchTransaction, record_id: bytes, document: ReceiptDocument) -> ReceiptDocument:
    """With what a fiscal device answered, if one did."""
    sign = sign_of(transaction.cursor, record_id)
    return document if sign is None else fiscal_document(document, sign)


def parse_record_id(text: str) -> bytes:
    """An id as it stands in a page's address. Raises NotFound."""
    if not is_id(text):
        raise NotFound("There is no such receipt.", "Look at the list of receipts.")
    return parse_id(text)
