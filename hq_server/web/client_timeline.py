"""A client's timeline at the head office: what all branches recorded; a page of its own, and a block of it for htmx."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.client_timeline import read_client_timeline
from hq_server.web.context import context_of
from hq_server.web.forms import id_of_path
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id
from shared.domain.timeline import parse_key
from shared.web.pages import render
from shared.web.timeline import shown_of, view_of
from shared.web.timeline_rows import Links


def page(request: Request) -> Response:
    """`/clients/ID/timeline`: `shown`, `after`; for htmx the list alone."""
    context, actor, client_id = context_of(request), actor_of(request), id_of_path(request)
    asked = request.query_params
    shown, after = shown_of(asked.get("shown", "")), parse_key(asked.get("after", ""))
    with context.store.read() as connection:
        found = read_client_timeline(connection, client_id, shown, after, actor=actor)
    name = format_id(client_id)
    url = f"/clients/{name}/timeline"
    return render(
        request,
        "client_timeline.html",
        block="timeline" if request.headers.get("hx-request") == "true" else "",
        **view_of(request, actor, found.page, found.words, shown, context.chain.timezone, url, Links(name)),
    )


ROUTES = (guarded("/clients/{id}/timeline", page),)
