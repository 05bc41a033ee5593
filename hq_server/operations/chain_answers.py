"""What is computed over the whole chain and told to branches: every night, over the feed, stamped.

A branch cannot compute it, and its own part would be another number under the same name. So it is told the answers
to fixed questions (shared.reports.branch_questions), each with how complete the data of all branches was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from hq_server.operations.founding import read_chain
from hq_server.operations.kept_reports import Stopped
from hq_server.operations.reporting import read_standings, run_report
from hq_server.storage.branches import BranchRow, all_branches
from hq_server.storage.feed import EVERYONE, Publication, audience_of_branch, publish
from hq_server.storage.kept_report_tables import chain_answer_run
from hq_server.storage.store import HqStore
from hq_server.storage.tables import chain
from shared.clock import Clock
from shared.domain.business_time import local_moment
from shared.domain.permissions import Actor, Permission, require
from shared.errors import FilialError, Refused
from shared.reports.answers import encode_answer
from shared.reports.branch_questions import QUESTIONS, ROWS_MAX, Question
from shared.reports.completeness import BranchStanding, judge_completeness
from shared.reports.ground import Ground, Progress
from shared.reports.parameters import ReportParameters, parse_ask
from shared.reports.registry import find_report
from shared.reports.result import Completeness, ReportResult
from shared.reports.running import Found, run_by_branch
from shared.storage.card_rows import upsert_rows
from shared.sync.limits import FEED_FOLDED_BYTES_MAX
from shared.sync.messages import ChainAnswer

DAY = timedelta(days=1)
AT_ONCE = date(1970, 1, 1)
"""Of a question that is to be answered at once."""


class Told(NamedTuple):
    """When branches were last told the answer to a question, and how many; or why there was none."""

    question: Question
    computed_at_us: int | None
    branches: int
    reason: str | None
    # It was asked for at once, and is not there yet.
    is_asked: bool = False


def list_told(connection: Connection) -> list[Told]:
    """Every question, in the order in which they are answered."""
    runs = _runs(connection)
    told = [(question, runs.get(question.name)) for question in QUESTIONS]
    return [
        Told(question, None, 0, None, run is not None)
        if run is None or run.night == AT_ONCE
        else Told(question, run.computed_at, run.branches, run.reason)
        for question, run in told
    ]


def next_due(connection: Connection, now_us: int, hour: int) -> Question | None:
    """The first question that has not been answered since it was last `hour` o'clock in the chain's zone. A chain that
    was founded since then waits for the next night: there is nothing yet to tell."""
    zone = read_chain(connection).timezone
    night = _night(now_us, zone, hour)
    founded_us = connection.execute(select(chain.c.created_at)).scalar_one()
    is_new = _night(founded_us, zone, hour) >= night
    runs = _runs(connection)
    for question in QUESTIONS:
        run = runs.get(question.name)
        if (run is None and not is_new) or (run is not None and run.night < night):
            return question
    return None


def ask_for_all(connection: Connection, actor: Actor, now_us: int) -> None:
    """Has every question answered at once instead of in the night. Raises NotPermitted."""
    require(actor, Permission.REPORT_CHAIN)
    rows = [(question.name, AT_ONCE, now_us, 0, None) for question in QUESTIONS]
    upsert_rows(connection, chain_answer_run, rows)


def tell_branches(
    store: HqStore,
    clock: Clock,
    question: Question,
    hour: int,
    lag_minutes: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Answers a question for every branch and leaves the answers for the feed; returns how many branches are told. What
    cannot be answered is noted with its reason, and tried again in the next night. Raises Stopped."""

    def progress(_done: int, _of: int) -> None:
        if should_stop():
            raise Stopped

    progress(0, 1)
    now_us = clock.now_us()
    try:
        with store.read() as connection:
            branches = [row for row in all_branches(connection) if row.revoked_at_us is None]
            publications = list(_answers(connection, question, branches, now_us, lag_minutes, progress))
    except FilialError as error:
        give_up(store, question, hour, now_us, error)
        return 0
    with store.write() as connection:
        publish(connection, publications)
        _note(connection, question, hour, now_us, len(branches), None)
    return len(branches)


