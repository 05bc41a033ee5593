"""Which basket is open where: held, recalled, given up, forgotten; and which tab has the register."""

from __future__ import annotations

import pytest

from branch_node.operations import basket
from branch_node.operations.basket import BasketState
from branch_node.operations.basket.opening import BASKETS_HELD_MAX, CLOSED_BASKETS_KEPT_SECONDS
from branch_node.operations.basket.settling import give_up_restored
from shared.errors import BasketClosed, InvalidInput, NotFound, Refused, TakenOver
from tests.support.basket_desk import Till, learn_goods
from tests.support.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    """A register with tea in its basket."""
    learn_goods(shop, "tea", 10_000, name="Tea")
    learn_goods(shop, "cake", 3_550)
    till = Till(shop)
    till.scan("tea")
    return till


def test_a_register_has_one_open_basket(till: Till) -> None:
    assert basket.open_basket(till.shop.store, "1", "boris") == till.basket_id
    assert basket.current_basket(till.shop.store, "1") == till.basket_id
    assert till.view().cashier == "anna"
    assert basket.current_basket(till.shop.store, "2") is None
    assert basket.open_basket(till.shop.store, "2", "boris") != till.basket_id


def test_an_empty_basket_is_whoevers_comes(shop: Shop) -> None:
    basket_id = basket.open_basket(shop.store, "1", "anna")
    assert basket.open_basket(shop.store, "1", "boris") == basket_id
    assert basket.view(shop.store, basket_id).cashier == "boris"


def test_a_basket_is_held_and_recalled_at_another_register(till: Till) -> None:
    store = till.shop.store
    basket.hold(store, till.basket_id, " lady  in red ")
    basket.hold(store, till.basket_id, "again")
    assert basket.current_basket(store, "1") is None
    (glance,) = basket.held(store)
    assert (glance.title, glance.lines, glance.total_minor, glance.first_name) == ("lady in red", 1, 10_000, "Tea")
    assert basket.held(store, "2") == []
    basket.recall(store, till.basket_id, "2", "boris")
    view = till.view()
    assert (view.register, view.cashier, view.state, view.title) == ("2", "boris", BasketState.OPEN, "lady in red")
    assert basket.recall(store, till.basket_id, "2", "boris") == till.basket_id
    till.scan("tea")
    till.pay()
    assert till.shop.rows("SELECT register, cashier FROM sale") == [("2", "boris")]


def test_recalling_holds_the_basket_that_was_open(till: Till) -> None:
    store = till.shop.store
    basket.hold(store, till.basket_id)
    other = Till(till.shop)
    other.scan("cake")
    basket.recall(store, till.basket_id, "1", "anna")
    assert basket.current_basket(store, "1") == till.basket_id
    assert [glance.basket_id for glance in basket.held(store)] == [other.basket_id]
    basket.recall(store, other.basket_id, "1", "anna")
    assert [glance.basket_id for glance in basket.held(store)] == [till.basket_id]


def test_recalling_drops_the_empty_basket_that_was_open(till: Till) -> None:
    store = till.shop.store
    basket.hold(store, till.basket_id)
    other = Till(till.shop)
    basket.recall(store, till.basket_id, "1", "anna")
    assert basket.held(store) == []
    assert other.view().state is BasketState.ABANDONED


def test_a_basket_that_is_open_elsewhere_is_not_recalled(till: Till) -> None:
    with pytest.raises(BasketClosed, match="open at register 1"):
        basket.recall(till.shop.store, till.basket_id, "2", "boris")
    till.pay()
    with pytest.raises(BasketClosed, match="paid"):
        basket.recall(till.shop.store, till.basket_id, "1", "anna")
    with pytest.raises(BasketClosed):
        basket.hold(till.shop.store, till.basket_id)
    with pytest.raises(BasketClosed):
        basket.abandon(till.shop.store, till.basket_id)
    with pytest.raises(NotFound):
        basket.recall(till.shop.store, b"x" * 16, "1", "anna")


def test_there_is_nothing_to_hold_in_an_empty_basket(shop: Shop) -> None:
    with pytest.raises(Refused):
        basket.hold(shop.store, Till(shop).basket_id)
    with pytest.raises(InvalidInput):
        basket.hold(shop.store, Till(shop).basket_id, "x" * 81)


