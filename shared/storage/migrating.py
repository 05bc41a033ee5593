"""Bringing a store's schema up to this release: what both programs need of Alembic, loaded only when there is work."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Index, MetaData, inspect, text

from shared.errors import StoreVersionUnknown
from shared.storage.tables import ONLY_ON_DIALECT

SCHEMA_FILE = "schema.sql"
"""Beside a program's steps: what they make of nothing, see deploy.schemas."""

_VERSION_TABLE = "alembic_version"


def current_revision(connection: Connection) -> str | None:
    """The schema's revision; None for an empty store."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar_one_or_none()


def upgrade_schema(connection: Connection, script_location: Path, known: frozenset[str], head: str) -> None:
    """Runs what is missing, in the caller's transaction. Raises StoreVersionUnknown for a schema of a newer release."""
    revision = current_revision(connection)
    if revision == head:
        return
    if revision is not None and revision not in known:
        raise StoreVersionUnknown(
            f"The store has schema {revision}, which this release does not know.",
            "Install the release that made it, or a newer one.",
        )
    if revision is None and connection.dialect.name == "sqlite":
        # All the steps, and loading what takes them, are half a second of every new branch.
        for statement in _statements((script_location / SCHEMA_FILE).read_text(encoding="utf-8")):
            connection.exec_driver_sql(statement)
    else:
        take_steps(connection, script_location)


def take_steps(connection: Connection, script_location: Path) -> None:
    """Runs the steps that a store lacks, one after the other, in the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    if not connection.in_transaction():
        # Alembic ends the transaction that SQLAlchemy does not know of.
        connection.begin()
    config = Config()
    config.set_main_option("script_location", str(script_location))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _statements(text: str) -> Iterator[str]:
    """Triggers have semicolons within, which end no statement."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def run_migrations(metadata: list[MetaData]) -> None:
    """The body of an Alembic environment: works on the connection it was handed."""
    from alembic import context

    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_item=None)
    with context.begin_transaction():
        context.run_migrations()


def schema_differences(
    connection: Connection,
    metadata: list[MetaData],
    untold: tuple[str, ...] = (),
    indexes: Mapping[str, tuple[str, tuple[str, ...]]] | None = None,
) -> list[Any]:
    """What the store's schema lacks of the tables in code, or has too much; empty when they agree.

    Tables whose names begin with one of `untold` are the database's own business: those of a full-text index.
    `indexes`, by name, are those that only this store has: table and columns.
    """
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    merged = MetaData()
    for part in metadata:
        for table in part.tables.values():
            table.to_metadata(merged)
    for name, (table_name, columns) in (indexes or {}).items():
        Index(name, *[merged.tables[table_name].c[column] for column in columns])
    for table in merged.tables.values():
        for constraint in list(table.foreign_key_constraints):
            if constraint.info.get(ONLY_ON_DIALECT, connection.dialect.name) != connection.dialect.name:
                table.constraints.discard(constraint)

    def is_told(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name is None or not name.startswith(untold)

    return list(compare_metadata(MigrationContext.configure(connection, opts={"include_name": is_told}), merged))
