"""Documents of stock that are being written, why goods moved, and how one product moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime
from shared.storage.migrations.records_0016 import add_movement_note

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_movement_note()
    op.create_index("refund_line_by_sku", "refund_line", ["sku"])
    op.create_index("stock_movement_line_by_sku", "stock_movement_line", ["sku"])
    op.create_table(
        "stock_draft",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("employee", sa.Text(), nullable=False),
        sa.Column("begun_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Text(), nullable=False),
        sa.Column("movement_id", Id(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("stock_draft_open", "stock_draft", ["changed_at"], sqlite_where=sa.text("movement_id IS NULL"))
    op.create_table(
        "stock_draft_line",
        sa.Column("draft_id", Id(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("on_hand_thousandths", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("draft_id", "sku"),
        sqlite_with_rowid=False,
    )
