"""The few SQL functions that SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Text,
    any_,
    bindparam,
    literal,
    literal_column,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from shared.storage.column_types import UtcTime

StatementT = TypeVar("StatementT")
Among = Callable[[Any, str], ColumnElement[bool]]
"""Whether a column is one of the values of a parameter of that name."""


def over_lists(build: Callable[[Among], StatementT]) -> Callable[[Connection], StatementT]:
    """A statement over lists of values, built once. PostgreSQL takes each as one array: the text is the same for every
    length, and is prepared once."""
    on_postgresql, elsewhere = build(_is_any), build(_is_in)
    return lambda connection: on_postgresql if connection.dialect.name == "postgresql" else elsewhere


def _is_any(column: Any, name: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column == any_(bindparam(name, type_=ARRAY(column.type)))
    return found


def _is_in(column: Any, name: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(bindparam(name, expanding=True))
    return found


class moment_us(GenericFunction[int]):  # noqa: N801 - it reads as the SQL function it is
    """A moment's column as microseconds since 1970, whatever the dialect keeps it as."""

    type = BigInteger()
    inherit_cache = True


@compiles(moment_us, "sqlite")
def _moment_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(moment_us, "postgresql")
def _moment_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **options)}) * 1000000 AS BIGINT)"


class month_of(GenericFunction[str]):  # noqa: N801 - it reads as the SQL function it is
    """The month of a date as `YYYY-MM`."""

    type = Text()
    inherit_cache = True


@compiles(month_of, "sqlite")
def _month_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 7)"


@compiles(month_of, "postgresql")
def _month_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)}, 'YYYY-MM')"


class weekday_of(GenericFunction[int]):  # noqa: N801 - it reads as the SQL function it is
    """The day of the week of a date: 1 is Monday, 7 is Sunday (ISO 8601)."""

    type = Integer()
    inherit_cache = True


@compiles(weekday_of, "sqlite")
def _weekday_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"(1 + (strftime('%w', {compiler.process(element.clauses, **options)}) + 6) % 7)"


@compiles(weekday_of, "postgresql")
def _weekday_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(EXTRACT(ISODOW FROM {compiler.process(element.clauses, **options)}) AS INTEGER)"


class days_between(GenericFunction[int]):  # noqa: N801 - it reads as the SQL function it is
    """How many days the first date is after the second."""

    type = Integer()
    inherit_cache = True


@compiles(days_between, "sqlite")
def _days_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(days_between, "postgresql")
def _days_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    later, earlier = (compiler.process(each, **options) for each in element.clauses)
    return f"(CAST({later} AS DATE) - CAST({earlier} AS DATE))"


class days_later(GenericFunction[int]):  # noqa: N801 - it reads as the SQL function it is
    """A moment's column so many times 24 hours later; comparable with another moment's."""

    type = UtcTime()
    inherit_cache = True


@compiles(days_later, "sqlite")
def _later_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    moment, days = (compiler.process(each, **options) for each in element.clauses)
    return f"({moment} + {days} * 86400000000)"


@compiles(days_later, "postgresql")
def _later_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    moment, days = (compiler.process(each, **options) for each in element.clauses)
    return f"({moment} + make_interval(hours => 24 * CAST({days} AS INTEGER)))"


class share_of(GenericFunction[int]):  # noqa: N801 - it reads as the SQL function it is
    """amount × part ÷ whole, halves up, for whole numbers not below zero; NULL where the whole is 0.

    Exact on PostgreSQL; on SQLite as long as 2 × part × whole is below 2^63.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(share_of, "sqlite")
def _share_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    amount, part, whole = (compiler.process(each, **options) for each in element.clauses)
    return f"({amount} / {whole} * {part} + ({amount} % {whole} * {part} * 2 + {whole}) / ({whole} * 2))"


@compiles(share_of, "postgresql")
def _share_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    amount, part, whole = (compiler.process(each, **options) for each in element.clauses)
    return f"div(CAST({amount} AS NUMERIC) * {part} * 2 + {whole}, NULLIF({whole}, 0) * 2)"


def days_of(date: ColumnElement[Any]) -> ColumnElement[int]:
    """A date as days since 1970-01-01."""
    return days_between(date, literal_column("'1970-01-01'"))


TEXT_SEPARATOR = "\x1f"
"""Between texts that were joined: a character that no code or number has."""


class joined_texts(GenericFunction[str]):  # noqa: N801 - it reads as the SQL function it is
    """The texts of a group as one, with TEXT_SEPARATOR between them, in no order."""

    type = Text()
    inherit_cache = True


@compiles(joined_texts, "sqlite")
def _joined_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)}, char(31))"


@compiles(joined_texts, "postgresql")
def _joined_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **options)}, chr(31))"


class contains_bytes(GenericFunction[bool]):  # noqa: N801 - it reads as the SQL function it is
    """Whether a column's bytes, or its text, hold others."""

    type = Boolean()
    inherit_cache = True


@compiles(contains_bytes, "sqlite")
def _contains_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    column, needle = (compiler.process(each, **options) for each in element.clauses)
    return f"(instr({column}, {needle}) > 0)"


@compiles(contains_bytes, "postgresql")
def _contains_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    column, needle = (compiler.process(each, **options) for each in element.clauses)
    return f"(position({needle} IN {column}) > 0)"


def holds_any(column: Any, needles: Sequence[bytes] | Sequence[str]) -> ColumnElement[bool]:
    """Whether a column holds one of these bytes or texts anywhere. `needles` is not empty."""
    kind = Text() if isinstance(column.type, Text) else LargeBinary()
    return or_(*(contains_bytes(column, literal(needle, kind)) for needle in needles))
