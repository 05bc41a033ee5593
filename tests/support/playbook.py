"""Scripts for the sync core: `>>` puts something into a session, `<<` says what must come out of it next.

    assert (
        Playbook(session)
        >> welcome()
        << StoreWelcome(welcome())
        << CompareHistory(head(3))
    )

What goes in is a message, a fact from the store (a function that calls the session) or `Wait`. Everything that comes
out must have been expected before something else goes in, and before the script ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar


class Session(Protocol):
    """Either side's session."""

    def receive_message(self, message: Any, now_ms: int) -> None: ...

    def tick(self, now_ms: int) -> None: ...

    def commands(self) -> list[Any]: ...

    def next_wake_at(self) -> int | None: ...


SessionT = TypeVar("SessionT", bound=Session)


@dataclass(frozen=True)
class Wait:
    """Time passes, and the session is told."""

    ms: int


class Playbook(Generic[SessionT]):
    """One session and what it has said and nobody has expected yet."""

    def __init__(self, session: SessionT, now_ms: int = 0) -> None:
        self.session = session
        self.now_ms = now_ms
        self._said: deque[Any] = deque(session.commands())

    def __rshift__(self, event: object) -> Self:
        assert not self._said, f"before {event}, the session said more: {list(self._said)}"
        self.put(event)
        return self

    def __lshift__(self, expected: object) -> Self:
        assert self._said, f"the session did not say {expected}"
        said = self._said.popleft()
        assert said == expected, f"expected {expected}\n  came {said}\n  then {list(self._said)}"
        return self

    def __bool__(self) -> bool:
        assert not self._said, f"at the end, the session said more: {list(self._said)}"
        return True

    def put(self, event: object) -> list[Any]:
        """Puts something in; returns everything that waits to be expected."""
        if isinstance(event, Wait):
            self.now_ms += event.ms
            self.session.tick(self.now_ms)
        elif callable(event):
            tell: Callable[[SessionT], object] = event
            tell(self.session)
        else:
            self.session.receive_message(event, self.now_ms)
        self._said.extend(self.session.commands())
        return list(self._said)

    def skip(self) -> Self:
        """Forgets what was said: the script begins after it."""
        self._said.clear()
        return self
