"""Who asks for a page: cookies of sessions and of paired browsers, the way to the log-in, routes that need a person.

Contains no rules about who may do what: those are in the operations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from branch_node.operations.authentication import current_actor
from branch_node.operations.client_access import require_open
from branch_node.operations.pairing import Pairing, find_pairing
from branch_node.web.context import context_of, turn_of
from shared.domain.identifiers import is_id, parse_id
from shared.domain.permissions import Actor, Permission, require
from shared.errors import FilialError, LogInRefused
from shared.web.cookies import YEAR_SECONDS, read_cookie, remove_cookie, set_cookie, sign, unsign
from shared.web.pages import Destination
from shared.web.request_state import state_of

SESSION_COOKIE: Final = "session"
PAIRING_COOKIE: Final = "pairing"
REGISTER_COOKIE: Final = "register"
RECENT_COOKIE: Final = "recent"
RECENT_PEOPLE_MAX = 8
"""Employees whose names a paired browser offers first."""

View = Callable[[Request], Response]

CLIENT_PATH: Final = "/clients/{id}"
OPENING_PATHS: Final = frozenset({f"{CLIENT_PATH}/open", f"{CLIENT_PATH}/serve", f"{CLIENT_PATH}/arriving"})
"""Where a client that is not open yet is opened."""


class Doorway(NamedTuple):
    """A page of the navigation, and what one must be allowed to see it there."""

    destination: Destination
    permission: Permission | None = None


def session_reader(secret: bytes) -> Callable[[HTTPConnection], str]:
    """Gives the session token that a request's cookie proves, "" without one; it asks no store."""

    def session_of(connection: HTTPConnection) -> str:
        return unsign(secret, SESSION_COOKIE, read_cookie(connection, SESSION_COOKIE)) or ""

    return session_of


def actor_of(request: Request) -> Actor | None:
    """Who is logged in, looked up once a request; None when nobody is. Asks the store: not for the event loop."""
    known: dict[str, Any] = request.scope["state"]
    if "actor" not in known:
        token, context = state_of(request).session, context_of(request)
        is_use = not known.get("asks_by_itself", False)
        known["actor"] = current_actor(context.store, context.settings, token, is_use) if token else None
    actor: Actor | None = known["actor"]
    return actor


def actor_seen(request: Request) -> Actor | None:
    """The same when it was looked up before, without asking the store."""
    actor: Actor | None = request.scope["state"].get("actor")
    return actor


def signed_in(request: Request) -> Actor:
    """Who is logged in. Raises LogInRefused when nobody is; guarded routes have sent those to the log-in."""
    actor = actor_of(request)
    if actor is None:
        raise LogInRefused("Nobody is logged in.", "Log in first.")
    return actor


def guarded(
    path: str,
    endpoint: View,
    permission: Permission | None = None,
    methods: Iterable[str] = ("GET",),
    *,
    in_turn: bool = False,
    asks_by_itself: bool = False,
    of_one_moment: bool = False,
) -> Route:
    """A route for whoever is logged in, and may do that; others are led to the log-in, and back afterwards.

    An address of one client – `/clients/{id}…` – is for whom that client is open to, but where a card is opened.
    Those `in_turn` are answered one by one: the till's, which come in crowds. What a page asks by itself keeps no
    session from ending. What is shown `of_one_moment` is read in one snapshot with who asks and the page's frame, by
    one connection: not for what waits for the head office or for a device meanwhile.
    """

    is_of_client = path.startswith(CLIENT_PATH) and path not in OPENING_PATHS

    def check(request: Request) -> Response:
        request.scope["state"]["asks_by_itself"] = asks_by_itself
        actor = actor_of(request)
        if actor is None:
            return to_log_in(request)
        if permission is not None:
            require(actor, permission)
        if is_of_client and is_id(request.path_params["id"]):
            require_open(context_of(request).store, actor, parse_id(request.path_params["id"]))
        return endpoint(request)

    @functools.wraps(endpoint)
    def checked(request: Request) -> Response:
        if of_one_moment:
            with context_of(request).store.one_snapshot():
                return check(request)
        if not in_turn:
            return check(request)
        with turn_of(request).taken():
            return check(request)

    return Route(path, checked, methods=list(methods))


