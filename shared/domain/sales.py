"""A sale, its lines and payments, and the arithmetic that ties them.

The three types are named tuples, not dataclasses: a merge builds tens of thousands a second, and a named tuple costs a
fifth of a frozen dataclass (docs/decisions/0006).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from shared.domain.business_time import LocalMoment
from shared.domain.identifiers import shorten
from shared.domain.money import TOTAL_MINOR_MAX
from shared.errors import InvalidInput

CASH = "cash"
LINES_MAX = 1_000
PAYMENTS_MAX = 20
VAT_BASIS_POINTS_MAX = 10_000
DETAIL_CHARACTERS_MAX = 2_000
"""The longest name, reason or other text of a receipt."""
ROUNDING_MINOR_MAX = 100_000
"""The most by which cash is rounded: far more than any coin that was withdrawn."""
RECEIPT_NUMBER_DIGITS_MAX = 18
RECEIPT_DIGITS = 6


class SaleLine(NamedTuple):
    """One line. `amount_minor` is what is paid for it after the discount; `category` is stamped when it is sold.

    `vat_minor` is the VAT that the amount contains, at `vat_basis_points`; `name` and `reason` are what was printed.
    """

    sku: str
    product_id: bytes | None
    category: str | None
    quantity_thousandths: int
    amount_minor: int
    discount_minor: int
    vat_basis_points: int | None = None
    vat_minor: int = 0
    name: str | None = None
    reason: str | None = None


class Payment(NamedTuple):
    """What was handed over by one method; change is not taken off."""

    method: str
    amount_minor: int


class Sale(NamedTuple):
    """A committed sale. `client` is the external id as it was given, known or not.

    Σ lines + rounding = Σ payments − change.
    """

    shift_id: bytes
    register: str
    receipt_number: int
    cashier: str
    client: str | None
    client_id: bytes | None
    sold_at: LocalMoment
    business_date: date
    currency: str
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...]
    change_minor: int
    rounding_minor: int = 0


class RefundLine(NamedTuple):
    """Goods that came back. `sale_line` is the line's number in the sale, 0 without a receipt.

    Amounts are what is given back, and the part of the sale's discount that goes with it.
    """

    sale_line: int
    sku: str
    product_id: bytes | None
    category: str | None
    quantity_thousandths: int
    amount_minor: int
    discount_minor: int
    vat_basis_points: int | None = None
    vat_minor: int = 0
    name: str | None = None


class Refund(NamedTuple):
    """Money given back for goods. Σ lines + rounding = Σ payments.

    `sale_id` is None without a receipt, `sale_branch_id` None when this branch sold; `authorised_by` is who allowed
    what the cashier may not.
    """

    shift_id: bytes
    register: str
    receipt_number: int
    cashier: str
    client: str | None
    client_id: bytes | None
    refunded_at: LocalMoment
    business_date: date
    currency: str
    sale_id: bytes | None
    sale_branch_id: bytes | None
    sale_receipt: str | None
    authorised_by: str | None
    reason: str | None
    lines: tuple[RefundLine, ...]
    payments: tuple[Payment, ...]
    rounding_minor: int = 0

    @property
    def total_minor(self) -> int:
        """What the lines come to."""
        return sum([line.amount_minor for line in self.lines])


class SaleTotals(NamedTuple):
    """What a receipt adds up to: gross = net + discounts."""

    units_thousandths: int
    gross_minor: int
    discounts_minor: int
    net_minor: int


def total_lines(lines: Sequence[SaleLine]) -> SaleTotals:
    """The sums over the lines."""
    units = net = discounts = 0
    for _, _, _, quantity, amount, discount, _, _, _, _ in lines:
        units += quantity
        net += amount
        discounts += discount
    return SaleTotals(units, net + discounts, discounts, net)


def require_settled(total_minor: int, payments: Sequence[Payment]) -> int:
    """The change to hand back. Payments equal the total that is due, or the cash among them exceeds it.

    Raises InvalidInput when they do not cover the total, or when more than the cash would have to be given back.
    """
    if total_minor > TOTAL_MINOR_MAX:
        raise InvalidInput(f"The total {total_minor} is larger than {TOTAL_MINOR_MAX}.")
    paid = cash = 0
    for method, amount in payments:
        paid += amount
        if method == CASH:
            cash += amount
    if paid < total_minor:
        raise InvalidInput(f"The payments come to {paid}, the total is {total_minor}.", "Add a payment.")
    change = paid - total_minor
    if change > cash:
        raise InvalidInput(
            f"The payments come to {paid}, the total is {total_minor}; only cash can exceed it.",
            "Lower the payment that is not cash.",
        )
    return change


def format_receipt(register: str, receipt_number: int) -> str:
    """Register and number as printed: `1-000001`."""
    return f"{register}-{receipt_number:0{RECEIPT_DIGITS}d}"


def parse_receipt(text: str) -> tuple[str, int]:
    """Register and number of a receipt as printed. Raises InvalidInput."""
    register, _, digits = text.rpartition("-")
    if not register or not (digits.isascii() and digits.isdigit()) or len(digits) > RECEIPT_NUMBER_DIGITS_MAX:
        raise InvalidInput(f"“{shorten(text)}” is no receipt number.", "It is written as on the receipt: 1-000001.")
    return register, int(digits)
