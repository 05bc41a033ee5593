"""Passwords that employees chose at branches."""

from __future__ import annotations

from shared.storage.migrations.records_0019 import create_password_change_table

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_password_change_table()
