"""The table of requests about unknown codes, at a branch and at the head office alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_product_request_table() -> None:
    """What branches ask about codes that they met."""
    op.create_table(
        "product_request",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("register", sa.Text(), nullable=True),
        sa.Column("times", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("product_id", Id(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("product_request_by_code", "product_request", ["code"])
