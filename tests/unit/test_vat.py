"""VAT that prices contain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotions import BasketContext, BasketLine, Promotion, price_basket
from shared.domain.vat import (
    DatedVatRate,
    VatPart,
    rate_on,
    require_vat_rate,
    summarise_vat,
    vat_included,
)
from shared.errors import InvalidInput
from tests.support import baskets


def test_a_price_of_120_at_20_percent_contains_20() -> None:
    assert vat_included(12_000, 2_000) == 2_000
    assert vat_included(11_000, 1_000) == 1_000
    assert vat_included(-12_000, 2_000) == -2_000


def test_without_vat_and_zero_percent_contain_nothing_but_are_kept_apart() -> None:
    parts = [VatPart(None, 100, 0), VatPart(0, 50, 0), VatPart(2_000, 120, 20), VatPart(None, 1, 0)]
    assert summarise_vat(parts) == (VatPart(2_000, 120, 20), VatPart(0, 50, 0), VatPart(None, 101, 0))


@given(st.integers(0, 10**15), st.integers(0, 10_000))
def test_the_tax_is_the_rate_of_what_is_left_to_within_half_a_unit(amount: int, rate: int) -> None:
    vat = vat_included(amount, rate)
    assert 0 <= vat <= amount
    assert abs(vat * (10_000 + rate) - amount * rate) * 2 <= 10_000 + rate


@given(baskets.baskets, baskets.promotion_lists(), baskets.contexts)
def test_the_summary_is_the_sum_of_the_lines(
    lines: list[BasketLine], promotions: list[Promotion], context: BasketContext
) -> None:
    basket = price_basket(lines, promotions, context)
    assert sum(part.vat_minor for part in basket.vat) == sum(line.vat_minor for line in basket.lines)
    assert sum(part.amount_minor for part in basket.vat) == basket.total_minor
    for line in basket.lines:
        assert line.vat_minor == vat_included(line.amount_minor, line.vat_rate_basis_points)


def test_the_rate_that_counts_began_last_and_covers_the_day() -> None:
    old, new = DatedVatRate("std", 2_000, None, 99), DatedVatRate("std", 2_200, 100, None)
    trial = DatedVatRate("std", 1_900, 50, 60)
    rates = [new, old, trial, DatedVatRate("food", 1_000, None, None)]
    assert [rate_on(rates, "std", day) for day in (49, 55, 99, 100)] == [old, trial, old, new]
    assert rate_on(rates, "books", 1) is None


def test_rates_outside_0_to_100_percent_are_refused() -> None:
    assert require_vat_rate(None) is None
    assert require_vat_rate(10_000) == 10_000
    for rate in (-1, 10_001):
        with pytest.raises(InvalidInput):
            require_vat_rate(rate)
