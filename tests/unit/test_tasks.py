"""What tasks are and when they are due, whatever clocks do."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.domain.business_time import local_moment
from shared.domain.tasks import (
    MINUTE_US,
    NO_DATE_US,
    TRANSITIONS,
    Due,
    Snooze,
    TaskState,
    When,
    day_bounds,
    due_at,
    due_on,
    end_of_day,
    local_day,
    minute_of_day,
    next_at_us,
    parse_due,
    parse_remind_minutes,
    parse_type,
    remind_at_us,
    require_snooze,
    require_text,
    require_title,
    require_transition,
    snoozed_until,
    state_of,
    when_of,
)
from shared.errors import InvalidInput, Refused

ZONES = (
    "UTC", "Europe/Moscow", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "America/Havana", "Asia/Beirut",
    "Australia/Lord_Howe", "Asia/Kamchatka",
)  # fmt: skip
zones = some.sampled_from(ZONES)
days = some.dates(date(1990, 1, 1), date(2060, 12, 31))
minutes = some.integers(0, 1_439)
MOSCOW = "Europe/Moscow"


@given(days, zones)
def test_a_task_of_a_day_is_due_to_its_very_end(day: date, zone: str) -> None:
    due = due_on(day, zone)
    assert not due.has_time
    assert local_day(due.at_us, zone) == day
    assert local_day(due.at_us + 1, zone) == day + timedelta(days=1)


@given(days, zones)
def test_days_follow_one_another_without_a_gap(day: date, zone: str) -> None:
    first, end = day_bounds(day, zone)
    assert end == day_bounds(day + timedelta(days=1), zone)[0]
    assert 23 * 60 * MINUTE_US <= end - first <= 25 * 60 * MINUTE_US


@given(days, minutes, zones)
def test_a_time_is_what_the_clock_shows_unless_the_clock_skips_it(day: date, minute: int, zone: str) -> None:
    due = due_at(day, minute, zone)
    assert local_day(due.at_us, zone) == day
    shown = minute_of_day(due.at_us, zone)
    before = local_moment(due.at_us - 120 * MINUTE_US, zone).utc_offset_seconds
    after = local_moment(due.at_us, zone).utc_offset_seconds
    assert shown == minute or (after > before and shown == minute + (after - before) // 60)


@given(days, minutes, zones, some.integers(-(10**15), 10**15))
def test_a_task_stands_in_one_list_and_overdue_is_what_lies_behind(day: date, minute: int, zone: str, gap: int) -> None:
    next_us = due_at(day, minute, zone).at_us
    now_us = min(max(next_us + gap, 10**15 // 2), 3 * 10**15)
    when = when_of(next_us, now_us, zone)
    assert (when is When.OVERDUE) == (next_us < now_us)
    assert (when is When.LATER) == (next_us >= end_of_day(now_us, zone))
    assert when_of(NO_DATE_US, now_us, zone) is When.UNDATED


def test_a_task_of_today_is_not_overdue_before_the_day_is_over() -> None:
    day = date(2026, 11, 26)
    due, (first, end) = due_on(day, MOSCOW), day_bounds(day, MOSCOW)
    assert when_of(due.at_us, first, MOSCOW) is When.TODAY
    assert when_of(due.at_us, end - 1, MOSCOW) is When.TODAY
    assert when_of(due.at_us, end, MOSCOW) is When.OVERDUE


@pytest.mark.parametrize(("state", "archived"), [("done", False), ("cancelled", False), ("open", True)])
def test_what_is_closed_or_put_away_asks_for_nothing(state: str, archived: bool) -> None:
    assert next_at_us(state, archived, 5, None) is None


@given(some.none() | some.integers(0, 10**15), some.none() | some.integers(0, 10**15))
def test_a_task_never_asks_before_it_is_due_nor_before_it_was_put_off_to(due: int | None, snoozed: int | None) -> None:
    at_us = next_at_us("waiting", False, due, snoozed)
    assert at_us == (NO_DATE_US if due is None and snoozed is None else max(due or 0, snoozed or 0))


def test_a_state_of_a_newer_release_is_open() -> None:
    assert [state_of(value) for value in ("done", "someday", None)] == [TaskState.DONE, TaskState.OPEN, TaskState.OPEN]
    assert next_at_us("someday", False, 5, None) == 5


@given(some.sampled_from(TaskState), some.sampled_from(TaskState))
def test_what_is_closed_is_first_reopened(before: TaskState, after: TaskState) -> None:
    if before.is_closed:
        assert TRANSITIONS[before] == {TaskState.OPEN}
    if after in TRANSITIONS[before]:
        require_transition(before, after)
    else:
        with pytest.raises(Refused, match="over already" if before.is_closed else "so already"):
            require_transition(before, after)


def test_every_state_can_be_left_and_none_becomes_itself() -> None:
    assert TRANSITIONS.keys() == set(TaskState)
    assert all(after and before not in after for before, after in TRANSITIONS.items())


def test_what_people_type_becomes_a_due_moment() -> None:
    assert parse_due("", "", MOSCOW) is None
    assert parse_due("2026-11-26", "", MOSCOW) == due_on(date(2026, 11, 26), MOSCOW)
    timed = parse_due("2026-11-26", "09:05", MOSCOW)
    assert timed == due_at(date(2026, 11, 26), 545, MOSCOW) == Due(1_795_673_100_000_000, True)


@pytest.mark.parametrize(
    ("day", "time"),
    [("", "10:00"), ("2026-02-30", ""), ("26.11.2026", ""), ("2026-11-26", "25:00"), ("2026-11-26", "10"),
     ("1960-01-01", ""), ("2099-12-31", ""), ("9999-12-31", "")],
)  # fmt: skip
def test_what_is_no_day_or_time_is_refused(day: str, time: str) -> None:
    with pytest.raises(InvalidInput):
        parse_due(day, time, MOSCOW)


def test_a_task_reminds_before_its_time_or_in_the_morning_of_its_day_or_when_it_was_put_off_to() -> None:
    timed, whole = due_at(date(2026, 11, 26), 600, MOSCOW), due_on(date(2026, 11, 26), MOSCOW)
    morning = due_at(date(2026, 11, 26), 540, MOSCOW).at_us
    assert remind_at_us(timed, 15, None, MOSCOW) == timed.at_us - 15 * MINUTE_US
    assert remind_at_us(timed, None, None, MOSCOW) is None
    assert remind_at_us(whole, 30, None, MOSCOW) == morning - 30 * MINUTE_US
    assert remind_at_us(None, 30, None, MOSCOW) is None
    assert remind_at_us(timed, None, timed.at_us + 5, MOSCOW) == timed.at_us + 5
    assert remind_at_us(timed, 15, timed.at_us - 60 * MINUTE_US, MOSCOW) == timed.at_us - 15 * MINUTE_US
    assert remind_at_us(None, None, 7, MOSCOW) == 7


def test_a_task_is_put_off_to_the_morning_of_another_day_or_by_minutes() -> None:
    thursday = due_at(date(2026, 11, 26), 1_200, MOSCOW).at_us
    assert snoozed_until(Snooze.QUARTER, thursday, MOSCOW) == thursday + 15 * MINUTE_US
    assert snoozed_until(Snooze.HOUR, thursday, MOSCOW) == thursday + 60 * MINUTE_US
    assert snoozed_until(Snooze.TOMORROW, thursday, MOSCOW) == due_at(date(2026, 11, 27), 540, MOSCOW).at_us
    assert snoozed_until(Snooze.NEXT_WEEK, thursday, MOSCOW) == due_at(date(2026, 11, 30), 540, MOSCOW).at_us


@given(some.sampled_from(Snooze), days, minutes, zones)
def test_putting_off_is_always_to_what_is_still_to_come(choice: Snooze, day: date, minute: int, zone: str) -> None:
    now_us = due_at(day, minute, zone).at_us
    assert require_snooze(snoozed_until(choice, now_us, zone), now_us) > now_us


def test_nothing_is_put_off_into_the_past_or_for_years() -> None:
    for until in (10, 9, 10 + 400 * 24 * 60 * MINUTE_US):
        with pytest.raises(InvalidInput):
            require_snooze(until, 10)


def test_texts_are_cleaned_and_limited() -> None:
    assert require_title("  Call \n back ") == "Call back"
    assert require_text(" two\nlines ", 20) == "two\nlines"
    for title in ("", " \n", "x" * 201, "a\0b"):
        with pytest.raises(InvalidInput):
            require_title(title)


def test_types_and_minutes_are_checked() -> None:
    assert parse_type("service_request") == "service_request"
    assert (parse_remind_minutes(""), parse_remind_minutes("0"), parse_remind_minutes("10080")) == (None, 0, 10_080)
    for wrong in ("dance", ""):
        with pytest.raises(InvalidInput):
            parse_type(wrong)
    for wrong in ("-1", "10081", "1.5", "soon"):
        with pytest.raises(InvalidInput):
            parse_remind_minutes(wrong)
