"""One task: adding it, its page, and everything that is done with it – from its page, from a list, from a reminder."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import task_lists, tasks
from branch_node.operations.client_search import FoundClient
from branch_node.operations.task_history import TaskDispute, TaskEdit, read_story
from branch_node.operations.task_reminders import see_reminder
from branch_node.operations.tasks import Changed
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, signed_in
from branch_node.web.task_chip import chip_answer, wants_chip
from branch_node.web.task_forms import client_typed, fields_typed, require_choice, texts_of, texts_typed
from branch_node.web.task_words import (
    FIELDS,
    REMINDERS,
    SNOOZES,
    STATES,
    UNITS,
    WEEKDAYS,
    say_reminder,
    say_repeat,
)
from branch_node.web.tasks import next_of, row_of
from shared.domain.cards import Value
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.domain.repeating import repeat_of
from shared.domain.tasks import (
    NOTE_CHARACTERS_MAX,
    OUTCOME_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    TRANSITIONS,
    Snooze,
    TaskState,
    local_day,
    parse_due,
    snoozed_until,
    state_of,
)
from shared.errors import FilialError, InvalidInput, NotFound
from shared.web.formats import format_date, format_moment
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.timeline_rows import TASK_TYPES
from shared.web.translations import LazyText, gettext
from shared.web.translations import lazy_text as _

LIMITS: Final = {"title": TITLE_CHARACTERS_MAX, "note": NOTE_CHARACTERS_MAX, "outcome": OUTCOME_CHARACTERS_MAX}


def new(request: Request, error: FilialError | None = None, found: list[FoundClient] | None = None) -> Response:
    """`/tasks/new`: `client` is whom it is about, `next` where to go afterwards."""
    context, actor = context_of(request), signed_in(request)
    typed, given = texts_typed(request), text_of(request, "client") or request.query_params.get("client", "")
    if request.method == "GET":
        typed |= {"type": "call", "every": "1", "assignee": format_id(actor.employee_id), "remind": ""}
        typed["day"] = local_day(context.clock.now_us(), context.store.node()[0].timezone).isoformat()
    client_id = given if is_id(given) else ""
    return render(
        request,
        "task_new.html",
        status_code=status_with(error),
        failure=failure_of(error),
        texts=typed,
        client_id=client_id,
        client=_client_chosen(request, parse_id(client_id)) if client_id else "",
        client_text=text_of(request, "client_text"),
        found=found or [],
        next=request.query_params.get("next", "") or text_of(request, "next"),
        **_choices(request, typed),
    )


def add(request: Request) -> Response:
    """POST: a new task; when several clients are found by what was typed, the page asks which."""
    context = context_of(request)
    try:
        fields = fields_typed(request, context.store.node()[0].timezone, is_new=True)
        client_id, found = client_typed(request)
        if found:
            return new(request, found=found)
        added = tasks.add_task(context.commit, signed_in(request), {**fields, "client_id": client_id})
    except FilialError as error:
        return new(request, error)
    return _done(request, added, _("The task is added."))


def page(request: Request, error: FilialError | None = None) -> Response:
    """`/tasks/ID`."""
    context, actor, task_id = context_of(request), signed_in(request), id_asked(request)
    shown = task_lists.show_task(context.store, actor, task_id)
    story = read_story(context.store, actor, task_id)
    task, texts = shown.task, texts_of(shown.task)
    typed = {**texts, **texts_typed(request)} if error is not None and text_of(request, "was") else texts
    return render(
        request,
        "task.html",
        status_code=status_with(error),
        failure=failure_of(error),
        id=format_id(task_id),
        task=task,
        row=row_of(shown),
        reminder=say_reminder(task.remind_minutes),
        done_at=format_moment(task.done_at_us, task.zone) if task.done_at_us else "",
        next_states=[(each.value, STATES[each]) for each in TaskState if each in _open_states(task.state)],
        snoozes=SNOOZES,
        texts=typed,
        was=json.dumps(texts, ensure_ascii=False),
        edits=[_edit_shown(request, each) for each in story.edits],
        disputes=[_dispute_shown(request, each) for each in story.disputes if each.field in FIELDS],
        previous_id=format_id(task.previous_id) if task.previous_id else "",
        **_choices(request, typed),
    )


def edit(request: Request) -> Response:
    """POST: what was typed and differs from what the page showed."""
    context = context_of(request)
    return _try(
        request,
        _("The task is changed."),
        lambda: tasks.edit_task(
            context.commit,
            signed_in(request),
            id_asked(request),
            fields_typed(request, context.store.node()[0].timezone),
        ),
    )


def finish(request: Request) -> Response:
    """POST `outcome`: it is done."""

    def work() -> Changed:
        return tasks.finish_task(*_who_and_what(request), text_of(request, "outcome"))

    return _try(request, _("The task is done."), work)


def cancel(request: Request) -> Response:
    """POST `reason`: it is not to be done after all."""
    return _try(
        request,
        _("The task is cancelled."),
        lambda: tasks.cancel_task(*_who_and_what(request), text_of(request, "reason")),
    )


def reopen(request: Request) -> Response:
    """POST: it is to be done after all."""
    return _try(request, _("The task is open again."), lambda: tasks.reopen_task(*_who_and_what(request)))


def move(request: Request) -> Response:
    """POST `state`: under way, waiting, or to be done."""
    state = state_of(text_of(request, "state"))
    said = _("The task is: %(state)s.", state=STATES[state])
    return _try(request, said, lambda: tasks.move_task(*_who_and_what(request), state))


def snooze(request: Request) -> Response:
    """POST `choice`, one of the spans; or `day` and `time`."""
    return _try(
        request, _("The task is put off."), lambda: tasks.snooze_task(*_who_and_what(request), _until_asked(request))
    )


def assign(request: Request) -> Response:
    """POST `assignee`: it is somebody else's."""
    assignee = text_of(request, "assignee")
    if not is_id(assignee):
        raise InvalidInput("A task is somebody’s.", "Say who is to do it.")
    said = _("The task is handed on.")
    return _try(request, said, lambda: tasks.assign_task(*_who_and_what(request), parse_id(assignee)))


