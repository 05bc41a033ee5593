"""Alembic's entry point; it works on the connection the program hands it."""

from __future__ import annotations

from hq_server.storage.migrations import METADATA
from shared.storage.migrating import run_migrations

run_migrations(METADATA)
