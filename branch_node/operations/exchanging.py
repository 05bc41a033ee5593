"""An exchange: what comes back and what is taken instead, in one transaction and one entry of the journal, or neither.

It is a refund and a sale of the same command, the refund under the receipt number before the sale's: by these two they
find each other. How they settle is shared.domain.exchanges' matter (docs/decisions/0030).
"""

from __future__ import annotations

from typing import NamedTuple

from branch_node.operations.card_charges import pay_back_key
from branch_node.operations.loyalty import points_paid_minor
from branch_node.operations.processing import begin
from branch_node.operations.receipt_printing import queue_exchange
from branch_node.operations.refund_request import RefundRequest, SoldLineRequest
from branch_node.operations.refunding import (
    SoldBefore,
    build_refund,
    find_sold,
    intend_refund,
    propose_refund,
    require_decided,
    write_refund,
)
from branch_node.operations.sale_request import ReturnedGoods, ReturnedLine, SaleRequest
from branch_node.operations.selling import (
    OpenedKey,
    SaleAnswer,
    answer_to,
    build_sale,
    intend_sale,
    open_key,
    write_sale,
)
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction
from shared.domain.exchanges import Exchange, settle_exchange
from shared.domain.loyalty import POINTS
from shared.domain.refunds import refundable
from shared.domain.sales import PAYMENTS_MAX, Payment, RefundLine, format_receipt
from shared.errors import InvalidInput, Refused


class Reckoned(NamedTuple):
    """What goods that come back are worth: their lines, how they would be paid back without an exchange, and the money
    in that, which is what they pay of other goods. `points_minor` comes back by points whatever is bought."""

    receipt: str
    lines: tuple[RefundLine, ...]
    payments: tuple[Payment, ...]

    @property
    def points_minor(self) -> int:
        return points_paid_minor(self.payments)

    @property
    def credit_minor(self) -> int:
        return sum(payment.amount_minor for payment in self.payments) - self.points_minor

    def settle(self, total_minor: int, points_minor: int) -> Exchange:
        """How they settle with goods of that total, of which points pay so much."""
        return settle_exchange(self.payments, total_minor - points_minor, POINTS)


def reckon_returned(sold: SoldBefore, lines: tuple[ReturnedLine, ...]) -> Reckoned:
    """What so much of a receipt is worth. Raises Refused when some of it has come back meanwhile, InvalidInput."""
    receipt = format_receipt(sold.sale.register, sold.sale.receipt_number)
    left = {line.line_number: line.quantity_thousandths for line in refundable(sold.sold_lines, sold.given_back)}
    for number, quantity in lines:
        if not 0 < number <= len(sold.sale.lines):
            raise InvalidInput(f"The receipt has no line {number}.")
        if number not in left or left[number] < quantity:
            line = sold.sale.lines[number - 1]
            raise Refused(
                f"{line.name or line.sku} of receipt {receipt} was given back meanwhile.",
                "Take it out of the basket, and add what is left of it.",
            )
    proposal = propose_refund(sold, tuple(SoldLineRequest(*line) for line in lines))
    return Reckoned(receipt, proposal.lines, proposal.payments)


def begin_exchange(transaction: BranchTransaction, request: SaleRequest) -> SaleAnswer | Intent:
    """Commits one exchange here, or stores it as an intent that HQ is to be asked about. It answers as a sale.

    Raises what `begin_sale` does; Refused when what comes back was given back meanwhile, or is worth something else
    than the basket said.
    """
    sale_id = transaction.ids.new_id()
    opened = open_key(transaction, request, sale_id)
    if not isinstance(opened, OpenedKey):
        return opened
    assert request.returned is not None
    sold = find_sold(transaction, None, request.returned.sale_id)
    require_decided(transaction, sold.sale_id)
    settled = _settle(request, request.returned, sold)
    refund_id = transaction.ids.new_id()
    back = _refund_request(request, request.returned, settled)
    taken = request._replace(payments=(*settled.sale_payments, *request.payments))
    if len(taken.payments) > PAYMENTS_MAX:
        raise InvalidInput(f"It is paid in more than {PAYMENTS_MAX} ways.", "Pay the difference in fewer ways.")
    built = build_refund(transaction, back, refund_id, sold)
    if opened.asks:
        records = intend_refund(transaction, back, refund_id, built)
        sale = build_sale(transaction, taken)
        records += intend_sale(transaction, taken, sale_id, sale)
        return begin(transaction, records, opened.command_id, request.key, sale.register, sale.receipt_number)
    write_refund(transaction, back, refund_id, built)
    sale = build_sale(transaction, taken)
    write_sale(transaction, taken, sale_id, sale)
    queue_exchange(transaction, (sale_id, sale), (refund_id, built.fact))
    return answer_to(transaction, request, sale_id, sale)


def _settle(request: SaleRequest, returned: ReturnedGoods, sold: SoldBefore) -> Exchange:
    reckoned = reckon_returned(sold, returned.lines)
    if reckoned.credit_minor != returned.credit_minor:
        raise Refused(
            f"What comes back of receipt {reckoned.receipt} is worth something else by now.",
            "Take it out of the basket, and add what is left of it.",
        )
    total = sum(line.amount_minor or 0 for line in request.lines)
    return reckoned.settle(total, points_paid_minor(request.payments))


def _refund_request(request: SaleRequest, returned: ReturnedGoods, settled: Exchange) -> RefundRequest:
    return RefundRequest(
        key=pay_back_key(request.key),
        register=request.register,
        cashier=request.cashier,
        receipt=None,
        sale_id=returned.sale_id,
        lines=tuple(SoldLineRequest(*line) for line in returned.lines),
        loose_lines=(),
        payments=settled.refund_payments,
        refunded_at=request.sold_at,
        reason=returned.reason,
        authorised_by=returned.authorised_by,
        client=None,
        content_hash=request.content_hash,
    )
