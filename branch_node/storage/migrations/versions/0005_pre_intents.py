"""Operations that HQ is asked to commit, when it is not asked again, and leases of budgets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0005 import create_branch_fact_tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_branch_fact_tables()
    op.create_table(
        "intent",
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("register", sa.Text()),
        sa.Column("receipt_number", sa.BigInteger()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("command_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("intent_by_creation", "intent", ["created_at"])
    op.add_column("sync_state", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sync_state", sa.Column("not_before", UtcTime(), nullable=False, server_default="0"))
    op.create_table(
        "lease",
        sa.Column("lease_id", Id(), nullable=False),
        sa.Column("budget_id", Id(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("lease_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("lease_by_owner", "lease", ["owner"])
    op.create_table(
        "lease_wish",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("lease_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
        sqlite_with_rowid=False,
    )
