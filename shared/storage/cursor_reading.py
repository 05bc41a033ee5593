"""Selects of SQLAlchemy read through the driver's cursor, in a tenth of the time: for what every page asks.

Contains no writing: the statements are the ones that other stores read with.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.dialects import sqlite

from shared.errors import StoreError
from shared.storage.column_types import Id, UtcTime

STATEMENTS_KEPT_MAX = 256
"""Statements are constants of their modules; one that is built anew for every question would fill the memory."""

_DIALECT: Final = sqlite.dialect(paramstyle="named")
_NO_PARAMETERS: Final[Mapping[str, Any]] = {}
_LIST: Final = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)")
"""How SQLAlchemy writes the place of an `expanding` parameter."""

_LIST_SIZES: Final = (0, 1, 2, 4, 8, 16, 24, 32, 64, 128, 256, 512)
"""Lists are filled up to one of these by their last value: so few texts are kept by the driver as prepared."""

Question = Select[Any] | CompoundSelect[Any]


class Reader(Protocol):
    """What answers a select: SQLAlchemy's connection, or a `CursorReader`."""

    def execute(self, statement: Any, parameters: Any = ..., /) -> Any: ...


class _Compiled(NamedTuple):
    """`columns` are the places and functions of those whose values the driver does not give as the domain's own.

    `values` are those that the statement has itself, `lists` the parameters that are lists; `texts` by their sizes.
    """

    text: str
    row: Any
    columns: tuple[tuple[int, Any], ...]
    values: Mapping[str, Any]
    lists: tuple[str, ...]
    texts: dict[tuple[int, ...], str]


class Rows:
    """The answer to one select, as SQLAlchemy gives it: rows with the columns' names."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def scalars(self) -> list[Any]:
        """The first value of every row."""
        return [row[0] for row in self._rows]

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


_compiled: dict[Question, _Compiled] = {}


class CursorReader:
    """Answers selects from a cursor of SQLite's driver. Every statement is compiled once."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def execute(self, statement: Question, parameters: Mapping[str, Any] = _NO_PARAMETERS, /) -> Rows:
        """`statement` is a constant with `bindparam`s, which `parameters` fill: with values as the store keeps them, or
        sequences of such where one is `expanding`. Raises the driver's errors."""
        compiled = _compiled.get(statement)
        if compiled is None:
            compiled = _compile(statement)
        text = compiled.text
        if compiled.values:
            parameters = {**compiled.values, **parameters}
        if compiled.lists:
            text, parameters = _spread(compiled, parameters)
        rows = self.cursor.execute(text, parameters).fetchall()
        if not compiled.columns:
            return Rows(list(map(compiled.row._make, rows)))
        return Rows([compiled.row._make(_converted(row, compiled.columns)) for row in rows])


def _converted(row: tuple[Any, ...], columns: tuple[tuple[int, Any], ...]) -> list[Any]:
    values = list(row)
    for place, convert in columns:
        values[place] = convert(values[place])
    return values


def _spread(compiled: _Compiled, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The statement's text for lists of these sizes, and each of their values as a parameter of its own."""
    spread, sizes = dict(parameters), list[int]()
    for name in compiled.lists:
        values: Sequence[Any] = spread.pop(name)
        size = next((size for size in _LIST_SIZES if size >= len(values)), len(values))
        spread.update((f"{name}__{place}", value) for place, value in enumerate(values))
        spread.update((f"{name}__{place}", values[-1]) for place in range(len(values), size))
        sizes.append(size)
    text = compiled.texts.get(tuple(sizes))
    if text is None:
        size_of = dict(zip(compiled.lists, sizes, strict=True))
        text = _LIST.sub(lambda found: _places(found[1], size_of[found[1]]), compiled.text)
        compiled.texts[tuple(sizes)] = text
    return text, spread


def _places(name: str, size: int) -> str:
    if not size:
        # Of `IN ()`, SQLite looks at every row.
        return "(SELECT NULL WHERE FALSE)"
    return f"({', '.join(f':{name}__{place}' for place in range(size))})"


def _compile(statement: Question) -> _Compiled:
    if len(_compiled) >= STATEMENTS_KEPT_MAX:
        raise StoreError(
            f"{STATEMENTS_KEPT_MAX} statements are kept already.", "Build each once, not for every question."
        )
    chosen = list(statement.selected_columns)
    compiled = statement.compile(dialect=_DIALECT)
    found = _Compiled(
        str(compiled),
        namedtuple("Row", [str(column.key) for column in chosen], rename=True),
        tuple((place, convert) for place, convert in enumerate(map(_converter, chosen)) if convert is not None),
        {name: value for name, value in compiled.params.items() if value is not None},
        tuple(dict.fromkeys(_LIST.findall(str(compiled)))),
        {},
    )
    _compiled[statement] = found
    return found


def _converter(column: Any) -> Any:
    """What makes the domain's value of the driver's; None where it is that already, as ids and moments are here."""
    if isinstance(column.type, Id | UtcTime):
        return None
    return column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
