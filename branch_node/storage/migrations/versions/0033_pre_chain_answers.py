"""What the head office computed over the whole chain for this branch."""

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
        "chain_answer",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("computed_at", UtcTime(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("report", "question"),
        sqlite_with_rowid=False,
    )
