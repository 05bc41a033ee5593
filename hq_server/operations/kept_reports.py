"""Reports that take long: asked for, computed beside the pages, and kept until the data they rest on has changed.

Who asks puts a row into a queue and looks again; one process at a time works it off, the oldest first. A newer answer
takes the place of an older one, which is shown with its moment until then. The queue and the answers are tables, so a
restart loses neither; what was being computed is begun anew, but not for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, select, update

from hq_server.operations.founding import read_chain
from hq_server.operations.reporting import run_report
from hq_server.storage.kept_report_tables import kept_report
from hq_server.storage.store import HqStore
from hq_server.storage.tables import branch_cursor, central_commit, chain, feed_head, parked_entry
from shared.clock import Clock
from shared.domain.business_time import MICROSECONDS, local_moment
from shared.errors import FilialError, Refused
from shared.reports.answers import ask_of, decode_answer, encode_answer, parameters_json
from shared.reports.parameters import ReportAsk, ReportParameters, parse_ask
from shared.reports.registry import find_report
from shared.reports.report import Report, share_basis_points
from shared.reports.result import ReportResult
from shared.storage.tables import erased_card

WAITING_MAX = 20
"""Reports that wait to be computed."""
ANSWERS_MAX = 200
ANSWER_BYTES_MAX = 16_000_000
"""Of one answer, compressed."""
ANSWERS_BYTES_MAX = 128_000_000
ATTEMPTS_MAX = 2
"""How often a report is begun that ends the process, or is ended with it, before it has failed."""
FRESH_SECONDS = 60
"""An answer as young as this is current whatever has come since: a chain sells every second."""
PROGRESS_SECONDS = 1.0
WHOLE = 10_000


class KeptState(StrEnum):
    """How far an asked report is. The value is what the table holds."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Kept(NamedTuple):
    """What is known of an asked report. `result` is the newest answer, of the moment `stamped_at_us`, and may be an
    older one while a newer is computed; `progress` is in basis points; `reason` says why it failed."""

    state: KeptState
    progress: int
    result: ReportResult | None
    stamped_at_us: int | None
    is_current: bool
    reason: str | None


class Stopped(Exception):
    """The process is to end: what it computes is put back."""


def ask_kept(store: HqStore, report: Report, ask: ReportAsk, now_us: int) -> Kept:
    """The answer that is kept, and where it is not current, its place in the queue. Raises InvalidInput, NotFound,
    Refused when too many wait."""
    with store.read() as connection:
        parameters = _parse(connection, report, ask, now_us)
        fingerprint = fingerprint_of(report.name, parameters)
        row = _row(connection, fingerprint)
        version = data_version(connection, now_us)
    if row is None or (row.state == KeptState.DONE and not _is_current(row, version, now_us)):
        with store.write() as connection:
            row = _enqueue(connection, report, parameters, fingerprint, now_us)
    return _kept(row, parameters, version, now_us)


def ask_again(store: HqStore, report: Report, ask: ReportAsk, now_us: int) -> Kept:
    """Puts a report that failed, or whose answer is not wanted any more, into the queue. Raises as `ask_kept` does."""
    with store.write() as connection:
        parameters = _parse(connection, report, ask, now_us)
        row = _enqueue(connection, report, parameters, fingerprint_of(report.name, parameters), now_us)
        return _kept(row, parameters, data_version(connection, now_us), now_us)


def data_version(connection: Connection, now_us: int) -> str:
    """Changes with whatever a report may rest on: entries of branches, commits for them, entries taken in late, edits
    of the head office, erasures, and the day."""
    entries = select(func.coalesce(func.sum(branch_cursor.c.entries), 0)).scalar_subquery()
    commits = select(func.count()).select_from(central_commit).scalar_subquery()
    resolved = select(func.count()).select_from(parked_entry).where(parked_entry.c.resolved_at.is_not(None))
    erased = select(func.count()).select_from(erased_card).scalar_subquery()
    hlc = select(chain.c.hlc).scalar_subquery()
    position = select(feed_head.c.position).scalar_subquery()
    parts = connection.execute(select(entries, commits, resolved.scalar_subquery(), erased, hlc, position)).one()
    today = local_moment(now_us, read_chain(connection).timezone).business_date
    return "-".join([*(str(part or 0) for part in parts), today.isoformat()])


def fingerprint_of(report: str, parameters: ReportParameters) -> str:
    """The same for the same question, however its period was named."""
    return hashlib.sha256(f"{report}\n{parameters_json(parameters)}".encode()).hexdigest()


# The queue.


def waiting_reports(connection: Connection) -> int:
    """How many reports wait to be computed."""
    counted = select(func.count()).select_from(kept_report).where(kept_report.c.state == KeptState.WAITING)
    return int(connection.execute(counted).scalar_one())


def take_up_again(store: HqStore) -> None:
    """What another process was computing when it ended waits again; what ended it before has failed."""
    with store.write() as connection:
        running = kept_report.c.state == KeptState.RUNNING
        failed = {"state": KeptState.FAILED, "reason": "The program ended while it computed the report, twice."}
        connection.execute(update(kept_report).where(running, kept_report.c.attempts >= ATTEMPTS_MAX).values(**failed))
        connection.execute(update(kept_report).where(running).values(state=KeptState.WAITING))


