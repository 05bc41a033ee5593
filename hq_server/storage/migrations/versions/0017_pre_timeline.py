"""Tasks by when they were done."""

from __future__ import annotations

from shared.storage.migrations.records_0023 import index_done_tasks

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    index_done_tasks()
