"""Promotions in a basket: they stand on the line with their reason, before what hands give, and are sold as shown."""

from __future__ import annotations

import pytest

from branch_node.operations import basket
from branch_node.operations.basket import DiscountKind
from branch_node.operations.basket.pricing import NO_PROMOTIONS, price_lines
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.domain.rounding import CashRounding, RoundingMode
from shared.domain.sales import Payment
from tests.support.basket_desk import MANAGER, Till, learn_client, learn_goods
from tests.support.shop import Shop, change


@pytest.fixture
def till(shop: Shop) -> Till:
    learn_goods(shop, "tea", 10_000)
    learn_goods(shop, "cake", 3_550)
    return Till(shop)


def learn_promotion(shop: Shop, code: str, **fields: object) -> None:
    """A promotion as head office makes it."""
    known = {"code": code, "name": f"Promo {code}", "type": "percent", "value": 1_000, "combinable": True, **fields}
    record = change(RecordKind.PROMOTION, derived_id("promotion", code.encode()), **known)  # type: ignore[arg-type]
    assert shop.learn(record) == []


def test_a_promotion_stands_on_its_lines_with_its_reason_and_is_sold_so(shop: Shop, till: Till) -> None:
    learn_promotion(shop, "tea10", skus=("tea",))
    till.scan("tea")
    till.scan("cake")
    tea, cake = till.view().lines
    assert (tea.gross_minor, tea.net_minor, cake.net_minor) == (10_000, 9_000, 3_550)
    assert [(part.source, part.amount_minor, part.reason) for part in tea.discounts] == [
        ("tea10", 1_000, "Promo tea10")
    ]
    outcome = till.pay()
    assert outcome.sold is not None
    sold = "SELECT sku, amount_minor, discount_minor, name, reason FROM sale_line ORDER BY line_number"
    assert shop.rows(sold) == [("tea", 9_000, 1_000, "tea", "Promo tea10"), ("cake", 3_550, 0, "cake", None)]


def test_three_for_two_counts_across_scans_and_goes_with_the_third(shop: Shop, till: Till) -> None:
    learn_promotion(shop, "32", type="n_for_m", n=3, m=2)
    for _ in range(3):
        till.scan("tea")
    assert till.view().total_minor == 20_000
    till.do(basket.set_quantity, 1, 2_000)
    assert till.view().total_minor == 20_000


def test_what_a_hand_gives_comes_off_what_the_promotion_left(shop: Shop, till: Till) -> None:
    learn_promotion(shop, "half", value=5_000)
    till.scan("tea")
    till.do(basket.set_discount, 1, DiscountKind.PERCENT, 1_000, MANAGER, "boss", "dented")
    (line,) = till.view().lines
    assert [(part.source, part.amount_minor) for part in line.discounts] == [("half", 5_000), ("line", 500)]
    till.pay()
    assert shop.one("SELECT reason FROM sale_line") == "Promo half; dented"


def test_a_group_s_promotion_needs_its_client(shop: Shop, till: Till) -> None:
    learn_promotion(shop, "staff", client_groups=("staff",))
    client_id = learn_client(shop, "Anna", "900")
    assert shop.learn(change(RecordKind.CLIENT, client_id, group="staff")) == []
    till.scan("tea")
    assert till.view().total_minor == 10_000
    till.do(basket.attach_client, "900")
    assert till.view().total_minor == 9_000


def test_an_ended_promotion_takes_nothing(shop: Shop, till: Till) -> None:
    learn_promotion(shop, "old", valid_to=20_000)
    till.scan("tea")
    assert till.view().total_minor == 10_000


def test_what_is_paid_in_cash_is_rounded_and_the_sale_says_by_how_much(shop: Shop, till: Till) -> None:
    till.scan("cake")
    paid = till.pay(Payment("cash", 4_000), rounding=CashRounding(100, RoundingMode.CLIENT))
    assert paid.sold is not None
    assert (paid.sold.total_minor, paid.sold.change_minor) == (3_500, 500)
    assert shop.rows("SELECT net_minor, rounding_minor, change_minor FROM sale") == [(3_550, -50, 500)]
    report = shop.close_shift()
    assert (report.net_minor, report.rounding_minor, report.expected_cash_minor) == (3_550, -50, 3_500)


def test_nothing_costs_nothing() -> None:
    assert price_lines([], None, NO_PROMOTIONS) == ()