def open_to_all(path: str, endpoint: View, methods: Iterable[str] = ("GET",)) -> Route:
    """A route that needs nobody; whoever is logged in is shown in its header all the same."""

    @functools.wraps(endpoint)
    def seen(request: Request) -> Response:
        try:
            actor_of(request)
        except FilialError:
            request.scope["state"]["actor"] = None
        return endpoint(request)

    return Route(path, seen, methods=list(methods))


def to_log_in(request: Request) -> Response:
    """To `/login`, and from there to where one wanted to go."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    is_page = request.method == "GET" and request.headers.get("hx-request") != "true"
    values = {"next": asked if is_page else "", "why": "ended" if state_of(request).session else ""}
    url = "/login?" + urlencode({name: value for name, value in values.items() if value})
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": url.rstrip("?")})
    return RedirectResponse(url.rstrip("?"), status_code=303)


def remember_session(request: Request, response: Response, token: str) -> None:
    """The browser brings the session from now on, until it is closed."""
    set_cookie(response, request, SESSION_COOKIE, sign(state_of(request).secret, SESSION_COOKIE, token))


def forget_session(request: Request, response: Response) -> None:
    """The browser brings it no more."""
    remove_cookie(response, request, SESSION_COOKIE)


def remember_pairing(request: Request, response: Response, token: str) -> None:
    """The browser is that of a register."""
    signed = sign(state_of(request).secret, PAIRING_COOKIE, token)
    set_cookie(response, request, PAIRING_COOKIE, signed, YEAR_SECONDS)


def pairing_token_of(request: Request) -> str:
    """What proves that this browser is paired; empty without."""
    return unsign(state_of(request).secret, PAIRING_COOKIE, read_cookie(request, PAIRING_COOKIE)) or ""


def pairing_of(request: Request) -> Pairing | None:
    """The pairing of this browser, looked up once a request."""
    known: dict[str, Any] = request.scope["state"]
    if "pairing" not in known:
        token = pairing_token_of(request)
        known["pairing"] = None
        if token:
            with context_of(request).store.read() as connection:
                known["pairing"] = find_pairing(connection, token)
    pairing: Pairing | None = known["pairing"]
    return pairing


def register_of(request: Request) -> str:
    """The register of this browser: that it is paired with, else the one that was chosen at the log-in; or ""."""
    actor = actor_seen(request)
    if actor is not None and actor.register is not None:
        return actor.register
    pairing = pairing_of(request)
    return pairing.register if pairing is not None else chosen_register(request)


def chosen_register(request: Request) -> str:
    """What was chosen at the last log-in of an unpaired browser, read once a request."""
    known: dict[str, Any] = request.scope["state"]
    if "register" not in known:
        known["register"] = _read_hex(request, REGISTER_COOKIE)
    register: str = known["register"]
    return register


def remember_register(request: Request, response: Response, register: str) -> None:
    """Chosen at the log-in."""
    _write_hex(request, response, REGISTER_COOKIE, register)


def recent_codes(request: Request) -> list[str]:
    """Who logged in by PIN in this browser, the last first."""
    return [code for code in _read_hex(request, RECENT_COOKIE).split("\n") if code]


def remember_recent(request: Request, response: Response, code: str) -> None:
    """Somebody logged in by PIN here."""
    codes = [code, *(known for known in recent_codes(request) if known != code)]
    _write_hex(request, response, RECENT_COOKIE, "\n".join(codes[:RECENT_PEOPLE_MAX]))


def _read_hex(request: Request, name: str) -> str:
    held = unsign(state_of(request).secret, name, read_cookie(request, name))
    return bytes.fromhex(held).decode() if held else ""


def _write_hex(request: Request, response: Response, name: str, text: str) -> None:
    # Cookies hold no letters of other alphabets.
    set_cookie(response, request, name, sign(state_of(request).secret, name, text.encode().hex()), YEAR_SECONDS)


def navigation_for(actor: Actor | None, doorways: Iterable[Doorway]) -> tuple[Destination, ...]:
    """The pages that somebody may see; nobody is offered a page."""
    if actor is None:
        return ()
    return tuple(
        doorway.destination for doorway in doorways if doorway.permission is None or actor.may(doorway.permission)
    )
