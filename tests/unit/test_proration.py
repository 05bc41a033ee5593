"""Dividing whole numbers without losing any."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.proration import cumulative_share, divide_half_even, share_of, spread

amounts = st.integers(0, 10**15)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=20)


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**9))
def test_division_rounds_half_to_even_as_fractions_do(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


def test_half_a_kopeck_goes_to_the_even_one() -> None:
    assert [share_of(amount, 5_000) for amount in (1, 3, 5)] == [0, 2, 2]


@given(amounts, weights)
def test_parts_sum_to_the_total_exactly(total: int, given_weights: list[int]) -> None:
    parts = spread(total, given_weights)
    assert sum(parts) == total
    assert min(parts) >= 0


@given(weights, st.data())
def test_no_part_is_larger_than_its_weight_when_the_total_is_not(given_weights: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(given_weights)))
    assert all(part <= weight for part, weight in zip(spread(total, given_weights), given_weights, strict=True))


def test_of_equal_remainders_the_earlier_is_served_first() -> None:
    assert spread(2, [1, 1, 1]) == [1, 1, 0]
    assert spread(100, [1, 1, 1]) == [34, 33, 33]


def test_weights_of_nothing_leave_all_to_the_first() -> None:
    assert spread(5, [0, 0]) == [5, 0]
    assert spread(0, []) == []
    with pytest.raises(ValueError):
        spread(1, [])


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=10))
def test_steps_of_a_cumulative_share_sum_to_the_amount(amount: int, steps: list[int]) -> None:
    done, taken = 0, 0
    for step in steps:
        before = taken
        done += step
        taken = cumulative_share(amount, done, sum(steps))
        assert before <= taken <= amount
    assert taken == amount
