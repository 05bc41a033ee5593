"""Interactions that take another one back."""

from __future__ import annotations

from shared.storage.migrations.records_0030 import add_withdrawals

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_withdrawals()
