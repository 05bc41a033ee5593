"""What the branch's pages are given when the program starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection, Request

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.clock import Clock
from shared.web.site import no_session


@dataclass(frozen=True, slots=True)
class WebContext:
    """`read_status` says how the branch stands and raises FilialError when the store does not answer.

    `session_of` gives the id of the session that a request's cookie proves; forms are bound to it.
    """

    store: BranchStore
    settings: Settings
    read_status: Callable[[], dict[str, Any]]
    session_of: Callable[[HTTPConnection], str] = no_session

    @property
    def clock(self) -> Clock:
        return self.store.clock


def context_of(request: Request) -> WebContext:
    """The context of the application that a request came to."""
    context: WebContext = request.app.state.context
    return context
