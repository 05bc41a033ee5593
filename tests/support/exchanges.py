"""What exchanges must come to, summed from the rows alone."""

from __future__ import annotations

from tests.support.shop import Shop

_SALES = """
SELECT COALESCE(SUM(s.net_minor + s.rounding_minor + s.change_minor), 0) - COALESCE(SUM((
    SELECT SUM(p.amount_minor) FROM payment p WHERE p.branch_id = s.branch_id AND p.sale_id = s.id)), 0)
FROM sale s
"""
_REFUNDS = """
SELECT COALESCE(SUM(r.returns_minor + r.rounding_minor), 0) - COALESCE(SUM((
    SELECT SUM(p.amount_minor) FROM refund_payment p WHERE p.branch_id = r.branch_id AND p.refund_id = r.id)), 0)
FROM refund r
"""
_EXCHANGED = """
SELECT COALESCE((SELECT SUM(amount_minor) FROM payment WHERE method LIKE 'exchange%'), 0)
     - COALESCE((SELECT SUM(amount_minor) FROM refund_payment WHERE method LIKE 'exchange%'), 0)
"""


def exchange_sums(shop: Shop) -> dict[str, int]:
    """What sales and refunds lack to balance, and what is left of the method of exchanges: nothing, each."""
    return {"sale": shop.one(_SALES), "refund": shop.one(_REFUNDS), "exchange": shop.one(_EXCHANGED)}
