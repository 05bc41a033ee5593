"""The head office of a simulated chain, on SQLite or on PostgreSQL: its gateway, its crashes, backups and full disk."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import select

from deploy.postgresql import PostgresqlServer
from hq_server.operations.founding import ChainRow, found_chain
from hq_server.storage.store import HqStore, connect_store
from hq_server.sync_server.gateway import Gateway
from shared.storage.tables import refund, sale
from tests.support.clock import FakeClock, SeededIds
from tests.support.schemas import write_hq_schema
from tests.support.small_disks import let_grow_no_more

POSTGRESQL_TEMPLATE = "simulation_template"
FILLING_TABLES = ("journal_entry", "sale_line", "feed", "card")
REFUSE = """
CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


class Disk(Protocol):
    """Where HQ's database lies. A snapshot is a plain copy of it, taken while nobody is connected."""

    url: str

    def take_snapshot(self, name: str) -> None: ...

    def bring_back(self, name: str) -> None: ...

    def fill(self, store: HqStore) -> None: ...

    def make_room(self) -> None: ...

    def remove(self) -> None: ...


FILE_ENDS = (".db", ".db-wal")


class SqliteDisk:
    """A file beside the branches' own."""

    def __init__(self, folder: Path) -> None:
        self.url = "sqlite:///hq.db"
        self._folder = folder
        write_hq_schema(folder / "hq.db")

    def take_snapshot(self, name: str) -> None:
        # On a full disk the log stays beside the file, with all that is not in it yet.
        for end in FILE_ENDS:
            if (self._folder / f"hq{end}").exists():
                shutil.copy(self._folder / f"hq{end}", self._folder / f"{name}{end}")

    def bring_back(self, name: str) -> None:
        for leftover in self._folder.glob("hq.db*"):
            leftover.unlink()
        for end in FILE_ENDS:
            if (self._folder / f"{name}{end}").exists():
                shutil.copy(self._folder / f"{name}{end}", self._folder / f"hq{end}")

    def fill(self, store: HqStore) -> None:
        let_grow_no_more(store._sqlite)  # type: ignore[attr-defined]

    def make_room(self) -> None:
        """The limit went with the connection that had it."""

    def remove(self) -> None:
        """The folder is removed as a whole."""


class PostgresqlDisk:
    """A database of a server; its copies are databases beside it, file by file."""

    def __init__(self, server: PostgresqlServer, name: str) -> None:
        self._server, self._name = server, name
        self._random = random.Random(name)
        self._snapshots: list[str] = []
        self.url = server.create_database(name, POSTGRESQL_TEMPLATE)

    def take_snapshot(self, name: str) -> None:
        self._server.create_database(f"{self._name}_{name}", self._name)
        self._snapshots.append(name)

    def bring_back(self, name: str) -> None:
        self._server.drop_database(self._name)
        self._server.create_database(self._name, f"{self._name}_{name}")

    def fill(self, store: HqStore) -> None:
        """One table gets no row more: its inserts fail as they do when PostgreSQL cannot extend its file."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(REFUSE)
            table = self._random.choice(FILLING_TABLES)
            connection.execute(
                f"CREATE OR REPLACE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()".encode()
            )

    def make_room(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP FUNCTION IF EXISTS no_room CASCADE")

    def remove(self) -> None:
        for name in self._snapshots:
            self._server.drop_database(f"{self._name}_{name}")
        self._server.drop_database(self._name)


class Headquarters:
    """The head office's store, its gateway, and its backups."""

    def __init__(self, folder: Path, disk: Disk, clock: FakeClock, ids: SeededIds) -> None:
        self.folder, self.clock, self.ids, self._disk = folder, clock, ids, disk
        self._open()
        self.chain: ChainRow = found_chain(self.store, "Chain", "RUB", "Europe/Moscow", clock, ids)

    def _open(self) -> None:
        self._disk.make_room()
        self.store: HqStore = connect_store(self._disk.url, self.folder, self.clock)
        self.gateway = Gateway(self.store, None, self.clock, 1)  # type: ignore[arg-type]

    def restart(self) -> None:
        """The process died and comes back."""
        self.store.close()
        self._open()
        self.gateway.start()

    def close(self) -> None:
        self.store.close()
        self._disk.remove()

    def fill_disk(self) -> None:
        """No page or row more, until the process starts again."""
        self._disk.fill(self.store)

    def snapshot(self, name: str) -> str:
        """Copies the database; returns what `restore` takes."""
        # The last connection that closes brings everything from the log into the file.
        self.store.close()
        self._disk.take_snapshot(name)
        return name

    def restore(self, snapshot: str) -> None:
        """A plain copy of an old database in the place of the present one."""
        self.store.close()
        self._disk.bring_back(snapshot)
        self._open()
        self.gateway.start()

    def sales(self) -> dict[bytes, int]:
        """Every sale that HQ holds, and its net amount; refunds too."""
        both = select(sale.c.id, sale.c.net_minor).union_all(select(refund.c.id, refund.c.returns_minor))
        with self.store.read() as connection:
            return {row[0]: row[1] for row in connection.execute(both)}
