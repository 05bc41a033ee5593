"""The panel of a client's tasks, on the client's card or under an address of its own."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.task_lists import seen_name, tasks_of_client
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.tasks import row_of
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.domain.tasks import REASON_CHARACTERS_MAX
from shared.errors import NotFound
from shared.web.pages import render

TEMPLATE = "client_tasks.html"


def client_tasks(request: Request, client_id: bytes) -> dict[str, Any]:
    """What the panel's template needs. Raises NotPermitted, NotFound."""
    context, actor = context_of(request), signed_in(request)
    with context.store.read_cursor() as cursor:
        statement = "SELECT name, external_id, no_next_step FROM client WHERE id = ?"
        row = cursor.execute(statement, (client_id,)).fetchone()
    if row is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    opened, closed = tasks_of_client(context.store, actor, client_id)
    return {
        "client_id": format_id(client_id),
        "client_name": seen_name(actor, row[0] or row[1]),
        "client_tasks": [row_of(each) for each in opened],
        "client_tasks_over": [row_of(each) for each in closed],
        "no_next_step": row[2] or "",
        "may_edit_tasks": actor.may(Permission.TASK_EDIT),
        "reason_characters_max": REASON_CHARACTERS_MAX,
    }


def page(request: Request) -> Response:
    """`/clients/ID/tasks`: the panel alone for htmx, else as a page."""
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    block = "panel" if request.headers.get("hx-request") == "true" else ""
    return render(request, TEMPLATE, block=block, **client_tasks(request, parse_id(text)))


ROUTES = (guarded("/clients/{id}/tasks", page, Permission.CLIENT_VIEW, of_one_moment=True),)
