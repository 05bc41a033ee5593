"""Tasks: when each asks for attention; addresses of calendars, and reminders that were seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0024 import order_tasks

revision = "0024"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    order_tasks()
    op.create_index("task_by_next", "task", ["assignee_id", "next_at"])
    op.create_index("task_by_client_next", "task", ["client_id", "next_at"])
    op.create_index("task_by_done", "task", ["done_by", "done_at"])
    op.create_index(
        "client_without_step",
        "client",
        ["owner_id", "sort_key"],
        sqlite_where=sa.text("archived = 0 AND merged_into IS NULL AND no_next_step IS NULL"),
    )
    op.create_table(
        "task_calendar",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("task_calendar_by_token", "task_calendar", ["token_hash"], unique=True)
    op.create_table(
        "task_reminder",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("task_id", Id(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "task_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("task_reminder_by_age", "task_reminder", ["seen_at"])
