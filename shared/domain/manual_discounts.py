"""Discounts and prices that a person gives at the till, and whether the person's role may give them."""

from __future__ import annotations

from typing import NamedTuple

from shared.domain.money import AMOUNT_MINOR_MAX
from shared.domain.percentages import format_percent
from shared.domain.proration import BASIS_POINTS, share_of
from shared.errors import InvalidInput, Refused


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


def is_within_limit(given_minor: int, base_minor: int, role_limit_basis_points: int) -> bool:
    """Whether a role may take so much off an amount. The limit is rounded up: its own percentage is always allowed."""
    return given_minor <= limit_minor(base_minor, role_limit_basis_points)


def limit_minor(base_minor: int, role_limit_basis_points: int) -> int:
    """The most that a role may take off an amount, rounded up to the minor unit."""
    return -(-base_minor * role_limit_basis_points // BASIS_POINTS)


def limit_check(discount: ManualDiscount, role_limit_basis_points: int, base_minor: int) -> None:
    """Raises Refused when the discount on that amount (what promotions left) is more than the role may give."""
    given = manual_amount(discount, base_minor)
    if discount.rate_basis_points is not None:
        within = discount.rate_basis_points <= role_limit_basis_points
    else:
        within = is_within_limit(given, base_minor, role_limit_basis_points)
    if not within:
        raise refusal(role_limit_basis_points)


def refusal(role_limit_basis_points: int) -> Refused:
    """The error of a discount that is too large for the role."""
    limit = format_percent(role_limit_basis_points)
    return Refused(f"This discount is larger than the {limit} that may be given here.", "Ask somebody who may.")
