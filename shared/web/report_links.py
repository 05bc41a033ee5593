"""Where the rows of a report lead: to what they rest on, one by one, or to the same report by something finer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from shared.reports.drilling import (
    ACTS,
    CALLS,
    CLIENTS,
    DRILLS,
    MOVEMENTS,
    NUMBERS,
    RECEIPTS,
    SHIFTS,
    TASKS,
    WORK,
    rests_on,
)
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.web.report_forms import pairs_of, query_of

LISTS: Final[Mapping[str, str]] = {
    RECEIPTS: "/reports/receipts",
    CALLS: "/reports/calls-list",
    SHIFTS: "/reports/shifts-list",
    ACTS: "/reports/acts-list",
    CLIENTS: "/reports/clients-list",
    MOVEMENTS: "/reports/movements-list",
    TASKS: "/reports/tasks-list",
    NUMBERS: "/reports/numbers-list",
    WORK: "/reports/work-list",
}
"""The pages that show what a report rests on."""


def run_url(report: str, ask: ReportAsk) -> str:
    """The page that answers a question."""
    return f"/reports/{report}?{query_of(ask)}"


def file_urls(report: str, ask: ReportAsk) -> tuple[tuple[str, str], ...]:
    """The same answer as files: their kinds and addresses."""
    return tuple((kind, f"/reports/{report}/export.{kind}?{query_of(ask)}") for kind in ("pdf", "xlsx", "csv"))


def beneath_urls(
    report: Report, result: ReportResult, ask: ReportAsk, closed: Collection[str] = ()
) -> Callable[[Sequence[Any]], str]:
    """Gives the address of what a row rests on, by the values of its dimensions – of the total, by none –, or "".
    `closed` are lists that the person may not open."""
    drill, by = DRILLS.get(report.name), result.parameters.by
    if drill is None:
        return lambda _values: ""
    asks_row, asks_total = (rests_on(report, replace(result.parameters, by=each)) for each in (by, ()))
    finer = drill.finer

    def url(values: Sequence[Any]) -> str:
        if asks_row if values else asks_total:
            return _list_url(narrowed(ask, by, values))
        if finer in by:
            value = values[by.index(finer)] if values else None
            # Its value alone says which row it is.
            return _list_url(replace(ask, by=(), filters=(f"{finer}={value}",))) if value else ""
        return _finer_url(values) if finer else ""

    def _list_url(asked: ReportAsk) -> str:
        if drill.rests_on in closed:
            return ""
        return f"{LISTS[drill.rests_on]}?{urlencode([('report', report.name), *pairs_of(asked)])}"

    def _finer_url(values: Sequence[Any]) -> str:
        if report.is_additive or report.filters_itself:
            asked = replace(narrowed(ask, by, values), by=(finer,))
        else:
            # It knows no filters, but the branches that it is asked for.
            code = dict(zip(by, values, strict=False)).get("branch")
            asked = replace(ask, by=(finer,), branches=(code,) if code else ask.branches)
        return f"/reports/{report.name}?{urlencode(pairs_of(asked))}"

    return url


def narrowed(ask: ReportAsk, by: Sequence[str], values: Sequence[Any]) -> ReportAsk:
    """The question for one row: its values as filters, in the place of others along the same dimensions."""
    met = [f"{name}={'' if value is None else value}" for name, value in zip(by, values, strict=False)]
    others = [text for text in ask.filters if not values or text.partition("=")[0] not in by]
    return replace(ask, by=(), filters=(*others, *met))
