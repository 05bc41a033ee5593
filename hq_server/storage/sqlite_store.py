"""The head office on one SQLite file: for a small chain, for tests and for the demo. One server process at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError
from sqlcipher3 import dbapi2

from shared.clock import Clock
from shared.storage.fact_rows import Row
from shared.storage.rollup_tables import summed_columns
from shared.storage.sqlite_engine import SqliteStore


class SqliteBulkWriter:
    """executemany through the driver's own cursor."""

    def __init__(self) -> None:
        self._statements: dict[tuple[str, Table], str] = {}

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        if rows:
            self._execute(connection, self._statement("insert", table), rows)

    def write(
        self, connection: Connection, inserts: Mapping[Table, Sequence[Row]], sums: Mapping[Table, Sequence[Row]]
    ) -> None:
        for table, rows in inserts.items():
            self.insert(connection, table, rows)
        for table, rows in sums.items():
            if rows:
                self._execute(connection, self._statement("rollup", table), rows)

    def _execute(self, connection: Connection, statement: str, rows: Sequence[Row]) -> None:
        # exec_driver_sql would copy every row; the cursor takes them as they are, and SQLAlchemy's savepoints see it.
        try:
            connection.connection.cursor().executemany(statement, rows)
        except dbapi2.Error as error:
            raise DBAPIError.instance("", None, error, dbapi2.Error) from error

    def _statement(self, purpose: str, table: Table) -> str:
        found = self._statements.get((purpose, table))
        if found is None:
            columns = [column.name for column in table.columns]
            found = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            if purpose == "rollup":
                keys = ", ".join(column.name for column in table.primary_key)
                sums = ", ".join(_whole_sum(name) for name in summed_columns(table))
                found += f" ON CONFLICT ({keys}) DO UPDATE SET {sums}"
            self._statements[purpose, table] = found
        return found


def _whole_sum(name: str) -> str:
    """A sum that stays an integer or is refused: SQLite would go on with a rounded one beyond 2^63."""
    added = f"{name} + excluded.{name}"
    return f"{name} = CASE typeof({added}) WHEN 'integer' THEN {added} END"


class SqliteHqStore:
    """See hq_server.storage.store.HqStore."""

    dialect = "sqlite"

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.bulk = SqliteBulkWriter()
        self._sqlite = SqliteStore(path, clock)

    def read(self) -> AbstractContextManager[Connection]:
        return self._sqlite.read()

    def write(self) -> AbstractContextManager[Connection]:
        return self._sqlite.write()

    def checkpoint(self) -> None:
        """Brings everything from the log into the file itself."""
        self._sqlite.checkpoint()

    def scour(self, thoroughly: bool = False) -> bool:
        """A small store is rebuilt at once, whether asked to be thorough or not."""
        return self._sqlite.scour()

    def copy_to(self, path: Path) -> None:
        """A consistent copy as a file of its own, while others go on writing."""
        self._sqlite.copy_to(path)

    def close(self) -> None:
        self._sqlite.close()
