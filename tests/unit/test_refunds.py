"""Giving back: never more than was sold, and everything when everything is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotions import BasketContext, BasketLine, Promotion, price_basket
from shared.domain.refunds import (
    RefundLine,
    SoldLine,
    WantedLine,
    points_back,
    refund_lines,
    refund_payments,
    refundable,
    sum_refunds,
)
from shared.domain.rounding import CashRounding, RoundingMode, cash_due, settle
from shared.domain.sales import CASH, Payment
from shared.errors import InvalidInput
from tests.support import baskets

roundings = st.builds(CashRounding, st.sampled_from([1, 10, 100]), st.sampled_from(list(RoundingMode)))


def sold_of(lines: list[BasketLine], promotions: list[Promotion], context: BasketContext) -> list[SoldLine]:
    priced = price_basket(lines, promotions, context).lines
    return [
        SoldLine(number, line.quantity_thousandths, paid.amount_minor, paid.discount_minor, paid.vat_minor)
        for number, (line, paid) in enumerate(zip(lines, priced, strict=True), 1)
    ]


def draw_steps(data: st.DataObject, sold: list[SoldLine]) -> list[tuple[RefundLine, ...]]:
    """Refunds of parts, as they come, and at last of all the rest."""
    steps: list[tuple[RefundLine, ...]] = []
    for _ in range(data.draw(st.integers(0, 3))):
        before = [line for step in steps for line in step]
        wanted = []
        for line_number, left in refundable(sold, before):
            quantity = data.draw(st.integers(0, left))
            if quantity or left == 0:
                wanted.append(WantedLine(line_number, quantity))
        steps.append(refund_lines(sold, before, wanted))
    before = [line for step in steps for line in step]
    steps.append(refund_lines(sold, before, refundable(sold, before)))
    return steps


@given(baskets.baskets, baskets.promotion_lists(3), baskets.contexts, st.data())
def test_any_sequence_of_refunds_of_a_line_sums_exactly_to_the_line(
    lines: list[BasketLine], promotions: list[Promotion], context: BasketContext, data: st.DataObject
) -> None:
    sold = sold_of(lines, promotions, context)
    given_back = [line for step in draw_steps(data, sold) for line in step]
    assert sum_refunds(given_back) == {line.line_number: RefundLine(*line) for line in sold}
    assert all(min(line[1:]) >= 0 and line.vat_minor <= line.amount_minor + 1 for line in given_back)
    assert refundable(sold, given_back) == ()


@given(
    baskets.baskets,
    baskets.promotion_lists(3),
    baskets.contexts,
    roundings,
    roundings,
    st.integers(0, 100),
    st.integers(0, 100),
    st.data(),
)
def test_refunding_everything_returns_exactly_what_was_paid(
    lines: list[BasketLine],
    promotions: list[Promotion],
    context: BasketContext,
    rounding: CashRounding,
    rounding_today: CashRounding,
    card_percent: int,
    points_percent: int,
    data: st.DataObject,
) -> None:
    sold = sold_of(lines, promotions, context)
    total = sum(line.amount_minor for line in sold)
    points = total * card_percent // 100 * points_percent // 100
    card = total * card_percent // 100 - points
    cash = cash_due(total, card + points, rounding) + 700
    paid = [Payment("points", points), Payment("card", card), Payment(CASH, cash)]
    change = settle(total, paid, rounding).change_minor
    returned: list[Payment] = []
    refunded = 0
    for step in draw_steps(data, sold):
        amount = sum(line.amount_minor for line in step)
        back = refund_payments(paid, change, returned, total, refunded, amount, rounding_today)
        assert amount + back.rounding_minor == sum(payment.amount_minor for payment in back.payments)
        assert all(payment.amount_minor > 0 for payment in back.payments)
        returned += back.payments
        refunded += amount
        assert _sum(returned) <= _sum(paid) - change
    assert _sum(returned) == _sum(paid) - change
    assert _sum(returned, "card") == card
    assert _sum(returned, "points") == points


def _sum(payments: list[Payment], method: str | None = None) -> int:
    return sum(payment.amount_minor for payment in payments if method in (None, payment.method))


@given(st.integers(0, 10_000), st.lists(st.integers(0, 5_000), min_size=1, max_size=5))
def test_points_go_back_in_shares_and_all_at_the_end(points: int, amounts: list[int]) -> None:
    back, refunded = 0, 0
    for amount in amounts:
        now = points_back(points, back, sum(amounts), refunded, amount)
        assert now >= 0
        back += now
        refunded += amount
    assert back == points


SOLD = [SoldLine(1, 3_000, 1_000, 100, 167), SoldLine(2, 0, 500, 0, 0)]


def test_a_third_is_prorated_to_the_cent_and_the_last_takes_the_rest() -> None:
    steps: list[RefundLine] = []
    for _ in range(3):
        steps += refund_lines(SOLD, steps, [WantedLine(1, 1_000)])
    assert [line.amount_minor for line in steps] == [333, 334, 333]
    assert [line.discount_minor for line in steps] == [33, 34, 33]
    assert [line.vat_minor for line in steps] == [56, 55, 56]


def test_no_more_is_given_back_than_was_sold() -> None:
    before = refund_lines(SOLD, [], [WantedLine(1, 2_500)])
    with pytest.raises(InvalidInput, match=r"Of line 1 0\.5 can be given back, not 1\."):
        refund_lines(SOLD, before, [WantedLine(1, 1_000)])
    before += refund_lines(SOLD, before, [WantedLine(1, 500), WantedLine(2, 0)])
    for number in (1, 2):
        with pytest.raises(InvalidInput, match="was given back already"):
            refund_lines(SOLD, before, [WantedLine(number, 1_000)])
        with pytest.raises(InvalidInput, match="was given back already"):
            refund_lines(SOLD, before, [WantedLine(number, 0)])


def test_lines_that_were_not_sold_or_are_given_twice_are_refused() -> None:
    with pytest.raises(InvalidInput, match="has no line 9"):
        refund_lines(SOLD, [], [WantedLine(9, 1_000)])
    with pytest.raises(InvalidInput, match="twice"):
        refund_lines(SOLD, [], [WantedLine(1, 1_000), WantedLine(1, 1_000)])
    for quantity in (0, -1):
        with pytest.raises(InvalidInput, match="Nothing of line 1"):
            refund_lines(SOLD, [], [WantedLine(1, quantity)])


def test_a_card_gets_back_what_it_paid_and_cash_the_rest() -> None:
    paid = [Payment("card", 700), Payment(CASH, 500)]
    back = refund_payments(paid, 200, [], 1_000, 0, 800)
    assert back.payments == (Payment("card", 700), Payment(CASH, 100))
    back = refund_payments(paid, 200, back.payments, 1_000, 800, 200)
    assert back.payments == (Payment(CASH, 200),)


def test_more_than_the_receipt_came_to_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Of this receipt 300 can be given back, not 301"):
        refund_payments([Payment(CASH, 1_000)], 0, [Payment(CASH, 700)], 1_000, 700, 301)
