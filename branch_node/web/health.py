"""`/healthz`: whether the branch works, for programs that watch it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import shared
from branch_node.web.context import context_of
from shared.errors import FilialError

KEPT = ("branch", "online", "waiting", "oldest_waiting_seconds", "parked")


def healthz(request: Request) -> JSONResponse:
    """200 and how the branch stands, or 503 and why its store does not answer."""
    try:
        status = context_of(request).read_status()
    except FilialError as error:
        return JSONResponse({"status": "failing", "reason": error.message}, status_code=503)
    return JSONResponse({"status": "ok", "release": shared.__version__, **{name: status[name] for name in KEPT}})


ROUTES = (Route("/healthz", healthz),)
