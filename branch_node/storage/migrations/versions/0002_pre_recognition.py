"""The fence of the newest session, history of other incarnations, record counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sync_state", sa.Column("last_fence", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sync_state", sa.Column("history_life", sa.BigInteger(), nullable=True))
    op.add_column("sync_state", sa.Column("history_seq", sa.BigInteger(), nullable=True))
    op.add_column("sync_state", sa.Column("foreign_entries", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sync_state", sa.Column("proposals_wanted", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("sync_state", sa.Column("counted_position", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sync_state", sa.Column("pruned_position", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "history_entry",
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("incarnation", "seq"),
    )
    op.create_table(
        "record_counter",
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "business_date"),
        sqlite_with_rowid=False,
    )
