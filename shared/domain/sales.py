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
RECEIPT_NUMBER_DIGITS_MAX = 18
RECEIPT_DIGITS = 6


class SaleLine(NamedTuple):
    """One line. `amount_minor` is what is paid for it after the discount; `category` is stamped when it is sold."""

    sku: str
    product_id: bytes | None
    category: str | None
    quantity_thousandths: int
    amount_minor: int
    discount_minor: int


class Payment(NamedTuple):
    """What was handed over by one method; change is not taken off."""

    method: str
    amount_minor: int


class Sale(NamedTuple):
    """A committed sale. `client` is the external id as it was given, known or not."""

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


class SaleTotals(NamedTuple):
    """What a receipt adds up to: gross = net + discounts."""

    units_thousandths: int
    gross_minor: int
    discounts_minor: int
    net_minor: int


def total_lines(lines: Sequence[SaleLine]) -> SaleTotals:
    """The sums over the lines."""
    units = net = discounts = 0
    for _, _, _, quantity, amount, discount in lines:
        units += quantity
        net += amount
        discounts += discount
    return SaleTotals(units, net + discounts, discounts, net)


def require_settled(total_minor: int, payments: Sequence[Payment]) -> int:
    """The change to hand back. Payments equal the total, or the cash among them exceeds it.

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
