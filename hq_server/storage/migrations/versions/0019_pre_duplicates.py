"""Duplicates among clients, and who was handed over to whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0025 import add_duplicates

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_duplicates()
    op.create_table(
        "hand_over",
        sa.Column("id", Id(), nullable=False),
        sa.Column("from_employee_id", Id(), nullable=False),
        sa.Column("to_employee_id", Id(), nullable=False),
        sa.Column("author", Id(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("hand_over_by_predecessor", "hand_over", ["from_employee_id"])
    op.create_table(
        "hand_over_card",
        sa.Column("hand_over_id", Id(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("card_id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("hand_over_id", "kind", "card_id"),
        sqlite_with_rowid=False,
    )
