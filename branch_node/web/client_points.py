"""A client's points: the balance and its movements, above the sale's page or as a page of its own."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.client_points import ENTRIES_SHOWN_MAX, read_client_points
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.sale import is_part
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.loyalty import ADJUSTED, CLAWED_BACK, EARNED, EXPIRED, GIVEN_BACK, SPENT
from shared.domain.permissions import Permission
from shared.errors import NotFound
from shared.web.pages import render
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

KINDS: dict[str, LazyText] = {
    EARNED: _("earned"),
    SPENT: _("paid with"),
    CLAWED_BACK: _("taken back with a refund"),
    GIVEN_BACK: _("given back with a refund"),
    EXPIRED: _("expired"),
    ADJUSTED: _("corrected"),
}


def page(request: Request) -> Response:
    """`/clients/ID/points`."""
    context, text = context_of(request), request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name at the till.")
    found = read_client_points(context.store, signed_in(request), parse_id(text))
    return render(
        request,
        "client_points.html",
        block="sheet" if is_part(request) else "",
        found=found,
        entries=[
            (
                each,
                f"/receipts/{format_id(each.record_id)}" if each.receipt and each.record_id else "",
                date.fromisoformat(each.expires_on) if each.expires_on else None,
            )
            for each in found.entries
        ],
        kinds=KINDS,
        shown_max=ENTRIES_SHOWN_MAX,
        zone=context.store.node()[0].timezone,
    )


ROUTES = (guarded("/clients/{id}/points", page, Permission.CLIENT_VIEW),)
