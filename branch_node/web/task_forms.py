"""A task's form: what it shows of a task, and what was typed into it that differs from what was shown.

Only what somebody changed is sent on: what a colleague changed meanwhile stays. Contains no views.
"""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request

from branch_node.operations.client_access import require_open
from branch_node.operations.client_search import FoundClient, find_at_till
from branch_node.operations.tasks import Task
from branch_node.web.context import context_of
from branch_node.web.people import signed_in
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.repeating import Repeat, Unit, make_repeat
from shared.domain.tasks import local_day, minute_of_day, parse_due, parse_remind_minutes
from shared.errors import InvalidInput
from shared.web.security import form_of, text_of

_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title",),
    "type": ("type",),
    "note": ("note",),
    "assignee_id": ("assignee",),
    "due": ("day", "time"),
    "repeat": ("repeat", "every", "weekdays", "month_day"),
    "remind_minutes": ("remind",),
}
"""The fields of the form behind each thing that is said of a task."""

NUMBER_DIGITS_MAX: Final = 4
SIGNS_OF_FORM_MAX: Final = 20_000


def texts_of(task: Task) -> dict[str, str]:
    """What the form of a task shows, by the names of its fields."""
    due, rule = task.due, task.repeat
    minute = minute_of_day(due.at_us, task.zone) if due and due.has_time else None
    return {
        "title": task.title,
        "type": task.type,
        "note": task.note,
        "assignee": format_id(task.assignee_id) if task.assignee_id else "",
        "day": local_day(due.at_us, task.zone).isoformat() if due else "",
        "time": "" if minute is None else f"{minute // 60:02}:{minute % 60:02}",
        "repeat": rule.unit.value if rule else "",
        "every": str(rule.every) if rule else "1",
        "weekdays": ",".join(map(str, rule.days)) if rule and rule.unit is Unit.WEEKLY else "",
        "month_day": str(rule.days[0]) if rule and rule.unit is Unit.MONTHLY and rule.days else "",
        "remind": "" if task.remind_minutes is None else str(task.remind_minutes),
    }


def texts_typed(request: Request) -> dict[str, str]:
    """What the form sent, by the same names."""
    names = [name for group in _GROUPS.values() for name in group if name != "weekdays"]
    days = [value for value in form_of(request).getlist("weekday") if isinstance(value, str)]
    # As a text area gives lines back.
    return {**{name: text_of(request, name).replace("\r\n", "\n") for name in names}, "weekdays": ",".join(days)}


def fields_typed(request: Request, zone: str, *, is_new: bool = False) -> dict[str, Any]:
    """What was typed, as operations take it; of a task that is there, only what differs from what the page showed.

    Raises InvalidInput.
    """
    typed, shown = texts_typed(request), {} if is_new else _shown_before(request)
    fields: dict[str, Any] = {}
    for field, names in _GROUPS.items():
        if any(name not in shown or typed[name] != shown[name] for name in names):
            fields[field] = _value(field, typed, zone)
    return fields


def client_typed(request: Request) -> tuple[bytes | None, list[FoundClient]]:
    """The client of a new task: chosen, or found by what was typed. Several found ones are to be chosen from.

    Raises InvalidInput when nobody is found.
    """
    chosen, text = text_of(request, "client"), text_of(request, "client_text")
    if is_id(chosen):
        require_choice(request, parse_id(chosen))
        return parse_id(chosen), []
    if not text:
        return None, []
    found = find_at_till(context_of(request).store, signed_in(request), text)
    if not found:
        raise InvalidInput("No client is found so.", "Type the end of the phone, or a part of the name.")
    return (parse_id(found[0].reference), []) if len(found) == 1 else (None, found)


def require_choice(request: Request, client_id: bytes) -> None:
    """Raises NotPermitted unless the client is open to whoever asks, or was found for them by what was typed."""
    store, actor, text = context_of(request).store, signed_in(request), text_of(request, "client_text")
    found = find_at_till(store, actor, text) if text else []
    if format_id(client_id) not in {each.reference for each in found}:
        require_open(store, actor, client_id)


def _shown_before(request: Request) -> dict[str, str]:
    held = text_of(request, "was")
    try:
        shown = json.loads(held) if len(held) <= SIGNS_OF_FORM_MAX else {}
    except ValueError:
        return {}
    return shown if isinstance(shown, dict) else {}


def _value(field: str, typed: dict[str, str], zone: str) -> Any:
    match field:
        case "assignee_id":
            return parse_id(typed["assignee"]) if is_id(typed["assignee"]) else None
        case "due":
            return parse_due(typed["day"], typed["time"], zone)
        case "repeat":
            return _repeat(typed)
        case "remind_minutes":
            return parse_remind_minutes(typed["remind"])
    return typed[field]


def _repeat(typed: dict[str, str]) -> Repeat | None:
    unit = typed["repeat"]
    if not unit:
        return None
    texts = (
        {Unit.WEEKLY: typed["weekdays"].split(","), Unit.MONTHLY: [typed["month_day"]]}.get(Unit(unit), [])
        if (unit in set(Unit))
        else []
    )
    return make_repeat(unit, _number(typed["every"]), tuple(_number(text) for text in texts if text))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX else 0
