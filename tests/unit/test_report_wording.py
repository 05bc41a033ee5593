"""A report in words: numbers, days, period, filters and completeness, in Russian and in English."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from deploy.translations import ROOT, texts_of_pages
from shared.reports.parameters import ReportParameters
from shared.reports.presentation import PLAIN, Presentation
from shared.reports.result import BranchCompleteness, Column, Completeness, ReportResult
from shared.reports.wording import (
    FILTER_VALUES_NAMED_MAX,
    MISSING_NAMED_MAX,
    Speaker,
    completeness_of,
    completeness_stamp,
    definitions_of,
    filters_of,
    made_of,
    notes_of,
    period_of,
    title_of,
)
from shared.reports.words import marked
from shared.web.translations import gettext, speaking
from tests.support.clock import START_US

RU = Speaker(Presentation("ru", gettext, "Europe/Moscow", START_US, "Анна"), "RUB")
EN = Speaker(Presentation(zone="Europe/Moscow"), "KWD")


def branch(
    code: str, is_complete: bool = True, heard_us: int | None = START_US, share: int | None = None
) -> BranchCompleteness:
    return BranchCompleteness(code, heard_us, heard_us, is_complete, share)


def result(**asked: object) -> ReportResult:
    return ReportResult("sales", ReportParameters(**asked), (), (), (), Completeness(()), "RUB")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "value", "russian", "english"),
    [
        (Column("net", "money"), -123_456_789, "-1 234 567,89", "-123,456.789"),
        (Column("net", "money"), 5, "0,05", "0.005"),
        (Column("units", "quantity"), 1_234_500, "1 234,5", "1,234.5"),
        (Column("units", "quantity"), 3_000, "3", "3"),
        (Column("share", "percent"), 1_250, "12,5 %", "12.5 %"),
        (Column("share", "percent"), 1_200, "12,0 %", "12.0 %"),
        (Column("share_change", "percent", unit="pp"), -25, "-0,25", "-0.25"),
        (Column("receipts", "integer"), 12_000, "12 000", "12,000"),
        (Column("weekday", "integer"), 1, "пн", "Mon"),
        (Column("day", "date"), "2026-11-02", "02.11.2026", "2 Nov 2026"),
        (Column("month", "month"), "2026-11", "ноябрь 2026", "November 2026"),
        (Column("last", "moment"), START_US, "23.11.2026 19:00", "23 Nov 2026 19:00"),
        (Column("product", "text"), "Чай", "Чай", "Чай"),
        (Column("net", "money"), None, "", ""),
    ],
)
def test_a_value_is_written_as_the_language_writes_it(
    column: Column, value: object, russian: str, english: str
) -> None:
    assert RU.value(column, value).replace("\u00a0", " ") == russian
    assert EN.value(column, value).replace("\u00a0", " ") == english


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 1), date(2026, 11, 30), "01.11.2026 – 30.11.2026"),
        (date(2026, 11, 1), date(2026, 11, 1), "01.11.2026"),
        (date(2026, 11, 1), None, "с 01.11.2026"),
        (None, date(2026, 11, 30), "по 30.11.2026"),
        (None, None, "за всё время"),
    ],
)
def test_a_period_is_said(first: date | None, last: date | None, said: str) -> None:
    with speaking("ru"):
        assert period_of(ReportParameters((), first, last), RU) == said


def test_completeness_is_said_in_the_language_and_names_who_is_missing() -> None:
    known = Completeness((branch("B1"), branch("B2", False, share=420), branch("B3", False, None, 80)))
    with speaking("ru"):
        assert completeness_of(known, RU) == (
            "Филиалы с полными данными: 1 из 3; неполные: B2 (последняя связь 23.11.2026 19:00), "
            "B3 (связи ещё не было), обычно это 5 % продаж"
        )
        assert completeness_stamp(Completeness((branch("B1"),)), RU) == (
            "Филиалы с полными данными: 1 из 1, все — до 23.11.2026 19:00"
        )
    assert completeness_of(known, Speaker(PLAIN, "RUB")) == known.sentence


def test_of_very_many_missing_branches_some_are_named() -> None:
    count = MISSING_NAMED_MAX + 12
    said = completeness_of(Completeness(tuple(branch(f"B{number}", False) for number in range(count))), EN)
    assert "and 12 more" in said
    assert said.count("last heard") == MISSING_NAMED_MAX


def test_filters_are_said_and_long_lists_are_cut() -> None:
    values = tuple(f"K{number}" for number in range(FILTER_VALUES_NAMED_MAX + 3))
    with speaking("ru"):
        (said,) = filters_of(result(filters=(("category", values),)), RU)
    assert said.startswith("Категория: K0, K1")
    assert said.endswith("и ещё 3")
    assert filters_of(result(), EN) == []


def test_a_report_of_a_newer_release_is_shown_under_its_name() -> None:
    strange = ReportResult("strange", ReportParameters(), (), (), (), Completeness(()), "RUB")
    assert (title_of(strange, EN), definitions_of(strange, EN), notes_of(strange, EN)) == ("strange", [], [])
    assert title_of(result(), EN) == "Sales"


def test_who_made_it_and_when_is_said_as_far_as_it_is_known() -> None:
    with speaking("ru"):
        assert made_of(RU) == "составлен 23.11.2026 19:00, Анна"
    assert made_of(EN) == ""


def test_what_is_marked_is_found_by_whoever_translates() -> None:
    assert marked("all days") == "all days"
    assert Path(ROOT, "shared/reports/words.py").exists()
    assert "all days" in {found.text for found in texts_of_pages() if found.place.startswith("shared/reports/")}
