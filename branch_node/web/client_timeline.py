"""A client's timeline: a page of its own, a block of it for htmx, and a panel of the client's card."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.client_timeline import read_client_timeline
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.domain.timeline import parse_key
from shared.errors import NotFound
from shared.web.pages import render
from shared.web.timeline import shown_of, view_of
from shared.web.timeline_rows import Links


def card_url(client_id: bytes) -> str:
    """Where one comes back to who has logged something of a client."""
    return f"/clients/{format_id(client_id)}"


def panel(request: Request, client_id: bytes) -> dict[str, Any]:
    """What `client_timeline.html` needs; the question is in the address: `shown`, `after`."""
    actor, asked = signed_in(request), request.query_params
    shown, after = shown_of(asked.get("shown", "")), parse_key(asked.get("after", ""))
    found = read_client_timeline(context_of(request).store, actor, client_id, shown, after)
    links = Links(format_id(client_id), found.branch_id, actor.may(Permission.INTERACTION_LOG))
    return {
        **view_of(request, actor, found.page, found.words, shown, found.zone, f"{card_url(client_id)}/timeline", links),
        "client": found.client,
        "client_id": links.client_id,
        "may_log": links.may_log,
    }


def page(request: Request) -> Response:
    """`/clients/ID/timeline`: for htmx the list alone."""
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    is_part = request.headers.get("hx-request") == "true"
    found = panel(request, parse_id(text))
    return render(request, "client_timeline.html", block="timeline" if is_part else "", **found)


ROUTES = (guarded("/clients/{id}/timeline", page, Permission.CLIENT_VIEW, of_one_moment=True),)
