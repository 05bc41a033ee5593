"""How values, changes, periods and completeness are said."""

from __future__ import annotations

from datetime import date

import pytest

from shared.domain.business_time import MICROSECONDS
from shared.reports.parameters import ReportParameters
from shared.reports.periods import Compare
from shared.reports.registry import REPORTS, find_report
from shared.reports.result import BranchCompleteness, Column, Completeness
from shared.web.completeness_words import NAMED_MAX, completeness_words
from shared.web.report_words import (
    Words,
    asked_in_words,
    filter_in_words,
    format_change,
    format_period,
    format_value,
    grouped_reports,
    weekday_name,
)
from shared.web.translations import speaking

WORDS = Words("Europe/Moscow", "RUB", {"product": {"tea": "Чай"}, "branch": {"B1": "Север"}})
HOUR_US = 3_600 * MICROSECONDS


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        (Column("net", "money"), -14_050, "−140,50\u00a0₽"),
        (Column("units", "quantity"), 1_500, "1,5"),
        (Column("share", "percent"), 325, "3,25\u00a0%"),
        (Column("receipts", "integer"), 12_000, "12\u00a0000"),
        (Column("receipts", "integer"), None, "–"),
        (Column("business_date", "date"), "2026-11-23", "23.11.2026"),
        (Column("month", "month"), "2026-11", "ноябрь 2026"),
        (Column("last", "moment"), 0, "01.01.1970 03:00"),
        (Column("hour", "integer"), 9, "09:00"),
        (Column("weekday", "integer"), 1, "понедельник"),
        (Column("product", "text"), "tea", "Чай"),
        (Column("product", "text"), "cup", "cup"),
        (Column("category", "text"), None, "не указано"),
    ],
)
def test_a_value_is_said_as_people_say_it(column: Column, value: object, said: str) -> None:
    with speaking("ru"):
        assert format_value(column, value, WORDS) == said


def test_a_change_is_said_with_its_sign() -> None:
    money, share = Column("net", "money"), Column("share", "percent")
    with speaking("ru"):
        assert format_change(money, 1_254) == "+12,5\u00a0%"
        assert format_change(money, -3) == "−0\u00a0%"
        assert format_change(money, 0) == "±0\u00a0%"
        assert format_change(share, -150) == "−1,5 п. п."
        assert format_change(money, None) == ""


def test_days_and_periods() -> None:
    with speaking("en"):
        assert (weekday_name(1), weekday_name(7)) == ("Monday", "Sunday")
        assert format_period(date(2026, 11, 1), date(2026, 11, 1)) == "1 Nov 2026"
        assert format_period(date(2026, 11, 1), None) == "from 1 Nov 2026 on"
        assert format_period(None, None) == "all time"


def test_what_was_asked_is_said_in_words() -> None:
    asked = ReportParameters(
        ("branch",), date(2026, 11, 1), date(2026, 11, 30), ("B1",), 0, (("category", ("", "Чай")),), "olga",
        Compare.PREVIOUS, True,
    )  # fmt: skip
    with speaking("ru"):
        said = dict(asked_in_words(find_report("sales"), asked, WORDS))
        assert said["Сравнение с"] == "01.10.2026 – 31.10.2026 (только филиалы, торговавшие в оба периода)"
        assert (said["Филиалы"], said["Категория"], said["Команда"]) == ("Север", "не указано, Чай", "olga")
        one = ReportParameters((), filters=(("branch", ("B1",)),))
        assert asked_in_words(find_report("sales"), one, WORDS) == [("Период", "всё время"), ("Филиал", "Север")]
        assert filter_in_words(find_report("sales"), "month=2026-11", WORDS) == "Месяц: ноябрь 2026"
        assert filter_in_words(find_report("sales"), "hour=noon", WORDS) == "Час: noon"


def test_every_report_is_in_one_group() -> None:
    grouped = [report.name for _, reports in grouped_reports(REPORTS.values()) for report in reports]
    assert sorted(grouped) == sorted(REPORTS)


def standing(code: str, hour: int | None, complete: bool, share: int | None = None) -> BranchCompleteness:
    at_us = None if hour is None else hour * HOUR_US
    return BranchCompleteness(code, at_us, at_us, complete, share)


def test_what_is_missing_is_named_since_when_and_what_share_it_usually_is() -> None:
    known = Completeness((standing("A", 22, True), standing("B1", 12, False, 320), standing("C", None, False, 0)))
    with speaking("en"):
        words = completeness_words(known, {"B1": "North"}, "UTC")
        assert words.sentence == "1 of 3 branches complete to 1 Jan 1970, 22:00."
        assert [(each.name, each.since) for each in words.missing] == [
            ("North", "since 1 Jan 1970, 12:00"),
            ("C", "never heard"),
        ]
        assert (words.share, words.is_complete) == ("3.2%", False)


def test_a_share_that_is_not_known_is_not_said() -> None:
    known = Completeness((standing("A", 22, True), standing("B", 12, False)))
    assert completeness_words(known, {}, "UTC").share == ""
    assert completeness_words(Completeness((standing("A", 22, True),)), {}, "UTC").is_complete


def test_of_many_missing_branches_the_first_are_named() -> None:
    known = Completeness(tuple(standing(str(number), 1, False) for number in range(NAMED_MAX + 3)))
    words = completeness_words(known, {}, "UTC")
    assert (len(words.named), len(words.others)) == (NAMED_MAX, 3)
    assert words.sentence == "No branch is complete yet."


def test_without_branches_there_is_no_data() -> None:
    assert "no branches" in completeness_words(Completeness(()), {}, "UTC").sentence
