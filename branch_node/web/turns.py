"""One at a time: requests that ask this machine's store, and nobody who may be slow.

Threads that work at the same time hand Python's lock to and fro at every question to the store, and each takes three
times as long. Tills that scan at once are served sooner one after the other. Whoever waits for the head office or for
a payment terminal gives the turn away meanwhile.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Outcome = TypeVar("Outcome")


class Turn:
    """One for an application."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holding = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Nobody else has the turn meanwhile. Waits for as long as another has it."""
        with self._lock:
            self._holding.it = True
            try:
                yield
            finally:
                self._holding.it = False

    @contextmanager
    def given_away(self) -> Iterator[None]:
        """Others go on meanwhile. For whoever has no turn, nothing."""
        if not getattr(self._holding, "it", False):
            yield
            return
        self._holding.it = False
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
            self._holding.it = True

    def outside(self, work: Callable[..., Outcome]) -> Callable[..., Outcome]:
        """The same work, with the turn given away while it lasts."""

        @functools.wraps(work)
        def waiting(*arguments: Any, **named: Any) -> Outcome:
            with self.given_away():
                return work(*arguments, **named)

        return waiting


class Outside:
    """Anything whose methods wait for somebody outside: each gives the turn away."""

    def __init__(self, turn: Turn, inner: object) -> None:
        self._turn, self._inner = turn, inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._turn.outside(found) if callable(found) else found
