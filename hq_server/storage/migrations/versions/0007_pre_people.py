"""Roles, positions and credentials and who is told of them; sessions, and the first administrator's link."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0007 import create_log_in_tables, create_people_tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_people_tables()
    create_log_in_tables()
    op.create_table(
        "employee_audience",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("works_here", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "branch_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "first_log_in",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
        sqlite_with_rowid=False,
    )
