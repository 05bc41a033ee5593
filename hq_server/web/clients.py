"""Clients of the chain to look at: a search, and a card with what changed and which branches know it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.client_search import find_in_office, read_in_office
from hq_server.web.context import context_of
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.client_matching import is_number
from shared.domain.identifiers import is_id, parse_id
from shared.domain.permissions import Permission, require
from shared.errors import NotFound
from shared.operations.client_finding import FOUND_MAX
from shared.web.client_words import field_label, show_value
from shared.web.pages import render

FIELDS_APART = frozenset({"name", "archived", "merged_into"})
"""Fields that the card's head says already."""


def page(request: Request) -> Response:
    """`/clients?q=`; the list alone for the page's script."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.CLIENT_VIEW)
    require(actor, Permission.REPORT_CHAIN)
    text = request.query_params.get("q", "").strip()[:200]
    found = find_in_office(context.store, actor, text, context.today())
    return render(
        request,
        "clients.html",
        block="results" if request.headers.get("hx-request") == "true" else "",
        text=text,
        number=text if is_number(text) else "",
        rows=found.rows,
        shown_max=FOUND_MAX,
    )


def card(request: Request) -> Response:
    """`/clients/ID`; `number` opens a client whom one's lists do not show."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.CLIENT_VIEW)
    require(actor, Permission.REPORT_CHAIN)
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client.", "Look for them by phone or name.")
    number = request.query_params.get("number", "")
    found = read_in_office(context.store, actor, parse_id(text), context.today(), number)
    zone = context.chain.timezone

    def name_of(identity: bytes) -> str:
        return found.owner if found.fields.get("owner_id") == identity and found.owner else "…"

    fields = [
        (field_label(name), show_value(name, value, zone, name_of))
        for name, value in found.fields.items()
        if name not in FIELDS_APART and value not in (None, "", (), False)
    ]
    edits = [
        (
            each,
            [
                (
                    field_label(change.field),
                    show_value(change.field, change.before, zone, name_of),
                    show_value(change.field, change.after, zone, name_of),
                )
                for change in each.changes
            ],
        )
        for each in found.edits
    ]
    return render(request, "client.html", found=found, fields=fields, edits=edits, zone=zone)


ROUTES = (
    guarded("/clients", page),
    guarded("/clients/{id}", card),
)
