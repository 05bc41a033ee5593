"""Giving back what was sold: each line's amount, discount and VAT in shares that sum to the line, and by which method.

Shares are cumulative: after a refund, what was given back of a line in all is the share of the quantity given back in
all. So any sequence of refunds of a line sums exactly to the line, and none gives back more than was paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shared.domain.exchanges import comes_back_by
from shared.domain.money import quantity_number
from shared.domain.proration import cumulative_share
from shared.domain.rounding import NO_ROUNDING, CashRounding, round_cash
from shared.domain.sales import CASH, Payment
from shared.errors import InvalidInput


class SoldLine(NamedTuple):
    """A line as it was sold. `amount_minor` is what was paid for it after the discount and contains `vat_minor`."""

    line_number: int
    quantity_thousandths: int
    amount_minor: int
    discount_minor: int
    vat_minor: int


class RefundLine(NamedTuple):
    """What is, or was, given back of one line of a sale."""

    line_number: int
    quantity_thousandths: int
    amount_minor: int
    discount_minor: int
    vat_minor: int


class WantedLine(NamedTuple):
    """How much of a line is to be given back."""

    line_number: int
    quantity_thousandths: int


class RefundSettlement(NamedTuple):
    """What is paid back: Σ refunded lines + rounding = Σ payments."""

    payments: tuple[Payment, ...]
    rounding_minor: int


_NOTHING = RefundLine(0, 0, 0, 0, 0)


def refund_lines(
    sold: Iterable[SoldLine], refunded_before: Iterable[RefundLine], wanted: Iterable[WantedLine]
) -> tuple[RefundLine, ...]:
    """The lines of a refund, in the order in which they are wanted.

    `refunded_before` are the lines of all earlier refunds of the sale, as many for a line as there were. The VAT is a
    share of the sale's, at the sale's rate, whatever rate counts today. The refund that takes the rest of a quantity
    takes the rest of the amounts. Raises InvalidInput when a line was not sold or is wanted twice, when nothing of it
    is wanted, or when more is than is left.
    """
    lines = {line.line_number: line for line in sold}
    before = sum_refunds(refunded_before)
    found: dict[int, RefundLine] = {}
    for line_number, quantity in wanted:
        if line_number in found:
            raise InvalidInput(f"Line {line_number} is given twice.", "Add the quantities.")
        line = lines.get(line_number)
        if line is None:
            raise InvalidInput(f"The receipt has no line {line_number}.")
        found[line_number] = _refund_line(line, before.get(line_number), quantity)
    return tuple(found.values())


def sum_refunds(lines: Iterable[RefundLine]) -> dict[int, RefundLine]:
    """What was given back of each line in all, by its number."""
    sums: dict[int, RefundLine] = {}
    for line in lines:
        number = line.line_number
        _, quantity, amount, discount, vat = sums.get(number, _NOTHING)
        sums[number] = RefundLine(
            number,
            quantity + line.quantity_thousandths,
            amount + line.amount_minor,
            discount + line.discount_minor,
            vat + line.vat_minor,
        )
    return sums


def refundable(sold: Iterable[SoldLine], refunded_before: Iterable[RefundLine]) -> tuple[WantedLine, ...]:
    """Everything that can still be given back: what `refund_lines` takes to refund all of it."""
    before = sum_refunds(refunded_before)
    left = []
    for line in sold:
        gone = before.get(line.line_number)
        quantity = line.quantity_thousandths - (gone.quantity_thousandths if gone else 0)
        if quantity > 0 or gone is None:
            left.append(WantedLine(line.line_number, quantity))
    return tuple(left)


def _refund_line(sold: SoldLine, before: RefundLine | None, quantity: int) -> RefundLine:
    gone = before or _NOTHING
    _require_left(sold, before, quantity)
    done = gone.quantity_thousandths + quantity

    def share(whole: int, given_back: int) -> int:
        return max(0, cumulative_share(whole, done, sold.quantity_thousandths) - given_back)

    return RefundLine(
        sold.line_number,
        quantity,
        share(sold.amount_minor, gone.amount_minor),
        share(sold.discount_minor, gone.discount_minor),
        share(sold.vat_minor, gone.vat_minor),
    )


def _require_left(sold: SoldLine, before: RefundLine | None, quantity: int) -> None:
    left = sold.quantity_thousandths - (before.quantity_thousandths if before else 0)
    # A line of quantity 0 is sold and refunded as a whole, once.
    is_gone = left <= 0 and (sold.quantity_thousandths > 0 or before is not None)
    if is_gone:
        raise InvalidInput(f"Line {sold.line_number} was given back already.", "Leave it out.")
    if quantity > left:
        raise InvalidInput(
            f"Of line {sold.line_number} {quantity_number(left)} can be given back, not {quantity_number(quantity)}.",
            f"Sold were {quantity_number(sold.quantity_thousandths)}.",
        )
    if quantity < 0 or (quantity == 0 and sold.quantity_thousandths > 0):
        raise InvalidInput(f"Nothing of line {sold.line_number} is to be given back.", "Leave it out.")


def refund_payments(
    paid: Sequence[Payment],
    change_minor: int,
    returned_before: Sequence[Payment],
    sold_minor: int,
    refunded_before_minor: int,
    total_minor: int,
    rounding: CashRounding = NO_ROUNDING,
) -> RefundSettlement:
    """Proposes how a refund of lines worth `total_minor` is paid back.

    What was not paid in cash goes back by its own method, in the order of the sale's payments, up to what was paid by
    it – what other goods paid in an exchange, by the method that they were paid by; the rest goes back in cash, which
    alone is rounded. `sold_minor` is the sum of the sale's lines,
    `refunded_before_minor` that of the lines refunded before, `returned_before` what was paid back for them. A sale's
    rounding comes back in shares with its lines: when everything is refunded, exactly what was paid has come back.
    Raises InvalidInput when more is refunded than was sold.
    """
    refunded = refunded_before_minor + total_minor
    if total_minor < 0 or refunded > sold_minor:
        left = sold_minor - refunded_before_minor
        raise InvalidInput(f"Of this receipt {left} can be given back, not {total_minor}.")
    paid_minor = sum(payment.amount_minor for payment in paid) - change_minor
    returned_minor = sum(payment.amount_minor for payment in returned_before)
    due = max(0, cumulative_share(paid_minor, refunded, sold_minor) - returned_minor)
    payments: list[Payment] = []
    rest = due
    for method, left in _left_by_method(paid, returned_before).items():
        part = min(rest, left)
        if part > 0:
            payments.append(Payment(method, part))
            rest -= part
    if refunded < sold_minor:
        most = paid_minor - returned_minor - (due - rest)
        rest = min(round_cash(rest, rounding, to_client=True), max(0, most))
    if rest:
        payments.append(Payment(CASH, rest))
    return RefundSettlement(tuple(payments), sum(payment.amount_minor for payment in payments) - total_minor)


def _left_by_method(paid: Sequence[Payment], returned_before: Sequence[Payment]) -> Mapping[str, int]:
    """What was paid by each method other than cash and did not come back by it yet."""
    left: dict[str, int] = {}
    for method, amount in paid:
        back = comes_back_by(method)
        if back != CASH:
            left[back] = left.get(back, 0) + amount
    for method, amount in returned_before:
        back = comes_back_by(method)
        if back in left:
            left[back] -= amount
    return left


def points_back(
    points: int, points_back_before: int, sold_minor: int, refunded_before_minor: int, total_minor: int
) -> int:
    """How many of the points that a sale earned, or spent, a refund of lines worth `total_minor` takes, or gives, back.

    Cumulative like everything here: when all is refunded, all the points have gone back.
    """
    return max(0, cumulative_share(points, refunded_before_minor + total_minor, sold_minor) - points_back_before)
