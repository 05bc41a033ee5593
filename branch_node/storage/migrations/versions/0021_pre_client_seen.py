"""What each employee has seen of a client's card."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client_seen",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("edits", sa.Integer(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "client_id"),
        sqlite_with_rowid=False,
    )
