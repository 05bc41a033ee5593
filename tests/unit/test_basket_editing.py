"""Changing a basket by hand within what a role may do, and undoing it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_node.operations import basket
from branch_node.operations.basket import DiscountKind, Outcome
from branch_node.operations.basket.desk import ACTIONS_KEPT_MAX, act
from branch_node.operations.basket.pricing import ManualDiscount, discount_of, share_of
from shared.domain.identifiers import format_id
from shared.errors import BasketClosed, InvalidInput, NotFound, Refused
from tests.support.basket_desk import CASHIER, MANAGER, Till, learn_client, learn_goods
from tests.support.shop import Shop

PERCENT, AMOUNT = DiscountKind.PERCENT, DiscountKind.AMOUNT


@pytest.fixture
def till(shop: Shop) -> Till:
    """A basket with three packs of tea for 100.00 each and a cake for 35.50."""
    learn_goods(shop, "tea", 10_000)
    learn_goods(shop, "cake", 3_550)
    till = Till(shop)
    till.scan("tea", quantity_thousandths=3_000)
    till.scan("cake")
    return till


def undo_last(till: Till) -> None:
    till.do(basket.undo, till.view().undo[0].action)


def test_a_quantity_is_set(till: Till) -> None:
    till.do(basket.set_quantity, 1, 1_500)
    assert till.lines() == [("tea", 1_500, 15_000), ("cake", 1_000, 3_550)]
    with pytest.raises(InvalidInput):
        till.do(basket.set_quantity, 1, 0)
    with pytest.raises(NotFound):
        till.do(basket.set_quantity, 9, 1_000)


def test_more_may_be_sold_by_all_and_less_only_by_who_may_remove(till: Till) -> None:
    till.do(basket.set_quantity, 1, 4_000, authority=CASHIER)
    with pytest.raises(Refused) as refused:
        till.do(basket.set_quantity, 1, 3_000, authority=CASHIER)
    assert "manager can allow" in refused.value.hint
    assert till.lines()[0] == ("tea", 4_000, 40_000)


def test_a_line_is_removed_by_who_may(till: Till) -> None:
    with pytest.raises(Refused):
        till.do(basket.remove_line, 1, authority=CASHIER)
    assert till.do(basket.remove_line, 1, authority=MANAGER).outcome is Outcome.REMOVED
    assert till.lines() == [("cake", 1_000, 3_550)]


def test_a_line_that_was_removed_does_not_give_its_number_away(till: Till) -> None:
    till.do(basket.remove_line, 2)
    assert till.scan("cake").line_id == 3


def test_a_price_is_set_by_who_may_and_taken_back(till: Till) -> None:
    with pytest.raises(Refused):
        till.do(basket.set_price, 1, 9_000, CASHIER, "anna")
    till.do(basket.set_price, 1, 9_000, MANAGER, "vera", "damaged")
    line = till.view().lines[0]
    assert (line.net_minor, line.unit_price_minor, line.list_price_minor) == (27_000, 9_000, 10_000)
    assert (line.is_priced_by_hand, line.price_reason) == (True, "damaged")
    till.do(basket.set_price, 1, None, MANAGER, "vera")
    assert till.lines()[0] == ("tea", 3_000, 30_000)


def test_a_line_without_a_list_price_keeps_the_one_by_hand(till: Till) -> None:
    done = till.do(basket.price_unknown, "X", "Thing", 500)
    with pytest.raises(Refused, match="no list price"):
        till.do(basket.set_price, done.line_id, None, MANAGER, "vera")


def test_a_changed_line_takes_no_more_of_the_same(till: Till) -> None:
    till.do(basket.set_price, 1, 9_000, MANAGER, "vera")
    till.do(basket.set_discount, 2, PERCENT, 500, MANAGER, "vera")
    till.scan("tea")
    till.scan("cake")
    assert [line.line_id for line in till.view().lines] == [1, 2, 3, 4]


def test_a_discount_within_the_limit_is_given_and_one_beyond_it_is_not(till: Till) -> None:
    till.do(basket.set_discount, 1, PERCENT, 1_000, CASHIER, "anna", "regular")
    (applied,) = till.view().lines[0].discounts
    assert applied == ("line", 3_000, "regular", "anna")
    with pytest.raises(Refused) as refused:
        till.do(basket.set_discount, 1, PERCENT, 1_001, CASHIER, "anna")
    assert "10.01 %" in refused.value.message
    assert "manager can allow" in refused.value.hint
    with pytest.raises(Refused):
        till.do(basket.set_discount, 2, AMOUNT, 356, CASHIER, "anna")
    till.do(basket.set_discount, 2, AMOUNT, 355, CASHIER, "anna")
    assert till.lines() == [("tea", 3_000, 27_000), ("cake", 1_000, 3_195)]


def test_a_manager_gives_more(till: Till) -> None:
    till.do(basket.set_discount, 1, PERCENT, 2_500, MANAGER, "vera")
    assert till.lines()[0] == ("tea", 3_000, 22_500)
    till.do(basket.set_discount, 1, None, 0, CASHIER, "anna")
    assert till.lines()[0] == ("tea", 3_000, 30_000)


def test_what_one_person_gives_on_line_and_basket_counts_together(till: Till) -> None:
    till.do(basket.set_discount, 1, PERCENT, 600, CASHIER, "anna")
    with pytest.raises(Refused):
        till.do(basket.set_discount, None, PERCENT, 500, CASHIER, "anna")
    till.do(basket.set_discount, None, PERCENT, 400, CASHIER, "anna")
    with pytest.raises(Refused):
        till.do(basket.set_discount, 2, PERCENT, 700, CASHIER, "anna")
    till.do(basket.set_discount, 2, PERCENT, 700, MANAGER, "vera")


def test_a_price_by_hand_counts_towards_the_limit_of_who_set_it(till: Till) -> None:
    senior = basket.Limits(1_000, may_set_price=True, may_remove=False)
    with pytest.raises(Refused, match=r"That is 10\.01 % off; your role may give 10 %\."):
        till.do(basket.set_price, 1, 8_999, senior, "olga")
    till.do(basket.set_price, 1, 9_400, senior, "olga")
    with pytest.raises(Refused, match=r"That is 11 % off"):
        till.do(basket.set_discount, 1, PERCENT, 500, senior, "olga")
    with pytest.raises(Refused, match=r"That is 11 % off"):
        till.do(basket.set_discount, None, PERCENT, 500, senior, "olga")
    till.do(basket.set_discount, None, PERCENT, 400, senior, "olga")
    with pytest.raises(Refused, match=r"That is 11 % off"):
        till.do(basket.set_price, 1, 9_300, senior, "olga")
    assert till.lines() == [("tea", 3_000, 27_072), ("cake", 1_000, 3_408)]


def test_a_higher_price_and_one_for_what_has_none_are_no_discount(till: Till) -> None:
    nothing_off = basket.Limits(0, may_set_price=True, may_remove=False)
    till.do(basket.set_price, 1, 12_000, nothing_off, "olga")
    done = till.do(basket.price_unknown, "X", "Thing", 500)
    till.do(basket.set_price, done.line_id, 100, nothing_off, "olga")
    assert till.lines() == [("tea", 3_000, 36_000), ("cake", 1_000, 3_550), ("X", 1_000, 100)]


def test_an_amount_off_shrinks_with_the_goods_so_that_nobody_gives_more_than_allowed(till: Till) -> None:
    till.do(basket.set_discount, 1, AMOUNT, 3_000, CASHIER, "anna")
    till.do(basket.set_quantity, 1, 1_000)
    assert till.lines()[0] == ("tea", 1_000, 9_000)


def test_a_discount_of_the_basket_is_shared_out_to_the_kopeck(till: Till) -> None:
    till.do(basket.set_discount, None, AMOUNT, 1_001, MANAGER, "vera", "fair")
    view = till.view()
    assert (view.gross_minor, view.discount_minor, view.total_minor) == (33_550, 1_001, 32_549)
    assert sum(line.net_minor for line in view.lines) == view.total_minor
    assert [line.discounts[0].source for line in view.lines] == ["basket", "basket"]
    assert view.discount == ManualDiscount(AMOUNT, 1_001, 10_000, "vera", "fair")


@pytest.mark.parametrize(
    ("line_id", "kind", "value"),
    [
        (1, PERCENT, 0),
        (1, PERCENT, 10_001),
        (1, AMOUNT, 0),
        (1, AMOUNT, 30_001),
        (None, AMOUNT, 33_551),
        (1, AMOUNT, -1),
    ],
)
def test_a_discount_that_is_none_or_more_than_all_is_refused(
    till: Till, line_id: int | None, kind: DiscountKind, value: int
) -> None:
    with pytest.raises(InvalidInput):
        till.do(basket.set_discount, line_id, kind, value, MANAGER, "vera")


def test_texts_that_are_too_long_are_refused(till: Till) -> None:
    with pytest.raises(InvalidInput):
        till.do(basket.set_discount, 1, PERCENT, 100, MANAGER, "vera", "x" * 201)


def test_a_marked_piece_is_one(till: Till) -> None:
    learn_goods(till.shop, "milk", 9_990, barcode="4601234567893")
    piece = till.scan("(01)04601234567893(21)a")
    with pytest.raises(Refused, match="one marked piece"):
        till.do(basket.set_quantity, piece.line_id, 2_000)


def test_a_client_is_named_and_let_go(till: Till) -> None:
    known = learn_client(till.shop, "Анна", "900")
    unnumbered = learn_client(till.shop, "Борис")
    till.do(basket.attach_client, "900")
    assert till.view().client == basket.BasketClient(known, "900", "Анна")
    reference = format_id(unnumbered)
    till.do(basket.attach_client, reference)
    assert till.view().client == basket.BasketClient(unnumbered, reference, "Борис")
    undo_last(till)
    assert till.view().client == basket.BasketClient(known, "900", "Анна")
    till.do(basket.detach_client)
    assert till.view().client is None
    with pytest.raises(NotFound):
        till.do(basket.attach_client, "901")


def test_everything_is_taken_out_and_comes_back(till: Till) -> None:
    learn_client(till.shop, "Анна", "900")
    till.do(basket.attach_client, "900")
    till.do(basket.set_discount, None, PERCENT, 300, CASHIER, "anna")
    till.scan("X-1")
    before = till.view()
    with pytest.raises(Refused):
        till.do(basket.clear, authority=CASHIER)
    till.do(basket.clear)
    empty = till.view()
    assert (empty.lines, empty.client, empty.discount, empty.unknown) == ((), None, None, ())
    undo_last(till)
    after = till.view()
    assert after._replace(revision=0, undo=()) == before._replace(revision=0, undo=())


def test_each_action_can_be_undone_in_turn(till: Till) -> None:
    states = [till.lines()]
    till.scan("tea")
    states.append(till.lines())
    till.do(basket.set_quantity, 1, 7_000)
    states.append(till.lines())
    till.do(basket.set_price, 1, 1, MANAGER, "vera")
    states.append(till.lines())
    till.do(basket.remove_line, 1)
    while states:
        undo_last(till)
        assert till.lines() == states.pop()


def test_an_undone_action_stays_undone(till: Till) -> None:
    done = till.scan("tea")
    assert till.do(basket.undo, done.action, request="u1").outcome is Outcome.UNDONE
    till.do(basket.undo, done.action, request="u1")
    till.do(basket.undo, done.action)
    assert till.lines() == [("tea", 3_000, 30_000), ("cake", 1_000, 3_550)]


def test_what_something_later_touched_cannot_be_undone_first(till: Till) -> None:
    first, second = till.scan("tea"), till.scan("tea")
    with pytest.raises(Refused, match="changed later"):
        till.do(basket.undo, first.action)
    cake = till.do(basket.set_quantity, 2, 2_000)
    till.do(basket.undo, second.action)
    till.do(basket.undo, first.action)
    assert till.lines() == [("tea", 3_000, 30_000), ("cake", 2_000, 7_100)]
    assert [action.action for action in till.view().undo] == [cake.action, 1]


def test_a_scan_that_was_sent_again_after_it_was_undone_stays_undone(till: Till) -> None:
    done = till.scan("cake", "late")
    till.do(basket.undo, done.action)
    assert till.scan("cake", "late") == done
    assert till.lines()[1] == ("cake", 1_000, 3_550)


def test_an_undoing_and_what_never_was_cannot_be_undone(till: Till) -> None:
    done = till.scan("tea")
    undone = till.do(basket.undo, done.action)
    for number in (undone.action, 99, 0):
        with pytest.raises(NotFound):
            till.do(basket.undo, number)


def test_the_bar_offers_ten_seconds_and_the_list_longer(till: Till) -> None:
    till.shop.clock.advance(8)
    done = till.scan("tea")
    assert [action.action for action in till.view().undo] == [done.action, 2]
    till.shop.clock.advance(3)
    assert [action.action for action in till.view().undo] == [done.action]
    till.shop.clock.advance(60)
    assert till.view().undo == ()
    assert [action.action for action in basket.undoable(till.shop.store, till.basket_id)] == [done.action, 2]


def test_a_cashier_takes_back_a_scan_at_once_and_later_only_with_a_manager(till: Till) -> None:
    first, second = till.scan("tea"), till.scan("cake")
    till.do(basket.undo, second.action, authority=CASHIER)
    till.shop.clock.advance(basket.UNDO_SECONDS + 1)
    with pytest.raises(Refused, match="take goods out"):
        till.do(basket.undo, first.action, authority=CASHIER)
    till.do(basket.undo, first.action, authority=MANAGER)
    assert till.lines() == [("tea", 3_000, 30_000), ("cake", 1_000, 3_550)]


def test_a_late_undo_that_takes_nothing_out_is_a_cashiers_too(till: Till) -> None:
    removed = till.do(basket.remove_line, 1)
    till.shop.clock.advance(60)
    till.do(basket.undo, removed.action, authority=CASHIER)
    assert till.lines()[0] == ("tea", 3_000, 30_000)


def test_a_piece_that_was_scanned_anew_does_not_come_back_twice(till: Till) -> None:
    learn_goods(till.shop, "milk", 9_990, barcode="4601234567893")
    piece = till.scan("(01)04601234567893(21)a")
    removed = till.do(basket.remove_line, piece.line_id)
    till.scan("(01)04601234567893(21)a")
    with pytest.raises(Refused, match="same piece"):
        till.do(basket.undo, removed.action)


def test_an_unknown_code_that_was_scanned_by_mistake_is_undone(till: Till) -> None:
    done = till.scan("X-1")
    till.do(basket.undo, done.action)
    assert till.view().unknown == ()


def test_nothing_is_changed_in_a_closed_basket_but_a_repeated_request_is_told_the_same(till: Till) -> None:
    done = till.scan("tea", "once")
    basket.hold(till.shop.store, till.basket_id)
    assert till.scan("tea", "once") == done
    with pytest.raises(BasketClosed, match="held"):
        till.scan("tea")


def test_a_failing_action_leaves_no_trace(till: Till) -> None:
    before = till.view()

    def fail(desk: object) -> basket.Done:
        desk.add_line(desk.line(1))  # type: ignore[attr-defined]
        raise Refused("No.")

    with pytest.raises(Refused):
        act(till.shop.store, till.basket_id, "r", "scan", fail)
    assert till.view() == before


def test_the_oldest_actions_are_forgotten(till: Till) -> None:
    with till.shop.store.write() as connection:
        connection.connection.cursor().execute(
            "UPDATE basket SET next_action = ? WHERE id = ?", (ACTIONS_KEPT_MAX + 100, till.basket_id)
        )
    till.scan("tea")
    assert till.shop.rows("SELECT number FROM basket_action") == [(ACTIONS_KEPT_MAX + 100,)]


@given(st.sampled_from(DiscountKind), st.integers(1, 10_000), st.integers(0, 10_000), st.integers(0, 10**6))
def test_no_discount_is_larger_than_the_price_or_than_its_limit(
    kind: DiscountKind, value: int, limit: int, gross: int
) -> None:
    discount = ManualDiscount(kind, value, limit, "anna", "")
    off = discount_of(discount, gross)
    assert 0 <= off <= gross
    assert off * 10_000 <= gross * limit + 10_000 or off == 0
    if kind is PERCENT and value <= limit:
        assert share_of(discount, gross) == value
