"""Duplicates among clients, and who was handed over to whom."""

from __future__ import annotations

from shared.storage.migrations.records_0025 import add_duplicates

revision = "0019"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_duplicates()
