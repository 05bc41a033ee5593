"""Every report of the chain beside the bare statements of the same answer, over a year of a million receipt lines.

Ours and the bare statements take turns on one store, each in a read of its own; the fastest of some turns counts, for
whatever else the machine does only ever adds. Ours includes what a report is shown with: names, completeness, totals.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.bare_reports import Bare
from benchmarks.chains import found_office
from benchmarks.figures import Figure, at_most
from benchmarks.front_page import measure_front_page
from benchmarks.report_store import DAYS, LINES_PER_SALE, ZONE, fill
from deploy.postgresql import PostgresqlServer
from hq_server.operations.reporting import run_report
from shared.domain.business_time import local_moment
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from tests.support.office import Office

ROLLUP_MS_MAX: Final = 100.0
SLOWER_MAX: Final = 3.0
AFFINITY_SECONDS_MAX: Final = 30.0
TURNS: Final = 5
SLOW_MS: Final = 5_000
"""What takes as long is asked fewer times."""
SLOW_TURNS: Final = 2
LAG_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class Question:
    """A report, and the statements with the same answer. `told` is a measure, and the place of the same in the first
    statement's rows: both must come to the same, or they are not the same question."""

    name: str
    report: str
    ask: ReportAsk
    bare: Sequence[str]
    told: tuple[str, int] | None
    is_rollup: bool = False
    seconds_max: float = 0.0


