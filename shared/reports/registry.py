"""The reports there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from shared.domain.identifiers import shorten
from shared.errors import NotFound
from shared.reports import sales, stock, work
from shared.reports.parameters import ReportParameters
from shared.reports.result import Column

Run = Callable[[Connection, ReportParameters, Mapping[bytes, str], bool], tuple[list[tuple[Any, ...]], tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its dimensions, its measures with their definitions, and the query behind it."""

    name: str
    summary: str
    dimensions: Mapping[str, Column]
    measures: tuple[Column, ...]
    definitions: Mapping[str, str]
    run: Run

    def columns(self, by: tuple[str, ...]) -> tuple[Column, ...]:
        """The columns of a result."""
        return (*(self.dimensions[name] for name in by), *self.measures)


REPORTS: dict[str, Report] = {
    sales.NAME: Report(
        sales.NAME,
        "What was sold: receipts, units, gross, discounts, returns, net.",
        sales.DIMENSIONS,
        sales.MEASURES,
        sales.DEFINITIONS,
        sales.run_sales,
    ),
    stock.NAME: Report(
        stock.NAME,
        "Goods on hand at the end of the period, what was sold and received in it, products below zero.",
        stock.DIMENSIONS,
        stock.MEASURES,
        stock.DEFINITIONS,
        stock.run_stock,
    ),
    work.WORK_TODAY: Report(
        work.WORK_TODAY,
        "What was done: calls, reached, outcomes, contacts, tasks and sales by employee and hour.",
        work.DIMENSIONS,
        work.MEASURES,
        work.DEFINITIONS,
        work.run_work_today,
    ),
    work.CALLS: Report(
        work.CALLS,
        "Calls and what came of them, by employee, outcome, day and hour.",
        work.CALL_DIMENSIONS,
        work.CALL_MEASURES,
        work.CALL_DEFINITIONS,
        work.run_calls,
    ),
}


def find_report(name: str) -> Report:
    """Raises NotFound."""
    if name not in REPORTS:
        raise NotFound(f"There is no report “{shorten(name)}”.", f"There are: {', '.join(sorted(REPORTS))}.")
    return REPORTS[name]
