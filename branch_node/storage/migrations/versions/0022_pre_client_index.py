"""The words and numbers by which clients are found; which clients were opened for service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0022 import create_client_index

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_client_index()
    op.create_table(
        "client_opening",
        sa.Column("employee_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "client_id"),
        sqlite_with_rowid=False,
    )
