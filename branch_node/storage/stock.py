"""What is on hand at this branch: read from the derived table, and computed anew from the facts it follows from."""

from __future__ import annotations

from typing import Any, NamedTuple

_ONE = "SELECT sku, quantity_thousandths, is_kept FROM stock_on_hand WHERE sku = ?"
_COMPUTED = """
SELECT sku, SUM(quantity) AS quantity_thousandths, MAX(is_kept) AS is_kept FROM (
    SELECT sku, -quantity_thousandths AS quantity, 0 AS is_kept FROM sale_line
    UNION ALL SELECT sku, quantity_thousandths, 0 FROM refund_line
    UNION ALL SELECT sku, quantity_thousandths, 1 FROM stock_movement_line
) GROUP BY sku
"""
_DIFFERENT = f"""
WITH computed AS ({_COMPUTED})
SELECT sku, SUM(stored), SUM(computed), SUM(stored_kept), SUM(computed_kept) FROM (
    SELECT sku, quantity_thousandths AS stored, 0 AS computed, is_kept AS stored_kept, 0 AS computed_kept
    FROM stock_on_hand
    UNION ALL SELECT sku, 0, quantity_thousandths, 0, is_kept FROM computed
) GROUP BY sku HAVING SUM(stored) <> SUM(computed) OR SUM(stored_kept) <> SUM(computed_kept) ORDER BY sku
"""


class Stock(NamedTuple):
    """What is on hand of a product, in thousandths, maybe below zero.

    `is_kept` says that some of it was received or counted here; otherwise the quantity says only what was sold.
    """

    sku: str
    quantity_thousandths: int
    is_kept: bool


class StockDifference(NamedTuple):
    """A product whose stored stock, in thousandths, is not what its facts come to."""

    sku: str
    stored_thousandths: int
    computed_thousandths: int


def read_stock(cursor: Any, sku: str) -> Stock:
    """Nothing of a product that never moved."""
    row = cursor.execute(_ONE, (sku,)).fetchone()
    return Stock(sku, 0, False) if row is None else Stock(row[0], row[1], bool(row[2]))


def list_stock(cursor: Any, negative: bool, limit: int) -> list[Stock]:
    """Products with a stock that is kept, by SKU; or all whose stock is below zero, the largest lack first."""
    chosen = "quantity_thousandths < 0 ORDER BY quantity_thousandths, sku" if negative else "is_kept ORDER BY sku"
    statement = f"SELECT sku, quantity_thousandths, is_kept FROM stock_on_hand WHERE {chosen} LIMIT ?"
    return [Stock(row[0], row[1], bool(row[2])) for row in cursor.execute(statement, (limit,)).fetchall()]


def compare_stock(cursor: Any) -> list[StockDifference]:
    """Where the derived table is not what the facts come to; empty when it is."""
    return [StockDifference(*row[:3]) for row in cursor.execute(_DIFFERENT).fetchall()]


def rebuild_stock(cursor: Any) -> int:
    """Computes the derived table anew, in the caller's transaction; returns how many products it has."""
    cursor.execute("DELETE FROM stock_on_hand")
    cursor.execute(f"INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) {_COMPUTED}")
    return int(cursor.execute("SELECT COUNT(*) FROM stock_on_hand").fetchone()[0])
