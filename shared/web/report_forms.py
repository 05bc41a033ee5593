"""A report's question as the address of its page, and back. Contains no rules: what is asked is checked where it runs.

The names are `by`, `period`, `from`, `to`, `branch`, `where` (`dimension=value`), `team`, `compare`, `like`, `option`
(`name=number`) and `as_of`; `by`, `branch`, `where` and `option` may stand several times. `period=always` is a period
without ends. A page's form has a few more, for what one field cannot say: see `ask_of`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from shared.reports.parameters import ReportAsk
from shared.reports.report import Report

ALWAYS: Final = "always"
BY_MAX: Final = 3
"""Dimensions that the form offers to group by at once."""

_PERIOD_NAMES: Final = ("period", "from", "to", "held")
_OPTION: Final = "option."


def ask_of(query: QueryParams) -> ReportAsk:
    """What an address asks, as texts.

    The form's own names: `held` is the period that stands until another is chosen – `period` by its button, or days;
    `where_by` and `where_value` add a filter; `option.NAME` is a number of the report's own.
    """
    period, held = query.get("period", "").strip(), query.get("held", "").strip()
    date_from, date_to = query.get("from", "").strip(), query.get("to", "").strip()
    if not period and not (date_from or date_to):
        period = held
    if "held" in query and period:
        # A button of a period was pressed: the days that the form held besides are not meant.
        date_from = date_to = ""
    return ReportAsk(
        by=tuple(dict.fromkeys(_texts(query, "by"))),
        date_from=date_from or None,
        date_to=date_to or None,
        branches=_texts(query, "branch"),
        as_of=query.get("as_of", "").strip() or None,
        period=None if period == ALWAYS else period or None,
        filters=(*_texts(query, "where"), *_added_filter(query)),
        team=query.get("team", "").strip(),
        compare=query.get("compare", "").strip() or None,
        like_for_like=bool(query.get("like")) and bool(query.get("compare")),
        options=(*_texts(query, "option"), *_options(query)),
    )


def first_ask(report: Report, query: QueryParams) -> ReportAsk:
    """The same, with what the report begins with where the address says nothing."""
    ask = ask_of(query)
    if "by" not in query:
        ask = replace(ask, by=report.first_by)
    if report.has_period and not any(query.get(name) for name in _PERIOD_NAMES):
        ask = replace(ask, period=report.first_period)
    return ask


def query_of(ask: ReportAsk) -> str:
    """The address's query that asks the same again: `ask_of` of it is the same ask."""
    return urlencode(pairs_of(ask))


def pairs_of(ask: ReportAsk) -> list[tuple[str, str]]:
    """The same as names and values."""
    has_period = ask.period or ask.date_from or ask.date_to
    pairs = [("by", name) for name in ask.by or ("",)]
    pairs += [("period", ask.period or "")] if has_period else [("period", ALWAYS)]
    pairs += [("from", ask.date_from or ""), ("to", ask.date_to or "")]
    pairs += [("branch", code) for code in ask.branches]
    pairs += [("where", text) for text in ask.filters]
    pairs += [("team", ask.team), ("compare", ask.compare or ""), ("like", "yes" if ask.like_for_like else "")]
    pairs += [("option", text) for text in ask.options]
    pairs += [("as_of", ask.as_of or "")]
    return [(name, value) for name, value in pairs if value or name == "by"]


def _texts(query: QueryParams, name: str) -> tuple[str, ...]:
    """Every value of a name; nothing is no value."""
    return _said(value.strip() if name != "where" else value for value in query.getlist(name))


def _said(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def _added_filter(query: QueryParams) -> tuple[str, ...]:
    dimension, value = query.get("where_by", "").strip(), query.get("where_value", "").strip()
    return (f"{dimension}={value}",) if dimension and value else ()


def _options(query: QueryParams) -> tuple[str, ...]:
    given = [(name.removeprefix(_OPTION), query[name].strip()) for name in query if name.startswith(_OPTION)]
    return tuple(f"{name}={value}" for name, value in given if value)
