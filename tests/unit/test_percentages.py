"""Rates as people write them, and the days and hours of the command lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cli.parameters import parse_day, parse_hours
from shared.domain.percentages import format_percent, parse_percent
from shared.errors import InvalidInput


@given(st.integers(0, 10_000))
def test_a_percentage_is_read_as_it_is_shown(basis_points: int) -> None:
    assert parse_percent(format_percent(basis_points).replace(" ", "")) == basis_points


def test_percentages_are_written_with_a_point_or_a_comma() -> None:
    assert [parse_percent(text) for text in ("12.5", "12,5", "12.5%", "0", "100")] == [1_250, 1_250, 1_250, 0, 10_000]
    assert [format_percent(basis_points) for basis_points in (2_000, 1_250, 5)] == ["20 %", "12.5 %", "0.05 %"]
    for text in ("", "ten", "-1", "100.01", "1.234", "nan", "1e9999"):
        with pytest.raises(InvalidInput):
            parse_percent(text)


def test_hours_are_minutes_and_may_go_over_midnight() -> None:
    assert parse_hours("10:00-14:30") == (600, 870)
    assert parse_hours("22:00-06:00") == (1_320, 360)
    assert parse_hours("00:00-24:00") == (0, 1_440)
    assert parse_hours(None) == (None, None)
    for text in ("10-14", "10:00-10:00", "24:30-25:00", "10:60-11:00", ""):
        with pytest.raises(InvalidInput):
            parse_hours(text)


def test_days_are_counted_since_1970() -> None:
    assert (parse_day("1970-01-02", "day"), parse_day(None, "day")) == (1, None)
    with pytest.raises(InvalidInput):
        parse_day("02.01.1970", "day")
