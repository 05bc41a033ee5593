"""Makes the web application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import shared
from shared.errors import FilialError


def create_app(read_status: Callable[[], dict[str, Any]]) -> Starlette:
    """`read_status` says how the branch stands; it raises when the store does not answer."""

    async def healthz(_request: Request) -> JSONResponse:
        try:
            status = await run_in_threadpool(read_status)
        except FilialError as error:
            return JSONResponse({"status": "failing", "reason": error.message}, status_code=503)
        kept = {name: status[name] for name in ("branch", "online", "waiting", "oldest_waiting_seconds", "parked")}
        return JSONResponse({"status": "ok", "release": shared.__version__, **kept})

    return Starlette(routes=[Route("/healthz", healthz)])
