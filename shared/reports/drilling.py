"""What a report's number rests on, one by one: which list a row leads to, and a page of it.

Things are chosen by the same expressions as the report reads its dimensions from, so that the list adds up to the row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, select, union_all

from shared.domain.business_time import days_from_date
from shared.errors import InvalidInput, NotFound, Refused
from shared.reports import (
    abc_xyz,
    affinity,
    at_risk,
    cash_variance,
    cohorts,
    conversion,
    data_completeness,
    discipline,
    loss,
    margin,
    rfm,
    sales,
    stock,
    stock_outs,
    work,
)
from shared.reports.comparing import like_for_like
from shared.reports.fact_lists import did, keys_of, read_page, receipt_keys
from shared.reports.ground import Ground
from shared.reports.items import Asked, Beneath, Kind
from shared.reports.parameters import ReportParameters
from shared.reports.report import TEAM, Report
from shared.reports.result import Column
from shared.reports.running import DAY
from shared.reports.sales import FACT_SOURCES, Source, conditions_of, is_among
from shared.reports.teams import Teams
from shared.reports.work import CALL_EXPRESSIONS, Window, select_calls
from shared.reports.work_lists import list_work
from shared.storage.tables import interaction, refund, sale

RECEIPTS, CALLS, SHIFTS, ACTS = "receipts", "calls", "shifts", "acts"
CLIENTS, MOVEMENTS, TASKS, NUMBERS, WORK = "clients", "movements", "tasks", "numbers", "work"
"""What a report may rest on: receipts, calls, Z-reports, acts at the tills, clients, movements of goods, tasks, numbers
of receipts, everything that was done."""

TEAM_CONDITIONS_MAX = 500
"""Employees times days that a team's drill-down may ask for; a database takes no endless condition."""

Expression = ColumnElement[Any]


class Drill(NamedTuple):
    """How a report's rows are looked into: what they rest on, along which dimensions a row may be asked for, of which
    those `required` must be said, how the list is read, and which measures it adds up to; none are all. A row that
    cannot be asked for so leads to the same report by what is `finer`, where there is such a dimension: its value alone
    says which row it is."""

    rests_on: str
    dimensions: Collection[str]
    read: Callable[[Ground, Asked], Beneath]
    measures: tuple[str, ...] = ()
    finer: str = ""
    required: tuple[str, ...] = ()


def rests_on(report: Report, parameters: ReportParameters) -> str:
    """What the numbers rest on, or "" when they cannot be looked at one by one."""
    asked = {*parameters.by, *dict(parameters.filters)} - {TEAM}
    drill = DRILLS.get(report.name)
    return drill.rests_on if drill is not None and set(drill.required) <= asked <= set(drill.dimensions) else ""


def listed_measures(report: Report) -> list[Column]:
    """The measures that the list beneath a row adds up to, in its order."""
    columns = {column.name: column for column in report.measures}
    return [columns[name] for name in DRILLS[report.name].measures or columns]


def beneath(ground: Ground, report: Report, parameters: ReportParameters, after: int, rows_max: int) -> Beneath:
    """What the parameters choose, whatever they group by. Raises InvalidInput, NotFound, Refused."""
    parameters = replace(parameters, by=())
    if not rests_on(report, parameters):
        raise NotFound(f"The numbers of the report {report.name} cannot be looked at one by one.")
    if parameters.team and not report.person:
        raise InvalidInput(f"The report {report.name} does not say who did it.", "Leave the team out.")
    if parameters.like_for_like:
        ground, parameters = like_for_like(ground, parameters)
    team = _of_team(ground, report, parameters)
    parameters = replace(parameters, filters=tuple(each for each in parameters.filters if each[0] != TEAM), team="")
    return DRILLS[report.name].read(ground, Asked(report, parameters, team, after, rows_max))


def _receipts(ground: Ground, asked: Asked) -> Beneath:
    # The report itself reads as known at a moment from the same tables.
    source = next(source for source in FACT_SOURCES if source.suits(asked.parameters))
    assert source.returns is not None, "sales and what came back stand in tables of their own"
    parts = (
        _part(ground, asked, source, Kind.SALE, sale, sale.c.sold_at),
        _part(ground, asked, source.returns, Kind.REFUND, refund, refund.c.refunded_at),
    )
    return read_page(ground, asked, union_all(*parts))


def _part(ground: Ground, asked: Asked, source: Source, kind: Kind, table: Table, moment: Expression) -> Any:
    names = {"branch_id": table.c.branch_id, "id": table.c.id, "at": moment, **receipt_keys(table)}
    conditions = conditions_of(source, asked.parameters, ground.branch_codes)
    if asked.team is not None:
        conditions.append(did(asked.team, table.c.cashier, table.c.business_date))
    grouped = list(source.build(list(names.values()), conditions).subquery().c)
    known = dict(zip(names, grouped, strict=False))
    return select(*keys_of(kind, known), *grouped[len(known) :])