def test_held_baskets_are_limited(till: Till) -> None:
    with till.shop.store.write() as connection:
        connection.connection.cursor().executemany(
            "INSERT INTO basket (id, register, cashier, state, created_at, changed_at, revision, next_line, "
            "next_action) VALUES (?, '1', 'anna', 'held', 0, 0, 0, 1, 1)",
            [(b"%016d" % number,) for number in range(BASKETS_HELD_MAX)],
        )
    with pytest.raises(Refused, match="200 baskets"):
        basket.hold(till.shop.store, till.basket_id)
    basket.recall(till.shop.store, b"%016d" % 0, "1", "anna")
    assert len(basket.held(till.shop.store)) == BASKETS_HELD_MAX


def test_a_basket_is_given_up(till: Till) -> None:
    store = till.shop.store
    basket.abandon(store, till.basket_id)
    basket.abandon(store, till.basket_id)
    assert basket.current_basket(store, "1") is None
    assert till.view().state is BasketState.ABANDONED


def test_what_was_told_of_a_basket_that_came_back_is_not_told_again(till: Till) -> None:
    store, shop = till.shop.store, till.shop
    till.scan("cake")
    till.do(basket.remove_line, 1, basket.NO_LIMITS)
    basket.hold(store, till.basket_id)
    basket.abandon(store, till.basket_id)
    basket.restore(store, till.basket_id, "anna")
    basket.restore(store, till.basket_id, "anna")
    basket.abandon(store, till.basket_id)
    told = [row[0] for row in shop.rows("SELECT action FROM audit_entry")]
    assert sorted(told) == ["basket_abandoned", "basket_abandoned", "basket_restored", "line_removed"]


def test_what_a_restored_backup_gave_up_does_not_come_back(till: Till) -> None:
    store = till.shop.store
    till.scan("cake")
    basket.hold(store, till.basket_id)
    with store.operation() as transaction:
        give_up_restored(transaction.cursor, store.clock.now_us())
    with pytest.raises(Refused, match="cannot be taken back"):
        basket.restore(store, till.basket_id, "anna")
    assert basket.given_up(store, "1", 0) is None


def test_closed_baskets_are_forgotten_days_later_and_held_ones_never(till: Till) -> None:
    store = till.shop.store
    till.scan("X-1")
    till.do(basket.dismiss_unknown, "X-1")
    till.pay()
    waiting = Till(till.shop)
    waiting.scan("cake")
    basket.hold(store, waiting.basket_id)
    till.shop.clock.advance(CLOSED_BASKETS_KEPT_SECONDS + 1)
    Till(till.shop)
    with pytest.raises(NotFound):
        till.view()
    for table in ("basket_line", "basket_action", "basket_unknown"):
        assert till.shop.rows(f"SELECT 1 FROM {table} WHERE basket_id = ?", till.basket_id) == []
    assert waiting.lines() == [("cake", 1_000, 3_550)]
    assert till.shop.count("sale") == 1


def test_the_newest_tab_has_the_register_and_the_older_is_told(till: Till) -> None:
    store = till.shop.store
    assert basket.who_has(store, "1") is None
    assert basket.claim_register(store, "1", "tab-a") is None
    till.scan("tea", tab_token="tab-a")
    taken = basket.claim_register(store, "1", "tab-b")
    assert taken is not None
    assert taken.tab_token == "tab-a"
    for attempt in (
        lambda: till.scan("tea", tab_token="tab-a"),
        lambda: basket.hold(store, till.basket_id, tab_token="tab-a"),
        lambda: basket.abandon(store, till.basket_id, tab_token="tab-a"),
        lambda: basket.open_basket(store, "1", "anna", tab_token="tab-a"),
        lambda: basket.recall(store, till.basket_id, "1", "anna", tab_token="tab-a"),
    ):
        with pytest.raises(TakenOver) as told:
            attempt()
        assert told.value.reason == "taken_over"
    till.scan("tea", tab_token="tab-b")
    assert till.lines() == [("tea", 3_000, 30_000)]
    basket.claim_register(store, "1", "tab-a")
    till.scan("tea", tab_token="tab-a")


def test_a_claim_that_is_repeated_stays_as_it_was(till: Till) -> None:
    store = till.shop.store
    basket.claim_register(store, "1", "tab")
    before = basket.who_has(store, "1")
    till.shop.clock.advance(5)
    assert basket.claim_register(store, "1", "tab") is None
    assert basket.who_has(store, "1") == before
    with pytest.raises(InvalidInput):
        basket.claim_register(store, "1", "")
