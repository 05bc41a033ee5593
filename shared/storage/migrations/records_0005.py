"""Schema 0005: voided receipts, switches of the processing mode, and what was spent of budgets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_branch_fact_tables() -> None:
    """Creates them, empty; and the mark of products that are sold only as far as there are any."""
    op.create_table(
        "receipt_void",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("receipt_number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("voided_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mode_switch",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("when_unreachable", sa.Text(), nullable=False),
        sa.Column("switched_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budget_spend",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("budget_id", Id(), nullable=False),
        sa.Column("lease_id", Id(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lease_return",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("budget_id", Id(), nullable=False),
        sa.Column("lease_id", Id(), nullable=False),
        sa.Column("unused", sa.BigInteger(), nullable=False),
        sa.Column("returned_at", UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.add_column("product", sa.Column("limited", sa.Boolean(), nullable=False, server_default="0"))
