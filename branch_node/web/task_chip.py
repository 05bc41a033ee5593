"""The header's word on one's tasks: how many ask for attention today, and reminders whose time has come."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from branch_node.operations.task_lists import COUNTED_MAX, count_due
from branch_node.operations.task_reminders import Reminder, due_reminders
from branch_node.web.context import WebContext, context_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.task_words import SNOOZES, say_due
from shared.domain.identifiers import format_id
from shared.domain.permissions import Actor, Permission
from shared.errors import FilialError
from shared.web.formats import format_number
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.timeline_rows import TASK_TYPES
from shared.web.translations import gettext

CHIP_ID = "task-chip"


class TaskChip(NamedTuple):
    """What the header shows; nothing to count shows nothing, and goes on asking."""

    due: int
    text: str


def read_task_chip(context: WebContext, actor: Actor | None) -> TaskChip | None:
    """The chip of whoever is logged in; None for those who have no tasks. No reason for a page not to open."""
    if actor is None or not actor.may(Permission.TASK_EDIT):
        return None
    try:
        count = count_due(context.store, actor)
    except FilialError:
        return None
    shown = f"{format_number(COUNTED_MAX)}+" if count >= COUNTED_MAX else format_number(count)
    return TaskChip(count, gettext("Due today: %(count)s") % {"count": shown})


def wants_chip(request: Request) -> bool:
    """Whether a form was sent by a reminder above some page, which stays as it is."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-target") == CHIP_ID


def chip_answer(request: Request, notice: Notice | None = None, failure: dict[str, Any] | None = None) -> HTMLResponse:
    """The chip anew, with what was done or went wrong."""
    context, actor = context_of(request), signed_in(request)
    if notice is not None:
        notice = notice._replace(text=str(notice.text))
    return render(
        request,
        "task_chip.html",
        block="chip",
        task_chip=read_task_chip(context, actor),
        reminders=[_shown(each) for each in due_reminders(context.store, actor)],
        snoozes=SNOOZES,
        notice=notice,
        failure=failure,
        is_first=False,
    )


def chip(request: Request) -> Response:
    """`/tasks/chip`: the fragment that every page asks for anew."""
    return chip_answer(request)


def _shown(reminder: Reminder) -> dict[str, Any]:
    task = reminder.task
    return {
        "id": format_id(task.task_id),
        "title": task.title,
        "type": TASK_TYPES.get(task.type, TASK_TYPES["other"]),
        "client": reminder.client_name,
        "client_id": format_id(task.client_id) if task.client_id else "",
        "due": say_due(task.due, task.zone),
    }


ROUTES = (guarded("/tasks/chip", chip, Permission.TASK_EDIT, asks_by_itself=True, of_one_moment=True),)
