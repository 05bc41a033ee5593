"""Runs a report: its own query, then what is alike for all of them – filters, teams, derived measures, comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from shared.domain.business_time import days_from_date
from shared.errors import InvalidInput
from shared.reports.comparing import compared_columns, joined, like_for_like, period_before
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.parameters import Filters, ReportParameters
from shared.reports.report import TEAM, Report
from shared.reports.result import Column
from shared.reports.teams import Teams

DAY = "business_date"
BRANCH = "branch"

Row = tuple[Any, ...]


class Found(NamedTuple):
    """Columns, rows and totals of a report, all measures among them."""

    columns: tuple[Column, ...]
    rows: Rows
    totals: Row


def run(ground: Ground, report: Report, parameters: ReportParameters) -> Found:
    """Answers a report. Raises InvalidInput, NotFound, StoreCorrupt."""
    _require_possible(report, parameters)
    if parameters.compare is None:
        rows, totals = _complete(ground, report, parameters)
        return Found(report.columns(parameters.by), rows, totals)
    if parameters.like_for_like:
        ground, parameters = like_for_like(ground, parameters)
    now = _complete(ground, report, replace(parameters, compare=None))
    before = _complete(ground, report, period_before(parameters))
    rows, totals = joined(report, parameters, now, before)
    return Found(compared_columns(report, parameters.by), rows, totals)


def run_by_branch(ground: Ground, report: Report, parameters: ReportParameters) -> dict[bytes, Found]:
    """Answers a report of the chain for every branch of the ground at once: of its clients where the report is about
    clients, else of the branch alone. Without a comparison. Raises InvalidInput, StoreCorrupt."""
    _require_possible(report, parameters)
    columns = report.columns(parameters.by)
    if report.run_by_branch is not None:
        answers = report.run_by_branch(ground, parameters)
        return {
            branch_id: Found(columns, *_with_derived(report, answer, len(parameters.by)))
            for branch_id, answer in answers.items()
        }
    rows: dict[str, Rows] = {code: [] for code in ground.branch_codes.values()}
    for code, *row in run(ground, report, parameters.grouped((BRANCH, *parameters.by))).rows:
        rows[code].append(tuple(row))
    totals = {code: tuple(total) for code, *total in run(ground, report, parameters.grouped((BRANCH,))).rows}
    nothing = (0,) * len(report.measures)
    return {
        branch_id: Found(columns, rows[code], totals.get(code) or _with_derived(report, ([], nothing), 0)[1])
        for branch_id, code in ground.branch_codes.items()
    }


def _require_possible(report: Report, parameters: ReportParameters) -> None:
    wants_regrouping = bool(parameters.team) or (bool(parameters.filters) and not report.filters_itself)
    if wants_regrouping and not report.is_additive:
        raise InvalidInput(f"The report {report.name} cannot be filtered so.", "Leave the filter out.")
    if parameters.team and not report.person:
        raise InvalidInput(f"The report {report.name} does not say who did it.", "Leave the team out.")
    if not report.has_period and (parameters.compare is not None):
        raise InvalidInput(f"The report {report.name} has no period that could be compared.")


def _complete(ground: Ground, report: Report, parameters: ReportParameters) -> Answer:
    """Rows and totals with the derived measures behind the summed ones."""
    return _with_derived(report, _measured(ground, report, parameters), len(parameters.by))


def _with_derived(report: Report, answer: Answer, width: int) -> Answer:
    rows, totals = answer
    if not report.derived:
        return rows, totals
    names = [column.name for column in report.measures]

    def with_derived(sums: Row) -> Row:
        known = dict(zip(names, sums, strict=True))
        return (*sums, *(each.compute(known) for each in report.derived))

    return [(*row[:width], *with_derived(row[width:])) for row in rows], with_derived(totals)


def _measured(ground: Ground, report: Report, parameters: ReportParameters) -> Answer:
    own_filters, _rest = _own_filters(report, parameters)
    if not own_filters and not parameters.team and TEAM not in parameters.by:
        return report.run(ground, parameters)
    rows = _regrouped(ground, report, parameters, parameters.by)
    totals = rows if not parameters.by else _regrouped(ground, report, parameters, ())
    total = totals[0] if totals else (0,) * len(report.measures)
    if not parameters.by:
        return [total], total
    return rows, total


def _own_filters(report: Report, parameters: ReportParameters) -> tuple[Filters, Filters]:
    """The filters that are applied here, and those that the report's own query applies: none knows teams."""
    if not report.filters_itself:
        return parameters.filters, ()
    return (
        tuple(each for each in parameters.filters if each[0] == TEAM),
        tuple(each for each in parameters.filters if each[0] != TEAM),
    )


def _regrouped(ground: Ground, report: Report, parameters: ReportParameters, by: Sequence[str]) -> Rows:
    """Finer groups read, those that are not asked for left out, the rest added up."""
    own_filters, rest = _own_filters(report, parameters)
    is_by_team = bool(parameters.team) or TEAM in by or TEAM in dict(own_filters)
    finer = [name for name in (*by, *dict(own_filters)) if name != TEAM]
    finer += [report.person, DAY] if is_by_team else []
    finer = list(dict.fromkeys(finer))
    asked = replace(parameters, by=tuple(finer), team="", filters=rest)
    found, _ = report.run(ground, asked)
    teams = Teams(ground.connection, parameters.team) if is_by_team else None
    return _added_up(found, finer, by, _picker(report, finer, teams), dict(own_filters))


def _picker(report: Report, finer: Sequence[str], teams: Teams | None) -> Callable[[Row], dict[str, Any] | None]:
    """What a row of the finer groups stands for, by dimension; None when it is nobody's of the team."""

    def pick(row: Row) -> dict[str, Any] | None:
        values = dict(zip(finer, row, strict=False))
        if teams is not None:
            team = teams.of(values[report.person] or "", days_from_date(date.fromisoformat(values[DAY])))
            if team is None:
                return None
            values[TEAM] = team
        return values

    return pick


def _added_up(
    found: Rows,
    finer: Sequence[str],
    by: Sequence[str],
    pick: Callable[[Row], dict[str, Any] | None],
    filters: dict[str, tuple[str, ...]],
) -> Rows:
    groups: dict[Row, list[Any]] = {}
    for row in found:
        values = pick(row)
        if values is None or any(_text(values[name]) not in wanted for name, wanted in filters.items()):
            continue
        key = tuple(values[name] for name in by)
        measures = row[len(finer) :]
        if key in groups:
            groups[key] = [one + other for one, other in zip(groups[key], measures, strict=True)]
        else:
            groups[key] = list(measures)
    return sorted_rows([(*key, *sums) for key, sums in groups.items()], len(by))


def sorted_rows(rows: Rows, width: int) -> Rows:
    """By the first columns; rows without a value last."""
    return sorted(rows, key=lambda row: [(value is None, value if value is not None else 0) for value in row[:width]])


def _text(value: Any) -> str:
    return "" if value is None else str(value)
