"""Reports at a branch: over its own store by the definitions of HQ, and those of the chain as HQ has told them."""

from __future__ import annotations

from sqlalchemy import Connection

from branch_node.operations.chain_answers import told_answer
from branch_node.storage.transaction import read_node
from shared.domain.business_time import local_moment
from shared.errors import InvalidInput
from shared.reports.ground import Ground
from shared.reports.parameters import ReportAsk, parse_ask
from shared.reports.report import Report, Scope
from shared.reports.result import BranchCompleteness, Completeness, ReportResult
from shared.reports.running import run


def run_report(connection: Connection, report: Report, ask: ReportAsk, now_us: int) -> ReportResult:
    """Runs a report in the caller's snapshot. A branch has all of its own data, always. Raises InvalidInput, and
    NotToldYet for one of the chain."""
    node, _ = read_node(connection.connection.cursor())
    today = local_moment(now_us, node.timezone).business_date
    if report.scope == Scope.CHAIN:
        return told_answer(connection, report, ask, node.code, node.timezone, today)
    if ask.as_of is not None:
        raise InvalidInput(
            "“As known at” is a question for the head office.", "Run the report there, or leave --as-of out."
        )
    for code in ask.branches:
        if code != node.code:
            raise InvalidInput(f"This is branch {node.code}; it has no data of {code}.", "Ask the head office.")
    parameters = parse_ask(ask, list(report.all_dimensions), report.options, node.timezone, today)
    found = run(Ground(connection, {node.branch_id: node.code}, False, today, now_us), report, parameters)
    return ReportResult(
        report.name,
        parameters,
        found.columns,
        tuple(found.rows),
        found.totals,
        Completeness((BranchCompleteness(node.code, now_us, now_us, True),)),
        node.currency,
    )
