"""Giving money back: one request becomes one refund, its rows and its journal entry, in one transaction.

Never more is given back than was sold: what earlier refunds of a sale took is counted, and a refund that HQ is still
asked about stands in the way of the next one of the same sale.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.card_charges import require_charges, use_charges
from branch_node.operations.employees import ensure_employee
from branch_node.operations.keys import CommittedBefore, Known, claim_key, known_key
from branch_node.operations.loyalty import (
    PaidBack,
    as_records,
    entries_of_refund,
    points_paid_minor,
)
from branch_node.operations.processing import Settled, begin, is_asked_of_hq
from branch_node.operations.receipt_printing import queue_refund
from branch_node.operations.refund_request import LooseLineRequest, RefundRequest, SoldLineRequest
from branch_node.operations.selling import client_id_of, find_product, moment_of, take_number
from branch_node.operations.shifts import ensure_register, shift_for_sale
from branch_node.storage.intents import Intent, read_intents
from branch_node.storage.transaction import BranchTransaction
from shared.domain.identifiers import format_id
from shared.domain.loyalty import LoyaltyEntry, PaidLine
from shared.domain.records import Record, RecordKind
from shared.domain.refunds import RefundLine as GivenBack
from shared.domain.refunds import SoldLine, WantedLine, refund_lines, refund_payments, refundable
from shared.domain.sales import Payment, Refund, RefundLine, Sale, format_receipt, parse_receipt
from shared.errors import InvalidInput, NotFound, Refused
from shared.operations.loyalty import points_of_sale
from shared.operations.receipts import read_sale, sale_by_number
from shared.storage.fact_rows import add_refund_rows, new_rows
from shared.sync.central import FoundSale
from shared.sync.messages import ProcessingMode
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry
from shared.wire.ledger_payloads import decode_loyalty_entry
from shared.wire.payloads import decode_refund, decode_sale, encode_refund

_GIVEN_BACK = """
SELECT l.sale_line, l.quantity_thousandths, l.amount_minor, l.discount_minor, l.vat_minor
FROM refund r JOIN refund_line l ON l.branch_id = r.branch_id AND l.refund_id = r.id
WHERE r.sale_id = ? ORDER BY r.id, l.line_number
"""
_PAID_BACK = """
SELECT p.method, p.amount_minor FROM refund r JOIN refund_payment p ON p.branch_id = r.branch_id AND p.refund_id = r.id
WHERE r.sale_id = ? ORDER BY r.id, p.payment_number
"""
INTENTS_LOOKED_AT_MAX = 1_000
"""Undecided operations that a refund looks through for another of the same sale."""


class RefundAnswer(NamedTuple):
    """What is told, now and whenever the key comes again. `total_minor` is what is given back."""

    key: str
    refund_id: bytes
    receipt: str
    total_minor: int
    entry: int
    confirmed: bool

    def as_json(self) -> dict[str, Any]:
        """The answer as `refund -` prints it."""
        return {
            "key": self.key,
            "id": format_id(self.refund_id),
            "receipt": self.receipt,
            "total_minor": self.total_minor,
            "entry": self.entry,
            "status": "committed",
            "confirmed": self.confirmed,
        }


class BuiltRefund(NamedTuple):
    """A refund that is not written yet, and what it enters of points."""

    fact: Refund
    entries: list[LoyaltyEntry]


class SoldBefore(NamedTuple):
    """A sale, and what was given back of it so far. `branch_id` is None for a sale of this branch."""

    sale_id: bytes
    sale: Sale
    given_back: tuple[GivenBack, ...]
    paid_back: tuple[Payment, ...]
    branch_id: bytes | None = None
    points: tuple[LoyaltyEntry, ...] = ()

    @property
    def sold_lines(self) -> list[SoldLine]:
        return [
            SoldLine(number, line.quantity_thousandths, line.amount_minor, line.discount_minor, line.vat_minor)
            for number, line in enumerate(self.sale.lines, 1)
        ]

    @property
    def paid(self) -> PaidBack:
        """Its lines and what came back of each; what was paid by points, and what of that came back."""
        back = dict.fromkeys(range(1, len(self.sale.lines) + 1), 0)
        for given in self.given_back:
            back[given.line_number] += given.amount_minor
        lines = tuple([PaidLine(line.category or "", line.amount_minor) for line in self.sale.lines])
        points, points_back = points_paid_minor(self.sale.payments), points_paid_minor(self.paid_back)
        return PaidBack(lines, tuple(back.values()), points, points_back)


def refund(transaction: BranchTransaction, request: RefundRequest) -> RefundAnswer:
    """Commits one refund here. Raises what `begin_refund` does, and Refused while HQ is asked about the key."""
    refund_id = transaction.ids.new_id()
    before = _claim(transaction, request, transaction.command_id, refund_id, transaction.seq)
    if isinstance(before, Intent):
        raise Refused("HQ is being asked about this key.", "Ask again in a moment.")
    return before or _refund_here(transaction, request, refund_id)


def begin_refund(transaction: BranchTransaction, request: RefundRequest) -> RefundAnswer | Intent:
    """Commits one refund here, or stores it as an intent that HQ is to be asked about.

    A key that was committed before returns its first answer, one that HQ is still asked about its intent. Raises
    InvalidInput, NotFound for an unknown receipt, Refused when all of it came back or HQ is still asked about another
    refund of it, KeyReused, and HqUnreachable when this branch must not go on without HQ.
    """
    refund_id = transaction.ids.new_id()
    if transaction.node.mode is ProcessingMode.CENTRALIZED:
        # Whatever was answered before is answered again, even if HQ is away.
        before = known_refund(transaction, request)
        if before is not None:
            return before
    asks = is_asked_of_hq(transaction)
    command_id = transaction.ids.new_id() if asks else transaction.command_id
    before = _claim(transaction, request, command_id, refund_id, 0 if asks else transaction.seq)
    if before is not None:
        return before
    if not asks:
        return _refund_here(transaction, request, refund_id)
    built = build_refund(transaction, request, refund_id)
    records = intend_refund(transaction, request, refund_id, built)
    return begin(transaction, records, command_id, request.key, built.fact.register, built.fact.receipt_number)


def intend_refund(
    transaction: BranchTransaction, request: RefundRequest, refund_id: bytes, built: BuiltRefund
) -> list[Record]:
    """A refund with all that it brings, for HQ to commit; its number is taken. Raises Refused for charges of others."""
    fact, entries = built
    require_charges(transaction.cursor, request.key, request.card_references, fact.payments, fact.currency)
    take_number(transaction, fact.register, fact.receipt_number)
    return [Record(RecordKind.REFUND, refund_id, encode_refund(fact)), *as_records(transaction, entries)]


def begin_refund_elsewhere(
    transaction: BranchTransaction, request: RefundRequest, sold: SoldBefore
) -> RefundAnswer | Intent:
    """Stores a refund of another branch's receipt as an intent: HQ, which knows both branches, commits it or refuses.

    In either mode, and without falling back: two branches must not give back the same. Raises what `begin_refund` does.
    """
    refund_id, command_id = transaction.ids.new_id(), transaction.ids.new_id()
    before = _claim(transaction, request, command_id, refund_id, 0)
    if before is not None:
        return before
    built = build_refund(transaction, request, refund_id, sold)
    records = intend_refund(transaction, request, refund_id, built)
    return begin(transaction, records, command_id, request.key, built.fact.register, built.fact.receipt_number)


def known_refund(transaction: BranchTransaction, request: RefundRequest) -> RefundAnswer | Intent | None:
    """What became of the key; None when it is new. Raises KeyReused."""
    return _told_before(transaction, request, known_key(transaction, request.key, request.content_hash))


def sold_elsewhere(found: FoundSale) -> SoldBefore:
    """A sale of another branch as HQ tells of it. Raises DecodeError."""
    refunds = [decode_refund(payload) for payload in found.refunds]
    given = [
        GivenBack(line.sale_line, line.quantity_thousandths, line.amount_minor, line.discount_minor, line.vat_minor)
        for back in refunds
        for line in back.lines
    ]
    paid = [payment for back in refunds for payment in back.payments]
    points = tuple(map(decode_loyalty_entry, found.points))
    return SoldBefore(found.sale_id, decode_sale(found.payload), tuple(given), tuple(paid), found.branch_id, points)


def answer_from_intent(request: RefundRequest, intent: Intent, settled: Settled) -> RefundAnswer:
    """The answer to a refund whose intent was journaled."""
    assert settled.entry is not None
    ((refund_id, fact),) = (settled.decoded or decode_entry(open_entry(intent.data))).refunds
    return _answer(request, refund_id, fact, settled.entry, settled.confirmed)


def find_sold(transaction: BranchTransaction, receipt: str | None, sale_id: bytes | None) -> SoldBefore:
    """A sale of this branch by its printed receipt or its id, and what came back of it.

    Raises NotFound, InvalidInput.
    """
    connection, branch_id = transaction.connection, transaction.node.branch_id
    if sale_id is None:
        assert receipt is not None
        register, number = parse_receipt(receipt)
        key = sale_by_number(connection, branch_id, register, number)
        if key is None:
            hint = "It may be of another branch, or not be confirmed yet."
            raise NotFound(f"There is no receipt {receipt} of this branch.", hint)
        sale_id = key[1]
    elif not transaction.cursor.execute(
        "SELECT 1 FROM sale WHERE branch_id = ? AND id = ?", (branch_id, sale_id)
    ).fetchone():
        raise NotFound(f"This branch has no sale {format_id(sale_id)}.", "Name the receipt as it was printed.")
    sale = read_sale(connection, (branch_id, sale_id))
    given = [GivenBack._make(row) for row in transaction.cursor.execute(_GIVEN_BACK, (sale_id,)).fetchall()]
    paid = [Payment._make(row) for row in transaction.cursor.execute(_PAID_BACK, (sale_id,)).fetchall()]
    return SoldBefore(sale_id, sale, tuple(given), tuple(paid), points=tuple(points_of_sale(connection, sale_id)))


class RefundProposal(NamedTuple):
    """What a refund of some lines would give back; nothing is committed."""

    lines: tuple[RefundLine, ...]
    payments: tuple[Payment, ...]
    rounding_minor: int

    @property
    def total_minor(self) -> int:
        return sum(payment.amount_minor for payment in self.payments)


def propose_refund(sold: SoldBefore, wanted: tuple[SoldLineRequest, ...]) -> RefundProposal:
    """By which methods how much would come back; of no lines named, everything that is left.

    Raises InvalidInput, and Refused when nothing is left.
    """
    lines = _lines_of_sale(sold, wanted)
    return RefundProposal(lines, *_pay_back(sold, lines, None))


def _refund_here(transaction: BranchTransaction, request: RefundRequest, refund_id: bytes) -> RefundAnswer:
    built = build_refund(transaction, request, refund_id)
    write_refund(transaction, request, refund_id, built)
    queue_refund(transaction, refund_id, built.fact)
    return _answer(request, refund_id, built.fact, transaction.seq, confirmed=False)


def write_refund(transaction: BranchTransaction, request: RefundRequest, refund_id: bytes, built: BuiltRefund) -> None:
    """Writes and records a refund with all that it brings but the paper."""
    fact, entries = built
    rows = new_rows()
    add_refund_rows(rows, transaction.node.branch_id, refund_id, transaction.command_id, fact, None)
    transaction.insert_all(rows)
    take_number(transaction, fact.register, fact.receipt_number)
    row_count = 1 + len(fact.lines) + len(fact.payments)
    transaction.record(RecordKind.REFUND, refund_id, encode_refund(fact), row_count)
    charges = (request.card_references, fact.payments, fact.currency)
    use_charges(transaction.cursor, request.key, *charges, refund_id, transaction.now_us)
    for entry in entries:
        record_branch_fact(transaction, entry)


def build_refund(
    transaction: BranchTransaction, request: RefundRequest, refund_id: bytes, found: SoldBefore | None = None
) -> BuiltRefund:
    """The finished refund, with the register's next receipt number, and what it enters of points. `found` is the sale,
    when it was looked up already."""
    at = moment_of(transaction, request.refunded_at, "refunded_at")
    sold = found
    if sold is None and request.has_receipt:
        sold = find_sold(transaction, request.receipt, request.sale_id)
    if sold is not None:
        require_decided(transaction, sold.sale_id)
        lines = _lines_of_sale(sold, request.lines)
        payments, rounding_minor = _pay_back(sold, lines, request.payments)
        client = sold.sale.client
    else:
        lines = tuple([_loose_line(transaction, line) for line in request.loose_lines])
        total_minor = sum(line.amount_minor for line in lines)
        payments, rounding_minor = request.payments or (Payment("cash", total_minor),), 0
        _require_equal(total_minor, payments)
        if points_paid_minor(payments):
            raise InvalidInput("Points come back by a receipt only.", "Give it back in money.")
        client = request.client
    transaction.author = ensure_employee(transaction, request.cashier)
    register = ensure_register(transaction.cursor, request.register)
    day = at.business_date
    fact = Refund(
        shift_id=shift_for_sale(transaction, request.register, register, request.cashier, at, day),
        register=request.register,
        receipt_number=register.last_receipt_number + 1,
        cashier=request.cashier,
        client=client,
        client_id=sold.sale.client_id if sold else client_id_of(transaction, client),
        refunded_at=at,
        business_date=day,
        currency=transaction.node.currency,
        sale_id=sold.sale_id if sold else None,
        sale_branch_id=sold.branch_id if sold else None,
        sale_receipt=format_receipt(sold.sale.register, sold.sale.receipt_number) if sold else None,
        authorised_by=request.authorised_by,
        reason=request.reason,
        lines=lines,
        payments=payments,
        rounding_minor=rounding_minor,
    )
    entries = entries_of_refund(transaction, refund_id, fact, sold.points, sold.paid) if sold else []
    return BuiltRefund(fact, entries)


def _lines_of_sale(sold: SoldBefore, wanted: tuple[SoldLineRequest, ...]) -> tuple[RefundLine, ...]:
    left = {line.line_number: line.quantity_thousandths for line in refundable(sold.sold_lines, sold.given_back)}
    if not left:
        raise Refused("Everything on this receipt was given back already.", "Look at its refunds.")
    if wanted:
        asked = [WantedLine(line, left.get(line, 0) if quantity is None else quantity) for line, quantity in wanted]
    else:
        asked = [WantedLine(line, quantity) for line, quantity in left.items()]
    lines = []
    for given in refund_lines(sold.sold_lines, sold.given_back, asked):
        line = sold.sale.lines[given.line_number - 1]
        amounts = (given.quantity_thousandths, given.amount_minor, given.discount_minor)
        rate, name = line.vat_basis_points, line.name
        lines.append(
            RefundLine(
                given.line_number, line.sku, line.product_id, line.category, *amounts, rate, given.vat_minor, name
            )
        )
    return tuple(lines)


def _pay_back(
    sold: SoldBefore, lines: tuple[RefundLine, ...], asked: tuple[Payment, ...] | None
) -> tuple[tuple[Payment, ...], int]:
    """By which methods, and what the rounding of the sale gives or takes."""
    proposed = refund_payments(
        sold.sale.payments,
        sold.sale.change_minor,
        sold.paid_back,
        sum(line.amount_minor for line in sold.sale.lines),
        sum(line.amount_minor for line in sold.given_back),
        sum(line.amount_minor for line in lines),
    )
    if asked is None:
        return proposed.payments, proposed.rounding_minor
    _require_equal(sum(paid.amount_minor for paid in proposed.payments), asked)
    if points_paid_minor(asked) != points_paid_minor(proposed.payments):
        by_points = points_paid_minor(proposed.payments)
        raise InvalidInput(f"What was paid by points comes back by points: {by_points}.", "Leave the payments out.")
    return asked, proposed.rounding_minor


def _require_equal(total_minor: int, payments: tuple[Payment, ...]) -> None:
    paid = sum(payment.amount_minor for payment in payments)
    if paid != total_minor:
        raise InvalidInput(f"The payments come to {paid}, what is given back to {total_minor}.", "Make them equal.")


def _loose_line(transaction: BranchTransaction, line: LooseLineRequest) -> RefundLine:
    known = find_product(transaction, line.sku)
    product_id, category = (known[0], known[1]) if known else (None, None)
    return RefundLine(0, line.sku, product_id, category, line.quantity_thousandths, line.amount_minor, 0)


def require_decided(transaction: BranchTransaction, sale_id: bytes) -> None:
    """Raises Refused while HQ is asked about another refund of the sale: it may have been given already."""
    for intent in read_intents(transaction.cursor, INTENTS_LOOKED_AT_MAX):
        if any(other.sale_id == sale_id for _, other in decode_entry(open_entry(intent.data)).refunds):
            raise Refused(
                "The head office is being asked about another refund of this receipt.", "Try again in a moment."
            )


def _claim(
    transaction: BranchTransaction, request: RefundRequest, command_id: bytes, refund_id: bytes, seq: int
) -> RefundAnswer | Intent | None:
    known = claim_key(transaction, request.key, request.content_hash, command_id, refund_id, seq)
    return _told_before(transaction, request, known)


def _told_before(
    transaction: BranchTransaction, request: RefundRequest, known: Known | None
) -> RefundAnswer | Intent | None:
    if not isinstance(known, CommittedBefore):
        return known
    register, number, total_minor = transaction.cursor.execute(
        "SELECT register, receipt_number, returns_minor + rounding_minor FROM refund WHERE branch_id = ? AND id = ?",
        (transaction.node.branch_id, known.record_id),
    ).fetchone()
    receipt = format_receipt(register, number)
    return RefundAnswer(request.key, known.record_id, receipt, total_minor, known.seq, known.confirmed)


def _answer(request: RefundRequest, refund_id: bytes, fact: Refund, entry: int, confirmed: bool) -> RefundAnswer:
    receipt = format_receipt(fact.register, fact.receipt_number)
    return RefundAnswer(request.key, refund_id, receipt, fact.total_minor + fact.rounding_minor, entry, confirmed)
