"""Routes found by the first part of their address are those that would be found one after another."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from shared.web.routing import route_by_beginnings


def route(path: str, name: str, methods: tuple[str, ...] = ("GET",)) -> Route:
    def view(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{name} {request.path_params} {request.scope['route'].path}")

    return Route(path, view, methods=list(methods))


ADDRESSES = [
    *("/", "/clients", "/clients/new", "/clients/old", "/clients/7", "/clients/7/x"),
    *("/files/a/b", "/files", "/what", "/x/y"),
]


def routes() -> list[Route]:
    return [
        route("/", "first"),
        route("/clients/new", "new"),
        route("/clients/{id}", "card"),
        route("/clients/old", "hidden behind the card"),
        route("/clients/{id}", "change", ("POST",)),
        route("/clients", "list"),
        route("/files/{rest:path}", "file"),
        route("/{anything}", "anything"),
    ]


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_leads_where_it_leads_one_by_one(path: str, method: str) -> None:
    plain, ours = Starlette(routes=routes()), Starlette(routes=routes())
    route_by_beginnings(ours)
    answers = [TestClient(app, follow_redirects=False).request(method, path) for app in (plain, ours)]
    assert [(each.status_code, each.text, each.headers.get("allow")) for each in answers[:1]] == [
        (each.status_code, each.text, each.headers.get("allow")) for each in answers[1:]
    ]


def test_an_application_goes_on_saying_which_routes_it_has() -> None:
    app = Starlette(routes=routes())
    route_by_beginnings(app)
    assert [each.path for each in app.routes if isinstance(each, Route)] == [each.path for each in routes()]
