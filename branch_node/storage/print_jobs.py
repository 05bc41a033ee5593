"""The print queue: documents in the order in which they were committed, kept until they are on paper.

    waiting ── a worker takes it ──► printing ── the printer has it ──► printed
       ▲                               │  └── it cannot be printed at all ──► failed ── `printer retry` ──► waiting
       └── the printer did not take it ┘

A job found in `printing` when a worker starts belongs to one that died: it waits again, in doubt, and is printed as a
copy. Contains no printing; writing a job is part of the operation that it documents, so it follows the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from shared.domain.receipt_document import ReceiptDocument
from shared.domain.receipt_json import document_to_json

PRINT_JOBS_MAX = 10_000
"""Jobs kept, whatever their state: beyond it the oldest go, printed ones first."""

PRINTED_JOBS_MAX = 500
"""Printed jobs kept, for a look at what was printed last."""

PRUNE_INTERVAL_JOBS = 50
"""Every so many jobs the queue is pruned: not for each sale."""

PROBLEM_CHARACTERS_MAX = 300

WAITING, PRINTING, PRINTED, FAILED = "waiting", "printing", "printed", "failed"


class PrintJob(NamedTuple):
    """One document to be printed. `attempts`: how often bytes of it left for the printer."""

    job_id: int
    created_at_us: int
    kind: str
    register: str
    record_id: bytes | None
    document: str
    state: str
    in_doubt: bool
    attempts: int
    last_problem: str | None


class QueueState(NamedTuple):
    """What a cashier is told: how many wait and since when, how many need a look, and the printer's last words."""

    waiting: int
    failed: int
    oldest_waiting_us: int | None
    problem: str | None

    def sentence(self, language: str) -> str:
        """One sentence for the screen; empty when there is nothing to say."""
        russian = language == "ru"
        parts = []
        if self.waiting and self.problem is not None:
            parts.append("Принтер не отвечает" if russian else "The printer does not answer")
            parts.append(f"ждут печати: {self.waiting}" if russian else f"waiting: {self.waiting}")
        elif self.waiting:
            parts.append(f"Ждут печати: {self.waiting}" if russian else f"Waiting to be printed: {self.waiting}")
        if self.failed:
            parts.append(f"не напечатано: {self.failed}" if russian else f"not printed: {self.failed}")
        sentence = ", ".join(parts)
        return sentence[:1].upper() + sentence[1:]


_COLUMNS = "id, created_at, kind, register, record_id, document, state, in_doubt, attempts, last_problem"
_INSERT = """
INSERT INTO print_job (created_at, kind, register, record_id, document, state, in_doubt, attempts, changed_at)
VALUES (?, ?, ?, ?, ?, 'waiting', 0, 0, ?)
"""
_CLAIM = """
UPDATE print_job SET state = 'printing', attempts = attempts + 1, changed_at = ? WHERE id = ? AND state = 'waiting'
"""
_PUT_BACK = """
UPDATE print_job
SET state = 'waiting', last_problem = ?, in_doubt = in_doubt OR ?, attempts = attempts - ?, changed_at = ?
WHERE id = ?
"""
_STATE = """
SELECT COUNT(*) FILTER (WHERE state <> 'failed'), COUNT(*) FILTER (WHERE state = 'failed'),
       MIN(created_at) FILTER (WHERE state <> 'failed')
FROM print_job WHERE state IN ('waiting', 'printing', 'failed')
"""
_PRUNE_PRINTED = """
DELETE FROM print_job WHERE state = 'printed'
  AND id <= (SELECT id FROM print_job WHERE state = 'printed' ORDER BY id DESC LIMIT 1 OFFSET ?)
"""
_PRUNE_OLDEST = """
DELETE FROM print_job WHERE id IN (
  SELECT id FROM print_job WHERE state <> 'printing' ORDER BY state <> 'printed', id
  LIMIT max(0, (SELECT COUNT(*) FROM print_job) - ?))
"""


def queue_print(cursor: Any, document: ReceiptDocument, record_id: bytes | None, now_us: int) -> int:
    """Adds a document to the queue, in the caller's transaction; returns the job's id."""
    header = document.header
    values = (now_us, document.kind.value, header.register, record_id, document_to_json(document), now_us)
    cursor.execute(_INSERT, values)
    job_id = int(cursor.lastrowid)
    if job_id % PRUNE_INTERVAL_JOBS == 0:
        prune_jobs(cursor)
    return job_id


