"""Reports over the whole chain, with how complete each branch's data is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from hq_server.operations.founding import read_chain
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code
from hq_server.storage.parking import parked_by_branch
from hq_server.storage.tables import branch_cursor
from shared.reports.completeness import BranchStanding, judge_completeness
from shared.reports.parameters import parse_parameters
from shared.reports.registry import Report
from shared.reports.result import ReportResult


def run_report(
    connection: Connection,
    report: Report,
    by: Sequence[str],
    date_from: str | None,
    date_to: str | None,
    branches: Sequence[str],
    as_of: str | None,
    now_us: int,
    lag_minutes: int,
) -> ReportResult:
    """Runs a report in the caller's snapshot. Raises InvalidInput, NotFound."""
    founded = read_chain(connection)
    parameters = parse_parameters(by, list(report.dimensions), date_from, date_to, branches, as_of, founded.timezone)
    included = [branch_by_code(connection, code) for code in parameters.branches] or all_branches(connection)
    codes = {row.id: row.code for row in included}
    rows, totals = report.run(connection, parameters, codes, True)
    standings = read_standings(connection, included)
    return ReportResult(
        report.name,
        parameters,
        report.columns(parameters.by),
        tuple(rows),
        totals,
        judge_completeness(standings, parameters.date_to, now_us, lag_minutes),
        founded.currency,
    )


def read_standings(connection: Connection, included: Sequence[BranchRow]) -> list[BranchStanding]:
    """How each of these branches stands, in their order."""
    parked = parked_by_branch(connection)
    cursors = {row.branch_id: row for row in connection.execute(select(branch_cursor))}
    return [
        BranchStanding(
            code=row.code,
            timezone=row.timezone,
            watermark_us=cursors[row.id].watermark,
            last_seen_us=cursors[row.id].last_seen_at,
            in_contact=bool(cursors[row.id].connected or cursors[row.id].left_even),
            waiting=max(0, cursors[row.id].head_seq - cursors[row.id].acknowledged_seq),
            parked=parked.get(row.id, 0),
        )
        for row in included
    ]
