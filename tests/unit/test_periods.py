"""Periods by name, and the period that one is compared with."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.reports.periods import PRESETS, Compare, compared_period, named_period, shifted, shifted_month
from tests.support.strategies import SOME

TODAY = date(2026, 11, 27)  # a Friday
DAYS = st.dates(date(2000, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-11-27", "2026-11-27"),
        ("yesterday", "2026-11-26", "2026-11-26"),
        ("this-week", "2026-11-23", "2026-11-29"),
        ("last-week", "2026-11-16", "2026-11-22"),
        ("this-month", "2026-11-01", "2026-11-30"),
        ("last-month", "2026-10-01", "2026-10-31"),
        ("this-quarter", "2026-10-01", "2026-12-31"),
        ("last-quarter", "2026-07-01", "2026-09-30"),
        ("this-year", "2026-01-01", "2026-12-31"),
        ("last-year", "2025-01-01", "2025-12-31"),
        ("last-7-days", "2026-11-20", "2026-11-26"),
        ("last-28-days", "2026-10-30", "2026-11-26"),
    ],
)
def test_a_period_has_the_days_that_people_mean(name: str, first: str, last: str) -> None:
    assert named_period(name, TODAY) == (date.fromisoformat(first), date.fromisoformat(last))


def test_the_month_before_january_is_december() -> None:
    assert named_period("last-month", date(2026, 1, 15)) == (date(2025, 12, 1), date(2025, 12, 31))
    assert named_period("last-quarter", date(2026, 2, 15)) == (date(2025, 10, 1), date(2025, 12, 31))


def test_an_unknown_period_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="no period “fortnight”") as refusal:
        named_period("fortnight", TODAY)
    assert "last-week" in refusal.value.hint


@SOME
@given(DAYS, st.sampled_from(sorted(PRESETS)))
def test_every_period_begins_before_it_ends(today: date, name: str) -> None:
    first, last = named_period(name, today)
    assert first is not None
    assert last is not None
    assert first <= last


def compared(first: str, last: str, compare: Compare) -> tuple[str, str]:
    start, end = compared_period(date.fromisoformat(first), date.fromisoformat(last), compare)
    return start.isoformat(), end.isoformat()


def test_the_period_before_whole_months_is_as_many_whole_months() -> None:
    assert compared("2026-03-01", "2026-03-31", Compare.PREVIOUS) == ("2026-02-01", "2026-02-28")
    assert compared("2026-01-01", "2026-03-31", Compare.PREVIOUS) == ("2025-10-01", "2025-12-31")


def test_the_period_before_some_days_is_as_many_days() -> None:
    assert compared("2026-11-23", "2026-11-29", Compare.PREVIOUS) == ("2026-11-16", "2026-11-22")


def test_a_february_is_compared_with_the_whole_february_of_a_leap_year() -> None:
    assert compared("2025-02-01", "2025-02-28", Compare.LAST_YEAR) == ("2024-02-01", "2024-02-29")
    assert compared("2024-02-29", "2024-03-31", Compare.LAST_YEAR) == ("2023-02-28", "2023-03-31")


@SOME
@given(DAYS, st.integers(0, 400))
def test_the_period_before_ends_the_day_before(first: date, days: int) -> None:
    start, end = compared_period(first, first + timedelta(days=days), Compare.PREVIOUS)
    assert end == first - timedelta(days=1)
    assert start <= end


@SOME
@given(DAYS, st.integers(0, 27), st.sampled_from(list(Compare)))
def test_a_day_moved_back_lies_in_the_other_period_and_comes_forth_again(
    first: date, days: int, compare: Compare
) -> None:
    first = first.replace(day=1)
    last = first + timedelta(days=days)
    start, end = compared_period(first, last, compare)
    moved = shifted(last, first, last, compare, -1)
    assert start <= moved <= end
    if (last.month, last.day) != (2, 29):
        assert shifted(moved, first, last, compare, 1) == last


def test_a_month_meets_the_one_in_its_place() -> None:
    quarter = (date(2026, 10, 1), date(2026, 12, 31))
    assert shifted_month("2026-07", *quarter, Compare.PREVIOUS, 1) == "2026-10"
    assert shifted_month("2025-11", *quarter, Compare.LAST_YEAR, 1) == "2026-11"
