"""Many rows into PostgreSQL: each amount of them by the statement that is fastest for it."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Connection, Date, Table

from hq_server.storage.postgresql_errors import sqlalchemy_errors
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.storage.column_types import Id, UtcTime
from shared.storage.fact_rows import Row
from shared.storage.rollup_tables import summed_columns

ROWS_TOGETHER_MAX = 300
"""Up to so many rows of all tables go in one statement; beyond it COPY is faster."""

# PostgreSQL counts from 2000-01-01.
_EPOCH_US = 10_957 * SECONDS_PER_DAY * MICROSECONDS
_pack_long = struct.Struct(">q").pack


class _IdDumper(Dumper):
    """16 bytes as a uuid, without making a UUID object of them."""

    oid = psycopg.adapters.types["uuid"].oid
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


class _UtcTimeDumper(Dumper):
    """Microseconds since 1970 as a timestamptz, without making a datetime of them."""

    oid = psycopg.adapters.types["timestamptz"].oid
    format = Format.BINARY

    def dump(self, obj: int) -> bytes:
        return _pack_long(obj - _EPOCH_US)


def _type_name(column: Any) -> str:
    if isinstance(column.type, Id):
        return "uuid"
    if isinstance(column.type, UtcTime):
        return "timestamptz"
    return {"TEXT": "text", "BIGINT": "int8", "INTEGER": "int4", "SMALLINT": "int2", "BOOLEAN": "bool"}.get(
        str(column.type), "date" if isinstance(column.type, Date) else "bytea"
    )


class PostgresqlBulkWriter:
    """Much at once goes straight by binary COPY, sums by one INSERT … SELECT over arrays; a few rows of many tables in
    one statement, as JSON: what a sale alone costs is how often the two sides wait for each other."""

    def __init__(self) -> None:
        self._copies: dict[Table, tuple[sql.Composed, list[str]]] = {}
        self._rollups: dict[Table, str] = {}
        self._together: dict[tuple[tuple[Table, ...], tuple[Table, ...]], str] = {}

    def write(
        self, connection: Connection, inserts: Mapping[Table, Sequence[Row]], sums: Mapping[Table, Sequence[Row]]
    ) -> None:
        if sum(map(len, (*inserts.values(), *sums.values()))) <= ROWS_TOGETHER_MAX:
            self._write_together(
                connection,
                {table: rows for table, rows in inserts.items() if rows},
                {table: rows for table, rows in sums.items() if rows},
            )
            return
        for table, rows in inserts.items():
            self.insert(connection, table, rows)
        for table, rows in sums.items():
            self._add(connection, table, rows)

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        if not rows:
            return
        statement, types = self._copy(table)
        with sqlalchemy_errors(), self._copy_cursor(connection) as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            write_row = copy.write_row
            for row in rows:
                write_row(row)

    def _add(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        if not rows:
            return
        columns = [list(values) for values in zip(*rows, strict=True)]
        columns[0] = [value.hex() for value in columns[0]]
        driver: Any = connection.connection.driver_connection
        with sqlalchemy_errors(), driver.cursor() as cursor:
            cursor.execute(self._rollup(table), columns)

    def _write_together(
        self, connection: Connection, inserts: Mapping[Table, Sequence[Row]], sums: Mapping[Table, Sequence[Row]]
    ) -> None:
        if not inserts and not sums:
            return
        tables = tuple(inserts), tuple(sums)
        statement = self._together.get(tables)
        if statement is None:
            statement = self._together[tables] = _statement_for(*tables)
        document = _encode_rows([*inserts.values(), *sums.values()])
        driver: Any = connection.connection.driver_connection
        with sqlalchemy_errors(), driver.cursor() as cursor:
            cursor.execute(statement, (document,))

    def _copy_cursor(self, connection: Connection) -> psycopg.Cursor[Any]:
        """COPY takes its dumpers by type name; ours hold for this cursor alone."""
        driver: Any = connection.connection.driver_connection
        cursor: psycopg.Cursor[Any] = driver.cursor()
        cursor.adapters.register_dumper(bytes, _IdDumper)
        cursor.adapters.register_dumper(int, _UtcTimeDumper)
        return cursor

    def _copy(self, table: Table) -> tuple[sql.Composed, list[str]]:
        if table not in self._copies:
            names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table.name), names)
            self._copies[table] = statement, [_type_name(column) for column in table.columns]
        return self._copies[table]

    def _rollup(self, table: Table) -> str:
        if table not in self._rollups:
            names = [column.name for column in table.columns]
            arrays = ", ".join(f"%s::{_array_type(column)}[]" for column in table.columns)
            self._rollups[table] = (
                f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays}) {_adding(table)}"
            )
        return self._rollups[table]


def _array_type(column: Any) -> str:
    return "numeric" if str(column.type).startswith("NUMERIC") else _type_name(column)


def _adding(table: Table) -> str:
    keys = ", ".join(column.name for column in table.primary_key)
    sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in summed_columns(table))
    return f"ON CONFLICT ({keys}) DO UPDATE SET {sums}"


def _statement_for(inserts: Sequence[Table], sums: Sequence[Table]) -> str:
    """Writes the rows of all these tables, given as one JSON array of arrays of rows in their order."""
    parts = ["given AS MATERIALIZED (SELECT %s::jsonb AS tables)"]
    for number, table in enumerate((*inserts, *sums)):
        names = ", ".join(column.name for column in table.columns)
        values = ", ".join(_read_json(column, place) for place, column in enumerate(table.columns))
        rows = f"given, jsonb_array_elements(given.tables -> {number}) AS row"
        adding = f" {_adding(table)}" if number >= len(inserts) else ""
        parts.append(f"written_{number} AS (INSERT INTO {table.name} ({names}) SELECT {values} FROM {rows}{adding})")
    return f"WITH {', '.join(parts)} SELECT 1"


def _read_json(column: Any, place: int) -> str:
    text = f"(row ->> {place})"
    match _array_type(column):
        case "text":
            return text
        case "bytea":
            return f"decode({text}, 'hex')"
        case "timestamptz":
            # Seconds and the rest apart: as one number of microseconds it would pass through a float.
            return (
                f"timestamptz 'epoch' + ({text}::int8 / {MICROSECONDS}) * interval '1 second'"
                f" + ({text}::int8 %% {MICROSECONDS}) * interval '1 microsecond'"
            )
        case name:
            return f"{text}::{name}"


def _encode_value(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


_encode_rows = json.JSONEncoder(default=_encode_value, separators=(",", ":")).encode


assert date(2000, 1, 1).toordinal() - date(1970, 1, 1).toordinal() == 10_957
