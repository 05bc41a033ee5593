"""A till finds receipts by number, shift and day without reading all that was ever sold."""

from __future__ import annotations

import pytest

from branch_node.storage.receipt_indexes import RECEIPT_INDEXES
from tests.support.shop import Shop


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT 1 FROM sale WHERE branch_id = ? AND register = ? AND receipt_number = ?", "sale_by_receipt"),
        ("SELECT SUM(net_minor) FROM sale s WHERE +s.branch_id = ? AND s.shift_id = ?", "sale_by_shift"),
        ("SELECT id FROM sale WHERE branch_id = ? AND business_date = ?", "sale_by_day"),
        ("SELECT 1 FROM refund WHERE branch_id = ? AND register = ? AND receipt_number = ?", "refund_by_receipt"),
        ("SELECT SUM(returns_minor) FROM refund s WHERE +s.branch_id = ? AND s.shift_id = ?", "refund_by_shift"),
    ],
)
def test_what_a_till_looks_up_is_indexed(shop: Shop, statement: str, index: str) -> None:
    parameters = (b"b" * 16, "1", 1)[: statement.count("?")]
    (plan,) = shop.rows(f"EXPLAIN QUERY PLAN {statement}", *parameters)
    assert index in plan[-1], plan
    assert index in RECEIPT_INDEXES
