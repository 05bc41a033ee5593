"""Schedules of reports: when they are due, in a zone whose clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.domain.business_time import to_us
from shared.domain.report_schedules import Schedule, last_due_us, next_due_us, parse_schedule
from shared.errors import InvalidInput

MOSCOW = "Europe/Moscow"


def at(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def said(at_us: int | None) -> str:
    assert at_us is not None
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("daily 08:00", "daily 08:00"),
        ("daily 8:05", "daily 08:05"),
        ("weekly 5,1,1 23:59", "weekly 1,5 23:59"),
        ("monthly 1 00:00", "monthly 1 00:00"),
        ("monthly last 09:30", "monthly last 09:30"),
        ("monthly 31 09:30", "monthly last 09:30"),
    ],
)
def test_a_schedule_is_kept_in_one_way_of_writing(text: str, kept: str) -> None:
    assert str(parse_schedule(text)) == kept
    assert parse_schedule(kept) == parse_schedule(text)


@pytest.mark.parametrize(
    "text",
    ["", "hourly", "daily", "daily 24:00", "daily 08:60", "daily 1 08:00", "weekly 08:00", "weekly 0 08:00",
     "weekly 8 08:00", "weekly x 08:00", "monthly 0 08:00", "monthly 32 08:00", "monthly 1,2 08:00", "daily ٠٨:٠٠"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_schedule(text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("schedule", "now", "last", "coming"),
    [
        ("daily 08:00", "2026-11-23 04:59", "2026-11-22 05:00", "2026-11-23 05:00"),
        ("daily 08:00", "2026-11-23 05:00", "2026-11-23 05:00", "2026-11-24 05:00"),
        # A Monday.
        ("weekly 1,5 08:00", "2026-11-23 05:01", "2026-11-23 05:00", "2026-11-27 05:00"),
        ("weekly 7 08:00", "2026-11-23 05:01", "2026-11-22 05:00", "2026-11-29 05:00"),
        ("monthly 1 08:00", "2026-11-23 05:01", "2026-11-01 05:00", "2026-12-01 05:00"),
        ("monthly last 08:00", "2026-03-01 00:00", "2026-02-28 05:00", "2026-03-31 05:00"),
        ("monthly 30 08:00", "2026-03-01 00:00", "2026-02-28 05:00", "2026-03-30 05:00"),
    ],
)
def test_when_it_was_due_and_will_be(schedule: str, now: str, last: str, coming: str) -> None:
    known = parse_schedule(schedule)
    assert said(last_due_us(known, at(now), MOSCOW)) == last
    assert said(next_due_us(known, at(now), MOSCOW)) == coming


def test_a_time_that_a_clock_change_skips_or_repeats_is_due_once() -> None:
    night = parse_schedule("daily 02:30")
    seen = set()
    for hour in range(72):
        seen.add(last_due_us(night, at("2026-03-28 00:00") + hour * 3_600_000_000, "Europe/Berlin"))
    assert [said(each) for each in sorted(each for each in seen if each)] == [
        "2026-03-27 01:30", "2026-03-28 01:30", "2026-03-29 01:30", "2026-03-30 00:30",
    ]  # fmt: skip
    autumn = {last_due_us(night, at("2026-10-25 00:00") + hour * 3_600_000_000, "Europe/Berlin") for hour in range(24)}
    assert len(autumn) == 2


def test_a_schedule_says_its_days_and_its_clock() -> None:
    assert parse_schedule("weekly 1,5 08:05") == Schedule(parse_schedule("weekly 1,5 08:05").rhythm, (1, 5), 485)
    assert parse_schedule("daily 00:05").clock == "00:05"
