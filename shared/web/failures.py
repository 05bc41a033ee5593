"""Turns what went wrong into what the asker can read: a page, a fragment for htmx, or JSON; with the right status.

Contains no texts of errors: those come with the error, and their translations from the catalogs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import FilialError
from shared.web.error_texts import translate_error
from shared.web.pages import pages_of
from shared.web.request_state import state_of
from shared.web.translations import gettext

STATUSES: Final[Mapping[str, int]] = {
    "InvalidInput": 422,
    "DecodeError": 422,
    "NotFound": 404,
    "AlreadyExists": 409,
    "Refused": 409,
    "NotPermitted": 403,
    "LogInRefused": 403,
    "TokenRefused": 403,
    "NotAuthorised": 403,
    "StoreError": 503,
    "SyncError": 503,
}
"""By the name of an error's class or of the nearest one above it."""

STATUS_OF_OTHER_ERRORS: Final = 400


def status_of(error: FilialError) -> int:
    """The HTTP status: the error's own when it has one."""
    own = getattr(error, "status", None)
    if isinstance(own, int):
        return own
    return next(
        (STATUSES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in STATUSES), STATUS_OF_OTHER_ERRORS
    )


class Failures:
    """Answers for whatever the application below raises."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watching(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watching)
        except FilialError as error:
            if started:
                raise
            await answer_error(Request(scope), error)(scope, receive, send)
        except Exception as error:
            structlog.get_logger().exception("request failed", path=scope["path"], request_id=_request_id(scope))
            if started:
                raise
            await answer_unexpected(Request(scope), error)(scope, receive, send)


def answer_error(request: Request, error: FilialError) -> Response:
    """An error that the product raised on purpose."""
    status = status_of(error)
    if status >= 500:
        structlog.get_logger().warning("request refused", path=request.url.path, reason=error.message)
    return _answer(request, status, error.reason, translate_error(error.message), translate_error(error.hint))


def answer_unexpected(request: Request, _error: Exception) -> Response:
    """An error that nobody foresaw: its number is in the log, its traceback nowhere else."""
    hint = gettext("Try again. If it stays so, tell support this number: %(number)s.") % {
        "number": _request_id(request.scope)
    }
    return _answer(request, 500, "unexpected", gettext("Something went wrong here, and it was written down."), hint)


async def answer_http(request: Request, error: Exception) -> Response:
    """What the router refuses: no such page, no such method."""
    assert isinstance(error, HTTPException)
    texts = {
        404: (gettext("There is no such page."), gettext("Go back, or begin at the first page.")),
        405: (gettext("This page cannot do that."), gettext("Go back and use the page's own buttons.")),
    }
    message, hint = texts.get(error.status_code, (gettext("The request was refused."), ""))
    return _answer(request, error.status_code, f"http_{error.status_code}", message, hint)


def _answer(request: Request, status: int, reason: str, message: str, hint: str) -> Response:
    if _wants_json(request):
        content: dict[str, Any] = {"error": reason, "message": message, "hint": hint}
        return JSONResponse(content, status, headers={"Cache-Control": "no-store"})
    context = {"message": message, "hint": hint}
    pages = pages_of(request)
    if request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true":
        # Whatever the page meant to replace stays as it is; what went wrong is said above it.
        headers = {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
        return pages.render(request, "failure_fragment.html", status_code=status, headers=headers, failure=context)
    return pages.render(request, "failure.html", status_code=status, failure=context)


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _request_id(scope: Scope) -> str:
    return state_of(Request(scope)).request_id
