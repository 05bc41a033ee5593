"""Fixtures of the unit tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from branch_node.storage.store import BranchStore
from deploy.postgresql import PostgresqlServer
from hq_server.storage.store import HqStore, connect_store
from shared.storage.tables import record_metadata
from tests.conftest import TEMPLATE
from tests.support.clock import FakeClock
from tests.support.shop import Shop


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock) -> Shop:
    """Branch B7, open for business."""
    return Shop(branch_store, clock)


@pytest.fixture(scope="session")
def postgresql_store(postgresql: PostgresqlServer) -> Iterator[HqStore]:
    """One PostgreSQL database for all tests of this process: a database of one's own costs half a second."""
    store = connect_store(postgresql.create_database("unit", TEMPLATE), Path(), FakeClock())
    yield store
    store.close()
    postgresql.drop_database("unit")


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[HqStore]:
    """A store whose record tables are there and empty, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "hq.db")
        store = connect_store("sqlite:///hq.db", tmp_path, clock)
        yield store
        store.close()
        return
    store = request.getfixturevalue("postgresql_store")
    yield store
    with store.write() as connection:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(record_metadata.tables)}")
