"""A basket paid through the head office: once, whatever happens to question and answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations import basket
from branch_node.operations.basket import BasketState, PaymentOutcome
from branch_node.sync_client.processor import DOUBTFUL_AFTER_US
from shared.domain.sales import Payment
from shared.errors import HqUnreachable
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair, ProcessDiedError

TOTAL = 700


@pytest.fixture
def node(office: Office, tmp_path: Path) -> Node:
    """A branch that must not sell without its head office."""
    pair = Pair(office, tmp_path)
    node = pair.join("B1")
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    node.sync()
    return node


def filled(node: Node) -> bytes:
    basket_id = basket.open_basket(node.store, "1", "anna")
    basket.price_unknown(node.store, basket_id, "r1", "X", "Umbrella", TOTAL)
    return basket_id


def pay(node: Node, basket_id: bytes, wire: CentralWire) -> PaymentOutcome:
    node.clock.advance(60)
    return basket.pay(node.store, node.line(wire).sell, basket_id, [Payment("cash", TOTAL)])


def state(node: Node, basket_id: bytes) -> BasketState:
    return basket.view(node.store, basket_id).state


def test_a_basket_is_sold_through_the_head_office(node: Node) -> None:
    basket_id = filled(node)
    outcome = pay(node, basket_id, CentralWire(node))
    assert (outcome.state, outcome.sold and outcome.sold.receipt) == (BasketState.PAID, "1-000001")
    assert node_sales(node) == [1]


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
def test_without_an_answer_the_basket_is_undecided_until_somebody_asks_again(node: Node, fault: str) -> None:
    basket_id, wire = filled(node), CentralWire(node, fault)
    outcome = pay(node, basket_id, wire)
    assert outcome.state is BasketState.UNDECIDED
    assert "not known" in outcome.message
    node.clock.advance(3_600)
    assert state(node, basket_id) is BasketState.UNDECIDED
    assert basket.open_basket(node.store, "1", "anna") != basket_id
    wire.fault = None
    paid = pay(node, basket_id, wire)
    assert (paid.state, paid.sold and paid.sold.receipt) == (BasketState.PAID, "1-000001")
    assert pay(node, basket_id, wire) == paid


@pytest.mark.parametrize(
    ("fault", "expected"), [("request lost", BasketState.OPEN), ("dies waiting", BasketState.PAID)]
)
def test_whoever_looks_after_doubts_settles_the_basket_too(node: Node, fault: str, expected: BasketState) -> None:
    basket_id = filled(node)
    try:
        pay(node, basket_id, CentralWire(node, fault))
    except ProcessDiedError:
        assert fault == "dies waiting"
    assert basket.recover_baskets(node.store) == 0
    node.clock.advance(DOUBTFUL_AFTER_US / 1_000_000 + 60)
    node.line(CentralWire(node)).look_after()
    assert state(node, basket_id) is expected
    assert pay(node, basket_id, CentralWire(node)).state is BasketState.PAID
    assert len(node_sales(node)) == 1


def test_a_head_office_that_is_away_leaves_the_basket_open(node: Node) -> None:
    basket_id, wire = filled(node), CentralWire(node, "unreachable")
    with pytest.raises(Exception, match="cannot be reached"):
        pay(node, basket_id, wire)
    assert state(node, basket_id) is BasketState.OPEN
    with pytest.raises(HqUnreachable):
        basket.pay(node.store, node.line(wire).sell, basket_id, [Payment("cash", TOTAL)])
    assert state(node, basket_id) is BasketState.OPEN
    wire.fault = None
    assert pay(node, basket_id, wire).state is BasketState.PAID
    assert len(node_sales(node)) == 1


def node_sales(node: Node) -> list[int]:
    with node.store.read_cursor() as cursor:
        return [row[0] for row in cursor.execute("SELECT receipt_number FROM sale")]
