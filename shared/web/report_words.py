"""What reports' pages say: groups of reports, periods, values of dimensions and measures. Contains no rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

from babel import Locale

from shared.reports.parameters import ReportAsk, ReportParameters
from shared.reports.periods import Compare, compared_period
from shared.reports.report import Report
from shared.reports.result import Column
from shared.web.formats import (
    format_date,
    format_moment,
    format_money,
    format_number,
    format_quantity,
    format_rate,
)
from shared.web.report_forms import ALWAYS
from shared.web.translations import LazyText, current_language, gettext
from shared.web.translations import lazy_text as _

NOTHING: Final = "–"
MINUS: Final = "−"

GROUPS: Final[tuple[tuple[LazyText, tuple[str, ...]], ...]] = (
    (_("Sales and money"), ("sales", "margin", "cash-variance", "loss")),
    (_("Goods"), ("stock", "stock-outs", "abc-xyz", "affinity")),
    (_("Clients"), ("rfm", "cohorts", "at-risk", "conversion")),
    (_("People and their work"), ("work-today", "calls", "discipline")),
    (_("Data"), ("completeness",)),
)
"""Reports by what people look for. What stands in none is among the others."""

OTHERS: Final = _("Others")

PERIODS: Final[Mapping[str, LazyText]] = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "this-week": _("This week"),
    "last-week": _("Last week"),
    "this-month": _("This month"),
    "last-month": _("Last month"),
    "this-quarter": _("This quarter"),
    "last-quarter": _("Last quarter"),
    "this-year": _("This year"),
    "last-year": _("Last year"),
    "last-7-days": _("7 days"),
    "last-28-days": _("28 days"),
    "last-90-days": _("90 days"),
    "last-365-days": _("365 days"),
    ALWAYS: _("All time"),
}
"""Periods by name, in the order of their buttons."""

COMPARES: Final[Mapping[str, LazyText]] = {
    "": _("with nothing"),
    Compare.PREVIOUS: _("the period before"),
    Compare.LAST_YEAR: _("the same a year ago"),
}


class Words(NamedTuple):
    """What values are called: `names` by dimension and value; the zone of moments, the currency of money."""

    zone: str
    currency: str
    names: Mapping[str, Mapping[str, str]] = {}


def grouped_reports(reports: Iterable[Report]) -> list[tuple[str, list[Report]]]:
    """Reports under the headings of GROUPS; empty ones are left out."""
    known = {report.name: report for report in reports}
    grouped = [(str(title), [known.pop(name) for name in names if name in known]) for title, names in GROUPS]
    grouped.append((str(OTHERS), list(known.values())))
    return [(title, found) for title, found in grouped if found]


def heading(column: Column) -> str:
    """A column's heading, with its unit where it has one."""
    said = gettext(column.heading)
    return f"{said}, {gettext(column.unit)}" if column.unit else said


def format_value(column: Column, value: Any, words: Words) -> str:
    """A value as people read it; a number below zero with a real minus."""
    if value is None:
        return NOTHING if column.is_number else gettext("not given")
    match column.type:
        case "money":
            return format_money(int(value), words.currency).replace("-", MINUS)
        case "quantity" | "ratio":
            return format_quantity(int(value)).replace("-", MINUS)
        case "percent":
            return format_rate(int(value)).replace("-", MINUS)
        case "date":
            return format_date(date.fromisoformat(str(value)))
        case "month":
            return format_month(str(value))
        case "moment":
            return format_moment(int(value), words.zone)
        case "integer":
            return _format_whole(column, int(value))
    text = str(value)
    return words.names.get(column.name, {}).get(text) or text or gettext("not given")


def _format_whole(column: Column, value: int) -> str:
    if column.name == "hour":
        return f"{value:02}:00"
    if column.name == "weekday" and 1 <= value <= 7:
        return weekday_name(value)
    return format_number(value).replace("-", MINUS)


