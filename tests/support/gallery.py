"""A small web application that uses every component of `shared/web`: for tests of the frame itself."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.errors import HqUnreachable, InvalidInput, NotFound, Refused
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import Site, create_site, see_other
from tests.support.clock import FakeClock, SeededIds

TEMPLATES = Path(__file__).with_name("gallery_templates")
SECRET = b"s" * 32
_seeds = itertools.count()
ROWS = [["A-1", "Анна <b>", "1"], ["A-2", "", "2"]]
_FAILURES = {
    "input": InvalidInput("That is no sum.", "Write it as 1481.69."),
    "missing": NotFound("There is no such client."),
    "refused": Refused("The till is closed.", "Open it first."),
    "unreachable": HqUnreachable("The head office does not answer."),
}


@dataclass
class Gallery:
    """The application, and what was sold and undone through it."""

    sold: list[dict[str, str]] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    session: str = ""

    def app(self) -> Starlette:
        """Made anew each time, with the same secret: as after a restart."""
        routes = [
            Route("/", self._page),
            Route("/sales", self._sell, methods=["POST"]),
            Route("/undo", self._undo, methods=["POST"]),
            Route("/refuse", self._refuse, methods=["POST"]),
            Route("/fail/{kind}", self._fail),
            Route("/break", self._break),
            Route("/healthz", self._health),
        ]

        def session_of(_connection: HTTPConnection) -> str:
            return self.session

        return create_site(
            Site(routes, (TEMPLATES,), SECRET, SeededIds(FakeClock(), next(_seeds)), session_of=session_of)
        )

    def _page(self, request: Request) -> Response:
        return render(request, "gallery.html", rows=ROWS, block=request.query_params.get("block", ""))

    def _sell(self, request: Request) -> Response:
        sold = {name: str(value) for name, value in form_of(request).items() if name != "csrf_token"}
        self.sold.append(sold)
        return see_other(request, "/", Notice(f"Sold to {sold.get('client', '')}", "/undo", {"sale": "1"}))

    def _undo(self, request: Request) -> Response:
        self.undone.append(text_of(request, "sale"))
        return see_other(request, "/")

    def _refuse(self, _request: Request) -> Response:
        raise Refused("The till is closed.", "Open it first.")

    def _fail(self, request: Request) -> Response:
        raise _FAILURES[request.path_params["kind"]]

    def _break(self, _request: Request) -> Response:
        raise RuntimeError("a secret inside")

    def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})
