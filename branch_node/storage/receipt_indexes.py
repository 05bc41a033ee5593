"""Indexes of the record tables that only a branch has: a till looks receipts up, HQ does not."""

from __future__ import annotations

from typing import Final

RECEIPT_INDEXES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "sale_by_receipt": ("sale", ("branch_id", "register", "receipt_number")),
    "sale_by_shift": ("sale", ("branch_id", "shift_id")),
    "sale_by_day": ("sale", ("branch_id", "business_date")),
    "refund_by_receipt": ("refund", ("branch_id", "register", "receipt_number")),
    "refund_by_shift": ("refund", ("branch_id", "shift_id")),
}
"""Table and columns by the index's name. With the branch's id, else SQLite would take the primary key for better."""
