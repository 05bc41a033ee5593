"""Reports over the whole chain, with how complete each branch's data is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from hq_server.operations.founding import read_chain
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code
from hq_server.storage.parking import parked_by_branch
from hq_server.storage.tables import branch_cursor
from shared.domain.business_time import local_moment
from shared.reports.completeness import BranchStanding, judge_completeness
from shared.reports.ground import Ground, Progress, tell_nobody
from shared.reports.parameters import ReportAsk, ReportParameters, parse_ask
from shared.reports.periods import months_back
from shared.reports.report import Report, share_basis_points
from shared.reports.result import Completeness, ReportResult
from shared.reports.running import run
from shared.storage.rollup_tables import sales_by_month

SHARE_MONTHS = 12
"""Over how many months a branch's usual share of sales is reckoned."""


def run_report(
    connection: Connection,
    report: Report,
    ask: ReportAsk,
    now_us: int,
    lag_minutes: int,
    progress: Progress = tell_nobody,
) -> ReportResult:
    """Runs a report in the caller's snapshot. Raises InvalidInput, NotFound, and what `progress` raises."""
    question = read_question(connection, report, ask, now_us, progress)
    found = run(question.ground, report, question.parameters)
    return ReportResult(
        report.name,
        question.parameters,
        found.columns,
        tuple(found.rows),
        found.totals,
        completeness_of(connection, question, now_us, lag_minutes),
        question.currency,
    )


class Question(NamedTuple):
    """What a report is asked for, over which branches of the chain."""

    parameters: ReportParameters
    ground: Ground
    branches: Sequence[BranchRow]
    currency: str


def read_question(
    connection: Connection, report: Report, ask: ReportAsk, now_us: int, progress: Progress = tell_nobody
) -> Question:
    """What a person typed, checked. Raises InvalidInput, NotFound."""
    founded = read_chain(connection)
    today = local_moment(now_us, founded.timezone).business_date
    parameters = parse_ask(ask, list(report.all_dimensions), report.options, founded.timezone, today)
    included = [branch_by_code(connection, code) for code in parameters.branches] or all_branches(connection)
    codes = {row.id: row.code for row in included}
    ground = Ground(connection, codes, True, today, now_us, progress)
    return Question(parameters, ground, included, founded.currency)


def completeness_of(connection: Connection, question: Question, now_us: int, lag_minutes: int) -> Completeness:
    """How complete the data of the question's branches is for its period."""
    standings = read_standings(connection, question.branches, question.ground.today)
    return judge_completeness(standings, question.parameters.date_to, now_us, lag_minutes)


def read_standings(connection: Connection, included: Sequence[BranchRow], today: date) -> list[BranchStanding]:
    """How each of these branches stands, in their order, and what share of their sales it usually has."""
    shares = usual_shares(connection, [row.id for row in included], today)
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
            share_basis_points=shares.get(row.id),
        )
        for row in included
    ]


def usual_shares(connection: Connection, branch_ids: Sequence[bytes], today: date) -> dict[bytes, int]:
    """The share of each branch in the net sales of these branches over SHARE_MONTHS, this month among them, in basis
    points; nothing of a branch that has sold nothing in them."""
    first = months_back(today, SHARE_MONTHS - 1)
    statement = (
        select(sales_by_month.c.branch_id, func.sum(sales_by_month.c.net_minor))
        .where(sales_by_month.c.month >= first)
        .group_by(sales_by_month.c.branch_id)
    )
    wanted = set(branch_ids)
    sums = {branch_id: max(0, int(net)) for branch_id, net in connection.execute(statement) if branch_id in wanted}
    whole = sum(sums.values())
    return {branch_id: share_basis_points(net, whole) or 0 for branch_id, net in sums.items()} if whole else {}
