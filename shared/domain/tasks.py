"""Tasks: what kinds there are, what may become of one, when it is due and when it asks for attention.

A task is due in the zone of its branch. `due_at` is the moment from which on it is overdue: its time, or, of a task
that has a day alone, the last microsecond of that day. Contains no storage and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from shared.domain.business_time import (
    EARLIEST_YEAR,
    LATEST_US,
    LATEST_YEAR,
    MICROSECONDS,
    LocalMoment,
    local_moment,
    parse_date,
    parse_local,
)
from shared.domain.identifiers import is_encodable, shorten
from shared.errors import InvalidInput, Refused

TITLE_CHARACTERS_MAX: Final = 200
NOTE_CHARACTERS_MAX: Final = 2_000
OUTCOME_CHARACTERS_MAX: Final = 500
REASON_CHARACTERS_MAX: Final = 300
"""Of why a client has no next step."""

REMIND_MINUTES_MAX: Final = 7 * 24 * 60
SNOOZED_DAYS_MAX: Final = 366
MORNING_HOUR: Final = 9
"""When a task of a whole day reminds of itself, and until when one is put off to another day."""

DAYS_KEPT_MAX: Final = 1_024
"""Days whose bounds are remembered."""

MINUTE_US: Final = 60 * MICROSECONDS
NO_DATE_US: Final = LATEST_US + 1
"""When a task without a day asks for attention: after every other."""

_MINUTES: Final = re.compile(r"\d{1,5}", re.ASCII)


class TaskType(StrEnum):
    """What is to be done. The value is what a card holds."""

    CALL = "call"
    VISIT = "visit"
    EMAIL = "email"
    MESSAGE = "message"
    SERVICE_REQUEST = "service_request"
    OTHER = "other"


class TaskState(StrEnum):
    """How far it has come. The value is what a card holds."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to do."""
        return self in (TaskState.DONE, TaskState.CANCELLED)


_ANY_CLOSING: Final = frozenset({TaskState.DONE, TaskState.CANCELLED})
TRANSITIONS: Final[Mapping[TaskState, frozenset[TaskState]]] = {
    TaskState.OPEN: _ANY_CLOSING | {TaskState.IN_PROGRESS, TaskState.WAITING},
    TaskState.IN_PROGRESS: _ANY_CLOSING | {TaskState.OPEN, TaskState.WAITING},
    TaskState.WAITING: _ANY_CLOSING | {TaskState.OPEN, TaskState.IN_PROGRESS},
    TaskState.DONE: frozenset({TaskState.OPEN}),
    TaskState.CANCELLED: frozenset({TaskState.OPEN}),
}
"""What may become of a task in each state. What is closed is first reopened."""


class Due(NamedTuple):
    """When a task is due; `at_us` as the module says."""

    at_us: int
    has_time: bool


class When(StrEnum):
    """Where a task stands among the others; also the names of the lists."""

    OVERDUE = "overdue"
    TODAY = "today"
    LATER = "later"
    UNDATED = "undated"


class Snooze(StrEnum):
    """The spans that people choose from."""

    QUARTER = "15m"
    HOUR = "1h"
    TOMORROW = "tomorrow"
    NEXT_WEEK = "next_week"


_SPANS_US: Final = {Snooze.QUARTER: 15 * MINUTE_US, Snooze.HOUR: 60 * MINUTE_US}


def parse_type(value: str) -> TaskType:
    """Raises InvalidInput."""
    if value not in set(TaskType):
        raise InvalidInput(f"“{shorten(value)}” is no kind of task.", f"There are: {', '.join(TaskType)}.")
    return TaskType(value)


def state_of(value: object) -> TaskState:
    """A state as a card holds it; one of a newer release, or none, is open."""
    return TaskState(value) if isinstance(value, str) and value in set(TaskState) else TaskState.OPEN


def require_transition(before: TaskState, after: TaskState) -> None:
    """Raises Refused when a task in the one state may not come to the other."""
    if after in TRANSITIONS[before]:
        return
    if before.is_closed:
        raise Refused("This task is over already.", "Reopen it first.")
    raise Refused("The task stands so already.", "Look at what is there now.")


# The header of every page asks for today's.
@lru_cache(maxsize=DAYS_KEPT_MAX)
def day_bounds(day: date, zone: str) -> tuple[int, int]:
    """The first microsecond of a day in a zone, and that of the next day; the clock may have been changed between."""
    return _midnight(day, zone).at_us, _midnight(day + timedelta(days=1), zone).at_us


def due_on(day: date, zone: str) -> Due:
    """A task for a day, whatever the time. Raises InvalidInput outside the years that moments can have."""
    _require_era(day)
    return Due(day_bounds(day, zone)[1] - 1, has_time=False)


def due_at(day: date, minute_of_day: int, zone: str) -> Due:
    """A task for a time of a day; a time that the clock skips is as much later, one that it repeats is the first."""
    _require_era(day)
    return Due(_local(day, minute_of_day, zone).at_us, has_time=True)


def parse_due(day: str, time: str, zone: str) -> Due | None:
    """What people typed: `2026-11-30` and `14:30`; none without a day. Raises InvalidInput."""
    if not day:
        if time:
            raise InvalidInput("A task with a time needs a day as well.", "Choose the day, or clear the time.")
        return None
    parsed = parse_date(day, "The day")
    return due_at(parsed, parse_minute_of_day(time), zone) if time else due_on(parsed, zone)


