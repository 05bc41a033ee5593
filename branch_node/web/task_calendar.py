"""`/tasks.ics` for calendars that subscribe, and the page that makes its secret address."""

from __future__ import annotations

import threading
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from branch_node.operations.task_calendar import end_calendar, has_calendar, renew_calendar, write_calendar
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.business_time import MICROSECONDS
from shared.domain.permissions import Permission
from shared.errors import RequestRefused
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

REQUESTS_A_MINUTE_MAX: Final = 60
"""Of all calendars of a branch together: each asks every quarter of an hour or less often."""

TOKEN_CHARACTERS_MAX: Final = 100


class Rate:
    """So many a minute, however they come."""

    def __init__(self, per_minute_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._lock = threading.Lock()
        self._minute = self._count = 0

    def take(self, now_us: int) -> None:
        """Raises RequestRefused when this minute has had enough."""
        minute = now_us // (60 * MICROSECONDS)
        with self._lock:
            if minute != self._minute:
                self._minute, self._count = minute, 0
            self._count += 1
            if self._count > self._per_minute_max:
                raise RequestRefused("Calendars ask too often.", "Ask again in a minute.", 429)


def feed(request: Request) -> Response:
    """`/tasks.ics?token=`: whoever holds the secret needs no session. Raises NotPermitted, RequestRefused."""
    context = context_of(request)
    known: Any = request.app.state
    if not hasattr(known, "calendar_rate"):
        known.calendar_rate = Rate(REQUESTS_A_MINUTE_MAX)
    known.calendar_rate.take(context.clock.now_us())
    token, base = request.query_params.get("token", "")[:TOKEN_CHARACTERS_MAX], _base(request)
    data = write_calendar(context.store, token, lambda task_id: f"{base}/tasks/{task_id}")
    headers = {"Content-Disposition": 'inline; filename="tasks.ics"', "Cache-Control": "no-store"}
    return Response(data, media_type="text/calendar; charset=utf-8", headers=headers)


def page(request: Request) -> Response:
    """`/tasks/calendar`: whether there is an address, and how a calendar takes it."""
    return _show(request, "")


def renew(request: Request) -> Response:
    """POST: a new address; it is shown once, so no redirect."""
    token = renew_calendar(context_of(request).store, signed_in(request))
    return _show(request, f"{_base(request)}/tasks.ics?token={token}")


def end(request: Request) -> Response:
    """POST: no calendar may ask any more."""
    end_calendar(context_of(request).store, signed_in(request))
    return see_other(request, "/tasks/calendar", Notice(_("The address holds no longer.")))


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _show(request: Request, address: str) -> Response:
    has_one = has_calendar(context_of(request).store, signed_in(request))
    return render(request, "task_calendar.html", address=address, has_one=has_one)


ROUTES: tuple[Any, ...] = (
    Route("/tasks.ics", feed),
    guarded("/tasks/calendar", page, Permission.TASK_EDIT),
    guarded("/tasks/calendar", renew, Permission.TASK_EDIT, methods=["POST"]),
    guarded("/tasks/calendar/end", end, Permission.TASK_EDIT, methods=["POST"]),
)
