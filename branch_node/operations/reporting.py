"""Reports over the branch's own store: the same definitions as at HQ, restricted to this branch."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from branch_node.storage.transaction import read_node
from shared.errors import InvalidInput
from shared.reports.parameters import parse_parameters
from shared.reports.registry import Report
from shared.reports.result import BranchCompleteness, Completeness, ReportResult


def run_report(
    connection: Connection,
    report: Report,
    by: Sequence[str],
    date_from: str | None,
    date_to: str | None,
    branches: Sequence[str],
    as_of: str | None,
    now_us: int,
) -> ReportResult:
    """Runs a report in the caller's snapshot. A branch has all of its own data, always. Raises InvalidInput."""
    node, _ = read_node(connection.connection.cursor())
    if as_of is not None:
        raise InvalidInput(
            "“As known at” is a question for the head office.", "Run the report there, or leave --as-of out."
        )
    for code in branches:
        if code != node.code:
            raise InvalidInput(f"This is branch {node.code}; it has no data of {code}.", "Ask the head office.")
    parameters = parse_parameters(by, list(report.dimensions), date_from, date_to, branches, None, node.timezone)
    rows, totals = report.run(connection, parameters, {node.branch_id: node.code}, False)
    return ReportResult(
        report.name,
        parameters,
        report.columns(parameters.by),
        tuple(rows),
        totals,
        Completeness((BranchCompleteness(node.code, now_us, now_us, True),)),
        node.currency,
    )
