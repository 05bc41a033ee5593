"""Quick keys in groups, of the whole branch or of one register; baskets of clients whose card is elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("quick_key", "quick_key_before")
    op.create_table(
        "quick_key",
        sa.Column("register", sa.Text(), nullable=False, server_default=""),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("key_group", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("register", "position"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO quick_key (position, sku, label, colour) SELECT position, sku, label, colour FROM quick_key_before"
    )
    op.drop_table("quick_key_before")
    op.add_column("basket", sa.Column("client_name", sa.Text()))
