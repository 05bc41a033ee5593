"""What HQ decided about commands that branches in centralized mode asked it to commit; budgets and their leases."""

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
        "central_commit",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("committed", sa.Boolean(), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("explanation", sa.Text()),
        sa.Column("hint", sa.Text()),
        sa.Column("records_hash", sa.LargeBinary()),
        sa.Column("data", sa.LargeBinary()),
        sa.Column("linked_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "command_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "central_commit_unlinked",
        "central_commit",
        ["branch_id", "decided_at"],
        sqlite_where=sa.text("committed AND linked_at IS NULL"),
        postgresql_where=sa.text("committed AND linked_at IS NULL"),
    )
    op.create_table(
        "budget",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budget_lease",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("lease_id", Id(), nullable=False),
        sa.Column("budget_id", Id(), nullable=False),
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("granted_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("returned_at", UtcTime()),
        sa.PrimaryKeyConstraint("branch_id", "lease_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("budget_lease_by_budget", "budget_lease", ["budget_id"])
