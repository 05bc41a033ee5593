"""Puts a program's pages together: the door, the failures, the files, language and theme around its own routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import Ids
from shared.errors import InvalidInput
from shared.web.cookies import YEAR_SECONDS, set_cookie
from shared.web.failures import Failures, answer_http
from shared.web.pages import Destination, Frame, Pages
from shared.web.request_state import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, Notice, leave_notice, read_state
from shared.web.routing import route_by_beginnings
from shared.web.security import HEADERS, Door, StreamedPath, text_of
from shared.web.static_files import FOLDER, StaticFiles
from shared.web.translations import LANGUAGES, speaking

VENDOR_FILES: Final = ("vendor/pico.min.css", "vendor/htmx.min.js")


def no_session(_connection: HTTPConnection) -> str:
    """Nobody has logged in."""
    return ""


@dataclass(frozen=True, slots=True)
class Site:
    """What a program's pages are made of.

    `secret` signs cookies and forms. `session_of` gives the id of a request's session, which forms are bound to, or "";
    it runs before everything else, so it checks a signature and neither asks the store nor raises.
    `large_paths` take so many bytes from somebody who has a session; every other path BODY_BYTES_MAX.
    `streamed_paths` take files: see `StreamedPath`. `open_paths` answer under any host name; `bearer_tokens` are those
    of programs, by path. `frame` gives the layout's own values: `site_name`, `chip`.
    """

    routes: Sequence[BaseRoute]
    template_folders: tuple[Path, ...]
    secret: bytes
    ids: Ids
    navigation: tuple[Destination, ...] = ()
    frame: Frame = field(default=lambda _request: {})
    hosts: frozenset[str] = frozenset()
    open_paths: frozenset[str] = frozenset({"/healthz"})
    static_folders: tuple[Path, ...] = ()
    session_of: Callable[[HTTPConnection], str] = no_session
    large_paths: Mapping[str, int] = field(default_factory=dict)
    streamed_paths: Sequence[StreamedPath] = ()
    bearer_tokens: Mapping[str, str] = field(default_factory=dict)


def create_site(site: Site) -> Starlette:
    """The application. A missing vendor file is logged: pages work as plain forms without it."""
    static = StaticFiles((FOLDER, *site.static_folders))
    missing = [name for name in VENDOR_FILES if not static.url(name)]
    if missing:
        structlog.get_logger().warning("assets missing", files=missing, hint="Run: python -m deploy.assets")
    own = [
        static.route(),
        Route("/language", choose_language, methods=["POST"]),
        Route("/theme", choose_theme, methods=["POST"]),
    ]
    app = Starlette(
        routes=[*own, *site.routes],
        middleware=[
            Middleware(Surroundings, site=site),
            Middleware(Failures),
            Middleware(
                Door,
                hosts=site.hosts,
                open_paths=site.open_paths,
                large_paths=site.large_paths,
                streamed_paths=site.streamed_paths,
                bearer_tokens=site.bearer_tokens,
            ),
        ],
        exception_handlers={HTTPException: answer_http},
    )
    route_by_beginnings(app)
    app.state.pages = Pages(site.template_folders, static, site.navigation, site.frame)
    return app


class Surroundings:
    """Gives each request its state and language, and each answer its headers and cookies."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # Starting and stopping; nothing here speaks over sockets.
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        state = read_state(connection, self._site.secret, self._site.session_of(connection), self._site.ids.new_salt)
        scope.setdefault("state", {})["web"] = state

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = state.request_id
                cookies = Response()
                state.finish(cookies)
                for name, value in cookies.headers.items():
                    if name == "set-cookie":
                        headers.append(name, value)
            await send(message)

        with speaking(state.language):
            await self.app(scope, receive, send_with_headers)


def see_other(request: Request, url: str, notice: Notice | None = None) -> Response:
    """After a POST: the page to look at, and what it says of what was done. htmx opens it as a page of its own."""
    response: Response = RedirectResponse(local_path(url), status_code=303)
    if request.headers.get("hx-request") == "true":
        response = Response(status_code=204, headers={"HX-Redirect": local_path(url)})
    if notice is not None:
        leave_notice(response, request, notice)
    return response


def local_path(url: str) -> str:
    """The address when it is one of this site, else the first page: nobody is sent elsewhere."""
    inside = url.startswith("/") and not url.startswith("//") and "\\" not in url and url.isprintable()
    return url if inside else "/"


def choose_language(request: Request) -> Response:
    """POST `language` and `next`: the same page in another language."""
    return _remember_choice(request, LANGUAGE_COOKIE, LANGUAGES)


def choose_theme(request: Request) -> Response:
    """POST `theme` and `next`: the same page, light, dark, or as the device is."""
    return _remember_choice(request, THEME_COOKIE, THEMES)


def _remember_choice(request: Request, name: str, known: Sequence[str]) -> Response:
    chosen = text_of(request, name)
    if chosen not in known:
        raise InvalidInput("There is no such choice.", "Choose one of those that the page offers.")
    response = see_other(request, text_of(request, "next"))
    set_cookie(response, request, name, chosen, YEAR_SECONDS)
    return response
