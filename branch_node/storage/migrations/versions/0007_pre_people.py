"""Roles, positions and credentials; sessions, PINs and paired browsers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0007 import create_log_in_tables, create_people_tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_people_tables()
    create_log_in_tables()
    op.create_table(
        "pin",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("pin_hash", sa.Text(), nullable=False),
        sa.Column("set_at", UtcTime(), nullable=False),
        sa.Column("set_by", Id(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pairing",
        sa.Column("id", Id(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_expires_at", UtcTime(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("created_by", Id(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("paired_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("pairing_by_token", "pairing", ["token_hash"])
    op.create_index("pairing_by_code", "pairing", ["code_hash"])
