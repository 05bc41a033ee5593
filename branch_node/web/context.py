"""What the branch's pages are given when the program starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.clock import Clock


@dataclass(frozen=True, slots=True)
class WebContext:
    """`read_status` says how the branch stands and raises FilialError when the store does not answer."""

    store: BranchStore
    settings: Settings
    read_status: Callable[[], dict[str, Any]]

    @property
    def clock(self) -> Clock:
        return self.store.clock


def context_of(request: Request) -> WebContext:
    """The context of the application that a request came to."""
    context: WebContext = request.app.state.context
    return context
