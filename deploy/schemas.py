"""Writes what a new store begins with, for both programs. Run as `python -m deploy.schemas` after a migration.

A new SQLite store takes its schema from this one text (shared.storage.migrating); one that is there takes the steps.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from branch_node.storage import migrations as branch_migrations
from hq_server.storage import migrations as hq_migrations
from shared.clock import SystemClock
from shared.storage.migrating import SCHEMA_FILE, take_steps
from shared.storage.sqlite_engine import SqliteStore

PROGRAMS: tuple[ModuleType, ...] = (branch_migrations, hq_migrations)


def schema_path(migrations: ModuleType) -> Path:
    """Where a program keeps it."""
    return Path(str(migrations.__file__)).with_name(SCHEMA_FILE)


def schema_text(migrations: ModuleType) -> str:
    """The statements that make what all steps together make, in the order in which those made it."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.db", SystemClock())
        with store.write() as connection:
            take_steps(connection, schema_path(migrations).parent)
        with store.read_cursor() as cursor:
            statements = _statements(cursor)
        store.close()
    return "".join(f"{statement.strip()};\n\n" for statement in statements)


def _statements(cursor: Any) -> list[str]:
    rows = cursor.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    searched = tuple(f"{name}_" for name, sql in rows if sql.startswith("CREATE VIRTUAL TABLE"))
    # The tables of a full-text index come with it, as SQLite's own do.
    made = [sql for name, sql in rows if not name.startswith(("sqlite_", *searched))]
    (revision,) = cursor.execute("SELECT version_num FROM alembic_version").fetchone()
    return [*made, f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')"]


if __name__ == "__main__":
    for program in PROGRAMS:
        schema_path(program).write_text(schema_text(program), encoding="utf-8")
        sys.stdout.write(f"{schema_path(program)}\n")
