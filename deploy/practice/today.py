"""Which of the planned events have happened by now: all of the days before, and of today what a till open since the
morning has done. Contains no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from deploy.practice.plan import CloseShift, Event, GiveBack, OpenShift, Sell

SALES_TODAY_MIN = 6
"""However early it is, the open shift has so many receipts, if that many were planned."""

_LEAST_SECONDS = 120
"""What lies between the last event and now: nothing must come from the future."""


def until_now(events: Sequence[Event], today: date, now_second: int) -> list[Event]:
    """The events up to this second of today, whose tills stay open.

    Early in the day the first sales are put between midnight and now, so that a shift is always there to look at.
    """
    day = today.isoformat()
    before = [event for event in events if event.at[:10] < day]
    of_today = [event for event in events if event.at[:10] == day and not isinstance(event, CloseShift)]
    limit = _at(day, max(0, now_second - _LEAST_SECONDS))
    happened = [event for event in of_today if event.at <= limit]
    if sum(isinstance(event, Sell) for event in happened) >= SALES_TODAY_MIN:
        return before + happened
    return before + _early(of_today, day, max(0, now_second - _LEAST_SECONDS))


def _early(of_today: Sequence[Event], day: str, limit: int) -> list[Event]:
    """The first till, and the first sales at it, evenly over the time that there was; a few seconds at midnight."""
    opened = next(event for event in of_today if isinstance(event, OpenShift))
    wanted = [event for event in of_today if isinstance(event, Sell)][:SALES_TODAY_MIN]
    begin = min(limit, 8 * 3_600) if limit > 8 * 3_600 else max(0, limit - 3_600)
    step = (limit - begin) // (len(wanted) + 1)
    moved: list[Event] = [replace(opened, at=_at(day, begin))]
    for number, event in enumerate(wanted, 1):
        moved.append(replace(event, at=_at(day, begin + number * step), register=opened.register))
    return moved


def sums_of(events: Sequence[Event]) -> tuple[int, int]:
    """Receipts, and what their lines and rounding come to, in minor units."""
    sales = [event for event in events if isinstance(event, Sell)]
    return len(sales), sum(sale.net_minor + sale.rounding_minor for sale in sales)


def returns_of(events: Sequence[Event]) -> int:
    """Refunds by receipt."""
    return sum(isinstance(event, GiveBack) for event in events)


def _at(day: str, second: int) -> str:
    minutes, seconds = divmod(second, 60)
    return f"{day}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