def parse_minute_of_day(text: str) -> int:
    """`14:30` as minutes since midnight. Raises InvalidInput."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2})?", text, re.ASCII)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise InvalidInput(f"“{shorten(text)}” is not a time of day.", "Write it as 14:30.")
    return int(found[1]) * 60 + int(found[2])


def local_day(moment_us: int, zone: str) -> date:
    """The date of a moment in a zone."""
    return local_moment(moment_us, zone).business_date


def minute_of_day(moment_us: int, zone: str) -> int:
    """Minutes since midnight on the clock of a zone."""
    return local_moment(moment_us, zone).local_seconds % 86_400 // 60


def next_at_us(state: object, archived: bool, due_at_us: int | None, snoozed_until_us: int | None) -> int | None:
    """When a task asks for attention: when due, or later when it was put off. None for one that is closed.

    It is what lists are ordered by: a task is overdue from this moment on.
    """
    if archived or state_of(state).is_closed:
        return None
    known = [moment for moment in (due_at_us, snoozed_until_us) if moment is not None]
    return max(known, default=NO_DATE_US)


def when_of(next_us: int, now_us: int, zone: str) -> When:
    """In which list a task belongs now."""
    if next_us >= NO_DATE_US:
        return When.UNDATED
    if next_us < now_us:
        return When.OVERDUE
    return When.TODAY if next_us < end_of_day(now_us, zone) else When.LATER


def end_of_day(now_us: int, zone: str) -> int:
    """The first microsecond of tomorrow."""
    return day_bounds(local_day(now_us, zone), zone)[1]


def remind_at_us(due: Due | None, remind_minutes: int | None, snoozed_until_us: int | None, zone: str) -> int | None:
    """When a task says that its time comes: when it was put off to, else so many minutes before it is due.

    Of a task of a whole day they count from the morning. None when it says nothing.
    """
    if snoozed_until_us is not None and (due is None or not due.has_time or snoozed_until_us >= due.at_us):
        return snoozed_until_us
    if due is None or remind_minutes is None:
        return snoozed_until_us
    at_us = due.at_us
    if not due.has_time:
        at_us = _local(local_day(due.at_us, zone), MORNING_HOUR * 60, zone).at_us
    before = at_us - remind_minutes * MINUTE_US
    return before if snoozed_until_us is None else max(before, snoozed_until_us)


def parse_remind_minutes(text: str) -> int | None:
    """Minutes before; none when nothing is typed. Raises InvalidInput."""
    if not text:
        return None
    if not _MINUTES.fullmatch(text) or int(text) > REMIND_MINUTES_MAX:
        raise InvalidInput(f"A task reminds 0 to {REMIND_MINUTES_MAX} minutes before.", "Write a number of minutes.")
    return int(text)


def snoozed_until(choice: Snooze, now_us: int, zone: str) -> int:
    """The moment to which a task is put off. Other days begin in the morning; a week begins on Monday."""
    if choice in _SPANS_US:
        return now_us + _SPANS_US[choice]
    today = local_day(now_us, zone)
    days = 1 if choice is Snooze.TOMORROW else 7 - today.weekday()
    return _local(today + timedelta(days=days), MORNING_HOUR * 60, zone).at_us


def require_snooze(until_us: int, now_us: int) -> int:
    """The moment, if a task can be put off to it. Raises InvalidInput."""
    if until_us <= now_us:
        raise InvalidInput("A task is put off to a time that is still to come.", "Choose a later time.")
    if until_us > now_us + SNOOZED_DAYS_MAX * 24 * 60 * MINUTE_US:
        raise InvalidInput(f"A task is put off by at most {SNOOZED_DAYS_MAX} days.", "Give it another day instead.")
    return until_us


def require_text(text: str, characters_max: int) -> str:
    """A line or lines as people typed them, without spaces around. Raises InvalidInput."""
    cleaned = text.strip()
    if len(cleaned) > characters_max or "\0" in cleaned or not is_encodable(cleaned):
        raise InvalidInput("The text is too long or cannot be written.", f"At most {characters_max} characters.")
    return cleaned


def require_title(text: str) -> str:
    """What is to be done, in one line. Raises InvalidInput."""
    cleaned = require_text(" ".join(text.split()), TITLE_CHARACTERS_MAX)
    if not cleaned:
        raise InvalidInput("A task says what is to be done.", "Write a few words.")
    return cleaned


def _midnight(day: date, zone: str) -> LocalMoment:
    return _local(day, 0, zone)


def _local(day: date, minutes: int, zone: str) -> LocalMoment:
    text = f"{day.isoformat()}T{minutes // 60:02}:{minutes % 60:02}:00"
    return parse_local(text, zone, "The time")


def is_within_era(day: date) -> bool:
    """Whether a task can be due on that day, in any zone."""
    return EARLIEST_YEAR < day.year < LATEST_YEAR - 1


def _require_era(day: date) -> None:
    if not is_within_era(day):
        raise InvalidInput(f"A task cannot be due on {day.isoformat()}.", "Choose another day.")
