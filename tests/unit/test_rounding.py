"""Cash in whole coins, and the law that ties lines, rounding and payments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotions import BasketContext, BasketLine, Promotion, price_basket
from shared.domain.rounding import (
    NO_ROUNDING,
    CashRounding,
    RoundingMode,
    Settlement,
    cash_due,
    parse_cash_rounding,
    round_cash,
    settle,
)
from shared.domain.sales import CASH, Payment, require_settled
from shared.errors import InvalidInput
from tests.support import baskets

roundings = st.builds(CashRounding, st.sampled_from([1, 5, 10, 50, 100]), st.sampled_from(list(RoundingMode)))


@given(
    baskets.baskets,
    baskets.promotion_lists(),
    baskets.contexts,
    roundings,
    st.integers(0, 100),
    st.integers(0, 5_000),
)
def test_lines_and_rounding_are_payments_less_change(
    lines: list[BasketLine],
    promotions: list[Promotion],
    context: BasketContext,
    rounding: CashRounding,
    card_percent: int,
    too_much: int,
) -> None:
    total = price_basket(lines, promotions, context).total_minor
    card = total * card_percent // 100
    payments = [Payment("card", card), Payment(CASH, cash_due(total, card, rounding) + too_much)]
    settled = settle(total, payments, rounding)
    paid = sum(payment.amount_minor for payment in payments)
    assert total + settled.rounding_minor == paid - settled.change_minor
    assert settled.change_minor == too_much
    assert abs(settled.rounding_minor) < rounding.increment_minor
    assert (total + settled.rounding_minor - card) % rounding.increment_minor == 0


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_without_rounding_a_sale_is_settled_as_before(total: int, card: int, cash: int) -> None:
    payments = [Payment("card", card), Payment(CASH, cash)]
    try:
        change = require_settled(total, payments)
    except InvalidInput as refused:
        with pytest.raises(InvalidInput, match=r"^" + refused.message[:12]):
            settle(total, payments)
    else:
        assert settle(total, payments, NO_ROUNDING) == Settlement(0, change)


@given(st.integers(0, 10**9), roundings, st.booleans())
def test_a_rounded_amount_is_less_than_a_step_away(amount: int, rounding: CashRounding, to_client: bool) -> None:
    rounded = round_cash(amount, rounding, to_client=to_client)
    assert rounded % rounding.increment_minor == 0
    assert abs(rounded - amount) < rounding.increment_minor
    if rounding.mode is RoundingMode.CLIENT:
        assert rounded >= amount if to_client else rounded <= amount
    else:
        assert abs(rounded - amount) * 2 <= rounding.increment_minor


def test_the_middle_goes_where_the_mode_says() -> None:
    by_mode = {
        RoundingMode.NEAREST: [0, 200, 200],
        RoundingMode.HALF_UP: [100, 200, 300],
        RoundingMode.HALF_DOWN: [0, 100, 200],
        RoundingMode.CLIENT: [0, 100, 200],
    }
    for mode, expected in by_mode.items():
        assert [round_cash(amount, CashRounding(100, mode)) for amount in (50, 150, 250)] == expected


def test_a_card_pays_to_the_minor_unit() -> None:
    to_roubles = CashRounding(100, RoundingMode.NEAREST)
    assert settle(1_049, [Payment("card", 1_049)], to_roubles) == Settlement(0, 0)
    assert settle(1_049, [Payment("card", 500), Payment(CASH, 500)], to_roubles) == Settlement(-49, 0)
    assert settle(1_049, [Payment(CASH, 2_000)], to_roubles) == Settlement(-49, 1_000)


def test_a_total_that_rounds_to_nothing_is_paid_with_no_coin() -> None:
    assert settle(30, [Payment(CASH, 0)], CashRounding(100)) == Settlement(-30, 0)
    with pytest.raises(InvalidInput):
        settle(30, [], CashRounding(100))


def test_only_cash_can_exceed_the_total() -> None:
    with pytest.raises(InvalidInput, match="only cash can exceed it"):
        settle(100, [Payment("card", 101)])
    with pytest.raises(InvalidInput, match="the total is 100"):
        settle(140, [Payment(CASH, 99)], CashRounding(100))


def test_rounding_is_configured_by_currency() -> None:
    found = parse_cash_rounding("RUB=100:client, CHF=5")
    assert found == {"RUB": CashRounding(100, RoundingMode.CLIENT), "CHF": CashRounding(5, RoundingMode.NEAREST)}
    assert parse_cash_rounding("") == {}
    for text in ("RUB", "RUB=0", "rub=5", "RUB=5:always", "RUB=-1", "RUB=99999999"):
        with pytest.raises(InvalidInput):
            parse_cash_rounding(text)
