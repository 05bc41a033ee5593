"""The arithmetic of the chain's measures: scores, segments, medians, classes, months."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from statistics import median, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.reports.abc_xyz import abc_of, xyz_of
from shared.reports.at_risk import doubled_median_interval
from shared.reports.cohorts import months_between
from shared.reports.rfm import SCORES, scores_of, segment_of


def test_without_equals_each_score_has_a_fifth() -> None:
    assert scores_of([30, 10, 50, 20, 40]) == [3, 1, 5, 2, 4]
    assert [scores_of(list(range(100))).count(score) for score in range(1, 6)] == [20] * 5


def test_equals_share_the_score_of_the_lowest_of_them() -> None:
    assert scores_of([1] * 9 + [2]) == [1] * 9 + [5]
    assert scores_of([7, 7, 7]) == [1, 1, 1]
    assert scores_of([1, 2, 2, 2, 3]) == [1, 2, 2, 2, 5]
    assert scores_of([]) == []


@given(st.lists(st.integers(-5, 5), min_size=1))
def test_a_score_is_told_by_how_many_are_worse(values: list[int]) -> None:
    for value, score in zip(values, scores_of(values), strict=True):
        worse = sum(other < value for other in values)
        assert score == 1 + SCORES * worse // len(values)
        assert 1 <= score <= SCORES


@pytest.mark.parametrize(
    ("scores", "segment"),
    [
        ((5, 5, 5), "champions"),
        ((4, 3, 5), "champions"),
        ((3, 5, 5), "loyal"),
        ((5, 1, 5), "loyal"),
        ((5, 1, 1), "new"),
        ((4, 1, 4), "new"),
        ((4, 2, 2), "promising"),
        ((3, 1, 1), "needs_attention"),
        ((2, 4, 4), "cannot_lose"),
        ((1, 5, 5), "cannot_lose"),
        ((1, 3, 3), "at_risk"),
        ((2, 2, 2), "hibernating"),
        ((1, 1, 1), "lost"),
    ],
)
def test_segments(scores: tuple[int, int, int], segment: str) -> None:
    assert segment_of(*scores) == segment


@given(st.sets(st.integers(0, 400), min_size=2))
def test_the_median_of_intervals_is_doubled_so_that_it_is_whole(days: set[int]) -> None:
    in_order = sorted(days)
    intervals = [later - earlier for earlier, later in pairwise(in_order)]
    assert doubled_median_interval(in_order) == 2 * Fraction(median(intervals))


def test_months_between() -> None:
    assert months_between("2026-01", "2026-01") == 0
    assert months_between("2025-11", "2026-02") == 3
    assert months_between("2026-02", "2025-11") == -3


@pytest.mark.parametrize(
    ("net", "before", "of_a_hundred"),
    [(79, 0, "A"), (1, 79, "A"), (99, 79, "A"), (1, 80, "B"), (1, 94, "B"), (1, 95, "C"), (0, 0, "C"), (-5, 0, "C")],
)
def test_a_product_is_classed_by_what_those_before_it_bring(net: int, before: int, of_a_hundred: str) -> None:
    assert abc_of(net, before, 100) == of_a_hundred


@pytest.mark.parametrize(
    ("quantities", "intervals", "expected"),
    [
        ([100, 100, 100], 3, (0, "X")),
        ([90, 110], 2, (1_000, "X")),
        ([89, 111], 2, (1_100, "Y")),
        ([75, 125], 2, (2_500, "Y")),
        ([74, 126], 2, (2_600, "Z")),
        ([100], 2, (10_000, "Z")),
        ([100], 1, (None, "Z")),
        ([], 5, (None, "Z")),
    ],
)
def test_variation_has_exact_bounds(quantities: list[int], intervals: int, expected: tuple[int | None, str]) -> None:
    assert xyz_of(quantities, intervals) == expected


@given(st.lists(st.integers(1, 10**12), min_size=2, max_size=60))
def test_variation_is_the_spread_of_the_population_over_its_mean(quantities: list[int]) -> None:
    shown, _ = xyz_of(quantities, len(quantities))
    assert shown is not None
    assert shown == pytest.approx(pstdev(quantities) / (sum(quantities) / len(quantities)) * 10_000, abs=1.001)
