"""Finds the route of an address among many: only those are tried whose address begins alike.

Contains no routes. What no route takes – another method, an address that is none – is left to Starlette's own router.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send


def route_by_beginnings(app: Starlette) -> None:
    """Lets an application find its routes by the first part of their addresses; among those, the order counts.

    To try each of two hundred at every request takes longer than to read a client's card.
    """
    router, by_beginning = app.router, dict[str, list[Route]]()
    for route in app.routes:
        # One that takes any beginning stays with the router, after all others.
        if isinstance(route, Route) and "{" not in _beginning(route.path):
            by_beginning.setdefault(_beginning(route.path), []).append(route)

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in by_beginning.get(_beginning(scope["path"]), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found, router=router, route=route)
                    await route.handle(scope, receive, send)
                    return
        await router.app(scope, receive, send)

    router.middleware_stack = routed


def _beginning(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""
