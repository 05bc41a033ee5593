"""When a branch's data counts as complete. Watermarks decide."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.domain.business_time import MICROSECONDS, format_us
from shared.reports.completeness import BranchStanding, end_of_day_us, judge_completeness
from shared.reports.result import BranchCompleteness, Completeness
from tests.support.clock import START_US

MINUTE_US = 60 * MICROSECONDS
TODAY, YESTERDAY = date(2026, 11, 23), date(2026, 11, 22)
MIDNIGHT_US = START_US - 19 * 60 * MINUTE_US  # between yesterday and today, in Moscow


def standing(watermark_us: int | None = START_US, **changes: Any) -> BranchStanding:
    """A branch in contact, even a moment ago."""
    known: dict[str, Any] = {"last_seen_us": START_US, "in_contact": True, "waiting": 0, "parked": 0, **changes}
    return BranchStanding("B1", "Europe/Moscow", watermark_us, **known)


def is_complete(known: BranchStanding, date_to: date | None = None) -> bool:
    return judge_completeness([known], date_to, START_US, lag_minutes=15).branches[0].complete


# A period that is over.


@pytest.mark.parametrize(
    ("watermark_us", "complete"), [(MIDNIGHT_US - 1, False), (MIDNIGHT_US, True), (START_US, True)]
)
def test_a_day_that_is_over_is_complete_when_the_watermark_passed_its_end(watermark_us: int, complete: bool) -> None:
    assert is_complete(standing(watermark_us), YESTERDAY) is complete


def test_a_day_that_is_over_stays_complete_without_contact() -> None:
    assert is_complete(standing(MIDNIGHT_US, in_contact=False), YESTERDAY)


def test_a_day_ends_in_the_branch_s_own_zone() -> None:
    tokyo = BranchStanding("B2", "Asia/Tokyo", MIDNIGHT_US - 5 * 60 * MINUTE_US, START_US, False, 0, 0)
    assert is_complete(tokyo, YESTERDAY)
    assert not is_complete(standing(MIDNIGHT_US - 5 * 60 * MINUTE_US, in_contact=False), YESTERDAY)


# A period that goes on.


@pytest.mark.parametrize("date_to", [None, TODAY, date(2027, 1, 1)])
@pytest.mark.parametrize(("minutes", "complete"), [(0, True), (15, True), (16, False)])
def test_a_day_that_goes_on_is_complete_when_the_watermark_is_fresh(
    date_to: date | None, minutes: int, complete: bool
) -> None:
    assert is_complete(standing(START_US - minutes * MINUTE_US), date_to) is complete


@pytest.mark.parametrize("date_to", [None, TODAY])
def test_a_day_that_goes_on_is_not_complete_without_contact(date_to: date | None) -> None:
    assert not is_complete(standing(in_contact=False), date_to)


# Whatever the period.


@pytest.mark.parametrize("date_to", [None, TODAY, YESTERDAY])
@pytest.mark.parametrize("changes", [{"waiting": 1}, {"parked": 1}])
def test_what_waits_or_is_parked_makes_a_branch_incomplete(date_to: date | None, changes: dict[str, int]) -> None:
    assert not is_complete(standing(**changes), date_to)


@pytest.mark.parametrize("date_to", [None, TODAY, YESTERDAY])
def test_a_branch_that_never_spoke_is_incomplete(date_to: date | None) -> None:
    assert not is_complete(standing(None, last_seen_us=None), date_to)


def test_each_branch_is_judged_by_itself() -> None:
    judged = judge_completeness([standing(), standing(None)], None, START_US, 15)
    assert [known.complete for known in judged.branches] == [True, False]
    assert judge_completeness([], None, START_US, 15).branches == ()


# The end of a day.


def test_a_day_ends_at_the_first_moment_of_the_next() -> None:
    assert end_of_day_us(YESTERDAY, "Europe/Moscow") == MIDNIGHT_US
    assert format_us(end_of_day_us(date(2026, 10, 25), "Europe/Berlin")) == "2026-10-25T23:00:00Z"
    assert format_us(end_of_day_us(date(2026, 3, 29), "Europe/Berlin")) == "2026-03-29T22:00:00Z"


def test_a_period_may_end_on_the_last_day_there_is() -> None:
    assert is_complete(standing(), date.max)


# What is said.


def completeness(*known: BranchCompleteness) -> Completeness:
    return Completeness(known)


ANNA = BranchCompleteness("B1", START_US, START_US, True)
BORIS = BranchCompleteness("B2", START_US - MINUTE_US, START_US, False)
NOBODY = BranchCompleteness("B3", None, None, False)


def test_all_branches_are_complete_to_the_earliest_watermark() -> None:
    assert completeness(ANNA, BORIS).complete_to_us == START_US - MINUTE_US
    assert completeness(ANNA, NOBODY).complete_to_us is None
    assert completeness().complete_to_us is None


def test_the_sentence_names_who_is_missing() -> None:
    assert completeness(ANNA).sentence == "1 of 1 branches complete, all of them to 2026-11-23T16:00:00Z"
    said = completeness(ANNA, BORIS, NOBODY).sentence
    assert said.startswith("1 of 3 branches complete")
    assert "B2 (last heard 2026-11-23T16:00:00Z), B3 (last heard never)" in said
    assert "B1" not in said


def test_the_document_holds_every_branch() -> None:
    document = completeness(ANNA, NOBODY).as_json()
    assert document["complete_to"] is None
    assert document["branches"] == [
        {
            "branch": "B1",
            "watermark": "2026-11-23T16:00:00Z",
            "last_seen_at": "2026-11-23T16:00:00Z",
            "complete": True,
        },
        {"branch": "B3", "watermark": None, "last_seen_at": None, "complete": False},
    ]