def measure_report_costs(server: PostgresqlServer, folder: Path, lines: int) -> list[Figure]:
    """On SQLite and on PostgreSQL."""
    figures: list[Figure] = []
    for dialect, url in (("SQLite", "sqlite:///hq.db"), ("PostgreSQL", server.create_database("report_costs"))):
        office = found_office(url, folder)
        fill(office, lines // LINES_PER_SALE)
        figures += measure_questions(office, dialect)
        figures += measure_front_page(office, folder, dialect)
        office.store.close()
    return figures


def measure_questions(office: Office, dialect: str, names: Sequence[str] = ()) -> list[Figure]:
    """Of every question, or of those named."""
    figures: list[Figure] = []
    for question in questions_of(office):
        if not names or question.name in names:
            figures += _measure(office, dialect, question)
    return figures


def questions_of(office: Office) -> list[Question]:
    """Over everything there is, but where a page first asks for less."""
    now_us = office.clock.now_us()
    today = local_moment(now_us, ZONE).business_date
    first = today - timedelta(days=DAYS - 1)
    bare = Bare(office.store.dialect, first, today, now_us)
    month = today.replace(day=1)
    period: dict[str, Any] = {"date_from": first.isoformat(), "date_to": today.isoformat()}

    def of_clients(report: str, by: Sequence[str], told: tuple[str, int], **asked: Any) -> Question:
        name = "sales by client" if report == "sales" else report
        return Question(name, report, ReportAsk(by, **asked), [bare.of_clients(report)], told)

    def one(name: str, by: str, statement: str, told: tuple[str, int], **asked: Any) -> Question:
        report = name.partition(" ")[0].rstrip(",")
        return Question(name, report, ReportAsk((by,), **asked), [statement], told)

    return [
        Question("sales by branch and month", "sales", ReportAsk(("branch", "month")), [bare.sales_by_month()],
                 ("net", 7), is_rollup=True),
        one("sales by product", "product", bare.sales_by_product(), ("net", 6), **period),
        of_clients("sales", ("client",), ("net", 6)),
        one("stock", "branch", bare.stock(None), ("in_stock_days", 6)),
        one("stock, this month", "branch", bare.stock(month), ("in_stock_days", 6), date_from=month.isoformat()),
        Question("stock-outs", "stock-outs", ReportAsk(("branch", "product")), [bare.stock_outs()], ("sold", 3)),
        one("work-today", "employee", bare.work_today(), ("net", 9), period="today"),
        one("calls", "employee", bare.calls(), ("reached", 3), **period),
        one("cash-variance", "cashier", bare.cash_variance(), ("short", 6), **period),
        one("loss", "cashier", bare.loss(), ("unreceipted_sum", 7), **period),
        one("discipline", "employee", bare.discipline(), ("no_step", 5)),
        one("conversion", "employee", bare.conversion(), ("buying_clients", 2), **period),
        one("margin", "category", bare.margin(), ("cost", 3), **period),
        Question("completeness", "completeness", ReportAsk(("branch", "register")), bare.completeness(),
                 ("received", 3)),
        of_clients("rfm", ("client",), ("net", 2), **period),
        of_clients("cohorts", ("cohort", "month_number"), ("buyers", 2), options=["months=60"]),
        of_clients("at-risk", ("client",), ("visits", 1), date_to=today.isoformat()),
        Question("abc-xyz", "abc-xyz", ReportAsk(("product",), **period), bare.abc_xyz(), ("net", 1)),
        Question("affinity", "affinity", ReportAsk(("product", "other_product"), options=["limit=10000"]),
                 [bare.affinity()], None, seconds_max=AFFINITY_SECONDS_MAX),
    ]  # fmt: skip


def _measure(office: Office, dialect: str, question: Question) -> list[Figure]:
    name = f"{dialect}, {question.name}"
    answer = _answer(office, question)
    rows = _bare_rows(office, question.bare)
    _require_alike(name, question, answer, rows)
    del answer, rows
    ours, bare = _in_turn(partial(_answer, office, question), partial(_bare_rows, office, question.bare))
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    detail = (
        f"fastest of {len(ours)}: {min(ours):.3g} ÷ {min(bare):.3g} ms; median ratio {statistics.median(ratios):.3g}"
    )
    ratio = min(ours) / min(bare)
    time_of = f"{name}, time"
    if question.is_rollup:
        return [at_most(time_of, min(ours), ROLLUP_MS_MAX, "ms", detail), Figure(f"{name} ÷ bare SQL", ratio, "ratio")]
    if question.seconds_max:
        took = at_most(time_of, min(ours), question.seconds_max * 1_000, "ms", detail)
        return [took, Figure(f"{name} ÷ bare SQL", ratio, "ratio")]
    return [Figure(time_of, min(ours), "ms"), at_most(f"{name} ÷ bare SQL", ratio, SLOWER_MAX, "ratio", detail)]


def _answer(office: Office, question: Question) -> ReportResult:
    with office.store.read() as connection:
        return run_report(connection, find_report(question.report), question.ask, office.clock.now_us(), LAG_MINUTES)


def _bare_rows(office: Office, statements: Sequence[str]) -> list[Any]:
    """All rows of all statements; those of the first are returned."""
    with office.store.read() as connection:
        cursor: Any = connection.connection.cursor()
        found: list[list[Any]] = []
        for statement in statements:
            cursor.execute(statement)
            found.append(cursor.fetchall())
    return found[0]


def _require_alike(name: str, question: Question, answer: ReportResult, rows: list[Any]) -> None:
    if question.told is None:
        return
    measure, place = question.told
    column = [each.name for each in answer.columns].index(measure)
    ours = sum(row[column] or 0 for row in answer.rows)
    bare = sum(int(row[place] or 0) for row in rows)
    assert (len(answer.rows), ours) == (len(rows), bare), f"{name}: {len(answer.rows), ours} ≠ {len(rows), bare}"


def _in_turn(*works: Callable[[], Any]) -> list[list[float]]:
    """Milliseconds of each in every turn."""
    times: list[list[float]] = [[] for _ in works]
    turns = TURNS
    gc.collect()
    while len(times[0]) < turns:
        for work, mine in zip(works, times, strict=True):
            began = time.perf_counter()
            work()
            mine.append((time.perf_counter() - began) * 1_000)
        if max(times[0][0], times[1][0]) > SLOW_MS:
            turns = SLOW_TURNS
    return times