def format_month(month: str) -> str:
    """`2026-11` as `ноябрь 2026` (ru) or `November 2026` (en)."""
    if len(month) != 7 or not month[5:].isdigit() or not 1 <= int(month[5:]) <= 12:
        return month
    return f"{_names_of(current_language(), 'months')[int(month[5:])]} {month[:4]}"


def weekday_name(number: int, width: str = "wide") -> str:
    """1 is Monday."""
    return _names_of(current_language(), "days", width)[number - 1]


@lru_cache
def _names_of(language: str, what: str, width: str = "wide") -> Mapping[int, str]:
    """Months from 1, days from 0, which is Monday."""
    locale = Locale.parse(language)
    return dict((locale.months if what == "months" else locale.days)["stand-alone"][width])


def format_change(column: Column, change: int | None) -> str:
    """How much a number changed, with its sign: by percent, a percentage by its points; "" where nobody knows."""
    if change is None:
        return ""
    sign = MINUS if change < 0 else "+" if change else "±"
    # A tenth of a percent is enough; halves away from zero.
    tenths = (abs(change) + 5) // 10
    number = format_quantity(tenths * 100)
    if column.type == "percent":
        return gettext("%(number)s points") % {"number": f"{sign}{number}"}
    return f"{sign}{format_rate(tenths * 10)}"


def format_period(first: date | None, last: date | None) -> str:
    """`01.11.2026 – 30.11.2026`, a single day once; open ends in words."""
    if first and last:
        return format_date(first) if first == last else f"{format_date(first)} – {format_date(last)}"
    if first:
        return gettext("from %(day)s on") % {"day": format_date(first)}
    return gettext("until %(day)s") % {"day": format_date(last)} if last else gettext("all time")


def asked_in_words(report: Report, asked: ReportParameters, words: Words) -> list[tuple[str, str]]:
    """What a report was asked for, as pairs of a word and its value: for the print, and for whoever is sent it."""
    said: list[tuple[str, str]] = []
    if report.has_period:
        said.append((gettext("Period"), format_period(asked.date_from, asked.date_to)))
    if before := compared_in_words(asked):
        said.append((gettext("Compared with"), before))
    branches = words.names.get("branch", {})
    if asked.branches or "branch" not in dict(asked.filters):
        chosen = ", ".join(branches.get(code, code) for code in asked.branches)
        said.append((gettext("Branches"), chosen or gettext("all branches")))
    for dimension, values in asked.filters:
        column = report.all_dimensions[dimension]
        said.append((heading(column), ", ".join(_filter_text(column, value, words) for value in values)))
    if asked.team:
        said.append((gettext("Team of"), words.names.get("employee", {}).get(asked.team, asked.team)))
    meanings = {option.name: option.meaning for option in report.options}
    said += [(gettext(meanings.get(name, name)), format_number(value)) for name, value in asked.options]
    if asked.as_of_us is not None:
        said.append((gettext("As known at"), format_moment(asked.as_of_us, words.zone)))
    return said


def compared_in_words(asked: ReportParameters) -> str:
    """The days that it is compared with; "" when it is compared with nothing."""
    if not (asked.compare and asked.date_from and asked.date_to):
        return ""
    days = format_period(*compared_period(asked.date_from, asked.date_to, asked.compare))
    return f"{days} ({gettext('only branches that sold in both')})" if asked.like_for_like else days


def _filter_text(column: Column, value: str, words: Words) -> str:
    """A filter's value, which is a text of a person's, as its column shows it; as it is when it cannot be read."""
    if not value:
        return gettext("not given")
    try:
        return format_value(column, value, words)
    except ValueError:
        return value


def filter_in_words(report: Report, text: str, words: Words) -> str:
    """`category=Milk` as `Category: Milk`."""
    name, _equals, value = text.partition("=")
    column = report.all_dimensions.get(name)
    return text if column is None else f"{heading(column)}: {_filter_text(column, value, words)}"


def is_preset(ask: ReportAsk, name: str) -> bool:
    """Whether the ask has that period."""
    if name == ALWAYS:
        return not (ask.period or ask.date_from or ask.date_to)
    return ask.period == name
