"""A promotion tried on the receipts of a day: reckoned as a till reckons, read from both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_node.operations.basket.pricing import Pricing, price_lines
from branch_node.storage.baskets import LineRow
from hq_server.operations import promotion_preview
from hq_server.operations.promotion_preview import SoldReceipt, compare, preview_promotion
from hq_server.operations.promotions import add_promotion
from shared.domain.business_time import days_from_date, parse_date
from shared.domain.money import extend_price
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.domain.promotion_rules import BasketContext, Promotion, PromotionType
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, NotPermitted
from tests.support.journal import JournalWriter, line, sale
from tests.support.office import Office

DAY = days_from_date(parse_date("2026-11-20", "The day"))
TEN = Promotion(b"", "ten", "Ten", PromotionType.PERCENT, 1_000, categories=frozenset({"Tea"}))

promotions_tried = st.builds(
    Promotion,
    promotion_id=st.just(b"t" * 16),
    code=st.just("tried"),
    name=st.just("Tried"),
    type=st.sampled_from(PromotionType),
    value=st.integers(0, 9_000),
    n=st.just(3),
    m=st.sampled_from([1, 2]),
    categories=st.sampled_from([frozenset(), frozenset({"A"}), frozenset({"A", "B"})]),
    combinable=st.booleans(),
    per_basket=st.booleans(),
    priority=st.integers(0, 2),
    minimum_minor=st.sampled_from([0, 5_000]),
    weekdays=st.sampled_from(["", "5", "67"]),
)
lines_sold = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from([None, "A", "B"]), st.integers(1, 5_000), st.integers(1, 9_999)),
    min_size=1,
    max_size=6,
)


def basket_row(place: int, sku: str, category: str | None, quantity: int, unit: int) -> LineRow:
    """A line as a till's basket holds it."""
    blank: dict[str, Any] = dict.fromkeys(LineRow._fields)
    known = {"line_id": place, "sku": sku, "category": category, "quantity_thousandths": quantity}
    return LineRow(**{**blank, **known, "unit_price_minor": unit})


@given(lines_sold, promotions_tried, st.lists(promotions_tried, max_size=2))
def test_both_ways_are_what_a_till_would_have_asked(
    sold: list[tuple[str, str | None, int, int]], tried: Promotion, given_others: list[Promotion]
) -> None:
    others = [
        replace(each, code=f"o{place}", promotion_id=bytes([place]) * 16) for place, each in enumerate(given_others)
    ]
    whole = [(sku, category, quantity // 1_000 * 1_000 + 1_000, unit) for sku, category, quantity, unit in sold]
    context = BasketContext(DAY)
    stored = tuple(
        (sku, category, sku, quantity, extend_price(unit, quantity)) for sku, category, quantity, unit in whole
    )
    receipt, counted = compare(SoldReceipt(b"b" * 16, "B1", "1", 1, 0, "UTC", stored), others, tried, context)
    rows = [basket_row(place, *each) for place, each in enumerate(whole)]
    before = price_lines(rows, None, Pricing(others, context))
    after = price_lines(rows, None, Pricing([*others, tried], context))
    assert [each.before_minor for each in receipt.lines] == [each.net_minor for each in before]
    assert [each.after_minor for each in receipt.lines] == [each.net_minor for each in after]
    assert counted == any(discount.source == "tried" for each in after for discount in each.discounts)
    assert receipt.cost_minor == sum(each.net_minor for each in before) - sum(each.net_minor for each in after)
    if not counted and not others:
        assert receipt.cost_minor == 0


@given(lines_sold)
def test_weighed_goods_keep_their_worth(sold: list[tuple[str, str | None, int, int]]) -> None:
    stored = tuple(
        (sku, category, sku, quantity, extend_price(unit, quantity)) for sku, category, quantity, unit in sold
    )
    nothing = replace(TEN, weekdays="7")
    receipt, _ = compare(SoldReceipt(b"b" * 16, "B1", "1", 1, 0, "UTC", stored), [], nothing, BasketContext(DAY))
    assert [each.before_minor for each in receipt.lines] == [each[4] for each in stored]
    assert receipt.before_minor == receipt.after_minor


@pytest.fixture
def sold(office: Office) -> Office:
    for number, (code, zone) in enumerate((("B1", ""), ("B2", "north"))):
        row = office.add_branch(code, zone)
        journal = JournalWriter(row.id, office.ids, office.clock)
        journal.add_edit(RecordKind.CLIENT, office.ids.new_id(), {}, external_id=f"90{number}", name="K", group="gold")
        journal.add_sale(
            sale(1, [line("tea", 900, 1, 100, "Tea"), line("mug", 500, 1, 0, "Cups")], client=f"90{number}")
        )
        journal.add_sale(sale(2, [line("tea", 2_000, 2, 0, "Tea")], "2026-11-20T18:30:00"))
        journal.add_sale(sale(3, [line("tea", 1_000, 1, 0, "Tea")], "2026-11-21T12:00:00"))
        office.merge(journal, journal.batch())
    return office


def tried(office: Office, wanted: Promotion = TEN, *branches: str, actor: Actor = LOCAL_ADMINISTRATOR) -> Any:
    with office.store.read() as connection:
        return preview_promotion(connection, actor, wanted, DAY, branches)


def test_a_day_is_tried_at_prices_before_any_discount(sold: Office) -> None:
    found = tried(sold)
    assert (found.receipts, found.looked_at, found.touched) == (4, 4, 4)
    # Two receipts of a tea of 10.00, two of tea for 20.00: a tenth of each.
    assert (found.cost_minor, found.average_minor, found.before_minor) == (600, 150, 2 * (1_500 + 2_000))
    assert found.products == (("tea", "tea", 600),)
    assert [each.cost_minor for each in found.examples] == [200, 200, 100, 100]
    assert tried(sold, TEN, "B2").touched == 2


def test_hours_zones_groups_and_the_least_basket_count_and_the_first_day_does_not(sold: Office) -> None:
    assert tried(sold, replace(TEN, valid_from=DAY + 100)).touched == 4
    assert tried(sold, replace(TEN, minute_from=18 * 60)).touched == 2
    assert tried(sold, replace(TEN, zones=frozenset({"north"}))).touched == 2
    assert tried(sold, replace(TEN, client_groups=frozenset({"gold"}))).touched == 2
    assert tried(sold, replace(TEN, minimum_minor=1_600)).touched == 2
    assert tried(sold, replace(TEN, weekdays="7")).touched == 0


def test_what_the_other_promotions_take_is_not_counted_as_its_cost(sold: Office) -> None:
    half = Promotion(b"", "half", "Half", PromotionType.PERCENT, 5_000, priority=-1)
    with sold.store.write() as connection:
        add_promotion(connection, sold.ids, sold.clock.now_us(), half)
    assert tried(sold).cost_minor == 300
    assert tried(sold, replace(half, value=6_000)).cost_minor == 2 * (900 + 1_200)


def test_no_more_receipts_are_looked_at_than_the_limit(sold: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion_preview, "RECEIPTS_PREVIEWED_MAX", 3)
    found = tried(sold)
    assert (found.receipts, found.looked_at) == (4, 3)


def test_who_may_not_and_what_means_nothing_is_refused(sold: Office) -> None:
    auditor = Actor(b"e" * 16, "a", "A", "auditor", ROLES["auditor"].permissions, ROLES["auditor"].limits)
    with pytest.raises(NotPermitted):
        tried(sold, actor=auditor)
    with pytest.raises(InvalidInput):
        tried(sold, replace(TEN, value=0))
    with pytest.raises(NotFound):
        tried(sold, TEN, "none")
