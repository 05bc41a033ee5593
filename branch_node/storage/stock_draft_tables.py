"""Documents of stock that are being written: a branch's own, never replicated. What is entered becomes a record."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from branch_node.storage.tables import branch_metadata
from shared.storage.column_types import Id, UtcTime

stock_draft = Table(
    "stock_draft",
    branch_metadata,
    Column("id", Id, nullable=False),
    # received, written_off or counted: what it becomes
    Column("kind", Text, nullable=False),
    # Of a count: `all`, `category:NAME` or `list`.
    Column("scope", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("note", Text, nullable=False),
    # Who began it.
    Column("employee", Text, nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    # Grows with every change.
    Column("revision", Integer, nullable=False),
    # The last forms that changed it, by id, with blanks between: sent twice each counts once.
    Column("requests", Text, nullable=False),
    # What it became; null while it is being written.
    Column("movement_id", Id),
    PrimaryKeyConstraint("id"),
    Index("stock_draft_open", "changed_at", sqlite_where=text("movement_id IS NULL")),
    sqlite_with_rowid=False,
)

stock_draft_line = Table(
    "stock_draft_line",
    branch_metadata,
    Column("draft_id", Id, nullable=False),
    Column("sku", Text, nullable=False),
    # Grows with every line that is touched: the last one stands first.
    Column("number", Integer, nullable=False),
    Column("quantity_thousandths", BigInteger, nullable=False),
    Column("cost_minor", BigInteger),
    # Of a count: what was on hand by the books when it was counted.
    Column("on_hand_thousandths", BigInteger),
    PrimaryKeyConstraint("draft_id", "sku"),
    sqlite_with_rowid=False,
)

STOCK_INDEXES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "refund_line_by_sku": ("refund_line", ("sku",)),
    "stock_movement_line_by_sku": ("stock_movement_line", ("sku",)),
}
"""Indexes of the record tables that only a branch has, as in receipt_indexes: how a product moved. None on what is
sold: it would cost every sale."""
