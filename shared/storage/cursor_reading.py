"""Selects of SQLAlchemy read through the driver's cursor, in a tenth of the time: for what every page asks.

Contains no writing: the statements are the ones that other stores read with.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from shared.errors import StoreError

STATEMENTS_KEPT_MAX = 256
"""Statements are constants of their modules; one that is built anew for every question would fill the memory."""

_DIALECT: Final = sqlite.dialect(paramstyle="named")
_NO_PARAMETERS: Final[Mapping[str, Any]] = {}


class Reader(Protocol):
    """What answers a select: SQLAlchemy's connection, or a `CursorReader`."""

    def execute(self, statement: Any, parameters: Any = ..., /) -> Any: ...


class _Compiled(NamedTuple):
    """`columns` are the places and functions of those whose values the driver does not give as the domain's own."""

    text: str
    row: Any
    columns: tuple[tuple[int, Any], ...]


class Rows:
    """The answer to one select, as SQLAlchemy gives it: rows with the columns' names."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Every row."""
        return self._rows

    def first(self) -> Any:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any:
        """The only row, or None. Raises StoreError when there are several."""
        if len(self._rows) > 1:
            raise StoreError("The store holds several rows where there is one.", "Run: sync verify --deep")
        return self.first()

    def scalar_one_or_none(self) -> Any:
        """The first value of the only row, or None. Raises StoreError when there are several rows."""
        row = self.one_or_none()
        return None if row is None else row[0]


_compiled: dict[Select[Any], _Compiled] = {}


class CursorReader:
    """Answers selects from a cursor of SQLite's driver. Every statement is compiled once."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def execute(self, statement: Select[Any], parameters: Mapping[str, Any] = _NO_PARAMETERS, /) -> Rows:
        """`statement` is a constant with `bindparam`s, which `parameters` fill. Raises the driver's errors."""
        compiled = _compiled.get(statement)
        if compiled is None:
            compiled = _compile(statement)
        rows = self.cursor.execute(compiled.text, parameters).fetchall()
        if not compiled.columns:
            return Rows([compiled.row(*row) for row in rows])
        return Rows([compiled.row(*_converted(row, compiled.columns)) for row in rows])


def _converted(row: tuple[Any, ...], columns: tuple[tuple[int, Any], ...]) -> list[Any]:
    values = list(row)
    for place, convert in columns:
        values[place] = convert(values[place])
    return values


def _compile(statement: Select[Any]) -> _Compiled:
    if len(_compiled) >= STATEMENTS_KEPT_MAX:
        raise StoreError(
            f"{STATEMENTS_KEPT_MAX} statements are kept already.", "Build each once, not for every question."
        )
    chosen = list(statement.selected_columns)
    converters = [column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in chosen]
    found = _Compiled(
        str(statement.compile(dialect=_DIALECT)),
        namedtuple("Row", [str(column.key) for column in chosen], rename=True),
        tuple((place, convert) for place, convert in enumerate(converters) if convert is not None),
    )
    _compiled[statement] = found
    return found
