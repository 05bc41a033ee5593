"""Erasures: what is erased, and how far this node has come with it."""

from __future__ import annotations

from shared.storage.migrations.records_0026 import create_erasures

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_erasures()
