"""Stock and points as ledgers; what is on hand of each product, kept by triggers beside its facts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.migrations.records_0013 import create_ledger_tables

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

# Whatever writes lines – a sale, an answer of HQ, a history taken back, a repair – moves the stock in its transaction.
_MOVED = "SELECT 1 FROM stock_movement_line WHERE sku = old.sku"


def upgrade() -> None:
    create_ledger_tables()
    for event in ("INSERT", "UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER loyalty_program_{event.lower()}_raises_revision AFTER {event} ON loyalty_program "
            "BEGIN UPDATE node SET revision = revision + 1; END"
        )
    op.create_table(
        "stock_on_hand",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sku"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO stock_on_hand SELECT sku, SUM(quantity), 0 FROM ("
        "SELECT sku, -quantity_thousandths AS quantity FROM sale_line "
        "UNION ALL SELECT sku, quantity_thousandths FROM refund_line) GROUP BY sku"
    )
    for table, sign, is_kept in (("sale_line", "-", 0), ("refund_line", "", 0), ("stock_movement_line", "", 1)):
        came, went = _move("new", sign, is_kept), _move("old", "" if sign else "-", 0)
        if is_kept:
            # Only a repair takes a movement away.
            went += f"UPDATE stock_on_hand SET is_kept = EXISTS ({_MOVED}) WHERE sku = old.sku;"
        op.execute(f"CREATE TRIGGER {table}_insert_moves_stock AFTER INSERT ON {table} BEGIN {came} END")
        op.execute(f"CREATE TRIGGER {table}_delete_moves_stock AFTER DELETE ON {table} BEGIN {went} END")
        op.execute(f"CREATE TRIGGER {table}_update_moves_stock AFTER UPDATE ON {table} BEGIN {went} {came} END")


def _move(row: str, sign: str, is_kept: int) -> str:
    return (
        "INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) "
        f"VALUES ({row}.sku, {sign}{row}.quantity_thousandths, {is_kept}) "
        "ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, "
        "is_kept = is_kept OR excluded.is_kept;"
    )