def give_up(store: HqStore, question: Question, hour: int, now_us: int, error: FilialError) -> None:
    """Leaves a question until the next night, with the sentence that says why."""
    with store.write() as connection:
        _note(connection, question, hour, now_us, 0, error.message)


def _note(
    connection: Connection, question: Question, hour: int, now_us: int, branches: int, reason: str | None
) -> None:
    night = _night(now_us, read_chain(connection).timezone, hour)
    upsert_rows(connection, chain_answer_run, [(question.name, night, now_us, branches, reason)])


def _answers(
    connection: Connection,
    question: Question,
    branches: list[BranchRow],
    now_us: int,
    lag_minutes: int,
    progress: Progress,
) -> Iterator[Publication]:
    report, zone = find_report(question.report), read_chain(connection).timezone
    if question.is_of_all:
        result = run_report(connection, report, question.ask, now_us, lag_minutes, progress)
        if branches:
            yield Publication(EVERYONE, _record(question, _shortened(result), now_us))
        return
    today = local_moment(now_us, zone).business_date
    parameters = parse_ask(question.ask, list(report.all_dimensions), report.options, zone, today)
    every = all_branches(connection)
    ground = Ground(connection, {row.id: row.code for row in every}, True, today, now_us, progress)
    found = run_by_branch(ground, report, parameters)
    standings = {each.code: each for each in read_standings(connection, every, today)}
    currency = read_chain(connection).currency
    for row in branches:
        of_branch = [standings[row.code]] if report.run_by_branch is None else list(standings.values())
        asked = replace(parameters, branches=(row.code,))
        result = _result(report.name, asked, found[row.id], of_branch, now_us, lag_minutes, currency)
        yield Publication(audience_of_branch(row.id), _record(question, _shortened(result), now_us))


def _result(
    report: str,
    asked: ReportParameters,
    found: Found,
    standings: list[BranchStanding],
    now_us: int,
    lag_minutes: int,
    currency: str,
) -> ReportResult:
    completeness = judge_completeness(standings, asked.date_to, now_us, lag_minutes)
    return ReportResult(report, asked, found.columns, tuple(found.rows), found.totals, completeness, currency)


def _shortened(result: ReportResult) -> ReportResult:
    """With as many rows as a branch is told, those with the highest net in their order; and of branches that are
    complete without what share of all sales they are, which is nobody else's business."""
    branches = [
        replace(known, share_basis_points=None) if known.complete else known for known in result.completeness.branches
    ]
    rows = result.rows
    if len(rows) > ROWS_MAX:
        names = [column.name for column in result.columns]
        if "net" in names:
            place = names.index("net")
            highest = sorted(range(len(rows)), key=lambda number: -(rows[number][place] or 0))[:ROWS_MAX]
            rows = tuple(rows[number] for number in sorted(highest))
        else:
            rows = rows[:ROWS_MAX]
    left_out = len(result.rows) - len(rows)
    return replace(result, rows=rows, completeness=Completeness(tuple(branches)), rows_left_out=left_out)


def _record(question: Question, result: ReportResult, now_us: int) -> ChainAnswer:
    """Raises Refused when the answer is too large for the feed."""
    data = encode_answer(result)
    if len(data) > FEED_FOLDED_BYTES_MAX:
        raise Refused(f"The answer takes {len(data)} bytes; the limit is {FEED_FOLDED_BYTES_MAX}.")
    return ChainAnswer(question.question_id, question.report, question.name, now_us, data)


def _night(now_us: int, zone: str, hour: int) -> date:
    """The day on which it was last `hour` o'clock."""
    local = local_moment(now_us, zone)
    return local.business_date if local.hour >= hour else local.business_date - DAY


def _runs(connection: Connection) -> dict[str, Row[Any]]:
    return {row.question: row for row in connection.execute(select(chain_answer_run))}
