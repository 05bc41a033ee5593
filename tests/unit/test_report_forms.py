"""A report's question as an address and back."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.web.report_forms import ask_of, first_ask, query_of

words = st.text(string.ascii_letters + "ёЖ &=?#+%", min_size=1, max_size=8).map(str.strip).filter(bool)
some = st.lists(words, max_size=3, unique=True).map(tuple)


@st.composite
def asks(draw: Any) -> ReportAsk:
    compare = draw(st.none() | words)
    period = draw(st.none() | words.filter(lambda text: text != "always"))
    return ReportAsk(
        by=draw(some),
        date_from=draw(st.none() | words),
        date_to=draw(st.none() | words),
        branches=draw(some),
        as_of=draw(st.none() | words),
        period=period,
        filters=draw(some),
        team=draw(st.just("") | words),
        compare=compare,
        like_for_like=draw(st.booleans()) if compare else False,
        options=draw(some),
    )


@given(asks())
def test_the_address_of_a_question_asks_the_same(ask: ReportAsk) -> None:
    assert ask_of(QueryParams(query_of(ask))) == ask


def test_the_address_says_that_nothing_is_grouped_and_no_period_is_meant() -> None:
    assert query_of(ReportAsk()) == "by=&period=always"
    assert first_ask(find_report("sales"), QueryParams(query_of(ReportAsk()))) == ReportAsk()


def test_an_address_that_says_nothing_is_what_the_report_begins_with() -> None:
    report = find_report("work-today")
    assert first_ask(report, QueryParams("")) == ReportAsk(by=("employee",), period="today")
    assert first_ask(report, QueryParams("by=hour&from=2026-01-01")) == ReportAsk(by=("hour",), date_from="2026-01-01")


def test_a_period_stands_until_another_is_chosen_by_its_button_or_by_days() -> None:
    assert ask_of(QueryParams("held=this-month&from=&to=")).period == "this-month"
    assert ask_of(QueryParams("held=this-month&from=2026-01-01&to=")).period is None
    assert ask_of(QueryParams("held=this-month&from=2026-01-01&period=today")) == ReportAsk(period="today")
    assert ask_of(QueryParams("held=always")) == ReportAsk()


def test_the_form_adds_a_filter_and_takes_away_what_is_no_longer_ticked() -> None:
    query = QueryParams("where=branch%3DB1&where_by=category&where_value=+Tea+")
    assert ask_of(query).filters == ("branch=B1", "category=Tea")
    assert ask_of(QueryParams("where_by=category&where_value=")).filters == ()


def test_a_number_of_the_report_is_a_field_of_its_own() -> None:
    assert ask_of(QueryParams("option.days=30&option=months%3D3&option.empty=")).options == ("months=3", "days=30")


def test_like_for_like_without_a_comparison_is_not_meant() -> None:
    assert not ask_of(QueryParams("like=yes")).like_for_like
    assert ask_of(QueryParams("like=yes&compare=previous")).like_for_like
