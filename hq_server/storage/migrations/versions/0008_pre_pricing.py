"""Promotions, VAT rates and prices with dates; what imports of the catalogue replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0008 import create_pricing_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_pricing_tables()
    op.create_table(
        "catalog_import",
        sa.Column("id", Id(), nullable=False),
        sa.Column("imported_at", UtcTime(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("reverted_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "catalog_import_change",
        sa.Column("import_id", Id(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("card_id", Id(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("created", sa.Boolean(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("old_value", sa.Text(), nullable=False),
        sa.Column("new_value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "kind", "card_id", "field"),
        sqlite_with_rowid=False,
    )
