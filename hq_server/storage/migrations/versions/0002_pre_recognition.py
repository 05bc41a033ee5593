"""Fences and states of incarnations, proposals, record counters, backups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("branch_cursor", sa.Column("confirmed_fence", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("branch_cursor", sa.Column("quarantine", sa.Text(), nullable=True))
    op.add_column("branch_cursor", sa.Column("is_replacing", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("incarnation", sa.Column("life", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("incarnation", sa.Column("state", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("incarnation", sa.Column("confirmed_fence", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "proposal",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("card_id", Id(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("resolved_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "kind", "card_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "record_counter",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "kind", "business_date"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backup",
        sa.Column("id", Id(), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=False),
        sa.Column("verified_at", UtcTime(), nullable=True),
        sa.Column("is_external", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backup_head",
        sa.Column("backup_id", Id(), nullable=False),
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("incarnation", Id(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("backup_id", "branch_id", "incarnation"),
        sqlite_with_rowid=False,
    )
