"""Statements of SQLAlchemy are compiled once a test process, not once a store: tests make thousands of stores.

An engine remembers what it compiled, and a dialect is equal to itself alone; here all engines of one kind share both.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

STATEMENTS_KEPT = 4_000

_caches: dict[Any, LRUCache[Any, Any]] = {}
_make_engine = Engine.__init__


def share_compiled_statements() -> None:
    """From now on, for engines that are made in this process."""
    Engine.__init__ = _init  # type: ignore[method-assign]
    DefaultDialect.__eq__ = _is_same_kind  # type: ignore[assignment, method-assign]
    DefaultDialect.__hash__ = _hash_of_kind  # type: ignore[assignment, method-assign]


def _init(self: Engine, *arguments: Any, **options: Any) -> None:
    _make_engine(self, *arguments, **options)
    self._compiled_cache = _caches.setdefault(_kind(self.dialect), LRUCache(STATEMENTS_KEPT))


def _kind(dialect: Any) -> tuple[object, ...]:
    return type(dialect), dialect.paramstyle, dialect.insertmanyvalues_page_size


def _is_same_kind(self: DefaultDialect, other: object) -> bool:
    return isinstance(other, DefaultDialect) and _kind(self) == _kind(other)


def _hash_of_kind(self: DefaultDialect) -> int:
    return hash(_kind(self))
