"""The head office on PostgreSQL: COPY in binary form for what comes in bulk, errors in our words."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import Connection, Date, Table, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError

from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.errors import StoreBusy, StoreError, StoreFull
from shared.storage.column_types import Id, UtcTime
from shared.storage.fact_rows import Row
from shared.storage.rollup_tables import summed_columns

CONNECTIONS_MAX = 20
LOCK_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_SECONDS = 10

# psycopg warns of a pipeline that an error ended; the error itself is raised, and said in our words.
logging.getLogger("psycopg").setLevel(logging.ERROR)

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
    """Straight binary COPY; rollups by one INSERT … SELECT over arrays."""

    def __init__(self) -> None:
        self._copies: dict[Table, tuple[sql.Composed, list[str]]] = {}
        self._rollups: dict[Table, str] = {}

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        if not rows:
            return
        statement, types = self._copy(table)
        with _sqlalchemy_errors(), self._copy_cursor(connection) as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            write_row = copy.write_row
            for row in rows:
                write_row(row)

    def add_to_rollup(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        if not rows:
            return
        columns = [list(values) for values in zip(*rows, strict=True)]
        columns[0] = [value.hex() for value in columns[0]]
        driver: Any = connection.connection.driver_connection
        with _sqlalchemy_errors(), driver.cursor() as cursor:
            cursor.execute(self._rollup(table), columns)

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
            keys = ", ".join(column.name for column in table.primary_key)
            arrays = ", ".join(f"%s::{_array_type(column)}[]" for column in table.columns)
            sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in summed_columns(table))
            self._rollups[table] = (
                f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays}) "
                f"ON CONFLICT ({keys}) DO UPDATE SET {sums}"
            )
        return self._rollups[table]


def _array_type(column: Any) -> str:
    return "numeric" if str(column.type).startswith("NUMERIC") else _type_name(column)


class PostgresqlHqStore:
    """See hq_server.storage.store.HqStore."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.bulk = PostgresqlBulkWriter()
        scheme, _, rest = url.partition("://")
        assert scheme
        self.engine = create_engine(
            f"postgresql+psycopg://{rest}",
            pool_size=CONNECTIONS_MAX // 2,
            max_overflow=CONNECTIONS_MAX - CONNECTIONS_MAX // 2,
            # After a restart of PostgreSQL the first branch must not pay for a dead connection.
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC",
            },
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _our_errors(), self.engine.connect() as connection:
            snapshot = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with snapshot.begin():
                yield snapshot

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with _our_errors(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _sqlalchemy_errors() -> Iterator[None]:
    """What the driver's own cursor raises, as SQLAlchemy would have."""
    try:
        yield
    except psycopg.Error as error:
        raise DBAPIError.instance("", None, error, psycopg.Error) from error


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _translate(error) from error


def _translate(error: DBAPIError) -> StoreError:
    cause = error.orig
    if isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return StoreBusy("PostgreSQL could not order two transactions.", "Try again.")
    if isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
        return StoreBusy(f"PostgreSQL gave no lock within {LOCK_TIMEOUT_MS // 1_000} seconds.", "Try again.")
    if isinstance(cause, psycopg.errors.DiskFull):
        return StoreFull("PostgreSQL's disk is full.", "Free some space; nothing was recorded by half.")
    reason = " ".join(str(cause).split())[:200]
    if isinstance(error, OperationalError):
        return StoreError(f"PostgreSQL does not answer: {reason}", "Check that it runs and that the URL is right.")
    return StoreError(f"PostgreSQL refused: {reason}")


assert date(2000, 1, 1).toordinal() - date(1970, 1, 1).toordinal() == 10_957
