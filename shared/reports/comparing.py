"""A report beside the same of another period: which period, which branches, and how the rows meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from shared.errors import InvalidInput, Refused
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.parameters import ReportParameters
from shared.reports.periods import Compare, compared_period, shifted, shifted_month
from shared.reports.report import Report, share_basis_points
from shared.reports.result import Column
from shared.reports.sales import run_sales

Row = tuple[Any, ...]


def period_before(parameters: ReportParameters) -> ReportParameters:
    """The same question about the period that this one is compared with."""
    first, last, compare = _period(parameters)
    start, end = compared_period(first, last, compare)
    return replace(parameters, date_from=start, date_to=end, compare=None)


def like_for_like(ground: Ground, parameters: ReportParameters) -> tuple[Ground, ReportParameters]:
    """The same over the branches that sold in both periods alone. Raises Refused when there is none."""
    sold = [
        {row[0] for row in run_sales(ground, asked)[0]}
        for asked in (
            ReportParameters(("branch",), period.date_from, period.date_to, parameters.branches, parameters.as_of_us)
            for period in (parameters, period_before(parameters))
        )
    ]
    in_both = sold[0] & sold[1]
    if not in_both:
        raise Refused("No branch sold in both periods.", "Compare without “like for like”, or choose another period.")
    codes = {identity: code for identity, code in ground.branch_codes.items() if code in in_both}
    return ground._replace(branch_codes=codes), replace(parameters, branches=tuple(sorted(in_both)))


def compared_columns(report: Report, by: tuple[str, ...]) -> tuple[Column, ...]:
    """Behind each measure what it was before, and how much it changed: by percent, a percentage by its points."""
    columns = list(report.columns(by)[: len(by)])
    for measure in report.all_measures:
        unit = "pp" if measure.type == "percent" else ""
        columns += [
            measure,
            Column(f"{measure.name}_before", measure.type, f"{measure.heading}, before", measure.unit),
            Column(f"{measure.name}_change", "percent", f"{measure.heading}, change", unit),
        ]
    return tuple(columns)


def joined(report: Report, parameters: ReportParameters, now: Answer, before: Answer) -> Answer:
    """Rows that mean the same in both periods side by side; a day or a month meets the one in its place."""
    width = len(parameters.by)
    measures = report.all_measures
    earlier = {_moved(row[:width], parameters): row[width:] for row in before[0]}
    nothing = (None,) * len(measures) if not report.is_additive else _zeros(report)
    rows: Rows = []
    for row in now[0]:
        rows.append((*row[:width], *_beside(measures, row[width:], earlier.pop(row[:width], nothing))))
    rows += [(*key, *_beside(measures, nothing, sums)) for key, sums in earlier.items()]
    rows.sort(key=lambda row: [(value is None, value if value is not None else 0) for value in row[:width]])
    return rows, _beside(measures, now[1], before[1])


def _zeros(report: Report) -> Row:
    return (*(0,) * len(report.measures), *(None,) * len(report.derived))


def _beside(measures: tuple[Column, ...], now: Row, before: Row) -> Row:
    values: list[Any] = []
    for column, current, earlier in zip(measures, now, before, strict=True):
        values += [current, earlier, _change(column, current, earlier)]
    return tuple(values)


def _change(column: Column, current: Any, earlier: Any) -> int | None:
    if not isinstance(current, int) or not isinstance(earlier, int):
        return None
    if column.type == "percent":
        return current - earlier
    return share_basis_points(current - earlier, abs(earlier))


def _moved(key: Row, parameters: ReportParameters) -> Row:
    """A key of the earlier period as the key of this one in its place."""
    first, last, compare = _period(parameters)
    moved = list(key)
    for place, name in enumerate(parameters.by):
        if name == "business_date":
            moved[place] = shifted(date.fromisoformat(key[place]), first, last, compare, 1).isoformat()
        elif name == "month":
            moved[place] = shifted_month(key[place], first, last, compare, 1)
    return tuple(moved)


def _period(parameters: ReportParameters) -> tuple[date, date, Compare]:
    if parameters.date_from is None or parameters.date_to is None or parameters.compare is None:
        raise InvalidInput("A comparison needs a period with a first and a last day.")
    return parameters.date_from, parameters.date_to, parameters.compare
