"""What a branch keeps of tasks for itself: who has no next step, addresses of calendars, reminders that were seen."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from branch_node.storage.tables import branch_metadata
from shared.storage.column_types import Id, UtcTime

task_calendar = Table(
    "task_calendar",
    branch_metadata,
    Column("employee_id", Id, nullable=False),
    # Of the secret in the calendar's address; one for each employee.
    Column("token_hash", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("employee_id"),
    Index("task_calendar_by_token", "token_hash", unique=True),
    sqlite_with_rowid=False,
)

task_reminder = Table(
    "task_reminder",
    branch_metadata,
    Column("employee_id", Id, nullable=False),
    Column("task_id", Id, nullable=False),
    # When somebody last said that he saw it: what reminds later than that, reminds again.
    Column("seen_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("employee_id", "task_id"),
    Index("task_reminder_by_age", "seen_at"),
    sqlite_with_rowid=False,
)

client_without_step = Table(
    "client_without_step",
    branch_metadata,
    Column("owner_id", Id, nullable=False),
    # Of the client's name.
    Column("sort_key", Text, nullable=False),
    Column("client_id", Id, nullable=False),
    PrimaryKeyConstraint("owner_id", "sort_key", "client_id"),
    Index("client_without_step_by_client", "client_id", unique=True),
    sqlite_with_rowid=False,
)
"""Active clients with an owner, no open task and no reason for it. Kept by triggers on both tables (step 0024)."""

TASK_INDEXES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "task_by_next": ("task", ("assignee_id", "next_at")),
    "task_by_client_next": ("task", ("client_id", "next_at")),
    "task_by_done": ("task", ("done_by", "done_at")),
}
"""Indexes of the record tables that only a branch has, as in receipt_indexes."""
