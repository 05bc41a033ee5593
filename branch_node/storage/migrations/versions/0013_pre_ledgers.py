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
_SIGNS = {"sale_line": "-", "refund_line": "", "stock_movement_line": ""}
_OPPOSITE = {"-": "", "": "-"}


def upgrade() -> None:
    create_ledger_tables()
    op.create_table(
        "stock_on_hand",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity_thousandths", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sku"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO stock_on_hand SELECT sku, SUM(quantity) FROM ("
        "SELECT sku, -quantity_thousandths AS quantity FROM sale_line "
        "UNION ALL SELECT sku, quantity_thousandths FROM refund_line) GROUP BY sku"
    )
    for table, sign in _SIGNS.items():
        came, went = _move("new", sign), _move("old", _OPPOSITE[sign])
        op.execute(f"CREATE TRIGGER {table}_insert_moves_stock AFTER INSERT ON {table} BEGIN {came} END")
        op.execute(f"CREATE TRIGGER {table}_delete_moves_stock AFTER DELETE ON {table} BEGIN {went} END")
        op.execute(f"CREATE TRIGGER {table}_update_moves_stock AFTER UPDATE ON {table} BEGIN {went} {came} END")


def _move(row: str, sign: str) -> str:
    return (
        f"INSERT INTO stock_on_hand (sku, quantity_thousandths) VALUES ({row}.sku, {sign}{row}.quantity_thousandths) "
        "ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths;"
    )
