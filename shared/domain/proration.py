"""Dividing whole numbers so that nothing is lost: half to even, largest remainders, shares that sum to the whole."""

from __future__ import annotations

from collections.abc import Sequence

BASIS_POINTS = 10_000
"""One whole, in basis points."""


def divide_half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest whole number, a tie to the even one (IEEE 754, ISO 80000-1 rule B).

    The denominator is positive; the numerator may be negative.
    """
    whole, rest = divmod(numerator, denominator)
    doubled = rest * 2
    if doubled > denominator or (doubled == denominator and whole & 1):
        return whole + 1
    return whole


def share_of(amount: int, rate_basis_points: int) -> int:
    """So many basis points of the amount, rounded half to even."""
    return divide_half_even(amount * rate_basis_points, BASIS_POINTS)


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """The total in parts proportional to the weights, by largest remainder (Hamilton): the parts sum to it exactly.

    Total and weights are ≥ 0; of equal remainders the earlier one is served first. When the total is at most the
    weights' sum, no part is larger than its weight. Weights that sum to 0 take nothing, unless there is nothing else:
    then the first one takes all. Raises ValueError when a total has no weights.
    """
    if not weights:
        if total:
            raise ValueError("There is nothing to spread over.")
        return []
    whole = sum(weights)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    parts, remainders = [], []
    for weight in weights:
        part, rest = divmod(total * weight, whole)
        parts.append(part)
        remainders.append(rest)
    missing = total - sum(parts)
    if missing:
        for index in sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)[:missing]:
            parts[index] += 1
    return parts


def cumulative_share(amount: int, done: int, whole: int) -> int:
    """What part of the amount belongs to `done` of `whole`, rounded half to even: all of it when everything is done.

    Whoever takes the difference of two such shares at each step has taken exactly the amount at the end, whatever
    the steps were, and never more than it on the way. All three are ≥ 0 and done ≤ whole; of nothing, all is done.
    """
    if done >= whole:
        return amount
    return divide_half_even(amount * done, whole)
