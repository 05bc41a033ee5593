"""The door of every web application: which host is asked, how much is sent, and that a change comes from our page.

Pure ASGI, so that nothing below it runs before a request has passed.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import RequestRefused
from shared.web.request_state import state_of

BODY_BYTES_MAX = 1_048_576
BODY_SECONDS_MAX = 30
FILE_SECONDS_MAX = 300
"""For a form with files to arrive."""

FORM_PART_BYTES_MAX = 65_536
"""Of a field beside the files in a form that is read as it comes."""

FORM_FIELDS_MAX = 1_000
FORM_FILES_MAX = 4

TOKEN_FIELD: Final = "csrf_token"  # noqa: S105 - a field's name.
TOKEN_HEADER: Final = "X-CSRF-Token"  # noqa: S105 - a header's name.

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_FETCH_SITES: Final = frozenset({"same-origin", "none"})
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS: Final[Mapping[str, str]] = {
    # Pico draws its arrows and ticks with data: images.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    # Pages are of one person at one moment. What may be kept says so itself.
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class StreamedPath(NamedTuple):
    """Addresses to which files may be sent: read as they come, and kept on the disk until the request is answered."""

    pattern: re.Pattern[str]
    bytes_max: int


class Door:
    """Lets a request in, or raises RequestRefused. `hosts` are the names besides this machine's own.

    `bearer_tokens` are what programs prove themselves with, by path: they have no page whose form they could send.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: frozenset[str] = frozenset(),
        open_paths: frozenset[str] = frozenset(),
        large_paths: Mapping[str, int] | None = None,
        streamed_paths: Sequence[StreamedPath] = (),
        bearer_tokens: Mapping[str, str] | None = None,
    ) -> None:
        self.app = app
        self._bearer_tokens = bearer_tokens or {}
        self._hosts = hosts | LOOPBACK_NAMES | {socket.gethostname().lower()}
        self._open_paths = open_paths
        self._large_paths = large_paths or {}
        self._streamed_paths = tuple(streamed_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # Starting and stopping; nothing here speaks over sockets.
            await self.app(scope, receive, send)
            return
        if scope["path"] not in self._open_paths:
            self._require_known_host(scope)
        if scope["method"] not in SAFE_METHODS:
            is_program = proves_itself(Headers(scope=scope), self._bearer_tokens.get(scope["path"], ""))
            scope["state"]["bearer"] = is_program
            if not is_program:
                require_own_origin(Headers(scope=scope), scope["scheme"])
            streamed = self._streamed(scope)
            if streamed is not None:
                await self._take_streamed(scope, receive, send, streamed.bytes_max)
                return
            body = await _read_in_time(scope, receive, self._bytes_max(scope))
            receive = _replaying(body, receive)
            form = await _read_form(scope, body, self._bytes_max(scope))
            if not is_program:
                require_token(HTTPConnection(scope), form)
            scope["state"]["form"] = form
        await self.app(scope, receive, send)

    def _streamed(self, scope: Scope) -> StreamedPath | None:
        """Only for whoever has a session, and sends files: anything else is read as everywhere."""
        if _kind_of(scope) != "multipart/form-data" or not state_of(HTTPConnection(scope)).session:
            return None
        return next((each for each in self._streamed_paths if each.pattern.fullmatch(scope["path"])), None)

    async def _take_streamed(self, scope: Scope, receive: Receive, send: Send, bytes_max: int) -> None:
        """Reads a form with files without ever holding one in memory, and lets the request in."""
        require_size(Headers(scope=scope), bytes_max)
        if TOKEN_HEADER in Headers(scope=scope):
            # A page that sends it there need not send the file in vain.
            require_token(HTTPConnection(scope), FormData())
        try:
            async with asyncio.timeout(FILE_SECONDS_MAX):
                form = await _parse_form(scope, _counting(receive, bytes_max), FORM_PART_BYTES_MAX)
        except TimeoutError:
            raise RequestRefused("What was sent came too slowly.", "Check the network and try again.", 408) from None
        try:
            require_token(HTTPConnection(scope), form)
            scope["state"]["form"] = form
            await self.app(scope, _nothing_more, send)
        finally:
            await form.close()

    def _bytes_max(self, scope: Scope) -> int:
        """Strangers are not let fill the memory: whoever may send more has a session, whose cookie is signed."""
        has_session = bool(state_of(HTTPConnection(scope)).session)
        return self._large_paths.get(scope["path"], BODY_BYTES_MAX) if has_session else BODY_BYTES_MAX

    def _require_known_host(self, scope: Scope) -> None:
        name = host_name(Headers(scope=scope).get("host", ""))
        # The address a connection came to is this machine's own, whichever of its networks that was.
        own = (scope.get("server") or ("",))[0]
        if name not in self._hosts and not (own and _same_address(name, own)):
            raise RequestRefused(
                "These pages are not served under that name.", "Ask for the machine's own name or address.", 421
            )


def proves_itself(headers: Headers, token: str) -> bool:
    """Whether a program shows the token of this path; no browser does. Raises RequestRefused for another one."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise RequestRefused("This token is not known here.", "Compare it with the branch’s settings.", 401)
    return True


def has_bearer_token(request: Request) -> bool:
    """Whether a program sent the request that has proved itself."""
    return bool(request.scope["state"].get("bearer"))


def form_of(request: Request) -> FormData:
    """What a form sent; the door has read it, so plain functions may ask. Empty for a GET."""
    form: FormData = request.scope["state"].get("form") or FormData()
    return form


def text_of(request: Request, name: str) -> str:
    """One field of the form as text without white space around; empty when it is missing."""
    value = form_of(request).get(name, "")
    return value.strip() if isinstance(value, str) else ""


def host_name(host: str) -> str:
    """The name in a Host header, without its port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _same_address(name: str, own: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(own)
    except ValueError:
        return False


def require_own_origin(headers: Headers, scheme: str) -> None:
    """A browser says where a request comes from; whoever says nothing is no browser. Raises RequestRefused."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        # The browser has compared scheme, name and port itself, also when a proxy stands between.
        if site not in OWN_FETCH_SITES:
            raise _foreign()
        return
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scheme}://{headers.get('host', '')}".lower():
        raise _foreign()


def _foreign() -> RequestRefused:
    return RequestRefused("Another site sent this form.", "Open the page here and try again.", 403)


def require_token(connection: HTTPConnection, form: FormData) -> None:
    """The token that our page carried came back, in the header or in the form. Raises RequestRefused."""
    given = connection.headers.get(TOKEN_HEADER) or form.get(TOKEN_FIELD) or ""
    expected = state_of(connection).csrf_token()
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise RequestRefused("This page is out of date.", "Load it again and repeat what you did.", 403)


async def _read_in_time(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await read_body(scope, receive, bytes_max)
    except TimeoutError:
        raise RequestRefused("What was sent came too slowly.", "Check the network and try again.", 408) from None


async def read_body(scope: Scope, receive: Receive, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The whole body, held in memory. Raises RequestRefused when it is larger."""
    require_size(Headers(scope=scope), bytes_max)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > bytes_max:
            raise _too_large(bytes_max)
        if not message.get("more_body", False):
            return b"".join(parts)


def require_size(headers: Headers, bytes_max: int) -> None:
    """What is announced is not too large. Raises RequestRefused."""
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > bytes_max:
        raise _too_large(bytes_max)


def _counting(receive: Receive, bytes_max: int) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > bytes_max:
            raise _too_large(bytes_max)
        return message

    return counted


def _too_large(bytes_max: int) -> RequestRefused:
    return RequestRefused("What was sent is too large.", f"At most {bytes_max // 1_024} KiB are taken.", 413)


def _replaying(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def _kind_of(scope: Scope) -> str:
    return Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()


async def _read_form(scope: Scope, body: bytes, bytes_max: int) -> FormData:
    """The form in the body; empty when it is none. Raises RequestRefused when it cannot be read."""
    if _kind_of(scope) not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return FormData()
    return await _parse_form(scope, _replaying(body, _nothing_more), bytes_max)


async def _parse_form(scope: Scope, receive: Receive, part_bytes_max: int) -> FormData:
    limits: dict[str, Any] = {
        "max_fields": FORM_FIELDS_MAX,
        "max_files": FORM_FILES_MAX,
        "max_part_size": part_bytes_max,
    }
    try:
        return await Request(scope, receive).form(**limits)
    except (HTTPException, MultiPartException, UnicodeDecodeError, ValueError, ClientDisconnect):
        raise RequestRefused("The form cannot be read.", "Load the page again and repeat what you did.") from None


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}
