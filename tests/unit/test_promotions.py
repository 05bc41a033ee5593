"""How promotions and hands price a basket."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.manual_discounts import ManualDiscount, manual_amount
from shared.domain.money import extend_price
from shared.domain.promotion_rules import counts_now, require_promotion
from shared.domain.promotions import (
    BasketContext,
    BasketLine,
    LineDiscount,
    PricedBasket,
    Promotion,
    PromotionType,
    price_basket,
)
from shared.errors import InvalidInput
from tests.support import baskets
from tests.support.baskets import DAY, line, promotion

PERCENT, AMOUNT_OFF = PromotionType.PERCENT, PromotionType.AMOUNT_OFF
FIXED_PRICE, N_FOR_M = PromotionType.FIXED_PRICE, PromotionType.N_FOR_M
NOW = BasketContext(DAY)


def price(lines: list[BasketLine], *promotions: Promotion, context: BasketContext = NOW) -> PricedBasket:
    return price_basket(lines, promotions, context)


def amounts(basket: PricedBasket) -> list[int]:
    return [priced.amount_minor for priced in basket.lines]


# The laws.


@given(baskets.baskets, baskets.promotion_lists(), baskets.contexts)
def test_every_line_is_its_gross_less_its_discounts_and_never_below_nothing(
    lines: list[BasketLine], promotions: list[Promotion], context: BasketContext
) -> None:
    basket = price_basket(lines, promotions, context)
    assert len(basket.lines) == len(lines)
    for priced in basket.lines:
        assert priced.amount_minor == priced.gross_minor - sum(taken.amount_minor for taken in priced.discounts)
        assert all(taken.amount_minor > 0 for taken in priced.discounts)
        assert priced.amount_minor >= 0
    assert basket.total_minor == sum(amounts(basket)) == basket.gross_minor - basket.discount_minor


@given(baskets.baskets, baskets.promotion_lists(), baskets.contexts, st.randoms(use_true_random=False))
def test_the_order_in_which_promotions_are_given_never_matters(
    lines: list[BasketLine], promotions: list[Promotion], context: BasketContext, rng: random.Random
) -> None:
    shuffled = promotions[:]
    rng.shuffle(shuffled)
    assert price_basket(lines, shuffled, context) == price_basket(lines, promotions, context)


@given(baskets.baskets, baskets.promotion_lists(), baskets.contexts)
def test_exclusive_promotions_never_make_a_basket_dearer(
    lines: list[BasketLine], promotions: list[Promotion], context: BasketContext
) -> None:
    context = context._replace(manual_discount=None)
    lines = [each._replace(manual_discount=None) for each in lines]
    combinable = [each for each in promotions if each.combinable]
    both = price_basket(lines, promotions, context).total_minor
    assert both <= price_basket(lines, combinable, context).total_minor


@given(baskets.baskets, baskets.promotion_lists(), baskets.contexts)
def test_an_exclusive_promotion_shares_no_unit_with_another(
    lines: list[BasketLine], promotions: list[Promotion], context: BasketContext
) -> None:
    exclusive = {each.promotion_id for each in promotions if not each.combinable}
    for each, priced in zip(lines, price_basket(lines, promotions, context).lines, strict=True):
        given_by = [taken.promotion_id for taken in priced.discounts if taken.promotion_id is not None]
        assert len(given_by) == len(set(given_by))
        if each.quantity_thousandths <= 1_000 and exclusive & set(given_by):
            assert len(given_by) == 1


@given(baskets.baskets, baskets.promotion_lists(1), baskets.contexts)
def test_lines_out_of_a_promotions_scope_keep_their_price(
    lines: list[BasketLine], promotions: list[Promotion], context: BasketContext
) -> None:
    context = context._replace(manual_discount=None)
    for each, priced in zip(lines, price_basket(lines, promotions, context).lines, strict=True):
        for offer in promotions:
            if (
                (offer.skus or offer.categories)
                and each.sku not in offer.skus
                and each.category not in offer.categories
            ):
                assert all(taken.promotion_id is None for taken in priced.discounts)


@given(st.integers(2, 5), st.data(), st.lists(st.integers(0, 7), min_size=1, max_size=5))
def test_n_for_m_frees_the_cheapest_of_every_n_units(n: int, data: st.DataObject, units: list[int]) -> None:
    m = data.draw(st.integers(1, n - 1))
    prices = data.draw(st.lists(st.integers(1, 9), min_size=len(units), max_size=len(units)))
    lines = [line(str(index), count, cost) for index, (count, cost) in enumerate(zip(units, prices, strict=True))]
    laid_out = sorted((cost for count, cost in zip(units, prices, strict=True) for _ in range(count)), reverse=True)
    groups = [laid_out[start : start + n] for start in range(0, len(laid_out), n)]
    free = sum(sum(group[m:]) for group in groups if len(group) == n)
    for combinable in (True, False):
        offer = promotion("x", N_FOR_M, n=n, m=m, combinable=combinable)
        assert price(lines, offer).discount_minor == free


# Named cases.


def test_the_reason_is_printed_on_the_line_and_itemised() -> None:
    basket = price([line("a", 2, 5_000)], promotion("autumn", PERCENT, 1_000), promotion("club", AMOUNT_OFF, 100))
    (priced,) = basket.lines
    assert [(taken.code, taken.amount_minor) for taken in priced.discounts] == [("autumn", 1_000), ("club", 200)]
    assert priced.reason == "Autumn; Club"
    assert priced.amount_minor == 8_800


def test_combinable_promotions_apply_by_priority_each_on_what_is_left() -> None:
    first, second = promotion("z", AMOUNT_OFF, 100), promotion("a", PERCENT, 5_000, priority=1)
    assert amounts(price([line("a", 1, 300)], second, first)) == [100]
    assert amounts(price([line("a", 1, 300)], second, replace(first, priority=2))) == [50]


def test_the_better_for_the_client_wins_between_exclusive_and_combinable() -> None:
    lines = [line("a", 1, 1_000), line("b", 1, 1_000)]
    fifteen = promotion("fifteen", PERCENT, 1_500, combinable=False)
    ten, off_b = promotion("ten", PERCENT, 1_000), promotion("off-b", AMOUNT_OFF, 400, skus=frozenset("b"))
    basket = price(lines, fifteen, ten, off_b)
    assert [[taken.code for taken in priced.discounts] for priced in basket.lines] == [["fifteen"], ["off-b", "ten"]]
    assert amounts(basket) == [850, 540]


def test_of_two_exclusive_promotions_the_larger_gain_wins_and_ties_go_by_code() -> None:
    small, large = (promotion(code, PERCENT, rate, combinable=False) for code, rate in (("a", 500), ("b", 700)))
    assert amounts(price([line("a", 1, 1_000)], small, large)) == [930]
    same = promotion("c", PERCENT, 700, combinable=False)
    (priced,) = price([line("a", 1, 1_000)], same, large).lines
    assert [taken.code for taken in priced.discounts] == ["b"]


def test_an_exclusive_three_for_two_leaves_its_fourth_unit_to_the_others() -> None:
    three_for_two = promotion("3-2", N_FOR_M, n=3, m=2, combinable=False)
    (priced,) = price([line("a", 4, 100)], three_for_two, promotion("ten", PERCENT, 1_000)).lines
    assert [(taken.code, taken.amount_minor) for taken in priced.discounts] == [("3-2", 100), ("ten", 10)]


def test_amounts_off_a_unit_count_the_units_that_an_exclusive_promotion_left() -> None:
    three_for_two = promotion("3-2", N_FOR_M, n=3, m=2, combinable=False)
    (priced,) = price([line("a", 4, 100)], three_for_two, promotion("off", AMOUNT_OFF, 30)).lines
    assert [(taken.code, taken.amount_minor) for taken in priced.discounts] == [("3-2", 100), ("off", 30)]


def test_an_exclusive_promotion_that_would_break_a_better_group_does_not_count() -> None:
    lines = [line("a", 1, 1_000), line("b", 1, 1_000)]
    sixty = promotion("sixty", PERCENT, 6_000, skus=frozenset("a"), combinable=False)
    assert amounts(price(lines, promotion("2-1", N_FOR_M, n=2, m=1), sixty)) == [1_000, 0]


def test_weighed_goods_count_whole_units_and_are_priced_by_weight() -> None:
    lines = [line("kilo", 2.35, 1_000)]
    assert amounts(price(lines, promotion("2-1", N_FOR_M, n=2, m=1))) == [1_350]
    assert amounts(price(lines, promotion("off", AMOUNT_OFF, 100))) == [2_115]
    assert amounts(price(lines, promotion("fix", FIXED_PRICE, 500))) == [1_175]
    assert amounts(price([line("kilo", 0.9, 1_000)] * 2, promotion("2-1", N_FOR_M, n=2, m=1))) == [900, 900]


def test_a_billion_pieces_are_priced_without_counting_them() -> None:
    assert price([line("a", 10**9, 10)], promotion("3-2", N_FOR_M, n=3, m=2)).discount_minor == 3_333_333_330


def test_a_fixed_price_never_raises_a_price() -> None:
    assert amounts(price([line("a", 1, 100), line("b", 1, 900)], promotion("fix", FIXED_PRICE, 500))) == [100, 500]


def test_an_amount_off_the_basket_is_spread_and_sums_exactly() -> None:
    lines = [line("a", 1, 100), line("b", 1, 100), line("c", 1, 100)]
    assert amounts(price(lines, promotion("off", AMOUNT_OFF, 100, per_basket=True))) == [66, 67, 67]
    assert amounts(price(lines, promotion("off", AMOUNT_OFF, 1_000, per_basket=True))) == [0, 0, 0]
    assert amounts(price(lines, promotion("all for 200", FIXED_PRICE, 200, per_basket=True))) == [66, 67, 67]


def test_a_promotion_counts_in_its_period_weekdays_hours_zone_group_and_basket() -> None:
    offer = promotion("x", PERCENT, 1_000)
    client = BasketContext(DAY, 720, "gold", "north")
    assert counts_now(offer, client, 0)
    narrow = replace(offer, valid_from=DAY, valid_to=DAY, weekdays="56", minute_from=720, minute_to=721)
    assert counts_now(replace(narrow, zones=frozenset(["north"]), client_groups=frozenset(["gold"])), client, 0)
    assert counts_now(replace(offer, minute_from=1_320, minute_to=721), client, 0)
    for missed in (
        replace(offer, valid_from=DAY + 1),
        replace(offer, valid_to=DAY - 1),
        replace(offer, weekdays="12346"),
        replace(offer, minute_from=721),
        replace(offer, minute_to=720),
        replace(offer, minute_from=1_320, minute_to=360),
        replace(offer, zones=frozenset(["south"])),
        replace(offer, client_groups=frozenset(["staff"])),
        replace(offer, minimum_minor=1),
    ):
        assert not counts_now(missed, client, 0)


def test_the_least_basket_is_reckoned_at_list_prices() -> None:
    offers = promotion("a", PERCENT, 5_000), promotion("b", PERCENT, 1_000, minimum_minor=1_000)
    assert amounts(price([line("a", 1, 1_000)], *offers)) == [450]
    assert amounts(price([line("a", 1, 999)], *offers)) == [499]


def test_a_price_set_by_hand_takes_no_part_in_promotions_and_is_itemised() -> None:
    lines = [line("a", 2, 1_000, manual_price_minor=700), line("b", 1, 0, manual_price_minor=50)]
    basket = price(lines, promotion("ten", PERCENT, 1_000))
    assert amounts(basket) == [1_400, 50]
    assert [priced.gross_minor for priced in basket.lines] == [2_000, 50]
    assert basket.lines[0].discounts == (LineDiscount(None, "manual_price", "Цена вручную", 600),)
    assert basket.lines[1].discounts == ()


def test_discounts_by_hand_come_after_promotions_and_say_who_and_why() -> None:
    torn = ManualDiscount(1_000, None, "ann", "torn box")
    lines = [line("a", 1, 1_000, manual_discount=torn), line("b", 1, 1_000)]
    context = NOW._replace(manual_discount=ManualDiscount(None, 100, "boss"))
    basket = price(lines, promotion("half", PERCENT, 5_000, skus=frozenset("a")), context=context)
    assert [(taken.code, taken.amount_minor, taken.given_by) for taken in basket.lines[0].discounts] == [
        ("half", 500, ""),
        ("manual_line", 50, "ann"),
        ("manual_basket", 31, "boss"),
    ]
    assert amounts(basket) == [419, 931]
    assert basket.lines[0].reason == "Half; torn box; Скидка вручную"


def test_what_is_no_discount_price_or_quantity_is_refused() -> None:
    for discount in (ManualDiscount(), ManualDiscount(1, 1), ManualDiscount(10_001), ManualDiscount(None, -1)):
        with pytest.raises(InvalidInput):
            manual_amount(discount, 100)
    for bad in (line("a", -1, 1), line("a", 1, -1), line("a", 1, 1, manual_price_minor=-1), line("a", 10**9, 10**9)):
        with pytest.raises(InvalidInput):
            price([bad])


def test_promotions_that_mean_nothing_are_refused_where_they_are_made_and_harmless_in_a_basket() -> None:
    require_promotion(promotion("x", N_FOR_M, n=3, m=2))
    for bad in (
        promotion("x", N_FOR_M, n=2, m=2),
        promotion("x", N_FOR_M),
        promotion("x", PERCENT, 10_001),
        promotion("x", PERCENT, -1),
        promotion("x", AMOUNT_OFF, -1),
        promotion("x", FIXED_PRICE, -1, valid_from=2, valid_to=1),
        promotion("x", PERCENT, 1, valid_from=2, valid_to=1),
        promotion("x", PERCENT, 1, weekdays="8"),
        promotion("x", PERCENT, 1, minute_from=1_441),
        promotion("", PERCENT, 1),
    ):
        with pytest.raises(InvalidInput):
            require_promotion(bad)
        for combinable in (True, False):
            assert 0 <= price([line("a", 3, 100)], replace(bad, combinable=combinable)).total_minor <= 300


def test_a_line_is_worth_price_times_quantity() -> None:
    (priced,) = price([line("a", 0.333, 1_000)]).lines
    assert priced.gross_minor == extend_price(1_000, 333) == 333
    assert price([]).total_minor == 0
