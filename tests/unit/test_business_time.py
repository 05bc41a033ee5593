"""Business time: the branch's local date and hour, held against the zone database itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.business_time import (
    LATEST_US,
    MICROSECONDS,
    LocalMoment,
    date_from_days,
    days_from_date,
    format_us,
    from_us,
    local_moment,
    offset_changes,
    parse_date,
    parse_local,
    require_zone,
    to_us,
)
from shared.errors import InvalidInput
from tests.support.strategies import MANY, SOME, days, moments, zones

wall_times = st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1))


def local(text: str, zone: str = "Europe/Berlin") -> LocalMoment:
    return parse_local(text, zone, "sold_at")


@MANY
@given(moments, zones)
def test_the_business_date_and_hour_are_the_local_ones(moment_us: int, zone: str) -> None:
    there = from_us(moment_us).astimezone(ZoneInfo(zone))
    moment = local_moment(moment_us, zone)
    assert (moment.business_date, moment.hour) == (there.date(), there.hour)
    assert (moment.at_us, moment.zone) == (moment_us, zone)


@MANY
@given(wall_times, zones)
def test_a_time_without_an_offset_is_the_branch_s_local_time(wall: datetime, zone: str) -> None:
    moment = parse_local(wall.isoformat(), zone, "sold_at")
    assert moment.business_date == wall.date()
    assert moment.hour == wall.hour
    assert from_us(moment.at_us) == wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@SOME
@given(moments, zones, zones)
def test_a_time_with_an_offset_is_that_moment_wherever_it_was_written(moment_us: int, zone: str, writer: str) -> None:
    written = from_us(moment_us).astimezone(ZoneInfo(writer)).isoformat()
    assert parse_local(written, zone, "sold_at") == local_moment(moment_us, zone)


def test_a_time_that_the_clock_change_repeats_is_its_first_occurrence() -> None:
    assert format_us(local("2026-10-25T02:30:00").at_us) == "2026-10-25T00:30:00Z"
    assert format_us(local("2026-10-25T02:30:00+01:00").at_us) == "2026-10-25T01:30:00Z"


def test_a_time_that_the_clock_change_skips_keeps_its_date_and_hour() -> None:
    moment = local("2026-03-29T02:30:00")
    assert format_us(moment.at_us) == "2026-03-29T01:30:00Z"
    assert (moment.business_date, moment.hour, moment.utc_offset_seconds) == (date(2026, 3, 29), 2, 3_600)


def test_a_midnight_that_the_clock_change_skips_keeps_its_date() -> None:
    assert parse_local("2018-11-04T00:30:00", "America/Sao_Paulo", "sold_at").business_date == date(2018, 11, 4)


def test_an_evening_sale_belongs_to_the_evening_s_date() -> None:
    moment = local_moment(to_us(datetime(2026, 11, 23, 21, 30, tzinfo=UTC)), "Europe/Moscow")
    assert (moment.business_date, moment.hour) == (date(2026, 11, 24), 0)
    moment = local_moment(to_us(datetime(2026, 11, 23, 20, 59, 59, tzinfo=UTC)), "Europe/Moscow")
    assert (moment.business_date, moment.hour) == (date(2026, 11, 23), 23)


def test_the_first_hours_of_1970_have_a_date_even_west_of_greenwich() -> None:
    assert local_moment(0, "America/New_York").business_date == date(1969, 12, 31)


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31T23:59:59+00:00",
        "1970-01-01T00:59:59",
        "1968-06-01T00:00:00",
        "2100-01-01T01:00:01",
        "2101-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_time_outside_the_era_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="1970–2099"):
        local(text)


def test_the_ends_of_the_era_are_inside_it() -> None:
    assert local("1970-01-01T01:00:00").at_us == 0
    assert local("2100-01-01T01:00:00").at_us == LATEST_US


@pytest.mark.parametrize(
    "text",
    [None, 5, "", "now", "2017-13-01T00:00:00", "2017-02-29T10:00:00", "2017-01-01T25:00:00", "x" * 41, "\ud800"],
)
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput, match=r"^sold_at "):
        parse_local(text, "Europe/Moscow", "sold_at")


def test_a_refusal_is_one_printable_line_whatever_was_given() -> None:
    with pytest.raises(InvalidInput) as refusal:
        local("2017-01-01\n\ud800")
    assert refusal.value.message.isprintable()


@pytest.mark.parametrize("name", ["", "Mars/Phobos", "../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 5_000])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        require_zone(name)


@MANY
@given(moments)
def test_a_moment_survives_being_a_datetime(moment_us: int) -> None:
    assert to_us(from_us(moment_us)) == moment_us
    assert to_us(datetime.fromisoformat(format_us(moment_us))) == moment_us
    assert format_us(moment_us).endswith("Z")


def test_a_moment_is_exact_to_the_microsecond() -> None:
    assert to_us(datetime(2026, 11, 23, 16, 0, 0, 1, UTC)) == 1_795_449_600 * MICROSECONDS + 1
    assert from_us(-1) == datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)


@SOME
@given(days)
def test_a_date_survives_being_a_number_of_days_and_a_text(day: date) -> None:
    assert date_from_days(days_from_date(day)) == day
    assert parse_date(day.isoformat(), "--from") == day


def test_day_zero_is_the_first_of_1970() -> None:
    assert days_from_date(date(1970, 1, 1)) == 0


@pytest.mark.parametrize("text", ["", "2017-1-1", "20170101", "2017-02-29", "01.02.2017", "2017-01-01T00:00"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^--from "):
        parse_date(text, "--from")


def test_a_week_date_is_no_date() -> None:
    with pytest.raises(InvalidInput):
        parse_date("2017-W01-1", "--from")


def test_the_offsets_of_a_zone_hold_from_the_moment_when_clocks_are_changed() -> None:
    since, until = to_us(datetime(2026, 1, 1, tzinfo=UTC)), to_us(datetime(2027, 1, 1, tzinfo=UTC))
    hour_us = 3_600 * MICROSECONDS
    assert offset_changes("America/New_York", since, until) == [
        (since, -5 * hour_us),
        (to_us(datetime(2026, 3, 8, 7, tzinfo=UTC)), -4 * hour_us),
        (to_us(datetime(2026, 11, 1, 6, tzinfo=UTC)), -5 * hour_us),
    ]
    assert offset_changes("Europe/Moscow", since, until) == [(since, 3 * hour_us)]
    assert offset_changes("America/New_York", since, since) == [(since, -5 * hour_us)]


@SOME
@given(
    st.integers(to_us(datetime(1990, 1, 1, tzinfo=UTC)), to_us(datetime(2100, 1, 1, tzinfo=UTC))),
    st.integers(0, 400 * 24 * 3_600 * MICROSECONDS),
    st.sampled_from(["Europe/Moscow", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran"]),
)
def test_every_moment_has_the_last_offset_before_it(since: int, span: int, zone: str) -> None:
    found = offset_changes(zone, since, since + span)
    for moment in (since, since + span // 3, since + span // 2, since + span):
        offset = [offset for at, offset in found if at <= moment][-1]
        assert offset == local_moment(moment, zone).utc_offset_seconds * MICROSECONDS
