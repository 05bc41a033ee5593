"""Receipts by number, by shift and by day, at the branch alone: HQ finds them by branch and reads sums from rollups."""

from __future__ import annotations

from alembic import op

from branch_node.storage.receipt_indexes import RECEIPT_INDEXES

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, (table, columns) in RECEIPT_INDEXES.items():
        op.create_index(name, table, list(columns))
