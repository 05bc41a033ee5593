"""The form of a conversation: reading what was typed and chosen in it. Contains no rules about who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from starlette.requests import Request

from branch_node.operations.contacting import contact_of
from branch_node.operations.interactions import NextStep, Talk
from branch_node.web.context import context_of
from shared.domain.business_time import parse_local
from shared.domain.dictionaries import UNREACHED_CODES
from shared.domain.identifiers import is_id, parse_id
from shared.domain.interactions import Channel, Interaction, KeyPoint, format_duration, parse_duration
from shared.domain.tasks import Due, TaskState, TaskType, due_on, local_day, parse_due
from shared.errors import InvalidInput, NotFound
from shared.web.security import form_of, text_of
from shared.web.timeline_rows import REQUEST_STATES
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    Channel.CALL: frozenset({"direction", "contact", "reached", "outcome", "duration", "points", "told", "next"}),
    Channel.EMAIL: frozenset({"direction", "contact", "subject", "outcome", "points", "told", "next"}),
    Channel.MESSAGE: frozenset({"direction", "contact", "outcome", "points", "told", "next"}),
    Channel.VISIT: frozenset({"outcome", "points", "told", "next"}),
    Channel.SERVICE_REQUEST: frozenset({"direction", "subject", "state", "told", "next"}),
    Channel.NOTE: frozenset({"next"}),
}
"""Which parts of the form a conversation of each kind has."""

NEXT_DAYS: Final[Mapping[str, LazyText]] = {
    "1": _("tomorrow"),
    "3": _("in 3 days"),
    "7": _("in a week"),
    "30": _("in a month"),
}
NEXT_TITLES: Final[Mapping[str, LazyText]] = {
    TaskType.CALL: _("Call back"),
    TaskType.EMAIL: _("Write"),
    TaskType.MESSAGE: _("Write a message"),
    TaskType.VISIT: _("Visit"),
    TaskType.OTHER: _("See to it"),
}
FORM_FIELDS: Final = (
    "channel", "direction", "contact", "reached", "outcome", "duration", "subject", "body", "told", "quote", "state",
    "next", "next_day", "next_time", "next_type", "next_title", "task", "corrects", "at",
)  # fmt: skip


def id_in(text: str) -> bytes | None:
    """An id out of an address or a form; None without one. Raises NotFound."""
    if not text:
        return None
    if not is_id(text):
        raise NotFound("There is no such page.", "Go back, or begin at the first page.")
    return parse_id(text)


def talk_of_form(request: Request, client_id: bytes) -> Talk:
    """What the form says took place. Raises InvalidInput, NotFound."""
    channel = text_of(request, "channel") or Channel.CALL
    parts = TEMPLATES.get(channel)
    if parts is None:
        raise InvalidInput(
            "Say how you spoke with the client.", "Choose a call, a letter, a message, a visit or a note."
        )
    said = {name: text_of(request, name) if _part_of(name) in parts else "" for name in FORM_FIELDS}
    task_id = id_in(text_of(request, "task"))
    return Talk(
        client_id,
        channel,
        said["direction"] if said["direction"] in ("in", "out") else "",
        _contact(request, client_id, said["contact"]),
        _reached(said["reached"], said["outcome"], channel),
        said["outcome"],
        parse_duration(said["duration"]),
        said["subject"],
        text_of(request, "body"),
        said["told"],
        points_of_form(request) if "points" in parts else (),
        task_id,
        task_id is not None,
        id_in(text_of(request, "corrects")),
        _moment(request),
        step_of_form(request, channel),
    )


def step_of_form(request: Request, channel: str) -> NextStep | None:
    """The next step that the form plans; a request is one itself. Raises InvalidInput."""
    zone = context_of(request).store.node()[0].timezone
    due = _due(request, zone)
    if text_of(request, "corrects"):
        # What was planned with the wrong record stays planned.
        return None
    if channel == Channel.SERVICE_REQUEST:
        state = text_of(request, "state")
        return NextStep(
            text_of(request, "subject"),
            TaskType.SERVICE_REQUEST,
            due,
            text_of(request, "body")[:2_000],
            state if state in REQUEST_STATES else TaskState.OPEN,
        )
    if due is None and not text_of(request, "next_title"):
        return None
    kind = text_of(request, "next_type")
    kind = kind if kind in NEXT_TITLES else str(TaskType.CALL)
    return NextStep(text_of(request, "next_title") or str(NEXT_TITLES[kind]), kind, due)


def points_of_form(request: Request) -> tuple[KeyPoint, ...]:
    """The chips that are set, each with how it was said and in which words; and a quote by itself."""
    form = form_of(request)
    points = []
    for theme in _texts(form.getlist("theme")):
        points.append(KeyPoint(theme, "", text_of(request, f"how-t-{theme}"), text_of(request, f"said-t-{theme}")))
    for competitor in _texts(form.getlist("competitor")):
        about = text_of(request, f"about-c-{competitor}")
        points.append(
            KeyPoint(
                about, competitor, text_of(request, f"how-c-{competitor}"), text_of(request, f"said-c-{competitor}")
            )
        )
    quote = text_of(request, "quote")
    if quote:
        points.append(KeyPoint(quote=quote))
    return tuple(points)


def shown_fields(request: Request, corrected: Interaction | None, channel: str) -> dict[str, Any]:
    """What the form shows: what was typed when it is shown again, what is corrected, or nothing."""
    form = form_of(request)
    asked = request.query_params
    fields: dict[str, Any] = dict.fromkeys(FORM_FIELDS, "")
    fields |= {"channel": channel, "next_type": str(TaskType.CALL), "direction": "out", "points": {}}
    if form:
        fields |= {name: text_of(request, name) for name in FORM_FIELDS}
        fields["points"] = {_chip(point): point for point in points_of_form(request)}
    elif corrected is not None:
        fields |= {
            "direction": corrected.direction,
            "reached": "" if corrected.reached is None else "yes" if corrected.reached else "no",
            "outcome": corrected.outcome,
            "duration": format_duration(corrected.duration_seconds),
            "subject": corrected.subject,
            "body": corrected.body,
            "told": corrected.told,
            "corrects": asked.get("corrects", ""),
            "points": {_chip(point): point for point in corrected.points},
            "quote": next((each.quote for each in corrected.points if not each.theme and not each.competitor), ""),
        }
    else:
        usual = "in" if channel == Channel.SERVICE_REQUEST else "out"
        fields |= {"direction": asked.get("direction", usual), "task": asked.get("task", "")}
        fields["contact"] = asked.get("contact", "")
    return fields


def _chip(point: KeyPoint) -> str:
    return f"c-{point.competitor}" if point.competitor else f"t-{point.theme}"


def _part_of(name: str) -> str:
    return "points" if name == "quote" else name


def _texts(values: list[Any]) -> list[str]:
    return list(dict.fromkeys(value for value in values if isinstance(value, str) and value))


def _contact(request: Request, client_id: bytes, index: str) -> str:
    if not (index.isascii() and index.isdigit() and len(index) < 4):
        return ""
    with context_of(request).store.read() as connection:
        return contact_of(connection, client_id, int(index))


def _reached(said: str, outcome: str, channel: str) -> bool | None:
    if channel != Channel.CALL:
        return None
    if said in ("yes", "no"):
        return said == "yes"
    return outcome not in UNREACHED_CODES if outcome else None


def _moment(request: Request) -> int | None:
    text = text_of(request, "at")
    return parse_local(text, context_of(request).store.node()[0].timezone, "The time").at_us if text else None


def _due(request: Request, zone: str) -> Due | None:
    days = text_of(request, "next")
    day, time = text_of(request, "next_day"), text_of(request, "next_time")
    if day or not days:
        return parse_due(day, time, zone)
    if days not in NEXT_DAYS:
        raise InvalidInput("Say when the next step is.", "Choose a day.")
    wanted = local_day(context_of(request).clock.now_us(), zone) + timedelta(days=int(days))
    return parse_due(wanted.isoformat(), time, zone) if time else due_on(wanted, zone)
