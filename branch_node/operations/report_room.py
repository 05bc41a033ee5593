"""Who may ask which report at a branch: those that it can answer alone, and those that HQ tells. Contains no sums."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from branch_node.operations.reporting import read_question, run_report
from shared.domain.permissions import Actor, ClientScope, Permission, require
from shared.operations.people import all_employees
from shared.reports.branch_questions import questions_of
from shared.reports.drilling import beneath
from shared.reports.items import BENEATH_ROWS_MAX, OF_CLIENTS, Looked
from shared.reports.parameters import ReportAsk
from shared.reports.registry import REPORTS
from shared.reports.report import Report, Scope
from shared.reports.result import ReportResult


def open_reports(actor: Actor) -> list[Report]:
    """The reports that the actor may ask for here."""
    if not actor.may(Permission.REPORT_BRANCH):
        return []
    return [report for report in REPORTS.values() if report.scope == Scope.LOCAL or questions_of(report.name)]


def ask_report(connection: Connection, actor: Actor, report: Report, ask: ReportAsk, now_us: int) -> ReportResult:
    """Answers a report to somebody. Raises NotPermitted, InvalidInput, NotFound, Refused."""
    require(actor, Permission.REPORT_BRANCH)
    return run_report(connection, report, ask, now_us)


def look_beneath(
    connection: Connection, actor: Actor, report: Report, ask: ReportAsk, number: int, now_us: int
) -> Looked:
    """A page of what a row of a report rests on. Raises NotPermitted, InvalidInput, NotFound."""
    require(actor, Permission.REPORT_BRANCH)
    question = read_question(connection, report, replace(ask, by=()), now_us)
    after = (number - 1) * BENEATH_ROWS_MAX
    found = beneath(question.ground, report, question.parameters, after, BENEATH_ROWS_MAX)
    if not actor.may(Permission.CLIENT_VIEW) or actor.client_scope not in (ClientScope.BRANCH, ClientScope.CHAIN):
        rows = [each.hidden() if each.kind in OF_CLIENTS else each for each in found.rows]
        found = found._replace(rows=rows)
    return Looked(question.parameters, question.completeness, found)


def people_here(connection: Connection, actor: Actor) -> list[tuple[str, str]]:
    """Every employee that the branch knows, as code and name. Raises NotPermitted."""
    require(actor, Permission.REPORT_BRANCH)
    return [(person.code, person.name or person.code) for person in all_employees(connection)]
