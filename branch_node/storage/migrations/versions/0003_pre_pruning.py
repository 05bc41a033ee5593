"""Counters of pruned entries; what of the history HQ is known to hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("history_entry", sa.Column("held_at_hq", sa.Boolean(), nullable=False, server_default="1"))
    op.create_index("history_entry_command", "history_entry", ["command_id"])
    op.create_table(
        "pruned_counter",
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "business_date"),
        sqlite_with_rowid=False,
    )
