"""“Incoming call: … – open the card” above every page of those who log calls, for a minute.

Pages ask by themselves, which keeps nobody's session from ending. Contains nothing of what a telephone system sends.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from branch_node.operations.ringing import Ringing, read_ringing
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import Actor, Permission
from shared.web.pages import render
from shared.web.site import see_other

SLOT_ID = "ringing"


def ringing_of(request: Request) -> Ringing:
    """The calls that ring in the application that a request came to."""
    ringing: Ringing = request.app.state.ringing
    return ringing


def may_hear(actor: Actor | None) -> bool:
    """Whether calls are shown to whoever is logged in."""
    return actor is not None and actor.may(Permission.INTERACTION_LOG)


def slot(request: Request) -> Response:
    """`/calls/ringing?shown=…`: what every page asks; nothing while it shows the right calls already."""
    calls = ringing_of(request).shown_to(signed_in(request))
    if request.query_params.get("shown", "") == _key(calls):
        return Response(status_code=204)
    return _fragment(request, calls)


def see(request: Request) -> Response:
    """POST: whoever is logged in is not shown that call any more."""
    actor, ringing = signed_in(request), ringing_of(request)
    ringing.see(actor, parse_id(request.path_params["id"]))
    if request.headers.get("hx-request") != "true":
        return see_other(request, "/")
    return _fragment(request, ringing.shown_to(actor))


def _fragment(request: Request, calls: list[bytes]) -> HTMLResponse:
    context = context_of(request)
    found = read_ringing(ringing_of(request), context.store, signed_in(request), context.settings.phone_country, calls)
    shown = [{"id": format_id(each.call_id), "call": each} for each in found]
    return render(request, "ringing.html", block="slot", calls=shown, shown=_key(calls), is_first=False)


def _key(calls: list[bytes]) -> str:
    return ".".join(map(format_id, calls))


ROUTES = (
    guarded("/calls/ringing", slot, Permission.INTERACTION_LOG, asks_by_itself=True),
    guarded("/calls/ringing/{id}/seen", see, Permission.INTERACTION_LOG, ("POST",)),
)
