"""Who asks for a page: the session's cookie, the way to the log-in, and routes that let nobody in without one.

Contains no rules about who may do what: those are in the operations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlencode

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hq_server.operations.authentication import current_actor
from hq_server.web.context import context_of
from shared.domain.permissions import Actor, Permission
from shared.web.cookies import read_cookie, remove_cookie, set_cookie, sign, unsign
from shared.web.pages import Destination
from shared.web.request_state import state_of

SESSION_COOKIE: Final = "session"
PASSWORD_PAGE: Final = "/password"  # noqa: S105 - a path.
WITH_OLD_PASSWORD: Final = frozenset({PASSWORD_PAGE, "/logout"})
"""What somebody may do whose password is to be changed first."""

View = Callable[[Request], Response]


class Doorway(NamedTuple):
    """A page of the navigation, and what one must be allowed to be offered it."""

    destination: Destination
    permission: Permission


def session_reader(secret: bytes) -> Callable[[HTTPConnection], str]:
    """Gives the session token that a request's cookie proves, "" without one; it asks no store."""

    def session_of(connection: HTTPConnection) -> str:
        return unsign(secret, SESSION_COOKIE, read_cookie(connection, SESSION_COOKIE)) or ""

    return session_of


def guarded(path: str, view: View, method: str = "GET") -> Route:
    """A route for whoever is logged in; others are led to the log-in, and back afterwards."""

    @functools.wraps(view)
    def checked(request: Request) -> Response:
        actor = look_up_actor(request)
        if actor is None:
            return to_log_in(request)
        if actor.must_change_password and path not in WITH_OLD_PASSWORD:
            return _redirect(request, PASSWORD_PAGE)
        return view(request)

    return Route(path, checked, methods=[method])


def look_up_actor(request: Request) -> Actor | None:
    """Who is logged in now, looked up once a request; None when nobody is. Asks the store."""
    known = request.scope["state"]
    if "actor" not in known:
        context, token = context_of(request), state_of(request).session
        found = current_actor(context.store, context.settings, context.clock, token) if token else None
        known["actor"] = found
    actor: Actor | None = known["actor"]
    return actor


def actor_seen(request: Request) -> Actor | None:
    """The same when it was looked up before, without asking the store."""
    actor: Actor | None = request.scope["state"].get("actor")
    return actor


def actor_of(request: Request) -> Actor:
    """Who is logged in, on a guarded route."""
    actor = actor_seen(request)
    assert actor is not None, "the route is not guarded"
    return actor


def to_log_in(request: Request) -> Response:
    """To `/login`, and from there to where one wanted to go."""
    is_page = request.method == "GET" and request.headers.get("hx-request") != "true"
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    values = {"next": asked if is_page and asked != "/" else "", "why": "ended" if state_of(request).session else ""}
    query = urlencode({name: value for name, value in values.items() if value})
    return _redirect(request, f"/login?{query}" if query else "/login")


def _redirect(request: Request, url: str) -> Response:
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": url})
    return RedirectResponse(url, status_code=303)


def remember_session(request: Request, response: Response, token: str) -> None:
    """The browser brings the session from now on, until it is closed."""
    set_cookie(response, request, SESSION_COOKIE, sign(state_of(request).secret, SESSION_COOKIE, token))


def forget_session(request: Request, response: Response) -> None:
    """The browser brings it no more."""
    remove_cookie(response, request, SESSION_COOKIE)
