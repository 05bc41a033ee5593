"""Where the rows of a report lead: to what they rest on, one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from shared.reports.drilling import CALLS, RECEIPTS, rests_on
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.web.report_forms import pairs_of, query_of

LISTS: Final[Mapping[str, str]] = {RECEIPTS: "/reports/receipts", CALLS: "/reports/calls-list"}
"""The pages that show what a report rests on."""


def run_url(report: str, ask: ReportAsk) -> str:
    """The page that answers a question."""
    return f"/reports/{report}?{query_of(ask)}"


def file_urls(report: str, ask: ReportAsk) -> tuple[tuple[str, str], ...]:
    """The same answer as files: their kinds and addresses."""
    return tuple((kind, f"/reports/{report}/export.{kind}?{query_of(ask)}") for kind in ("pdf", "xlsx", "csv"))


def beneath_urls(report: Report, result: ReportResult, ask: ReportAsk) -> Callable[[Sequence[Any]], str]:
    """Gives the address of what a row rests on, by the values of its dimensions – of the total, by none –, or ""."""
    path = LISTS.get(rests_on(report, result.parameters), "")
    by = result.parameters.by

    def url(values: Sequence[Any]) -> str:
        if not path:
            return ""
        return f"{path}?{urlencode([('report', report.name), *pairs_of(narrowed(ask, by, values))])}"

    return url


def narrowed(ask: ReportAsk, by: Sequence[str], values: Sequence[Any]) -> ReportAsk:
    """The question for one row: its values as filters, in the place of others along the same dimensions."""
    met = [f"{name}={'' if value is None else value}" for name, value in zip(by, values, strict=False)]
    others = [text for text in ask.filters if not values or text.partition("=")[0] not in by]
    return replace(ask, by=(), filters=(*others, *met))
