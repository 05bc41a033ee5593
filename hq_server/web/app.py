"""Makes the web application."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import shared
from shared.errors import FilialError


def create_app(check_store: Callable[[], object]) -> Starlette:
    """`check_store` raises when the store does not answer."""

    async def healthz(_request: Request) -> JSONResponse:
        try:
            await run_in_threadpool(check_store)
        except FilialError as error:
            return JSONResponse({"status": "failing", "reason": error.message}, status_code=503)
        return JSONResponse({"status": "ok", "release": shared.__version__})

    return Starlette(routes=[Route("/healthz", healthz)])
