"""Goods that come back into a basket, and the points that pay a part of one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("basket", sa.Column("points", sa.BigInteger()))
    op.create_table(
        "basket_return",
        sa.Column("basket_id", Id(), nullable=False),
        sa.Column("sale_id", Id(), nullable=False),
        sa.Column("sale_line", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("authorised_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("basket_id", "sale_id", "sale_line"),
        sqlite_with_rowid=False,
    )
