"""Rules by which tasks repeat: laws that hold for every rule, and examples that people would check by a calendar."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.domain.repeating import EVERY_MAX, Repeat, Unit, anchored, make_repeat, next_day, next_due, parse_repeat
from shared.domain.repeating import repeat_of as read
from shared.domain.tasks import due_at, due_on, local_day, minute_of_day
from shared.errors import InvalidInput
from tests.unit.test_tasks import MOSCOW, days, minutes, zones

every = some.integers(1, 60)
daily = some.builds(lambda n: make_repeat("daily", n, ()), every)
weekly = some.builds(
    lambda n, days: make_repeat("weekly", n, tuple(days)), every, some.sets(some.integers(1, 7), min_size=1)
)
monthly = some.builds(lambda n, day: make_repeat("monthly", n, (day,)), every, some.integers(1, 31))
rules = daily | weekly | monthly


@given(rules, some.none() | minutes)
def test_a_rule_is_its_text(rule: Repeat, minute: int | None) -> None:
    timed = rule._replace(minute=minute)
    assert parse_repeat(str(timed)) == timed == read(str(timed))


@given(rules, days)
def test_the_next_day_is_later_and_of_the_rule(rule: Repeat, day: date) -> None:
    following = next_day(rule, day)
    assert following > day
    match rule.unit:
        case Unit.DAILY:
            assert following - day == timedelta(days=rule.every)
        case Unit.WEEKLY:
            assert following.isoweekday() in rule.days
        case Unit.MONTHLY:
            assert following.day == min(rule.days[0], calendar.monthrange(following.year, following.month)[1])


@given(weekly, days)
def test_within_a_week_every_chosen_day_comes_and_then_weeks_are_skipped(rule: Repeat, day: date) -> None:
    first = next_day(rule, day)
    seen = [first]
    while len(seen) < 2 * len(rule.days):
        seen.append(next_day(rule, seen[-1]))
    mondays = [each - timedelta(days=each.weekday()) for each in seen]
    gaps = {(later - before).days for before, later in pairwise(mondays)}
    assert gaps <= {0, 7 * rule.every}
    assert {each.isoweekday() for each in seen} == set(rule.days)


@given(monthly, days)
def test_a_short_month_does_not_shorten_the_months_after_it(rule: Repeat, day: date) -> None:
    seen = [next_day(rule, day)]
    for _ in range(13):
        seen.append(next_day(rule, seen[-1]))
    months = [each.year * 12 + each.month for each in seen]
    assert {later - before for before, later in pairwise(months)} == {rule.every}
    long = [each for each in seen if calendar.monthrange(each.year, each.month)[1] == 31]
    assert {each.day for each in long} <= {rule.days[0]}


@given(rules, days, minutes, zones)
def test_the_time_of_the_day_stays_what_it_was_through_every_clock_change(
    rule: Repeat, day: date, minute: int, zone: str
) -> None:
    due = due_at(day, minute, zone)
    kept = anchored(rule, due, zone)
    assert kept.minute == minute_of_day(due.at_us, zone)
    for _ in range(5):
        following = next_due(kept, due, zone)
        assert following is not None
        assert following.has_time
        assert following.at_us > due.at_us
        wanted = due_at(local_day(following.at_us, zone), kept.minute, zone)
        assert following == wanted
        due = following


@given(rules, days, zones)
def test_a_whole_day_is_followed_by_a_whole_day(rule: Repeat, day: date, zone: str) -> None:
    due = due_on(day, zone)
    following = next_due(anchored(rule, due, zone), due, zone)
    assert following == due_on(next_day(rule, day), zone)


def test_a_clock_change_moves_one_occurrence_and_none_after_it() -> None:
    # 2026-03-29 02:30 does not exist in Berlin.
    rule = anchored(make_repeat("daily", 1, ()), due_at(date(2026, 3, 28), 150, "Europe/Berlin"), "Europe/Berlin")
    skipped = next_due(rule, due_at(date(2026, 3, 28), 150, "Europe/Berlin"), "Europe/Berlin")
    assert skipped is not None
    assert minute_of_day(skipped.at_us, "Europe/Berlin") == 210
    assert next_due(rule, skipped, "Europe/Berlin") == due_at(date(2026, 3, 30), 150, "Europe/Berlin")


@pytest.mark.parametrize(
    ("rule", "day", "following"),
    [
        ("daily", "2026-12-31", "2027-01-01"),
        ("daily/3", "2026-02-27", "2026-03-02"),
        ("weekly:1,4", "2026-11-26", "2026-11-30"),
        ("weekly/2:1,4", "2026-11-26", "2026-12-07"),
        ("weekly:4", "2026-11-24", "2026-11-26"),
        ("monthly:31", "2026-01-31", "2026-02-28"),
        ("monthly:31", "2026-02-28", "2026-03-31"),
        ("monthly:29", "2028-01-29", "2028-02-29"),
        ("monthly/3:15", "2026-11-15", "2027-02-15"),
        ("monthly:20", "2026-11-05", "2026-11-20"),
    ],
)
def test_what_a_calendar_says(rule: str, day: str, following: str) -> None:
    assert next_day(parse_repeat(rule), date.fromisoformat(day)) == date.fromisoformat(following)


def test_what_was_not_chosen_is_said_by_the_first_occurrence() -> None:
    due = due_on(date(2026, 1, 31), MOSCOW)
    rules = [parse_repeat(text) for text in ("daily", "weekly", "monthly/2", "monthly:5")]
    assert [str(anchored(rule, due, MOSCOW)) for rule in rules] == [
        "daily", "weekly:6", "monthly/2:31", "monthly:5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "yearly", "daily:1", "weekly:8", "weekly:0", "monthly:32", "monthly:1,2", "daily/0", "daily/366",
             "weekly:", "daily@25:00", "daily@09:60", "daily\n", "monthly:١"],
)  # fmt: skip
def test_what_is_no_rule_is_refused_and_a_newer_one_repeats_nothing(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_repeat(text)
    assert read(text) is None


def test_nothing_repeats_beyond_the_last_year() -> None:
    assert next_due(make_repeat("daily", EVERY_MAX, ()), due_on(date(2098, 6, 1), MOSCOW), MOSCOW) is None
    with pytest.raises(InvalidInput):
        make_repeat("hourly", 1, ())
