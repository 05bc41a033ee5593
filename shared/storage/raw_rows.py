"""Rows as the database holds them: no value is turned into a type that could refuse it, so that damage is readable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Date,
    Integer,
    Table,
    Text,
    case,
    cast,
    literal_column,
    type_coerce,
)
from sqlalchemy.types import NullType

from shared.storage.column_types import UtcTime
from shared.storage.fact_rows import Row

_EARLIEST: Any = literal_column("TIMESTAMPTZ '0001-01-03 00:00Z'")
_LATEST: Any = literal_column("TIMESTAMPTZ '9999-12-29 00:00Z'")


def raw_column(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A date as text and a truth value as a number; on SQLite, which takes anything anywhere, whatever is there."""
    if connection.dialect.name == "sqlite":
        return type_coerce(column, NullType())
    if isinstance(column.type, Date):
        return cast(column, Text)
    if isinstance(column.type, Boolean):
        return cast(column, Integer)
    if isinstance(column.type, UtcTime):
        # PostgreSQL has moments that Python has not, `infinity` among them.
        return case((column.between(_EARLIEST, _LATEST), column))
    return column


@contextmanager
def raw_texts(connection: Connection) -> Iterator[None]:
    """Within, texts of a SQLite store that are no UTF-8 can be read too."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    usual = driver.text_factory
    driver.text_factory = _decode
    try:
        yield
    finally:
        driver.text_factory = usual


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def raw_columns(connection: Connection, table: Table) -> list[ColumnElement[Any]]:
    """The columns of a table that both sides have: all but `received_at`, the last."""
    return [raw_column(connection, column) for column in list(table.columns)[:-1]]


def raw_value(connection: Connection, value: Any) -> Any:
    """Something read raw, to compare a column with."""
    return type_coerce(value, NullType()) if connection.dialect.name == "sqlite" else value


def raw_places(table: Table) -> tuple[tuple[int, type[Any]], ...]:
    """The columns that look otherwise when they are raw: their places and types."""
    kinds: tuple[type[Any], ...] = (Date, Boolean)
    return tuple(
        (place, kind) for place, column in enumerate(table.columns) for kind in kinds if isinstance(column.type, kind)
    )


def as_raw(row: Row, places: tuple[tuple[int, type[Any]], ...]) -> Row:
    """A row of domain values as `raw_columns` reads it."""
    if not places:
        return row
    values = list(row)
    for place, kind in places:
        value = values[place]
        if value is not None:
            values[place] = value.isoformat() if kind is Date else int(value)
    return tuple(values)
