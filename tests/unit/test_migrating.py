"""Schema revisions: an empty store has none, a newer one is not touched, and a difference is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, text

from shared.errors import StoreVersionUnknown
from shared.storage.migrating import current_revision, schema_differences, upgrade_schema
from shared.storage.sqlite_engine import SqliteStore
from tests.support.clock import FakeClock


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = SqliteStore(tmp_path / "store.db", FakeClock())
    with store.write() as connection:
        yield connection
    store.close()


def test_an_empty_store_has_no_revision(connection: Connection) -> None:
    assert current_revision(connection) is None


def test_a_revision_of_a_newer_release_is_refused_and_stays(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
    connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    with pytest.raises(StoreVersionUnknown, match="9999"):
        upgrade_schema(connection, Path("nowhere"), frozenset({"0001"}), "0001")
    assert current_revision(connection) == "9999"


def test_a_missing_table_a_missing_column_and_one_too_many_are_differences(connection: Connection) -> None:
    metadata = MetaData()
    Table("one", metadata, Column("id", Integer, primary_key=True), Column("name", Integer))
    connection.execute(text("CREATE TABLE one (id INTEGER NOT NULL PRIMARY KEY)"))
    connection.execute(text("CREATE TABLE other (id INTEGER NOT NULL PRIMARY KEY)"))
    found = {difference[0] for difference in schema_differences(connection, [metadata])}
    assert found == {"add_column", "remove_table"}
    connection.execute(text("ALTER TABLE one ADD COLUMN name INTEGER"))
    connection.execute(text("DROP TABLE other"))
    assert schema_differences(connection, [metadata]) == []
