"""Requests of branches about unknown codes; catalogue files between their preview and their import."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0014 import create_product_request_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_product_request_table()
    op.create_table(
        "catalog_upload",
        sa.Column("id", Id(), nullable=False),
        sa.Column("uploaded_at", UtcTime(), nullable=False),
        sa.Column("author", Id(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
