"""Runs of scheduled reports, and what became of every delivery."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_run",
        sa.Column("template_id", Id(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcTime(), nullable=False),
        sa.Column("holder", Id()),
        sa.Column("leased_until", UtcTime()),
        sa.Column("finished_at", UtcTime()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("completeness", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("template_id", "due_at"),
        sqlite_with_rowid=False,
    )
    op.create_index("report_run_by_state", "report_run", ["state", "next_attempt_at"])
    op.create_table(
        "report_delivery",
        sa.Column("template_id", Id(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("template_id", "due_at", "target"),
        sqlite_with_rowid=False,
    )