def settle(request: Request) -> Response:
    """POST: of what two entered at the same time, what is shown stands."""
    return _try(request, _("What is shown stands."), lambda: tasks.settle_task(*_who_and_what(request)))


def undo(request: Request) -> Response:
    """POST `command`: takes back what that did."""
    command = text_of(request, "command")
    if not is_id(command):
        raise NotFound("There is nothing to take back.", "Look at the task.")
    tasks.undo_command(*_who_and_what(request), parse_id(command))
    return see_other(request, next_of(request), Notice(_("Taken back.")))


def seen(request: Request) -> Response:
    """POST: the reminder was seen."""
    see_reminder(context_of(request).store, signed_in(request), id_asked(request))
    return chip_answer(request) if wants_chip(request) else see_other(request, next_of(request))


def id_asked(request: Request) -> bytes:
    """The task's id in the page's address. Raises NotFound."""
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such task here.", "Look at the list of tasks.")
    return parse_id(text)


def _who_and_what(request: Request) -> tuple[Any, Any, bytes]:
    return context_of(request).commit, signed_in(request), id_asked(request)


def _try(request: Request, said: LazyText, work: Callable[[], Changed]) -> Response:
    """Does it, and says so with the way back; what was refused is said on the task's page, or below the reminder."""
    try:
        changed = work()
    except NotFound:
        raise
    except FilialError as error:
        if wants_chip(request):
            return chip_answer(request, failure=failure_of(error))
        return page(request, error)
    return _done(request, changed, said)


def _done(request: Request, changed: Changed, said: LazyText) -> Response:
    task = format_id(changed.task_id)
    if changed.command_id is None:
        notice = Notice(_("There was nothing to change."))
    else:
        back = {"command": format_id(changed.command_id), "next": next_of(request)}
        planned = gettext("The next one is planned.") if changed.next_id else ""
        notice = Notice(f"{said} {planned}".strip(), f"/tasks/{task}/undo", back)
    return chip_answer(request, notice) if wants_chip(request) else see_other(request, next_of(request), notice)


def _until_asked(request: Request) -> int:
    context, choice = context_of(request), text_of(request, "choice")
    zone = context.store.node()[0].timezone
    if choice in set(Snooze):
        return snoozed_until(Snooze(choice), context.clock.now_us(), zone)
    day, time = text_of(request, "day"), text_of(request, "time")
    due = parse_due(day, time or "09:00", zone) if day else None
    if due is None:
        raise InvalidInput("Say until when the task is put off.", "Choose a day, or one of the spans.")
    return due.at_us


