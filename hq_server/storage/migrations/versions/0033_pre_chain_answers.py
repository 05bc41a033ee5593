"""When branches were last told what was computed over the whole chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import UtcTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chain_answer_run",
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("computed_at", UtcTime(), nullable=False),
        sa.Column("branches", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("question"),
        sqlite_with_rowid=False,
    )
