"""Who may ask which report at the head office, and what its pages offer to choose among. Contains no sums."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from hq_server.operations.listed_clients import as_seen
from hq_server.operations.reporting import completeness_of, read_question, run_report
from hq_server.storage.branches import all_branches
from shared.domain.business_time import days_from_date
from shared.domain.permissions import Actor, Permission, require
from shared.operations.people import all_employees
from shared.reports.drilling import CLIENTS, DRILLS, beneath
from shared.reports.items import BENEATH_ROWS_MAX, Looked
from shared.reports.parameters import ReportAsk
from shared.reports.registry import REPORTS
from shared.reports.report import Report
from shared.reports.result import ReportResult

Choices = list[tuple[str, str]]
"""Pairs of code and name."""


def open_reports(actor: Actor) -> list[Report]:
    """The reports that the actor may ask for here: all, or none."""
    return list(REPORTS.values()) if actor.may(Permission.REPORT_CHAIN) else []


def ask_report(
    connection: Connection, actor: Actor, report: Report, ask: ReportAsk, now_us: int, lag_minutes: int
) -> ReportResult:
    """Answers a report to somebody. Raises NotPermitted, InvalidInput, NotFound, Refused."""
    require(actor, Permission.REPORT_CHAIN)
    return run_report(connection, report, ask, now_us, lag_minutes)


def look_beneath(
    connection: Connection, actor: Actor, report: Report, ask: ReportAsk, number: int, now_us: int, lag_minutes: int
) -> Looked:
    """A page of what a row of a report rests on. The report itself is not run: some take long.

    Raises NotPermitted, InvalidInput, NotFound.
    """
    require(actor, Permission.REPORT_CHAIN)
    if report.name in DRILLS and DRILLS[report.name].rests_on == CLIENTS:
        require(actor, Permission.CLIENT_VIEW)
    question = read_question(connection, report, replace(ask, by=()), now_us)
    after = (number - 1) * BENEATH_ROWS_MAX
    found = beneath(question.ground, report, question.parameters, after, BENEATH_ROWS_MAX)
    found = as_seen(connection, actor, found, days_from_date(question.ground.today))
    return Looked(question.parameters, completeness_of(connection, question, now_us, lag_minutes), found)


def branches_and_people(connection: Connection, actor: Actor) -> tuple[Choices, Choices]:
    """Every branch and every employee. Raises NotPermitted."""
    require(actor, Permission.REPORT_CHAIN)
    branches = [(row.code, row.name or row.code) for row in all_branches(connection)]
    return branches, [(person.code, person.name or person.code) for person in all_employees(connection)]


def closed_lists(actor: Actor) -> tuple[str, ...]:
    """The lists beneath reports that the actor may not open."""
    return () if actor.may(Permission.CLIENT_VIEW) else (CLIENTS,)
