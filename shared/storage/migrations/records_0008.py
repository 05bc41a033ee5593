"""Schema 0008: promotions, VAT rates, prices with dates, what a product is taxed at, and the groups of clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_pricing_tables() -> None:
    """Creates the tables of promotions and VAT rates, empty, and the new columns of the cards that are there."""
    op.add_column("client", sa.Column("client_group", sa.Text(), nullable=True))
    op.add_column("product", sa.Column("vat_code", sa.Text(), nullable=True))
    op.add_column("product", sa.Column("weighed", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("price", sa.Column("valid_from", sa.BigInteger(), nullable=True))
    op.add_column("price", sa.Column("valid_to", sa.BigInteger(), nullable=True))
    op.drop_index("price_by_product", "price")
    op.create_index("price_by_product", "price", ["product_id", "zone", "valid_from"])
    op.create_table(
        "promotion",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("m", sa.BigInteger(), nullable=True),
        sa.Column("skus", sa.Text(), nullable=True),
        sa.Column("categories", sa.Text(), nullable=True),
        sa.Column("client_groups", sa.Text(), nullable=True),
        sa.Column("zones", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("weekdays", sa.Text(), nullable=True),
        sa.Column("minute_from", sa.BigInteger(), nullable=True),
        sa.Column("minute_to", sa.BigInteger(), nullable=True),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=True),
        sa.Column("combinable", sa.Boolean(), nullable=False),
        sa.Column("per_basket", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("promotion_by_code", "promotion", ["code"])
    op.create_table(
        "vat_rate",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("rate_basis_points", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("vat_rate_by_code", "vat_rate", ["code"])
