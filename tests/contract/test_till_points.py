"""Points at the till, of the whole chain: out of a lease without the head office, else with its leave or not at all."""

from __future__ import annotations

import pytest

from branch_node.operations import basket, sale_payments
from branch_node.operations.sale_actions import Till
from shared.domain.loyalty import owner_of_client
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import HqUnreachable, Refused
from tests.contract.test_loyalty import CLIENT, client_id, entries, points, sell
from tests.contract.test_loyalty import pair as pair
from tests.contract.test_loyalty import shop as shop
from tests.support.pair import CentralWire, Node, Pair


def filled(node: Node) -> bytes:
    basket_id = basket.open_basket(node.store, "1", "anna")
    basket.price_unknown(node.store, basket_id, "r1", "X", "Coat", 40_00)
    basket.attach_client(node.store, basket_id, "r2", CLIENT)
    return basket_id


def offer(node: Node, basket_id: bytes) -> tuple[int, int, int]:
    found = basket.view(node.store, basket_id).points
    assert found is not None
    return found.known, found.payable, found.payable_with_leave


def pay(node: Node, basket_id: bytes, fault: str | None = None) -> basket.PaymentOutcome:
    till = Till(node.store, LOCAL_ADMINISTRATOR, "1")
    return sale_payments.pay_cash(till, node.line(CentralWire(node, fault)).sell, basket_id, None)


def choose(node: Node, basket_id: bytes, count: int | None) -> None:
    sale_payments.choose_points(Till(node.store, LOCAL_ADMINISTRATOR, "1"), basket_id, f"points {count}", count)


def test_out_of_a_lease_the_head_office_is_not_asked(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    shop.want(owner_of_client(client_id(shop)), 15)
    basket_id = filled(shop)
    assert offer(shop, basket_id) == (50, 15, 20)
    choose(shop, basket_id, None)
    assert pay(shop, basket_id, "unreachable").sold is not None
    shop.sync()
    assert entries(pair, shop) == [("earned", 2), ("earned", 50), ("spent", -15)]
    assert points(pair, shop)[0] == 37


def test_beyond_the_lease_it_is_asked_and_while_it_is_away_nothing_is_sold(pair: Pair, shop: Node) -> None:
    sell(shop, "a", 500_00)
    shop.sync()
    basket_id = filled(shop)
    assert offer(shop, basket_id) == (50, 0, 20)
    with pytest.raises(Refused, match="lent this branch no points"):
        choose(shop, basket_id, None)
    choose(shop, basket_id, 20)
    with pytest.raises((Refused, HqUnreachable)):
        pay(shop, basket_id, "unreachable")
    assert basket.view(shop.store, basket_id).state is basket.BasketState.OPEN
    shop.clock.advance(60)
    assert pay(shop, basket_id).sold is not None
    shop.sync()
    assert entries(pair, shop) == [("earned", 2), ("earned", 50), ("spent", -20)]
    assert pair.verify("B1") == () == shop.verify()
