"""Why goods moved, in words; what the loyalty programme was after each change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0016 import add_movement_note

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_movement_note()
    op.create_table(
        "loyalty_program_change",
        sa.Column("id", Id(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("loyalty_program_change_by_time", "loyalty_program_change", ["changed_at"])
