"""Rounding what is paid in cash to the coins that there are, and the law that ties lines, rounding and payments.

Σ lines + rounding = Σ payments − change. Only cash is rounded: what a card pays, it pays to the minor unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from shared.domain.identifiers import shorten
from shared.domain.money import TOTAL_MINOR_MAX, require_currency
from shared.domain.sales import CASH, Payment
from shared.errors import InvalidInput

INCREMENT_MINOR_MAX = 1_000_000
"""The largest step that cash is rounded to."""


class RoundingMode(StrEnum):
    """Where an amount between two steps goes."""

    NEAREST = "nearest"
    """To the nearer step; from the middle to the even one."""
    HALF_UP = "half_up"
    HALF_DOWN = "half_down"
    CLIENT = "client"
    """In the client's favour: what the client pays goes down, what is paid to the client goes up."""


class CashRounding(NamedTuple):
    """The step, in minor units, that cash is rounded to, and how."""

    increment_minor: int = 1
    mode: RoundingMode = RoundingMode.NEAREST


NO_ROUNDING = CashRounding()
"""What every currency has until something else is configured: a rouble's kopecks are paid."""


class Settlement(NamedTuple):
    """How a total was settled: what rounding added to it, signed, and the change."""

    rounding_minor: int
    change_minor: int


def round_cash(amount_minor: int, rounding: CashRounding, *, to_client: bool = False) -> int:
    """The amount, ≥ 0, in whole steps. `to_client` tells whose favour `RoundingMode.CLIENT` is."""
    increment = rounding.increment_minor
    steps, rest = divmod(amount_minor, increment)
    if rest and _rounds_up(steps, rest * 2 - increment, rounding.mode, to_client):
        steps += 1
    return steps * increment


def _rounds_up(steps: int, beyond_middle: int, mode: RoundingMode, to_client: bool) -> bool:
    if mode is RoundingMode.CLIENT:
        return to_client
    if beyond_middle:
        return beyond_middle > 0
    if mode is RoundingMode.NEAREST:
        return steps % 2 == 1
    return mode is RoundingMode.HALF_UP


def cash_due(total_minor: int, paid_otherwise_minor: int, rounding: CashRounding) -> int:
    """What is still to be paid in cash when other methods have paid their part, in whole steps; 0 when nothing is."""
    return round_cash(max(0, total_minor - paid_otherwise_minor), rounding)


def settle(total_minor: int, payments: Sequence[Payment], rounding: CashRounding = NO_ROUNDING) -> Settlement:
    """Rounding and change of a sale: total + rounding = Σ payments − change.

    Whatever is not cash pays first and exactly; the rest is rounded when there is cash among the payments (of nothing,
    too: a total of 0.30 that rounds to 0 is paid with no coin). Raises InvalidInput when the payments do not cover the
    total, or when other methods than cash exceed it.
    """
    if total_minor > TOTAL_MINOR_MAX:
        raise InvalidInput(f"The total {total_minor} is larger than {TOTAL_MINOR_MAX}.")
    cash = sum(payment.amount_minor for payment in payments if payment.method == CASH)
    otherwise = sum(payment.amount_minor for payment in payments if payment.method != CASH)
    if otherwise > total_minor:
        raise InvalidInput(
            f"The payments come to {otherwise + cash}, the total is {total_minor}; only cash can exceed it.",
            "Lower the payment that is not cash.",
        )
    due = total_minor - otherwise
    is_cash = any(payment.method == CASH for payment in payments)
    due_rounded = round_cash(due, rounding) if is_cash else due
    if cash < due_rounded:
        rounded_total = otherwise + due_rounded
        raise InvalidInput(f"The payments come to {otherwise + cash}, the total is {rounded_total}.", "Add a payment.")
    return Settlement(due_rounded - due, cash - due_rounded)


def parse_cash_rounding(text: str) -> dict[str, CashRounding]:
    """`RUB=100:client CHF=5` as the rounding of each currency; the mode is `nearest` when none is given.

    Raises InvalidInput.
    """
    found: dict[str, CashRounding] = {}
    for part in text.replace(",", " ").split():
        currency, _, rule = part.partition("=")
        digits, _, mode = rule.partition(":")
        found[require_currency(currency)] = CashRounding(_increment(digits, part), _mode(mode, part))
    return found


def _increment(digits: str, part: str) -> int:
    increment = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 7 else 0
    if not 1 <= increment <= INCREMENT_MINOR_MAX:
        raise InvalidInput(
            f"“{shorten(part)}” gives no step between 1 and {INCREMENT_MINOR_MAX} minor units.",
            "Write RUB=100:client to round to whole roubles in the client's favour.",
        )
    return increment


def _mode(text: str, part: str) -> RoundingMode:
    try:
        return RoundingMode(text or RoundingMode.NEAREST)
    except ValueError:
        modes = ", ".join(RoundingMode)
        raise InvalidInput(f"“{shorten(part)}” names no way of rounding.", f"There are: {modes}.") from None
