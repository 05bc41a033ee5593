"""The same month in both modes: the same reports, and the same business content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chains import sale_requests
from hq_server.operations.reporting import run_report
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair

SALES = 120
_CONTENT = """
SELECT k.key, s.register, s.receipt_number, s.cashier, s.client, s.sold_at, s.business_date, s.change_minor,
       l.line_number, l.sku, l.quantity_thousandths, l.amount_minor, l.discount_minor,
       p.payment_number, p.method, p.amount_minor
FROM idempotency_key k JOIN sale s ON s.id = k.record_id JOIN sale_line l ON l.sale_id = s.id
JOIN payment p ON p.sale_id = s.id ORDER BY k.key, l.line_number, p.payment_number
"""


def sell_a_month(node: Node, switching: bool = False) -> None:
    line = node.line(CentralWire(node))
    for number, request in enumerate(sale_requests(SALES, 7, days=28)):
        if switching and number % 30 == 29:
            mode = ProcessingMode.DISTRIBUTED if number % 60 == 59 else ProcessingMode.CENTRALIZED
            node.pair.set_mode(node.code, mode)
            node.sync()
        node.clock.advance(2)
        line.sell(request)
    node.sync()


def content(node: Node) -> str:
    with node.store.read_cursor() as cursor:
        return hashlib.sha256(repr(cursor.execute(_CONTENT).fetchall()).encode()).hexdigest()


def report(pair: Pair, code: str) -> Any:
    dimensions = ("month", "business_date", "category", "product", "cashier", "client", "hour")
    with pair.office.store.read() as connection:
        found = [
            run_report(
                connection, find_report("sales"), ReportAsk([by], branches=[code]), pair.office.clock.now_us(), 15
            )
            for by in dimensions
        ]
    return [(each.columns, each.rows, each.totals) for each in found]


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def test_a_month_is_the_same_in_either_mode(pair: Pair) -> None:
    alone, through_hq = pair.join("B1"), pair.join("B2")
    pair.set_mode("B2", ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    through_hq.sync()
    sell_a_month(alone)
    sell_a_month(through_hq, switching=True)
    assert report(pair, "B1") == report(pair, "B2")
    assert content(alone) == content(through_hq)
    assert pair.verify("B1") == () == pair.verify("B2")
