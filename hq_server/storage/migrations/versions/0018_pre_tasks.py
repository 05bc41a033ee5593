"""Tasks: when each asks for attention."""

from __future__ import annotations

from shared.storage.migrations.records_0024 import order_tasks

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    order_tasks()
