"""Value added tax as a part of prices that contain it, by line and by rate. Contains no rates.

The tax of a receipt is the sum of its lines' taxes: each line's is rounded once, to the minor unit, and is never
computed anew from a sum. A refund takes its share of the line's tax, so that lines, receipts and refunds always agree
(docs/decisions/0026-pricing.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shared.domain.proration import BASIS_POINTS, divide_half_even
from shared.errors import InvalidInput

VAT_RATE_BASIS_POINTS_MAX = 10_000
"""The largest rate: 100 %."""


class VatPart(NamedTuple):
    """What is sold at one rate. A rate of 0 is a rate; None means “without VAT”, which books keep apart."""

    rate_basis_points: int | None
    amount_minor: int
    vat_minor: int


class DatedVatRate(NamedTuple):
    """A rate and the days on which it counts, as days since 1970-01-01, both included; None is open."""

    code: str
    rate_basis_points: int | None
    valid_from: int | None
    valid_to: int | None


def vat_included(amount_minor: int, rate_basis_points: int | None) -> int:
    """The tax contained in an amount: amount × rate / (100 % + rate), rounded half to even; 0 without VAT.

    The formula is that of the Russian tax code, article 164 (4), and of Directive 2006/112/EC, article 78 read
    backwards: the price contains the tax. The amount may be negative; the tax then is too.
    """
    if not rate_basis_points:
        return 0
    return divide_half_even(amount_minor * rate_basis_points, BASIS_POINTS + rate_basis_points)


def summarise_vat(parts: Iterable[VatPart]) -> tuple[VatPart, ...]:
    """One part for each rate, the highest first and “without VAT” last; amounts and taxes are the lines' sums."""
    sums: dict[int | None, tuple[int, int]] = {}
    for rate, amount, vat in parts:
        amount_before, vat_before = sums.get(rate, (0, 0))
        sums[rate] = (amount_before + amount, vat_before + vat)
    rates = sorted(sums, key=lambda rate: -1 if rate is None else rate, reverse=True)
    return tuple(VatPart(rate, *sums[rate]) for rate in rates)


def rate_on(rates: Iterable[DatedVatRate], code: str, day: int) -> DatedVatRate | None:
    """The rate of that code on a day: the one that began last; None when no rate of the code covers the day."""
    found = [rate for rate in rates if rate.code == code and covers(rate.valid_from, rate.valid_to, day)]
    return max(found, key=lambda rate: (rate.valid_from is not None, rate.valid_from or 0), default=None)


def covers(valid_from: int | None, valid_to: int | None, day: int) -> bool:
    """Whether a period, open where it is None and with both ends included, has the day in it."""
    return (valid_from is None or valid_from <= day) and (valid_to is None or day <= valid_to)


def require_vat_rate(rate_basis_points: int | None) -> int | None:
    """A rate from 0 to 100 %, or None for “without VAT”. Raises InvalidInput."""
    if rate_basis_points is not None and not 0 <= rate_basis_points <= VAT_RATE_BASIS_POINTS_MAX:
        raise InvalidInput("A VAT rate lies between 0 and 100 %.", "Write 20 % as 2000 basis points.")
    return rate_basis_points
