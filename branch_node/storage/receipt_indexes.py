"""Indexes of the record tables that only a branch has: a till looks receipts up, HQ does not."""

from __future__ import annotations

from typing import Final

RECEIPT_INDEXES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "sale_by_receipt": ("sale", ("branch_id", "register", "receipt_number")),
    "sale_by_shift": ("sale", ("shift_id",)),
    "sale_by_day": ("sale", ("branch_id", "business_date")),
    "refund_by_receipt": ("refund", ("branch_id", "register", "receipt_number")),
    "refund_by_shift": ("refund", ("shift_id",)),
}
"""Table and columns by the index's name.

Where SQLite takes the primary key, which begins with the branch's id, for better, a query says `+branch_id = ?`.
"""
