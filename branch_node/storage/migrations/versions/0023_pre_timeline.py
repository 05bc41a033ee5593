"""Tasks by when they were done."""

from __future__ import annotations

from shared.storage.migrations.records_0023 import index_done_tasks

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    index_done_tasks()
