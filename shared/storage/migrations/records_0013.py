"""Schema 0013: movements of stock, points of clients, the rules by which they are earned, and clients' tiers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.column_types import Id, UtcTime


def create_ledger_tables() -> None:
    """Creates the tables of stock and points, empty, and the new column of clients."""
    op.add_column("client", sa.Column("tier", sa.Text(), nullable=True))
    _create_stock()
    _create_loyalty()


def _moment(name: str) -> list[sa.Column[object]]:
    return [
        sa.Column(name, UtcTime(), nullable=False),
        sa.Column("utc_offset_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
    ]


def _create_stock() -> None:
    op.create_table(
        "stock_movement",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("register", sa.Text(), nullable=True),
        sa.Column("employee", sa.Text(), nullable=False),
        *_moment("moved_at"),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stock_movement_line",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("movement_id", Id(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product_id", Id(), nullable=True),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("counted_thousandths", sa.BigInteger(), nullable=True),
        sa.Column("expected_thousandths", sa.BigInteger(), nullable=True),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch_id", "movement_id", "line_number"),
        sqlite_with_rowid=False,
    )


def _create_loyalty() -> None:
    op.create_table(
        "loyalty_entry",
        sa.Column("branch_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("command_id", Id(), nullable=False),
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("sale_id", Id(), nullable=True),
        sa.Column("refund_id", Id(), nullable=True),
        sa.Column("expires_on", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        *_moment("made_at"),
        sa.PrimaryKeyConstraint("branch_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("loyalty_entry_by_client", "loyalty_entry", ["client_id"])
    op.create_index("loyalty_entry_by_sale", "loyalty_entry", ["sale_id"])
    op.create_table(
        "loyalty_program",
        sa.Column("id", Id(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("earn_basis_points", sa.Text(), nullable=True),
        sa.Column("payable_share_basis_points_max", sa.BigInteger(), nullable=True),
        sa.Column("expires_days", sa.BigInteger(), nullable=True),
        sa.Column("point_value_minor", sa.BigInteger(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
