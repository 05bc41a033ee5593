"""A call comes in: `/calls/incoming?phone=…` opens the caller's page, for a browser and for a telephone system.

A telephone system sends a POST with `Authorization: Bearer TOKEN` and is answered in JSON; the call rings on the pages
of those who log calls, from where `/calls/ringing/ID` opens the card. A program on somebody's desk that opens
addresses uses a GET, which changes nothing.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from branch_node.operations.client_access import open_client
from branch_node.operations.incoming_calls import Caller, find_caller
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.ringing import ringing_of
from shared.domain.business_time import MICROSECONDS, format_us
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission
from shared.errors import InvalidInput
from shared.web.request_state import Notice
from shared.web.security import has_bearer_token, text_of
from shared.web.site import see_other
from shared.web.translations import lazy_plural as plural

PATH = "/calls/incoming"


def open_caller(request: Request) -> Response:
    """To the page on which the call is logged, with the task that waits; to a new card for an unknown phone."""
    caller = _caller(request, signed_in(request))
    if "application/json" in request.headers.get("accept", ""):
        return _document(request, caller)
    return _to_page(request, caller)


def open_ringing(request: Request) -> Response:
    """`/calls/ringing/ID`: the same for a call that a page shows; whoever opens it needs to be shown it no more."""
    actor, call_id, ringing = signed_in(request), parse_id(request.path_params["id"]), ringing_of(request)
    context = context_of(request)
    caller = find_caller(context.store, actor, ringing.phone_of(call_id), context.settings.phone_country)
    ringing.see(actor, call_id)
    return _to_page(request, caller)


def _to_page(request: Request, caller: Caller) -> Response:
    """Whoever answers a full phone number serves the client, whosever it is: that is told to the head office."""
    if caller.client is not None:
        open_client(context_of(request).store, signed_in(request), caller.client.client_id, caller.phone)
    if not caller.others:
        return see_other(request, _url(request, caller))
    said = plural("%(count)s more client has this phone.", "%(count)s more clients have this phone.", caller.others)
    return see_other(request, _url(request, caller), Notice(said))


def report(request: Request) -> Response:
    """POST by a telephone system that has proved itself, else as whoever is logged in."""
    if has_bearer_token(request):
        caller = _caller(request, LOCAL_ADMINISTRATOR)
        ringing_of(request).ring(caller.phone)
        return _document(request, caller)
    answer: Response = _opened.endpoint(request)
    return answer


def _caller(request: Request, actor: Actor) -> Caller:
    phone = request.query_params.get("phone", "") or text_of(request, "phone")
    if not phone:
        raise InvalidInput("Nobody’s phone was given.", "Ask for /calls/incoming?phone=+79123456789.")
    context = context_of(request)
    # A plus in an address is a space.
    return find_caller(context.store, actor, phone.strip(), context.settings.phone_country)


def _url(request: Request, caller: Caller) -> str:
    if caller.client is None:
        return f"/clients/new?{urlencode({'phone': caller.phone})}"
    started = context_of(request).clock.now_us() // MICROSECONDS
    asked = {"direction": "in", "started": str(started)}
    if caller.contact_index is not None:
        asked["contact"] = str(caller.contact_index)
    if caller.task is not None:
        asked["task"] = format_id(caller.task.task_id)
    return f"/clients/{format_id(caller.client.client_id)}/calls/new?{urlencode(asked)}"


def _document(request: Request, caller: Caller) -> Response:
    found, task = caller.client, caller.task
    document: dict[str, Any] = {
        "phone": caller.phone,
        "url": _url(request, caller),
        "client": None,
        "task": None,
        "others": caller.others,
    }
    if found is not None:
        document["client"] = {
            "id": format_id(found.client_id),
            "name": found.name,
            "do_not_contact": found.do_not_contact,
        }
    if task is not None:
        due = None if task.due_at_us is None else format_us(task.due_at_us)
        document["task"] = {"id": format_id(task.task_id), "type": task.type, "title": task.title, "due": due}
    return JSONResponse(document)


_opened = guarded(PATH, open_caller, Permission.INTERACTION_LOG)
ROUTES = (
    _opened,
    Route(PATH, report, methods=["POST"]),
    guarded("/calls/ringing/{id}", open_ringing, Permission.INTERACTION_LOG),
)
