"""Discounts that a person gives at the till, and what they take off. Contains no limits of roles."""

from __future__ import annotations

from typing import NamedTuple

from shared.domain.money import AMOUNT_MINOR_MAX
from shared.domain.proration import BASIS_POINTS, share_of
from shared.errors import InvalidInput


class ManualDiscount(NamedTuple):
    """A percentage or an amount, on a line or the whole basket; who gives it and why. One of the first two is set."""

    rate_basis_points: int | None = None
    amount_minor: int | None = None
    given_by: str = ""
    why: str = ""


def manual_amount(discount: ManualDiscount, base_minor: int) -> int:
    """What the discount takes off an amount: at most all of it. Raises InvalidInput when it is no discount."""
    rate, amount = discount.rate_basis_points, discount.amount_minor
    if (rate is None) == (amount is None):
        raise InvalidInput("A manual discount is a percentage or an amount.", "Give one of the two.")
    if rate is not None:
        if not 0 <= rate <= BASIS_POINTS:
            raise InvalidInput("A discount lies between 0 and 100 %.")
        return share_of(base_minor, rate)
    assert amount is not None
    if not 0 <= amount <= AMOUNT_MINOR_MAX:
        raise InvalidInput("A discount is 0 or more minor units.")
    return min(amount, base_minor)
