"""Schema 0032: templates of reports, at a branch and at the head office alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_report_templates() -> None:
    """Cards of a kind that nobody had before."""
    op.create_table(
        "report_template",
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("report", sa.Text()),
        sa.Column("ask", sa.Text()),
        sa.Column("roles", sa.Text()),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("owner_id", Id()),
        sa.Column("language", sa.Text()),
        sa.Column("schedule", sa.Text()),
        sa.Column("scheduled_at", sa.BigInteger()),
        sa.Column("formats", sa.Text()),
        sa.Column("recipients", sa.Text()),
        sa.Column("to_folder", sa.Boolean(), nullable=False),
        sa.Column("wait_hours", sa.BigInteger()),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