def _calls(ground: Ground, asked: Asked) -> Beneath:
    parameters, table = asked.parameters, interaction.c
    conditions = [
        is_among(name, CALL_EXPRESSIONS[name], texts, ground.branch_codes) for name, texts in parameters.filters
    ]
    if asked.team is not None:
        conditions.append(did(asked.team, table.employee, table.business_date))
    window = Window(parameters.date_from, parameters.date_to, as_of_us=parameters.as_of_us)
    names = {
        "branch_id": table.branch_id,
        "id": table.id,
        "at": table["at"],
        "code": table.outcome,
        "who": table.employee,
        "of_id": table.client_id,
    }
    statement, values = select_calls(list(names.values()), window, list(ground.branch_codes), conditions)
    grouped = list(statement.params(values).subquery().c)
    known = dict(zip(names, grouped, strict=False))
    return read_page(ground, asked, select(*keys_of(Kind.CALL, known), *grouped[len(known) :]))


def _of_team(ground: Ground, report: Report, parameters: ReportParameters) -> dict[str, tuple[date, ...]] | None:
    """Who did it for the team that is asked for, and on which days; no days are all. None when no team is asked for."""
    teams_wanted = dict(parameters.filters).get(TEAM)
    if not parameters.team and teams_wanted is None:
        return None
    teams = Teams(ground.connection, parameters.team)
    days = _days_of_people(ground, report, parameters)
    chosen: dict[str, tuple[date, ...]] = {}
    for person, worked in days.items():
        kept = []
        for day in worked:
            found = teams.of(person, days_from_date(day))
            if found is not None and (teams_wanted is None or found in teams_wanted):
                kept.append(day)
        if kept:
            chosen[person] = () if len(kept) == len(worked) else tuple(kept)
    if sum(max(1, len(kept)) for kept in chosen.values()) > TEAM_CONDITIONS_MAX:
        raise Refused("This team changed too often to be looked at one by one.", "Choose a shorter period.")
    return chosen


def _days_of_people(ground: Ground, report: Report, parameters: ReportParameters) -> dict[str, list[date]]:
    asked = ReportParameters(
        (report.person, DAY), parameters.date_from, parameters.date_to, parameters.branches, parameters.as_of_us,
        options=parameters.options,
    )  # fmt: skip
    days: dict[str, list[date]] = {}
    for row in report.run(ground, asked)[0]:
        days.setdefault(row[0] or "", []).append(date.fromisoformat(row[1]))
    return days


DRILLS: Final[Mapping[str, Drill]] = {
    sales.NAME: Drill(RECEIPTS, FACT_SOURCES[-1].dimensions, _receipts),
    margin.NAME: Drill(RECEIPTS, margin.DIMENSIONS, margin.list_margin),
    cash_variance.NAME: Drill(SHIFTS, cash_variance.DIMENSIONS, cash_variance.list_shifts),
    loss.NAME: Drill(ACTS, loss.DIMENSIONS, loss.list_loss, loss.LISTED),
    abc_xyz.NAME: Drill(RECEIPTS, ("product", "category"), abc_xyz.list_products, abc_xyz.LISTED, finer="product"),
    affinity.NAME: Drill(RECEIPTS, affinity.DIMENSIONS, affinity.list_receipts, affinity.LISTED),
    rfm.NAME: Drill(CLIENTS, rfm.DIMENSIONS, rfm.list_rfm, rfm.LISTED),
    cohorts.NAME: Drill(CLIENTS, cohorts.DIMENSIONS, cohorts.list_cohorts),
    at_risk.NAME: Drill(CLIENTS, at_risk.DIMENSIONS, at_risk.list_at_risk),
    stock.NAME: Drill(MOVEMENTS, stock.DIMENSIONS, stock.list_stock, stock.LISTED, "product", ("product",)),
    stock_outs.NAME: Drill(
        MOVEMENTS, stock_outs.DIMENSIONS, stock_outs.list_out_of_stock, stock_outs.LISTED, "product", ("product",)
    ),
    conversion.NAME: Drill(CALLS, conversion.DIMENSIONS, conversion.list_reached),
    discipline.NAME: Drill(TASKS, discipline.DIMENSIONS, discipline.list_duties),
    data_completeness.NAME: Drill(
        NUMBERS, data_completeness.DIMENSIONS, data_completeness.list_numbers, data_completeness.LISTED
    ),
    work.WORK_TODAY: Drill(WORK, work.DIMENSIONS, list_work),
    work.CALLS: Drill(CALLS, CALL_EXPRESSIONS, _calls),
}
"""The reports whose rows can be looked into."""
