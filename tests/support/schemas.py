"""Stores that have a program's schema and nothing else, made once a process: a copy is a thousand times cheaper."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from branch_node.storage import migrations as branch_migrations
from hq_server.storage import migrations as hq_migrations
from hq_server.storage.store import connect_store
from shared.storage.sqlite_engine import SqliteStore
from tests.support.clock import FakeClock


def write_branch_schema(path: Path) -> None:
    """Makes a branch's SQLite file."""
    path.write_bytes(_branch_schema())


def write_hq_schema(path: Path) -> None:
    """Makes a head office's SQLite file."""
    path.write_bytes(_hq_schema())


def upgrade_hq(url: str, folder: Path) -> None:
    """Gives a new database of the head office its schema."""
    store = connect_store(url, folder, FakeClock())
    with store.write() as connection:
        hq_migrations.upgrade(connection)
    store.close()


@cache
def _branch_schema() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "branch.db"
        store = SqliteStore(path, FakeClock())
        with store.write() as connection:
            branch_migrations.upgrade(connection)
        store.checkpoint()
        store.close()
        return path.read_bytes()


@cache
def _hq_schema() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        upgrade_hq("sqlite:///hq.db", Path(folder))
        return (Path(folder) / "hq.db").read_bytes()
