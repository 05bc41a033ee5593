"""The prices of a product as a calendar, zone by zone: which holds today, which are to come, which are over.

Of one zone the price that began last counts (docs/decisions/0026-pricing.md), so a price with a last day stands before
the usual one while it lasts, and the usual one holds again after. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from hq_server.operations.products import PriceRow


class PriceState(StrEnum):
    """`behind` covers today, and another that began later counts instead."""

    NOW = "now"
    COMING = "coming"
    BEHIND = "behind"
    PAST = "past"


class PricePeriod(NamedTuple):
    """A price; `again_from` is the day, since 1970-01-01, from which one that is behind holds again, if it does."""

    row: PriceRow
    state: PriceState
    again_from: int | None = None


class ZonePrices(NamedTuple):
    """The prices of a zone, "" being everywhere: today's, those to come, those behind, the past ones, latest first."""

    zone: str
    periods: tuple[PricePeriod, ...]

    @property
    def current(self) -> tuple[PricePeriod, ...]:
        """All but the past."""
        return tuple(each for each in self.periods if each.state is not PriceState.PAST)

    @property
    def past(self) -> tuple[PricePeriod, ...]:
        return tuple(each for each in self.periods if each.state is PriceState.PAST)


def calendar_of(prices: Sequence[PriceRow], today: int) -> list[ZonePrices]:
    """By zone, everywhere first."""
    found = []
    for zone in sorted({row.zone for row in prices}):
        rows = [row for row in prices if row.zone == zone]
        holding = _holding(rows, today)
        periods = [_period(row, rows, holding, today) for row in rows]
        found.append(ZonePrices(zone, tuple(sorted(periods, key=_order))))
    return found


def _period(row: PriceRow, rows: Sequence[PriceRow], holding: PriceRow | None, today: int) -> PricePeriod:
    if row == holding:
        return PricePeriod(row, PriceState.NOW)
    if row.valid_from is not None and row.valid_from > today:
        return PricePeriod(row, PriceState.COMING)
    if row.valid_to is not None and row.valid_to < today:
        return PricePeriod(row, PriceState.PAST)
    # It covers today and later days: it holds again on the first day after another's end on which it counts.
    ends = sorted(each.valid_to + 1 for each in rows if each.valid_to is not None and each.valid_to >= today)
    again = next((day for day in ends if _holding(rows, day) == row), None)
    return PricePeriod(row, PriceState.PAST if again is None else PriceState.BEHIND, again)


def _holding(rows: Sequence[PriceRow], day: int) -> PriceRow | None:
    """The price that counts on a day, as a till reads it."""
    covering = [
        row
        for row in rows
        if (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or day <= row.valid_to)
    ]
    # A till orders open beginnings before every day, and equal ones by id.
    return max(covering, key=lambda row: (row.valid_from is not None, row.valid_from or 0, row.price_id), default=None)


def _order(period: PricePeriod) -> tuple[int, int]:
    first = period.row.valid_from or 0
    states = list(PriceState)
    return states.index(period.state), first if period.state is PriceState.COMING else -first
