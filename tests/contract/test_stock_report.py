"""Stock through the head office, on both databases: the report equals what the branches have, in whatever state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import stock
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.reporting import run_report as report_at_branch
from branch_node.operations.stock import Goods
from branch_node.storage.stock import compare_stock
from hq_server.operations.importing import import_catalog
from hq_server.operations.reporting import run_report
from hq_server.storage.feed import number_feed
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InDoubt
from shared.operations.tabular_files import FileRow
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from shared.reports.stock import NAME
from shared.reports.stock_outs import STOCK_OUTS
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair
from tests.support.shop import request

MILK, BREAD = "952", "871"
REPORT = find_report(NAME)


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    made = Pair(office, tmp_path)
    rows = [
        FileRow(2, {"sku": MILK, "name": "Milk", "category": "Dairy", "price": "89.90"}),
        FileRow(3, {"sku": BREAD, "name": "Bread", "category": "Bakery", "price": "45.00"}),
    ]
    with office.store.write() as connection:
        import_catalog(connection, office.ids, office.clock.now_us(), office.chain.chain_id, "RUB", rows)
    number_feed(office.store, office.clock.now_us())
    return made


def at_hq(pair: Pair, *by: str, **ask: Any) -> ReportResult:
    office = pair.office
    with office.store.read() as connection:
        return run_report(connection, REPORT, ReportAsk(by, **ask), office.clock.now_us(), 15)


def first_four(rows: Any, width: int = 0) -> tuple[Any, ...]:
    """Rows with the measures up to `negative`; `width` dimensions before them."""
    return tuple(tuple(row[: width + 4]) for row in rows)


def here(node: Node, *by: str) -> ReportResult:
    with node.store.read() as connection:
        return report_at_branch(connection, REPORT, ReportAsk(by), node.clock.now_us())


def enter(node: Node, operation: Any, *goods: Goods) -> None:
    with node.store.operation() as transaction:
        operation(transaction, LOCAL_ADMINISTRATOR, "anna", goods)


def sell(node: Node, key: str, sku: str, quantity: int, wire: CentralWire | None = None) -> str:
    lines = [{"sku": sku, "quantity": quantity, "amount_minor": 100}]
    return node.line(wire).sell(request(key, 100, lines=lines)).receipt


def give_back(node: Node, key: str, receipt: str, quantity: int) -> None:
    lines = [{"line": 1, "quantity": quantity}]
    asked = {"key": key, "register": "1", "cashier": "anna", "receipt": receipt, "lines": lines}
    node.line().refund(parse_refund_request(asked))


def left(node: Node, sku: str) -> int:
    return stock.on_hand(node.store, LOCAL_ADMINISTRATOR, sku).quantity_thousandths


def is_derived_right(node: Node) -> bool:
    with node.store.read_cursor() as cursor:
        return not compare_stock(cursor)


def trade(pair: Pair) -> tuple[Node, Node]:
    """Two branches with deliveries, sales, a refund, a write-off and a count; one sells more than it has."""
    one, other = pair.join("B1"), pair.join("B2")
    for node in (one, other):
        node.sync()
    enter(one, stock.receive, Goods(MILK, 10_000, 60_000), Goods(BREAD, 5_000))
    receipt = sell(one, "a1", MILK, 4)
    give_back(one, "a2", receipt, 1)
    enter(one, stock.write_off, Goods(BREAD, 500))
    enter(one, stock.count, Goods(MILK, 6_000))
    enter(other, stock.receive, Goods(MILK, 1_000))
    sell(other, "b1", MILK, 3)
    sell(other, "b2", "unknown", 2)
    for node in (one, other):
        node.sync()
    return one, other


def test_the_head_office_reports_what_is_on_hand_sold_received_and_below_zero(pair: Pair) -> None:
    trade(pair)
    assert first_four(at_hq(pair, "branch", "product").rows, 2) == (
        ("B1", BREAD, 4_500, 0, 5_000, 0),
        ("B1", MILK, 6_000, 3_000, 10_000, 0),
        ("B2", MILK, -2_000, 3_000, 1_000, 1),
        ("B2", "unknown", -2_000, 2_000, 0, 1),
    )
    assert first_four(at_hq(pair, "category").rows, 1) == (
        ("Bakery", 4_500, 0, 5_000, 0),
        ("Dairy", 4_000, 6_000, 11_000, 1),
        (None, -2_000, 2_000, 0, 1),
    )
    assert at_hq(pair).totals[:4] == (6_500, 8_000, 16_000, 2)
    assert first_four(at_hq(pair, "product", branches=("B2",)).rows, 1) == (
        (MILK, -2_000, 3_000, 1_000, 1),
        ("unknown", -2_000, 2_000, 0, 1),
    )


def test_a_branch_and_the_head_office_report_the_same_and_nothing_differs(pair: Pair) -> None:
    for node in trade(pair):
        assert here(node, "product").rows == at_hq(pair, "product", branches=(node.code,)).rows
        assert {(sku, left(node, sku)) for sku, *_ in here(node, "product").rows} == {
            (row[0], row[1]) for row in here(node, "product").rows
        }
        assert is_derived_right(node)
        assert pair.verify(node.code) == () == node.verify()


def test_the_period_bounds_what_was_sold_and_received_but_not_what_is_on_hand(pair: Pair) -> None:
    trade(pair)
    assert at_hq(pair, date_from="2100-01-01").totals[:4] == (6_500, 0, 0, 2)
    assert at_hq(pair, date_to="2001-01-01").totals[:4] == (0, 0, 0, 0)
    assert at_hq(pair, as_of="2001-01-01T00:00:00").totals[:4] == (0, 0, 0, 0)


def out_of_stock(pair: Pair, *by: str, **ask: Any) -> ReportResult:
    office = pair.office
    with office.store.read() as connection:
        return run_report(connection, STOCK_OUTS, ReportAsk(by, **ask), office.clock.now_us(), 15)


def test_what_is_sold_and_not_there_is_told_where_stock_is_kept(pair: Pair) -> None:
    _, other = trade(pair)
    found = out_of_stock(pair, "branch", "product")
    assert found.rows == (("B2", MILK, 1, -2_000, 3_000, 107),), "of “unknown” no stock was ever entered"
    assert found.totals == (1, -2_000, 3_000, 107)
    assert out_of_stock(pair, options=["days=1"]).totals == (1, -2_000, 3_000, 3_000)
    with other.store.read() as connection:
        here_too = report_at_branch(connection, STOCK_OUTS, ReportAsk(["branch", "product"]), other.clock.now_us())
    assert here_too.rows == found.rows


def test_what_was_not_sold_lately_or_came_again_is_not_out_of_stock(pair: Pair) -> None:
    _, other = trade(pair)
    pair.office.clock.advance(40 * 86_400)
    assert out_of_stock(pair).totals == (0, 0, 0, 0)
    assert out_of_stock(pair, options=["days=60"]).totals == (1, -2_000, 3_000, 50)
    assert out_of_stock(pair, options=["days=60"], as_of="2001-01-01T00:00:00").totals == (0, 0, 0, 0)
    enter(other, stock.receive, Goods(MILK, 3_000))
    other.sync()
    assert out_of_stock(pair, options=["days=60"]).totals == (0, 0, 0, 0)


def test_a_store_in_the_place_of_a_lost_one_gets_its_stock_back(pair: Pair) -> None:
    trade(pair)
    again = pair.replace("B1")
    again.sync()
    assert (left(again, MILK), left(again, BREAD)) == (6_000, 4_500)
    assert is_derived_right(again)
    enter(again, stock.receive, Goods(MILK, 1_000))
    again.sync()
    assert at_hq(pair, "branch", "product").rows[1][:6] == ("B1", MILK, 7_000, 3_000, 11_000, 0)


def test_a_sale_that_the_head_office_is_asked_about_moves_stock_once_it_is_decided(pair: Pair) -> None:
    one, _ = trade(pair)
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    one.sync()
    lost = CentralWire(one, "answer lost")
    with pytest.raises(InDoubt, match="not known"):
        sell(one, "c1", MILK, 2, lost)
    assert left(one, MILK) == 6_000
    assert at_hq(pair, "branch").rows[0][1] == 8_500
    one.clock.advance(60)
    sell(one, "c1", MILK, 2, CentralWire(one))
    one.sync()
    assert left(one, MILK) == 4_000
    assert at_hq(pair, "branch").rows[0][1] == 8_500
    assert is_derived_right(one)
