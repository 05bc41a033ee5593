"""Answers of reports that take long."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import UtcTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_report",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_basis_points", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("answer_bytes", sa.Integer(), nullable=False),
        sa.Column("data_version", sa.Text(), nullable=True),
        sa.Column("computed_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint"),
        sqlite_with_rowid=False,
    )
    op.create_index("kept_report_by_state", "kept_report", ["state", "asked_at"])
