"""What a store is asked, whether through SQLAlchemy or through the driver's own cursor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy.pool.base import _ConnectionFairy

Statement = tuple[str, Any]
"""A text and its parameters, as the driver takes them."""


class _NotingCursor:
    """A cursor that notes what it is asked before it asks."""

    def __init__(self, cursor: Any, sent: list[Statement]) -> None:
        self._cursor, self._sent = cursor, sent

    def execute(self, text: str, parameters: Any = (), /) -> Any:
        self._sent.append((text, parameters))
        return self._cursor.execute(text, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)


@contextmanager
def recorded_statements() -> Iterator[list[Statement]]:
    """Those that any thread sends meanwhile. All cursors come from pooled connections, SQLAlchemy's own too."""
    sent: list[Statement] = []
    make = _ConnectionFairy.cursor

    def noting(self: Any, *arguments: Any, **named: Any) -> Any:
        return _NotingCursor(make(self, *arguments, **named), sent)

    with patch.object(_ConnectionFairy, "cursor", noting):
        yield sent
