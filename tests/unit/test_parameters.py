"""What a report is asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.domain.business_time import to_us
from shared.errors import InvalidInput
from shared.reports.parameters import ReportParameters, parse_parameters

DIMENSIONS = ("branch", "month", "product")


def parse(*by: str, **asked: Any) -> ReportParameters:
    known: dict[str, Any] = {"date_from": None, "date_to": None, "branches": (), "as_of": None, **asked}
    return parse_parameters(by, DIMENSIONS, zone="Europe/Moscow", **known)


def test_nothing_asked_is_everything() -> None:
    assert parse() == ReportParameters()
    assert ReportParameters().as_json() == {"from": None, "to": None, "branches": [], "by": [], "as_of": None}


def test_everything_asked_is_kept() -> None:
    asked = parse("month", "branch", date_from="2026-01-31", date_to="2026-02-01", branches=("B2", "B1", "B2"))
    assert asked == ReportParameters(("month", "branch"), date(2026, 1, 31), date(2026, 2, 1), ("B2", "B1"))
    assert asked.as_json()["from"] == "2026-01-31"
    assert asked.as_json()["branches"] == ["B2", "B1"]


def test_a_moment_without_a_zone_is_the_chain_s_own() -> None:
    from datetime import UTC, datetime

    asked = parse(as_of="2026-11-23T19:00:00")
    assert asked.as_of_us == to_us(datetime(2026, 11, 23, 16, tzinfo=UTC))
    assert asked.as_json()["as_of"] == "2026-11-23T16:00:00Z"


def test_a_period_of_one_day_is_a_period() -> None:
    assert parse(date_from="2026-01-31", date_to="2026-01-31").date_to == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("by", "asked", "words"),
    [
        (("colour",), {}, "no dimension “colour”"),
        (("branch", "branch"), {}, "named twice"),
        ((), {"date_from": "2026-02-01", "date_to": "2026-01-31"}, "after its end"),
        ((), {"date_from": "yesterday"}, "--from"),
        ((), {"date_to": "31.01.2026"}, "--to"),
        ((), {"as_of": "noon"}, "--as-of"),
    ],
)
def test_what_cannot_be_asked_is_refused(by: tuple[str, ...], asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse(*by, **asked)


def test_an_unknown_dimension_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse("colour")
    assert "branch, month, product" in refusal.value.hint
