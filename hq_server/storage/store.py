"""The head office's store behind one face: a SQLite file to start with, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Table

from hq_server.storage import migrations
from shared.clock import Clock
from shared.errors import InvalidInput, StoreMissing, StoreVersionUnknown
from shared.storage.fact_rows import Row

_SQLITE = "sqlite:///"


class BulkWriter(Protocol):
    """The statements of the merge that each dialect does in its own fastest way. Rows are in column order."""

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Adds rows. Raises sqlalchemy.exc.IntegrityError or DataError when one cannot be."""

    def write(
        self, connection: Connection, inserts: Mapping[Table, Sequence[Row]], sums: Mapping[Table, Sequence[Row]]
    ) -> None:
        """Adds rows, and each row of sums to the row with its keys, or makes it. Raises as `insert` does."""


class HqStore(Protocol):
    """What the operations need of a store. Every connection comes with a transaction of its own."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""

    @property
    def bulk(self) -> BulkWriter:
        """The dialect's fastest statements."""

    def read(self) -> AbstractContextManager[Connection]:
        """A snapshot that sees one state throughout."""

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that commits when the block ends well."""

    def scour(self, thoroughly: bool = False) -> bool:
        """Takes traces of deleted rows out of the files, outside of any transaction; false when it must be tried again.

        `thoroughly` rebuilds tables, which keeps others from using them meanwhile.
        """

    def close(self) -> None:
        """Gives the connections back."""


def open_store(database: str, home: Path, clock: Clock) -> HqStore:
    """The store that a database URL names. Raises StoreMissing, StoreVersionUnknown, InvalidInput."""
    path = sqlite_path(database, home)
    if path is not None and not path.exists():
        raise StoreMissing(f"The store {path} is missing.", "Restore it from a backup.")
    store = connect_store(database, home, clock)
    with store.read() as connection:
        revision = migrations.revision(connection)
    if revision is None:
        store.close()
        raise StoreMissing("The database holds no head office any more.", "Restore it from a backup.")
    if revision != migrations.HEAD:
        store.close()
        known = revision in migrations.KNOWN
        raise StoreVersionUnknown(
            f"The database has schema {revision}, this release needs {migrations.HEAD}.",
            "Run: filial-hq db upgrade" if known else "Install the release that made it, or a newer one.",
        )
    return store


def sqlite_path(database: str, home: Path) -> Path | None:
    """The file that a database URL names; None when it names a server."""
    return home / database.removeprefix(_SQLITE) if database.startswith(_SQLITE) else None


def connect_store(database: str, home: Path, clock: Clock) -> HqStore:
    """The store, whatever schema it has. Raises InvalidInput when the URL is of no known kind."""
    path = sqlite_path(database, home)
    if path is not None:
        from hq_server.storage.sqlite_store import SqliteHqStore

        return SqliteHqStore(path, clock)
    if database.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        from hq_server.storage.postgresql_store import PostgresqlHqStore

        return PostgresqlHqStore(database)
    raise InvalidInput(
        "The database URL is of no known kind.",
        "Use postgresql://USER:PASSWORD@HOST/NAME, or leave --database out for a SQLite file.",
    )