def prune_jobs(cursor: Any, printed_max: int = PRINTED_JOBS_MAX, jobs_max: int = PRINT_JOBS_MAX) -> None:
    """Keeps the queue within its bounds; what is being printed stays."""
    cursor.execute(_PRUNE_PRINTED, (printed_max,))
    cursor.execute(_PRUNE_OLDEST, (jobs_max,))


def next_job(cursor: Any) -> PrintJob | None:
    """The job to print now; None when nothing waits."""
    statement = f"SELECT {_COLUMNS} FROM print_job WHERE state = 'waiting' ORDER BY id LIMIT 1"
    row = cursor.execute(statement).fetchone()
    return None if row is None else _job(row)


def list_jobs(cursor: Any, states: Sequence[str] = (WAITING, PRINTING, FAILED), jobs_max: int = 100) -> list[PrintJob]:
    """Jobs in these states, oldest first."""
    marks = ", ".join("?" * len(states))
    statement = f"SELECT {_COLUMNS} FROM print_job WHERE state IN ({marks}) ORDER BY id LIMIT ?"
    return [_job(row) for row in cursor.execute(statement, (*states, jobs_max)).fetchall()]


def claim_job(cursor: Any, job_id: int, now_us: int) -> bool:
    """The job is about to be sent: from here on nobody knows what is on paper. False when it no longer waits."""
    return bool(cursor.execute(_CLAIM, (now_us, job_id)).rowcount)


def finish_job(cursor: Any, job_id: int, now_us: int) -> None:
    """The printer has it."""
    cursor.execute(
        "UPDATE print_job SET state = 'printed', last_problem = NULL, changed_at = ? WHERE id = ?", (now_us, job_id)
    )


def put_back_job(cursor: Any, job_id: int, problem: str, in_doubt: bool, now_us: int) -> None:
    """The printer did not take it: it waits at its place. `in_doubt`: some of it may be on paper."""
    shortened = problem[:PROBLEM_CHARACTERS_MAX]
    cursor.execute(_PUT_BACK, (shortened, in_doubt, 0 if in_doubt else 1, now_us, job_id))


def fail_job(cursor: Any, job_id: int, problem: str, now_us: int) -> None:
    """It cannot be printed as it is; those behind it go on."""
    statement = "UPDATE print_job SET state = 'failed', last_problem = ?, changed_at = ? WHERE id = ?"
    cursor.execute(statement, (problem[:PROBLEM_CHARACTERS_MAX], now_us, job_id))


def doubt_unfinished(cursor: Any, now_us: int) -> int:
    """Jobs that a dead worker left in `printing` wait again, in doubt; returns how many. The caller holds the lock."""
    statement = "UPDATE print_job SET state = 'waiting', in_doubt = 1, changed_at = ? WHERE state = 'printing'"
    return int(cursor.execute(statement, (now_us,)).rowcount)


def doubt_restored_jobs(cursor: Any, now_us: int) -> None:
    """The store comes from a backup: whatever waited when it was taken may be on paper by now."""
    cursor.execute("UPDATE print_job SET in_doubt = 1 WHERE state = 'waiting'")
    doubt_unfinished(cursor, now_us)


def retry_failed(cursor: Any, now_us: int) -> int:
    """Failed jobs wait again; returns how many."""
    statement = "UPDATE print_job SET state = 'waiting', attempts = 0, changed_at = ? WHERE state = 'failed'"
    return int(cursor.execute(statement, (now_us,)).rowcount)


def discard_job(cursor: Any, job_id: int) -> bool:
    """Takes a job out of the queue; false when it is not there, is being printed or was printed."""
    statement = "DELETE FROM print_job WHERE id = ? AND state IN ('waiting', 'failed')"
    return bool(cursor.execute(statement, (job_id,)).rowcount)


def read_queue_state(cursor: Any) -> QueueState:
    """How the queue stands."""
    waiting, failed, oldest_us = cursor.execute(_STATE).fetchone()
    statement = "SELECT last_problem FROM print_job WHERE state IN ('waiting', 'printing') ORDER BY id LIMIT 1"
    row = cursor.execute(statement).fetchone()
    return QueueState(waiting, failed, oldest_us, row[0] if row else None)


def _job(row: Sequence[Any]) -> PrintJob:
    return PrintJob._make((*row[:7], bool(row[7]), *row[8:]))
