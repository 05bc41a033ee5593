"""Who may ask which report at the head office, and what its pages offer to choose among. Contains no sums."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from hq_server.operations.founding import read_chain
from hq_server.operations.reporting import run_report
from hq_server.storage.branches import all_branches, branch_by_code
from shared.domain.business_time import local_moment
from shared.domain.permissions import Actor, Permission, require
from shared.operations.people import all_employees
from shared.reports.drilling import BENEATH_ROWS_MAX, Beneath, beneath
from shared.reports.ground import Ground
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
) -> tuple[ReportResult, Beneath]:
    """A page of what a row of a report rests on, and the row itself. Raises NotPermitted, InvalidInput, NotFound."""
    result = ask_report(connection, actor, report, replace(ask, by=()), now_us, lag_minutes)
    asked = result.parameters
    branches = [branch_by_code(connection, code) for code in asked.branches] or all_branches(connection)
    today = local_moment(now_us, read_chain(connection).timezone).business_date
    ground = Ground(connection, {row.id: row.code for row in branches}, False, today, now_us)
    return result, beneath(ground, report, asked, (number - 1) * BENEATH_ROWS_MAX, BENEATH_ROWS_MAX)


def branches_and_people(connection: Connection, actor: Actor) -> tuple[Choices, Choices]:
    """Every branch and every employee. Raises NotPermitted."""
    require(actor, Permission.REPORT_CHAIN)
    branches = [(row.code, row.name or row.code) for row in all_branches(connection)]
    return branches, [(person.code, person.name or person.code) for person in all_employees(connection)]
