"""`/healthz`: for programs that watch the head office."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import shared
from hq_server.web.context import context_of
from shared.errors import FilialError


async def healthz(request: Request) -> JSONResponse:
    """200 while the store answers, else 503 with the reason."""
    try:
        await run_in_threadpool(context_of(request).check_store)
    except FilialError as error:
        return JSONResponse({"status": "failing", "reason": error.message}, status_code=503)
    return JSONResponse({"status": "ok", "release": shared.__version__})


ROUTES = (Route("/healthz", healthz),)
