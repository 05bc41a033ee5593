"""Periods by name, and the period that one is compared with. Business dates, both ends included."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

MONTHS_PER_YEAR = 12
_DAY = timedelta(days=1)


class Period(NamedTuple):
    """From the first day to the last, both included; None is open."""

    first: date | None
    last: date | None


class Compare(StrEnum):
    """With what a period is compared."""

    PREVIOUS = "previous"
    LAST_YEAR = "last-year"


def _month(year: int, month: int, count: int = 1) -> Period:
    """Whole months from one on; `month` may lie outside 1 to 12 and is carried over."""
    first = _shift_months(date(year, 1, 1), month - 1)
    return Period(first, _shift_months(first, count) - _DAY)


def _quarter(today: date, back: int) -> Period:
    return _month(today.year, (today.month - 1) // 3 * 3 + 1 - 3 * back, 3)


def _week(today: date, back: int) -> Period:
    monday = today - timedelta(days=today.weekday() + 7 * back)
    return Period(monday, monday + timedelta(days=6))


def _days(today: date, count: int) -> Period:
    """The last whole days, today not among them."""
    return Period(today - timedelta(days=count), today - _DAY)


PRESETS: dict[str, Callable[[date], Period]] = {
    "today": lambda today: Period(today, today),
    "yesterday": lambda today: Period(today - _DAY, today - _DAY),
    "this-week": lambda today: _week(today, 0),
    "last-week": lambda today: _week(today, 1),
    "this-month": lambda today: _month(today.year, today.month),
    "last-month": lambda today: _month(today.year, today.month - 1),
    "this-quarter": lambda today: _quarter(today, 0),
    "last-quarter": lambda today: _quarter(today, 1),
    "this-year": lambda today: _month(today.year, 1, MONTHS_PER_YEAR),
    "last-year": lambda today: _month(today.year - 1, 1, MONTHS_PER_YEAR),
    "last-7-days": lambda today: _days(today, 7),
    "last-28-days": lambda today: _days(today, 28),
    "last-90-days": lambda today: _days(today, 90),
    "last-365-days": lambda today: _days(today, 365),
}
"""Periods by name, from the day it is. A week begins on Monday; `last-N-days` ends yesterday."""


def named_period(name: str, today: date) -> Period:
    """Raises InvalidInput."""
    if name not in PRESETS:
        raise InvalidInput(f"There is no period “{shorten(name)}”.", f"There are: {', '.join(PRESETS)}.")
    return PRESETS[name](today)


def is_whole_months(first: date, last: date) -> bool:
    """Whether a period begins with a month and ends with one."""
    return first.day == 1 and last.day == monthrange(last.year, last.month)[1]


def shifted(day: date, first: date, last: date, compare: Compare, direction: int) -> date:
    """A day of the period as the day of the other that it is compared with; `direction` is -1 for back, 1 for forth.

    The previous period of whole months is as many whole months, of others as many days; a year is a calendar year,
    and 29 February is compared with 28 February.
    """
    if compare == Compare.LAST_YEAR:
        return _shift_months(day, direction * MONTHS_PER_YEAR)
    if is_whole_months(first, last):
        return _shift_months(day, direction * _months_of(first, last))
    return day + direction * (last - first + _DAY)


def compared_period(first: date, last: date, compare: Compare) -> tuple[date, date]:
    """The period that this one is compared with."""
    start = shifted(first, first, last, compare, -1)
    if compare == Compare.PREVIOUS:
        return start, first - _DAY
    end = shifted(last, first, last, compare, -1)
    ends_month = last.day == monthrange(last.year, last.month)[1]
    return start, end.replace(day=monthrange(end.year, end.month)[1]) if ends_month else end


def months_back(day: date, months: int) -> str:
    """The month that many months before a day's own, as `YYYY-MM`."""
    return _shift_months(day.replace(day=1), -months).isoformat()[:7]


def shifted_month(month: str, first: date, last: date, compare: Compare, direction: int) -> str:
    """The same for a month, as `YYYY-MM`."""
    day = date(int(month[:4]), int(month[5:7]), 1)
    months = _months_of(first, last) if compare == Compare.PREVIOUS else MONTHS_PER_YEAR
    return _shift_months(day, direction * months).isoformat()[:7]


def _months_of(first: date, last: date) -> int:
    return (last.year - first.year) * MONTHS_PER_YEAR + last.month - first.month + 1


def _shift_months(day: date, months: int) -> date:
    year, month = divmod(day.year * MONTHS_PER_YEAR + day.month - 1 + months, MONTHS_PER_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
