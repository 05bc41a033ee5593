"""When a report is due: every day, on days of the week or on a day of the month, at a time of the chain's zone.

As a text: `daily 08:00`, `weekly 1,5 08:00` (Monday is 1), `monthly 1 08:00`, `monthly last 08:00`. A day of the month
that a month does not have is its last one. A time that a clock change skips or repeats is due once.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.business_time import local_moment, require_zone, to_us
from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

LAST_DAY: Final = 31
DAYS_LOOKED_AT_MAX: Final = 62
"""How many days back or ahead the next run of any schedule lies at most."""

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_HINT = "Write it as daily 08:00, weekly 1,5 08:00, monthly 1 08:00 or monthly last 08:00."


class Rhythm(StrEnum):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Schedule(NamedTuple):
    """`days` are days of the week from 1, Monday, or one day of the month, 31 being the last; none for daily."""

    rhythm: Rhythm
    days: tuple[int, ...]
    minute: int

    @property
    def clock(self) -> str:
        """`08:00`"""
        return f"{self.minute // 60:02}:{self.minute % 60:02}"

    def __str__(self) -> str:
        match self.rhythm:
            case Rhythm.DAILY:
                return f"daily {self.clock}"
            case Rhythm.WEEKLY:
                return f"weekly {','.join(map(str, self.days))} {self.clock}"
            case Rhythm.MONTHLY:
                return f"monthly {'last' if self.days == (LAST_DAY,) else self.days[0]} {self.clock}"

    def is_on(self, day: date) -> bool:
        """Whether it is due on that day."""
        match self.rhythm:
            case Rhythm.DAILY:
                return True
            case Rhythm.WEEKLY:
                return day.isoweekday() in self.days
            case Rhythm.MONTHLY:
                return day.day == min(self.days[0], monthrange(day.year, day.month)[1])


def parse_schedule(text: str) -> Schedule:
    """Raises InvalidInput."""
    words = text.split()
    if not words or words[0] not in list(Rhythm) or len(words) != (2 if words[0] == Rhythm.DAILY else 3):
        raise InvalidInput(f"“{shorten(text)}” is no schedule.", _HINT)
    rhythm = Rhythm(words[0])
    clock = _CLOCK.fullmatch(words[-1])
    if clock is None:
        raise InvalidInput(f"“{shorten(words[-1])}” is no time of the day.", "Write it as 08:00.")
    minute = int(clock[1]) * 60 + int(clock[2])
    return Schedule(rhythm, () if rhythm is Rhythm.DAILY else _days(rhythm, words[1]), minute)


def _days(rhythm: Rhythm, text: str) -> tuple[int, ...]:
    if rhythm is Rhythm.MONTHLY and text == "last":
        return (LAST_DAY,)
    days = text.split(",")
    most = 7 if rhythm is Rhythm.WEEKLY else LAST_DAY
    if not all(day.isascii() and day.isdigit() and len(day) <= 2 and 1 <= int(day) <= most for day in days):
        what = "Days of the week are 1 to 7, Monday first." if rhythm is Rhythm.WEEKLY else "A day is 1 to 31, or last."
        raise InvalidInput(f"“{shorten(text)}” names no such days.", what)
    found = tuple(sorted({int(day) for day in days}))
    if rhythm is Rhythm.MONTHLY and len(found) != 1:
        raise InvalidInput("A monthly report is due on one day.", _HINT)
    return found


def last_due_us(schedule: Schedule, now_us: int, zone: str) -> int | None:
    """The latest moment until now when it was due; None before there was any."""
    today = local_moment(now_us, zone).business_date
    for back in range(DAYS_LOOKED_AT_MAX):
        due_us = _due_on(schedule, today - timedelta(days=back), zone)
        if due_us is not None and due_us <= now_us:
            return due_us
    return None


def next_due_us(schedule: Schedule, now_us: int, zone: str) -> int | None:
    """The first moment after now when it will be due."""
    today = local_moment(now_us, zone).business_date
    for ahead in range(DAYS_LOOKED_AT_MAX):
        due_us = _due_on(schedule, today + timedelta(days=ahead), zone)
        if due_us is not None and due_us > now_us:
            return due_us
    return None


def _due_on(schedule: Schedule, day: date, zone: str) -> int | None:
    if not schedule.is_on(day):
        return None
    return to_us(datetime.combine(day, time(schedule.minute // 60, schedule.minute % 60), require_zone(zone)))
