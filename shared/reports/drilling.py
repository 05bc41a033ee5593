"""What a report's number rests on, one by one: the receipts behind a row of sales, the calls behind a row of calls.

They are chosen by the same expressions as the report reads its dimensions from, so that the list adds up to the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, false, func, literal, or_, select, union_all

from shared.domain.business_time import days_from_date
from shared.errors import Refused
from shared.reports.comparing import like_for_like
from shared.reports.ground import Ground
from shared.reports.parameters import ReportParameters
from shared.reports.report import TEAM, Report
from shared.reports.running import DAY
from shared.reports.sales import FACT_SOURCES, Source, conditions_of, is_among
from shared.reports.teams import Teams
from shared.reports.work import CALL_EXPRESSIONS, Window, select_calls
from shared.storage.tables import interaction, refund, sale

RECEIPTS, CALLS = "receipts", "calls"
"""What a report may rest on."""

BENEATH_ROWS_MAX = 100
"""Receipts or calls on one page."""

TEAM_CONDITIONS_MAX = 500
"""Employees times days that a team's drill-down may ask for; a database takes no endless condition."""

Expression = ColumnElement[Any]


class Receipt(NamedTuple):
    """A sale, or goods given back, and what of it counts: `measures` are those of the report `sales`, in its order."""

    branch: str
    record_id: bytes
    at_us: int
    register: str
    receipt_number: int
    cashier: str
    client: str | None
    is_refund: bool
    measures: tuple[int, ...]


class Call(NamedTuple):
    """A call, and what of it counts: `measures` are those of the report `calls`, in its order."""

    branch: str
    record_id: bytes
    at_us: int
    employee: str
    client_id: bytes
    outcome: str
    measures: tuple[int, ...]


class Beneath(NamedTuple):
    """Some of what a number rests on, the newest first; how many there are; the measures over all of them."""

    rows: Sequence[Receipt | Call]
    total: int
    sums: tuple[int, ...]


def rests_on(report: Report, parameters: ReportParameters) -> str:
    """RECEIPTS, CALLS, or "" when the numbers cannot be looked at one by one."""
    asked = {*parameters.by, *dict(parameters.filters)} - {TEAM}
    known = {RECEIPTS: set(FACT_SOURCES[-1].dimensions), CALLS: set(CALL_EXPRESSIONS)}.get(report.rests_on, set())
    return report.rests_on if asked <= known else ""


def beneath(ground: Ground, report: Report, parameters: ReportParameters, after: int, rows_max: int) -> Beneath:
    """What the parameters choose, whatever they group by. Raises InvalidInput, NotFound, Refused."""
    parameters = replace(parameters, by=())
    if parameters.like_for_like:
        ground, parameters = like_for_like(ground, parameters)
    team = _of_team(ground, report, parameters)
    parameters = replace(parameters, filters=tuple(each for each in parameters.filters if each[0] != TEAM), team="")
    if report.rests_on == CALLS:
        return _calls(ground, parameters, team, after, rows_max)
    return _receipts(ground, parameters, team, after, rows_max)


def _receipts(
    ground: Ground, parameters: ReportParameters, team: dict[str, tuple[date, ...]] | None, after: int, rows_max: int
) -> Beneath:
    # The report itself reads as known at a moment from the same tables.
    source = next(source for source in FACT_SOURCES if source.suits(parameters))
    assert source.returns is not None, "sales and what came back stand in tables of their own"
    parts = [
        _part(ground, parameters, source, team, sale, sale.c.sold_at, 0),
        _part(ground, parameters, source.returns, team, refund, refund.c.refunded_at, 1),
    ]
    both = union_all(*parts).subquery()
    columns = list(both.c)
    total, *sums = ground.connection.execute(
        select(func.count(), *(func.sum(column) for column in columns[_RECEIPT_KEYS:]))
    ).one()
    newest = select(*columns).order_by(columns[2].desc(), columns[1].desc()).limit(rows_max).offset(after)
    rows = [
        Receipt(
            ground.branch_codes.get(row[0], ""), row[1], row[2], row[3], row[4], row[5], row[6], bool(row[7]),
            tuple(int(value or 0) for value in row[_RECEIPT_KEYS:]),
        )
        for row in ground.connection.execute(newest)
    ]  # fmt: skip
    return Beneath(rows, total, tuple(int(value or 0) for value in sums))


_RECEIPT_KEYS = 8
"""Columns before the measures."""


def _part(
    ground: Ground,
    parameters: ReportParameters,
    source: Source,
    team: dict[str, tuple[date, ...]] | None,
    table: FromClause,
    moment: Expression,
    is_refund: int,
) -> Any:
    names = ("branch_id", "id", "", "register", "receipt_number", "cashier", "client")
    keys = [table.c[name] if name else moment for name in names]
    conditions = conditions_of(source, parameters, ground.branch_codes)
    if team is not None:
        conditions.append(_did(team, table.c.cashier, table.c.business_date))
    grouped = source.build(keys, conditions).subquery()
    columns = list(grouped.c)
    return select(*columns[: len(keys)], literal(is_refund).label("is_refund"), *columns[len(keys) :])


def _calls(
    ground: Ground, parameters: ReportParameters, team: dict[str, tuple[date, ...]] | None, after: int, rows_max: int
) -> Beneath:
    conditions = [
        is_among(name, CALL_EXPRESSIONS[name], texts, ground.branch_codes) for name, texts in parameters.filters
    ]
    if team is not None:
        conditions.append(_did(team, interaction.c.employee, interaction.c.business_date))
    window = Window(parameters.date_from, parameters.date_to, as_of_us=parameters.as_of_us)
    table = interaction.c
    keys = [table.branch_id, table.id, table.at, table.employee, table.client_id, table.outcome]
    statement, asked = select_calls(keys, window, list(ground.branch_codes), conditions)
    grouped = statement.subquery()
    columns = list(grouped.c)
    total, *sums = ground.connection.execute(
        select(func.count(), *(func.sum(column) for column in columns[len(keys) :])), asked
    ).one()
    newest = select(*columns).order_by(columns[2].desc(), columns[1].desc()).limit(rows_max).offset(after)
    rows = [
        Call(ground.branch_codes.get(row[0], ""), row[1], row[2], row[3], row[4], row[5], tuple(map(int, row[6:])))
        for row in ground.connection.execute(newest, asked)
    ]
    return Beneath(rows, total, tuple(int(value or 0) for value in sums))


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


def _did(team: dict[str, tuple[date, ...]], person: Expression, day: Expression) -> Expression:
    always = [code for code, days in team.items() if not days]
    conditions: list[Expression] = [person.in_(always)] if always else []
    conditions += [and_(person == code, day.in_(days)) for code, days in team.items() if days]
    return or_(*conditions) if conditions else false()
