"""Lists of tasks, of one's own or of a team, and clients without a next step; what is done from a list by keys."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import task_lists, tasks
from branch_node.operations.task_lists import COUNTED_MAX, Place, Scope, ShownTask
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.task_words import LISTS, SNOOZES, STATES, say_due, say_put_off, say_repeat
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.domain.tasks import REASON_CHARACTERS_MAX, When
from shared.errors import InvalidInput, NotFound
from shared.web.formats import format_number
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import local_path, see_other
from shared.web.timeline_rows import TASK_TYPES
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

DONE: Final = "done"
NO_STEP: Final = "no-step"
TABS: Final[dict[str, LazyText]] = {**LISTS, DONE: _("Over"), NO_STEP: _("Clients without a next step")}
PLACE_DIGITS_MAX: Final = 19
PLACE_CHARACTERS_MAX: Final = 400

EMPTY: Final[dict[str, tuple[LazyText, LazyText]]] = {
    When.OVERDUE: (_("Nothing is overdue."), _("Look at what is to be done today.")),
    When.TODAY: (_("Nothing more is to be done today."), _("Take something from later, or add a task: F8.")),
    When.LATER: (_("Nothing is planned for later."), _("Add a task with a day: F8.")),
    When.UNDATED: (_("Every task has a day."), _("A task without a day is for what must not be forgotten: F8.")),
    DONE: (_("Nothing was finished yet."), _("What is done or cancelled stands here, with what came of it.")),
    NO_STEP: (_("Every client has a next step."), _("Whoever has no task, and no reason for it, stands here.")),
}


def page(request: Request) -> Response:
    """`/tasks`: `tab` and `who` choose the list, `after` goes on."""
    context, actor = context_of(request), signed_in(request)
    may_see_team = actor.may(Permission.TEAM_VIEW)
    scope = Scope.TEAM if may_see_team and request.query_params.get("who") == Scope.TEAM else Scope.MINE
    people = task_lists.whose(context.store, actor, scope)
    counts = task_lists.count_tasks(context.store, actor, people)
    tab = request.query_params.get("tab", "")
    if tab not in TABS:
        tab = str(When.OVERDUE if counts.overdue else When.TODAY)
    values: dict[str, Any] = {"tasks": [], "clients": []}
    if tab == NO_STEP:
        steps = task_lists.list_without_step(context.store, actor, people, _place(request, is_text=True))
        values["clients"] = [(format_id(each.client_id), each) for each in steps.clients]
        further = steps.further
    else:
        after = _place(request)
        shown = (
            task_lists.list_done(context.store, actor, people, after)
            if tab == DONE
            else task_lists.list_open(context.store, actor, people, When(tab), after)
        )
        values["tasks"] = [row_of(each) for each in shown.tasks]
        further = shown.further
    return render(
        request,
        "tasks.html",
        tab=tab,
        who=scope,
        may_see_team=may_see_team,
        team_is_empty=scope is Scope.TEAM and not people,
        tabs=[(name, label, _count(name, counts), _address(name, scope)) for name, label in TABS.items()],
        empty=EMPTY[tab],
        snoozes=SNOOZES,
        reason_characters_max=REASON_CHARACTERS_MAX,
        further=_address(tab, scope, further) if further else "",
        address=_address(tab, scope),
        my_address=_address(tab, Scope.MINE),
        team_address=_address(tab, Scope.TEAM),
        **values,
    )


class TaskRow(NamedTuple):
    """What a list says of a task. No mapping: a template asks that for an attribute first, and pages ask hundreds."""

    id: str
    title: str
    type: LazyText
    state: LazyText
    is_plain: bool
    is_closed: bool
    is_overdue: bool
    due: str
    put_off: str
    repeat: str
    outcome: str
    client_id: str
    client: str
    assignee: str


def row_of(shown: ShownTask) -> TaskRow:
    """A task for a list."""
    task = shown.task
    return TaskRow(
        format_id(task.task_id),
        task.title,
        TASK_TYPES.get(task.type, TASK_TYPES["other"]),
        STATES[task.state],
        task.state == "open",
        task.state.is_closed,
        shown.when is When.OVERDUE,
        say_due(task.due, task.zone),
        say_put_off(task),
        say_repeat(task.repeat),
        task.outcome,
        format_id(task.client_id) if task.client_id else "",
        shown.client_name,
        shown.assignee_name,
    )


def no_step(request: Request) -> Response:
    """POST `client`, `reason`, `next`: nothing is to be done for a client, and why; without a reason there is again."""
    context, client_id, reason = context_of(request), _client_asked(request), text_of(request, "reason")
    if not reason and not text_of(request, "again"):
        raise InvalidInput("A client is without a next step for a reason.", "Write why, or give a task.")
    command_id = tasks.say_no_next_step(context.commit, signed_in(request), client_id, reason)
    said = _("The client is without a next step, and why is kept.") if reason else _("The client needs a next step.")
    undo = {"client": format_id(client_id), "command": format_id(command_id or client_id), "next": next_of(request)}
    return see_other(request, next_of(request), Notice(said, "/tasks/no-step/undo" if command_id else "", undo))


def undo_no_step(request: Request) -> Response:
    """POST `client`, `command`, `next`: takes it back."""
    command = text_of(request, "command")
    if not is_id(command):
        raise NotFound("There is nothing to take back.", "Look at the list.")
    context = context_of(request)
    tasks.undo_no_next_step(context.commit, signed_in(request), _client_asked(request), parse_id(command))
    return see_other(request, next_of(request), Notice(_("Taken back.")))


def next_of(request: Request) -> str:
    """The page to look at after a POST: the one it came from, else the list."""
    given = text_of(request, "next")
    return local_path(given) if given else "/tasks"


def _client_asked(request: Request) -> bytes:
    text = text_of(request, "client")
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def _count(tab: str, counts: task_lists.Counts) -> str:
    if tab == DONE:
        return ""
    number: int = getattr(counts, tab.replace("-", "_"))
    return f"{format_number(COUNTED_MAX)}+" if number >= COUNTED_MAX else format_number(number)


def _address(tab: str, scope: Scope, after: Place | None = None) -> str:
    asked = {"tab": tab}
    if scope is Scope.TEAM:
        asked["who"] = scope
    if after is not None:
        asked["after"] = f"{format_id(after.item_id)}:{after.order}"
    return f"/tasks?{urlencode(asked)}"


def _place(request: Request, is_text: bool = False) -> Place | None:
    """Where the page before ended; a place that is none is the beginning."""
    identity, _colon, order = request.query_params.get("after", "").partition(":")
    if not is_id(identity) or len(order) > PLACE_CHARACTERS_MAX:
        return None
    if is_text:
        return Place(order, parse_id(identity))
    is_number = order.isascii() and order.isdigit() and len(order) <= PLACE_DIGITS_MAX
    return Place(int(order), parse_id(identity)) if is_number and int(order) < 2**63 else None


ROUTES: tuple[Any, ...] = (
    guarded("/tasks", page, Permission.TASK_EDIT, of_one_moment=True),
    guarded("/tasks/no-step", no_step, Permission.TASK_EDIT, methods=["POST"]),
    guarded("/tasks/no-step/undo", undo_no_step, Permission.TASK_EDIT, methods=["POST"]),
)
