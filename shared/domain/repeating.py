"""How a task repeats: daily, weekly on days, monthly by day; every so many. Contains no storage and no clock.

A rule is a short text on the card: `daily`, `daily/3`, `weekly/2:1,4` (Monday and Thursday of every second week),
`monthly:31` (in a short month its last day); `@02:30` at its end is the time of the day, kept because a clock change
may move one occurrence and must not move those after it.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.identifiers import shorten
from shared.domain.tasks import Due, due_at, due_on, is_within_era, local_day, minute_of_day
from shared.errors import InvalidInput

EVERY_MAX: Final = 365
_RULE: Final = re.compile(
    r"(daily|weekly|monthly)(?:/(\d{1,3}))?(?::(\d{1,2}(?:,\d{1,2}){0,6}))?(?:@(\d{2}):(\d{2}))?", re.ASCII
)


class Unit(StrEnum):
    """What is counted."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Repeat(NamedTuple):
    """A rule. `days` are of the week (1 is Monday) or the one of the month; `minute` is of the day, if that counts."""

    unit: Unit
    every: int = 1
    days: tuple[int, ...] = ()
    minute: int | None = None

    def __str__(self) -> str:
        every = f"/{self.every}" if self.every > 1 else ""
        days = f":{','.join(map(str, self.days))}" if self.days else ""
        time = "" if self.minute is None else f"@{self.minute // 60:02}:{self.minute % 60:02}"
        return f"{self.unit}{every}{days}{time}"


def make_repeat(unit: str, every: int, days: tuple[int, ...]) -> Repeat:
    """A rule of what people chose, days sorted. Raises InvalidInput."""
    if unit not in set(Unit):
        raise _no_rule(unit)
    if not 1 <= every <= EVERY_MAX:
        raise InvalidInput(f"A task repeats every 1 to {EVERY_MAX} days, weeks or months.", "Write another number.")
    kept = tuple(sorted(set(days)))
    last = {Unit.DAILY: 0, Unit.WEEKLY: 7, Unit.MONTHLY: 31}[Unit(unit)]
    if any(not 1 <= day <= last for day in kept) or (unit == Unit.MONTHLY and len(kept) > 1):
        raise InvalidInput("These days cannot be repeated on.", "Choose days of the week, or one of the month.")
    return Repeat(Unit(unit), every, kept)


def parse_repeat(text: str) -> Repeat:
    """A rule from its text. Raises InvalidInput."""
    found = _RULE.fullmatch(text)
    if found is None or (found[4] and (int(found[4]) > 23 or int(found[5]) > 59)):
        raise _no_rule(text)
    days = tuple(int(day) for day in found[3].split(",")) if found[3] else ()
    rule = make_repeat(found[1], int(found[2] or 1), days)
    return rule._replace(minute=int(found[4]) * 60 + int(found[5])) if found[4] else rule


def _no_rule(text: str) -> InvalidInput:
    return InvalidInput(
        f"“{shorten(text)}” is no way to repeat.",
        "Write daily, weekly:1,4 (Monday and Thursday), or monthly:31; daily/2 is every second day.",
    )


def repeat_of(text: str | None) -> Repeat | None:
    """The rule that a card holds; none when it holds none, or one of a newer release."""
    try:
        return parse_repeat(text) if text else None
    except InvalidInput:
        return None


def anchored(rule: Repeat, due: Due, zone: str) -> Repeat:
    """The rule with what the first occurrence says: its weekday or day of the month, unless chosen, and its time."""
    day, minute = local_day(due.at_us, zone), minute_of_day(due.at_us, zone) if due.has_time else None
    given = {Unit.DAILY: (), Unit.WEEKLY: (day.isoweekday(),), Unit.MONTHLY: (day.day,)}[rule.unit]
    return rule._replace(days=rule.days or given, minute=minute)


def next_due(rule: Repeat, due: Due, zone: str) -> Due | None:
    """The occurrence after the one that is due then, whenever that one was done; none after the last year."""
    day = next_day(rule, local_day(due.at_us, zone))
    if not is_within_era(day):
        return None
    if not due.has_time:
        return due_on(day, zone)
    minute = minute_of_day(due.at_us, zone) if rule.minute is None else rule.minute
    return due_at(day, minute, zone)


def next_day(rule: Repeat, day: date) -> date:
    """The next day of the rule after one of its days."""
    match rule.unit:
        case Unit.DAILY:
            return day + timedelta(days=rule.every)
        case Unit.WEEKLY:
            return _next_in_weeks(rule, day)
        case Unit.MONTHLY:
            return _next_in_months(rule, day)


def _next_in_weeks(rule: Repeat, day: date) -> date:
    days = rule.days or (day.isoweekday(),)
    later = [each for each in days if each > day.isoweekday()]
    if later:
        return day + timedelta(days=later[0] - day.isoweekday())
    monday = day - timedelta(days=day.weekday()) + timedelta(weeks=rule.every)
    return monday + timedelta(days=days[0] - 1)


def _next_in_months(rule: Repeat, day: date) -> date:
    wanted = rule.days[0] if rule.days else day.day
    months = day.year * 12 + day.month - 1
    # A first occurrence before the rule's day: the same month still has it.
    ahead = 0 if _in_month(months, wanted) > day else rule.every
    return _in_month(months + ahead, wanted)


def _in_month(months: int, wanted: int) -> date:
    year, month = divmod(months, 12)
    return date(year, month + 1, min(wanted, calendar.monthrange(year, month + 1)[1]))
