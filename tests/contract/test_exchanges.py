"""Exchanges of a chain, on both databases: both halves reach the head office together, once, and its sums hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from branch_node.operations import basket, sale_payments
from branch_node.operations.basket import BasketState
from branch_node.operations.refund_request import SoldLineRequest, parse_refund_request
from branch_node.operations.sale_actions import Till
from branch_node.operations.shifts import close_shift, open_shift
from branch_node.sync_client.processor import DOUBTFUL_AFTER_US
from hq_server.operations.shift_audit import audit_shifts
from hq_server.storage.rollups import compare_rollups
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import HqUnreachable, Refused
from shared.storage.tables import payment, refund, refund_payment, sale
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair, ProcessDiedError
from tests.support.shop import request

SHIRT, COAT = 90_000, 250_000


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def join(pair: Pair, mode: ProcessingMode, unreachable: WhenUnreachable = WhenUnreachable.REFUSE) -> Node:
    node = pair.join("B1")
    if mode is ProcessingMode.CENTRALIZED:
        pair.set_mode("B1", mode, unreachable)
    node.sync()
    with node.store.operation() as transaction:
        open_shift(transaction, "1", "anna", 0)
    return node


def bought(node: Node, wire: CentralWire | None = None) -> str:
    asked = request(
        "bought",
        SHIRT,
        lines=[{"sku": "shirt", "quantity": 1, "amount_minor": SHIRT}],
        payments=[{"method": "card", "amount_minor": SHIRT}],
    )
    return node.line(wire).sell(asked).receipt


def filled(node: Node, receipt: str, price: int = COAT) -> bytes:
    """A basket into which the shirt comes back, and in which something else is."""
    basket_id = basket.open_basket(node.store, "1", "anna")
    basket.price_unknown(node.store, basket_id, "r1", "X", "Coat", price)
    basket.return_goods(node.store, basket_id, "r2", receipt, [SoldLineRequest(1, None)])
    return basket_id


def pay(node: Node, basket_id: bytes, wire: CentralWire | None = None) -> basket.PaymentOutcome:
    node.clock.advance(60)
    return sale_payments.pay_cash(till(node), node.line(wire).sell, basket_id, None)


def till(node: Node) -> Till:
    return Till(node.store, LOCAL_ADMINISTRATOR, "1")


def close(node: Node) -> None:
    with node.store.operation() as transaction:
        close_shift(transaction, "1", "vera", None)
    node.sync()


def methods(office: Office) -> dict[str, int]:
    """Taken less paid back at the head office, by method."""
    sums: dict[str, int] = {}
    with office.store.read() as connection:
        for table, sign in ((payment, 1), (refund_payment, -1)):
            grouped = select(table.c.method, func.sum(table.c.amount_minor)).group_by(table.c.method)
            for method, amount in connection.execute(grouped):
                sums[method] = sums.get(method, 0) + sign * int(amount)
    return sums


def check(pair: Pair, node: Node) -> None:
    """The Z-report is what HQ sums, the two halves are of one command, rollups and chains are sound."""
    close(node)
    office = pair.office
    with office.store.read() as connection:
        (audit,) = audit_shifts(connection, None, None, None)
        halves = select(refund.c.command_id).where(refund.c.command_id.in_(select(sale.c.command_id)))
        assert len(connection.execute(halves).all()) == office.count(refund)
        assert compare_rollups(connection) == []
    assert audit.differences == ()
    assert pair.verify("B1") == () == node.verify()


@pytest.mark.parametrize("mode", list(ProcessingMode))
@pytest.mark.parametrize(("price", "left"), [(COAT, {"cash": COAT - SHIRT, "card": SHIRT}), (50_000, {"card": 50_000})])
def test_both_halves_are_at_the_head_office_and_its_audit_agrees(
    pair: Pair, mode: ProcessingMode, price: int, left: dict[str, int]
) -> None:
    node = join(pair, mode)
    wire = CentralWire(node)
    outcome = pay(node, filled(node, bought(node, wire), price), wire)
    assert outcome.sold is not None
    assert outcome.sold.receipt == "1-000003"
    node.sync()
    assert methods(pair.office) == {**left, "exchange:card": 0}
    check(pair, node)


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
def test_without_an_answer_it_is_undecided_and_asked_again_is_once(pair: Pair, fault: str) -> None:
    node = join(pair, ProcessingMode.CENTRALIZED)
    receipt = bought(node, CentralWire(node))
    basket_id, wire = filled(node, receipt), CentralWire(node, fault)
    assert pay(node, basket_id, wire).state is BasketState.UNDECIDED
    wire.fault = None
    node.clock.advance(60)
    back = {"key": "r", "register": "1", "cashier": "anna", "receipt": receipt}
    with pytest.raises(Refused, match="another refund"):
        node.line(wire).refund(parse_refund_request(back))
    node.clock.advance(60)
    paid = sale_payments.ask_again(till(node), node.line(wire).sell, basket_id)
    assert paid.sold is not None
    assert paid.sold.receipt == "1-000003"
    assert (pair.office.count(refund), pair.office.count(sale)) == (1, 2)
    check(pair, node)


@pytest.mark.parametrize(
    ("fault", "expected"), [("request lost", BasketState.OPEN), ("dies waiting", BasketState.PAID)]
)
def test_a_process_that_dies_while_it_asks_leaves_both_or_neither(
    pair: Pair, fault: str, expected: BasketState
) -> None:
    node = join(pair, ProcessingMode.CENTRALIZED)
    basket_id = filled(node, bought(node, CentralWire(node)))
    try:
        pay(node, basket_id, CentralWire(node, fault))
    except ProcessDiedError:
        assert fault == "dies waiting"
    node.clock.advance(DOUBTFUL_AFTER_US / 1_000_000 + 60)
    node.line(CentralWire(node)).look_after()
    assert basket.view(node.store, basket_id).state is expected
    with node.store.read_cursor() as cursor:
        counts = cursor.execute("SELECT (SELECT COUNT(*) FROM refund), (SELECT COUNT(*) FROM sale)").fetchone()
        assert tuple(counts) == ((1, 2) if expected is BasketState.PAID else (0, 1))
        # Both numbers are the next ones again.
        last = cursor.execute("SELECT last_receipt_number FROM register").fetchone()[0]
        assert last == (3 if expected is BasketState.PAID else 1)
    assert pay(node, basket_id, CentralWire(node)).state is BasketState.PAID
    check(pair, node)


def test_both_numbers_are_void_when_another_was_given_meanwhile(pair: Pair) -> None:
    node = join(pair, ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    wire = CentralWire(node)
    basket_id = filled(node, bought(node, wire))
    pay(node, basket_id, CentralWire(node, "request lost"))
    node.clock.advance(20)
    other = request("other", 100, payments=[{"method": "cash", "amount_minor": 100}])
    assert node.line(wire).sell(other).receipt == "1-000004"
    node.clock.advance(DOUBTFUL_AFTER_US / 1_000_000 + 60)
    node.line(wire).look_after()
    with node.store.read_cursor() as cursor:
        rows = cursor.execute("SELECT receipt_number FROM receipt_void ORDER BY receipt_number").fetchall()
    assert [tuple(row) for row in rows] == [(2,), (3,)]
    outcome = pay(node, basket_id, wire)
    assert outcome.sold is not None
    assert outcome.sold.receipt == "1-000006"
    check(pair, node)


def test_a_branch_that_may_not_go_on_alone_exchanges_nothing(pair: Pair) -> None:
    node = join(pair, ProcessingMode.CENTRALIZED)
    basket_id = filled(node, bought(node, CentralWire(node)))
    with pytest.raises((Refused, HqUnreachable)):
        pay(node, basket_id, CentralWire(node, "unreachable"))
    assert basket.view(node.store, basket_id).state is BasketState.OPEN
    with node.store.read_cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM refund").fetchone()[0] == 0
