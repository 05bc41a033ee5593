"""Reports at a branch: over its own store by the definitions of HQ, and those of the chain as HQ has told them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from branch_node.operations.chain_answers import told_answer
from branch_node.storage.transaction import read_node
from shared.domain.business_time import local_moment
from shared.errors import InvalidInput
from shared.reports.ground import Ground
from shared.reports.parameters import ReportAsk, ReportParameters, parse_ask
from shared.reports.report import Report, Scope
from shared.reports.result import BranchCompleteness, Completeness, ReportResult
from shared.reports.running import run


def run_report(connection: Connection, report: Report, ask: ReportAsk, now_us: int) -> ReportResult:
    """Runs a report in the caller's snapshot. A branch has all of its own data, always. Raises InvalidInput, and
    NotToldYet for one of the chain."""
    if report.scope == Scope.CHAIN:
        node, _ = read_node(connection.connection.cursor())
        today = local_moment(now_us, node.timezone).business_date
        return told_answer(connection, report, ask, node.code, node.timezone, today)
    question = read_question(connection, report, ask, now_us)
    found = run(question.ground, report, question.parameters)
    return ReportResult(
        report.name,
        question.parameters,
        found.columns,
        tuple(found.rows),
        found.totals,
        question.completeness,
        question.currency,
    )


class Question(NamedTuple):
    """What a report is asked for, over the branch alone."""

    parameters: ReportParameters
    ground: Ground
    completeness: Completeness
    currency: str


def read_question(connection: Connection, report: Report, ask: ReportAsk, now_us: int) -> Question:
    """What a person typed, checked. Raises InvalidInput, for a report of the chain too."""
    node, _ = read_node(connection.connection.cursor())
    today = local_moment(now_us, node.timezone).business_date
    if report.scope == Scope.CHAIN:
        raise InvalidInput(f"The report {report.name} needs the whole chain.", "Run it at the head office.")
    if ask.as_of is not None:
        raise InvalidInput(
            "“As known at” is a question for the head office.", "Run the report there, or leave --as-of out."
        )
    for code in ask.branches:
        if code != node.code:
            raise InvalidInput(f"This is branch {node.code}; it has no data of {code}.", "Ask the head office.")
    parameters = parse_ask(ask, list(report.all_dimensions), report.options, node.timezone, today)
    ground = Ground(connection, {node.branch_id: node.code}, False, today, now_us)
    complete = Completeness((BranchCompleteness(node.code, now_us, now_us, True),))
    return Question(parameters, ground, complete, node.currency)