def work_off(store: HqStore, clock: Clock, lag_minutes: int, should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Computes the report that has waited longest; false when none waits, or when it was stopped."""
    with store.write() as connection:
        row = _claim(connection)
    if row is None:
        return False
    progress = _Progress(store, clock, row.fingerprint, should_stop)
    try:
        values = _compute(store, clock, lag_minutes, row, progress)
    except Stopped:
        values = {"state": KeptState.WAITING, "attempts": 0, "done_basis_points": 0}
    except FilialError as error:
        values = {"state": KeptState.FAILED, "reason": f"{error.message} {error.hint or ''}".strip()}
    except Exception as error:  # noqa: BLE001 - one broken report must not keep the others waiting
        values = {"state": KeptState.FAILED, "reason": f"It broke: {type(error).__name__}."}
    with store.write() as connection:
        # Not when it was forgotten meanwhile, because somebody was erased, and asked for again.
        mine = (kept_report.c.fingerprint == row.fingerprint, kept_report.c.state == KeptState.RUNNING)
        connection.execute(update(kept_report).where(*mine).values(**values))
        _drop_oldest(connection)
    return bool(values["state"] != KeptState.WAITING)


def _claim(connection: Connection) -> Row[Any] | None:
    waiting = select(kept_report).where(kept_report.c.state == KeptState.WAITING)
    row = connection.execute(waiting.order_by(kept_report.c.asked_at, kept_report.c.fingerprint).limit(1)).first()
    if row is not None:
        begun = {"state": KeptState.RUNNING, "attempts": row.attempts + 1, "done_basis_points": 0}
        connection.execute(update(kept_report).where(kept_report.c.fingerprint == row.fingerprint).values(**begun))
    return row


def _compute(store: HqStore, clock: Clock, lag_minutes: int, row: Row[Any], progress: _Progress) -> dict[str, Any]:
    now_us = clock.now_us()
    with store.read() as connection:
        version = data_version(connection, now_us)
        ask = ask_of(json.loads(row.parameters))
        result = run_report(connection, find_report(row.report), ask, now_us, lag_minutes, progress)
    answer = encode_answer(result)
    if len(answer) > ANSWER_BYTES_MAX:
        raise Refused(
            f"The answer takes {len(answer)} bytes; the limit is {ANSWER_BYTES_MAX}.", "Ask for a shorter period."
        )
    return {
        "state": KeptState.DONE,
        "reason": None,
        "answer": answer,
        "answer_bytes": len(answer),
        "data_version": version,
        "computed_at": now_us,
        "done_basis_points": WHOLE,
    }


class _Progress:
    """Writes how far a report is, not more often than people look."""

    def __init__(self, store: HqStore, clock: Clock, fingerprint: str, should_stop: Callable[[], bool]) -> None:
        self._store = store
        self._clock = clock
        self._fingerprint = fingerprint
        self._should_stop = should_stop
        self._told_at = clock.monotonic()

    def __call__(self, done: int, of: int) -> None:
        if self._should_stop():
            raise Stopped
        if self._clock.monotonic() - self._told_at < PROGRESS_SECONDS:
            return
        self._told_at = self._clock.monotonic()
        share = share_basis_points(done, of) or 0
        with self._store.write() as connection:
            told = update(kept_report).where(kept_report.c.fingerprint == self._fingerprint)
            connection.execute(told.values(done_basis_points=min(share, WHOLE)))


def _enqueue(
    connection: Connection, report: Report, parameters: ReportParameters, fingerprint: str, now_us: int
) -> Row[Any]:
    row = _row(connection, fingerprint)
    if row is None or row.state not in (KeptState.WAITING, KeptState.RUNNING):
        if waiting_reports(connection) >= WAITING_MAX:
            raise Refused(f"{WAITING_MAX} reports wait to be computed already.", "Try again in some minutes.")
        asked = {"state": KeptState.WAITING, "asked_at": now_us, "attempts": 0, "done_basis_points": 0, "reason": None}
        if row is None:
            named = {"fingerprint": fingerprint, "report": report.name, "parameters": parameters_json(parameters)}
            connection.execute(kept_report.insert().values(**named, **asked, answer_bytes=0))
        else:
            connection.execute(update(kept_report).where(kept_report.c.fingerprint == fingerprint).values(**asked))
        row = _row(connection, fingerprint)
    assert row is not None
    return row


def _drop_oldest(connection: Connection) -> None:
    """Only so many answers are kept, and so many bytes of them: those asked for longest ago go."""
    kept = select(kept_report.c.fingerprint, kept_report.c.answer_bytes).where(
        kept_report.c.state.in_((KeptState.DONE, KeptState.FAILED))
    )
    total = 0
    for number, row in enumerate(connection.execute(kept.order_by(kept_report.c.asked_at.desc())).all()):
        total += row.answer_bytes
        if number >= ANSWERS_MAX or total > ANSWERS_BYTES_MAX:
            connection.execute(delete(kept_report).where(kept_report.c.fingerprint == row.fingerprint))


def _row(connection: Connection, fingerprint: str) -> Row[Any] | None:
    return connection.execute(select(kept_report).where(kept_report.c.fingerprint == fingerprint)).first()


def _is_current(row: Row[Any], version: str, now_us: int) -> bool:
    if row.computed_at is None:
        return False
    return bool(row.data_version == version or now_us - row.computed_at < FRESH_SECONDS * MICROSECONDS)


def _kept(row: Row[Any], parameters: ReportParameters, version: str, now_us: int) -> Kept:
    result = None if row.answer is None else decode_answer(row.answer, row.report, parameters)
    current = row.state == KeptState.DONE and _is_current(row, version, now_us)
    return Kept(KeptState(row.state), row.done_basis_points, result, row.computed_at, current, row.reason)


def _parse(connection: Connection, report: Report, ask: ReportAsk, now_us: int) -> ReportParameters:
    zone = read_chain(connection).timezone
    today = local_moment(now_us, zone).business_date
    return parse_ask(ask, list(report.all_dimensions), report.options, zone, today)