def _open_states(state: TaskState) -> set[TaskState]:
    return {each for each in TRANSITIONS[state] if not each.is_closed} if not state.is_closed else set()


def _choices(request: Request, texts: dict[str, str]) -> dict[str, Any]:
    """What the selects of a form offer; whoever works here no more stays chosen."""
    people = [(format_id(identity), name) for identity, name in task_lists.list_assignees(context_of(request).store)]
    if texts["assignee"] and texts["assignee"] not in dict(people):
        people.append((texts["assignee"], _name_of(request, parse_id(texts["assignee"])) or gettext("somebody else")))
    reminders = [*REMINDERS]
    if texts["remind"] not in dict(reminders):
        minutes = int(texts["remind"]) if texts["remind"].isdigit() else None
        reminders.append((texts["remind"], say_reminder(minutes)))  # type: ignore[arg-type]
    return {
        "types": list(TASK_TYPES.items()),
        "people": people,
        "reminders": reminders,
        "units": [("", _("does not repeat")), *UNITS.items()],
        "weekdays": [(str(number), label) for number, label in WEEKDAYS.items()],
        "limits": LIMITS,
    }


def _client_chosen(request: Request, client_id: bytes) -> str:
    require_choice(request, client_id)
    return _client_name(request, client_id)


def _client_name(request: Request, client_id: bytes) -> str:
    store = context_of(request).store
    with store.read_cursor() as cursor:
        row = cursor.execute("SELECT name, external_id FROM client WHERE id = ?", (client_id,)).fetchone()
    if row is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return task_lists.seen_name(signed_in(request), row[0] or row[1])


def _name_of(request: Request, employee_id: bytes) -> str:
    with context_of(request).store.look() as look:
        return task_lists.names_of(look, [employee_id])[employee_id]


def _edit_shown(request: Request, edit: TaskEdit) -> dict[str, Any]:
    zone = context_of(request).store.node()[0].timezone
    shown = [(FIELDS[name], _say(request, name, value)) for name, value in edit.changes.items() if name in FIELDS]
    return {
        "at": format_moment(edit.at_us, zone),
        "author": edit.author,
        "is_here": edit.is_here,
        "changes": shown,
    }


def _dispute_shown(request: Request, dispute: TaskDispute) -> dict[str, Any]:
    older, newer = (_say(request, dispute.field, value) for value in (dispute.older, dispute.newer))
    shown, other = (newer, older) if dispute.newer_is_shown else (older, newer)
    return {"field": FIELDS[dispute.field], "shown": shown or "–", "other": other or "–"}


def _say(request: Request, field: str, value: Value) -> str:
    """A field's value as people read it."""
    zone = context_of(request).store.node()[0].timezone
    if value is None or value == "":
        return gettext("nothing")
    match field:
        case "due_at" | "snoozed_until" if isinstance(value, int):
            is_end_of_day = (value + 1) % 1_000_000 == 0
            return format_date(local_day(value, zone)) if is_end_of_day else format_moment(value, zone)
        case "assignee_id" if isinstance(value, bytes):
            return _name_of(request, value)
        case "client_id" if isinstance(value, bytes):
            return _client_name(request, value)
        case "state":
            return str(STATES.get(str(value), value))
        case "type":
            return str(TASK_TYPES.get(str(value), value))
        case "repeat":
            return say_repeat(repeat_of(str(value)))
        case "remind_minutes" if isinstance(value, int):
            return say_reminder(value)
        case "archived":
            return gettext("yes") if value else gettext("no")
    return str(value)


def _post(path: str, view: Callable[[Request], Response]) -> Any:
    return guarded(path, view, Permission.TASK_EDIT, methods=["POST"])


ROUTES: tuple[Any, ...] = (
    guarded("/tasks/new", new, Permission.TASK_EDIT),
    _post("/tasks/new", add),
    guarded("/tasks/{id}", page, Permission.TASK_EDIT),
    _post("/tasks/{id}/edit", edit),
    _post("/tasks/{id}/done", finish),
    _post("/tasks/{id}/cancel", cancel),
    _post("/tasks/{id}/reopen", reopen),
    _post("/tasks/{id}/move", move),
    _post("/tasks/{id}/snooze", snooze),
    _post("/tasks/{id}/assign", assign),
    _post("/tasks/{id}/settle", settle),
    _post("/tasks/{id}/undo", undo),
    _post("/tasks/{id}/seen", seen),
)
