"""What tasks are called on pages: kinds, states, lists, days, and how one repeats, as people say it."""

from __future__ import annotations

from typing import Final

from branch_node.operations.tasks import Task
from shared.domain.repeating import Repeat, Unit
from shared.domain.tasks import Due, Snooze, TaskState, When, local_day
from shared.web.formats import format_date, format_moment
from shared.web.translations import LazyText, gettext
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _

STATES: Final[dict[str, LazyText]] = {
    TaskState.OPEN: _("to be done"),
    TaskState.IN_PROGRESS: _("under way"),
    TaskState.WAITING: _("waiting for somebody"),
    TaskState.DONE: _("done"),
    TaskState.CANCELLED: _("cancelled"),
}
LISTS: Final[dict[str, LazyText]] = {
    When.OVERDUE: _("Overdue"),
    When.TODAY: _("Today"),
    When.LATER: _("Later"),
    When.UNDATED: _("No date"),
}
SNOOZES: Final[dict[str, LazyText]] = {
    Snooze.QUARTER: _("15 minutes"),
    Snooze.HOUR: _("An hour"),
    Snooze.TOMORROW: _("Until tomorrow, 9:00"),
    Snooze.NEXT_WEEK: _("Until Monday, 9:00"),
}
UNITS: Final[dict[str, LazyText]] = {
    Unit.DAILY: _("every day"),
    Unit.WEEKLY: _("every week"),
    Unit.MONTHLY: _("every month"),
}
WEEKDAYS: Final[dict[int, LazyText]] = {
    1: _("Mon"),
    2: _("Tue"),
    3: _("Wed"),
    4: _("Thu"),
    5: _("Fri"),
    6: _("Sat"),
    7: _("Sun"),
}
REMINDERS: Final[tuple[tuple[str, LazyText], ...]] = (
    ("", _("no reminder")),
    ("0", _("when its time comes")),
    ("5", _("5 minutes before")),
    ("15", _("15 minutes before")),
    ("60", _("an hour before")),
    ("1440", _("a day before")),
)
FIELDS: Final[dict[str, LazyText]] = {
    "title": _("What is to be done"),
    "type": _("Kind"),
    "note": _("Note"),
    "client_id": _("Client"),
    "assignee_id": _("Who does it"),
    "due_at": _("Due"),
    "repeat": _("Repeats"),
    "snoozed_until": _("Put off until"),
    "remind_minutes": _("Reminder"),
    "state": _("State"),
    "outcome": _("What came of it"),
    "archived": _("Taken back"),
}
"""Fields whose edits are shown; the others follow from them."""


def say_due(due: Due | None, zone: str) -> str:
    """A day, with its time when that counts; empty for a task without a day."""
    if due is None:
        return ""
    return format_moment(due.at_us, zone) if due.has_time else format_date(local_day(due.at_us, zone))


def say_put_off(task: Task) -> str:
    """Until when a task is put off, when that is what counts."""
    is_put_off = task.snoozed_until_us is not None and task.snoozed_until_us == task.next_us
    return format_moment(task.snoozed_until_us or 0, task.zone) if is_put_off else ""


def say_repeat(rule: Repeat | None) -> str:
    """`every 2 weeks: Mon, Thu`; empty for none."""
    if rule is None:
        return ""
    said = str(UNITS[rule.unit]) if rule.every == 1 else str(_every(rule))
    if rule.unit is Unit.WEEKLY and rule.days:
        return f"{said}: {', '.join(str(WEEKDAYS[day]) for day in rule.days)}"
    if rule.unit is Unit.MONTHLY and rule.days:
        day = gettext("on day %(day)s") % {"day": rule.days[0]}
        return f"{said}: {day}"
    return said


def _every(rule: Repeat) -> LazyText:
    match rule.unit:
        case Unit.DAILY:
            return plural("every %(count)s day", "every %(count)s days", rule.every)
        case Unit.WEEKLY:
            return plural("every %(count)s week", "every %(count)s weeks", rule.every)
        case Unit.MONTHLY:
            return plural("every %(count)s month", "every %(count)s months", rule.every)


def say_reminder(minutes: int | None) -> str:
    """How long before a task reminds."""
    known = {value: text for value, text in REMINDERS if value}
    if minutes is None:
        return str(REMINDERS[0][1])
    return str(known.get(str(minutes)) or gettext("%(count)s minutes before") % {"count": minutes})
