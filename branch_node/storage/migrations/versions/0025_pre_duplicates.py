"""Duplicates among clients."""

from __future__ import annotations

from shared.storage.migrations.records_0025 import add_duplicates

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_duplicates()
