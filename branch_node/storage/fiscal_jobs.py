"""What the fiscal device is to be told, in the order in which it was committed, and what it answered.

    waiting ── the device signs ──► signed
       ▲  │  └── it refuses again and again ──► failed ── somebody tries again ──► waiting
       └──┘ it does not answer: asked again under the same reference

Writing a job is part of the operation that it documents, so it follows the commit. Contains no device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from shared.domain.fiscal_documents import FiscalReceipt, FiscalShift, FiscalSign, fiscal_sign_from_json, fiscal_to_json

OPEN_SHIFT, SALE, REFUND, CLOSE_SHIFT = "open_shift", "sale", "refund", "close_shift"
WAITING, SIGNED, FAILED = "waiting", "signed", "failed"

SIGNED_KEPT_MAX = 20_000
"""Signs kept for copies of receipts; what waits or failed is kept for as long as it does."""

PRUNE_INTERVAL_JOBS = 100
PROBLEM_CHARACTERS_MAX = 300


class FiscalJob(NamedTuple):
    """One document for the device. `attempts`: how often it was asked."""

    job_id: int
    created_at_us: int
    kind: str
    register: str
    document: str
    attempts: int


class FiscalState(NamedTuple):
    """How many documents wait, how many were refused, and the device's last words about those."""

    waiting: int
    failed: int
    problem: str | None


_QUEUE = """
INSERT OR IGNORE INTO fiscal_job (created_at, kind, register, record_id, document, state, attempts, changed_at)
VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?)
"""
_SHIFT = f"""
SELECT kind FROM fiscal_job WHERE register = ? AND kind IN ('{OPEN_SHIFT}', '{CLOSE_SHIFT}') ORDER BY id DESC LIMIT 1
"""
_NEXT = """
SELECT id, created_at, kind, register, document, attempts FROM fiscal_job WHERE state = 'waiting' ORDER BY id LIMIT 1
"""
_PRUNE = """
DELETE FROM fiscal_job WHERE state = 'signed'
  AND id <= (SELECT id FROM fiscal_job WHERE state = 'signed' ORDER BY id DESC LIMIT 1 OFFSET ?)
"""
_PROBLEM = """
SELECT last_problem FROM fiscal_job WHERE state IN ('waiting', 'failed') AND last_problem IS NOT NULL
ORDER BY state DESC, id LIMIT 1
"""


def queue_fiscal(cursor: Any, kind: str, record_id: bytes, document: FiscalReceipt | FiscalShift, now_us: int) -> None:
    """Adds a document, in the caller's transaction; one of the same record and kind is there once."""
    cursor.execute(_QUEUE, (now_us, kind, document.register, record_id, fiscal_to_json(document), now_us))
    if cursor.rowcount and cursor.lastrowid % PRUNE_INTERVAL_JOBS == 0:
        cursor.execute(_PRUNE, (SIGNED_KEPT_MAX,))


def has_open_shift(cursor: Any, register: str) -> bool:
    """Whether a register's fiscal shift is open once everything that waits is done."""
    row = cursor.execute(_SHIFT, (register,)).fetchone()
    return row is not None and row[0] == OPEN_SHIFT


def next_fiscal_job(cursor: Any) -> FiscalJob | None:
    """What the device is to be asked now."""
    row = cursor.execute(_NEXT).fetchone()
    return None if row is None else FiscalJob._make(row)


def sign_fiscal_job(cursor: Any, job_id: int, sign: FiscalSign, now_us: int) -> None:
    """The device answered: the document itself is needed no more."""
    cursor.execute(
        "UPDATE fiscal_job SET state = 'signed', sign = ?, document = '', last_problem = NULL, "
        "attempts = attempts + 1, changed_at = ? WHERE id = ?",
        (fiscal_to_json(sign), now_us, job_id),
    )


def trouble_fiscal_job(cursor: Any, job_id: int, problem: str, fails: bool, now_us: int) -> None:
    """The device did not: it is asked again, or set aside when it `fails`."""
    cursor.execute(
        "UPDATE fiscal_job SET state = ?, last_problem = ?, attempts = attempts + 1, changed_at = ? WHERE id = ?",
        (FAILED if fails else WAITING, problem[:PROBLEM_CHARACTERS_MAX], now_us, job_id),
    )


def retry_failed_fiscal_jobs(cursor: Any, now_us: int) -> int:
    """Those set aside wait again; returns how many."""
    statement = "UPDATE fiscal_job SET state = 'waiting', attempts = 0, changed_at = ? WHERE state = 'failed'"
    return int(cursor.execute(statement, (now_us,)).rowcount)


def sign_of(cursor: Any, record_id: bytes | None) -> FiscalSign | None:
    """What the device answered about a sale, a refund or the end of a shift; None as long as it did not."""
    if record_id is None:
        return None
    statement = "SELECT sign FROM fiscal_job WHERE record_id = ? AND state = 'signed'"
    row: Sequence[str] | None = cursor.execute(statement, (record_id,)).fetchone()
    return None if row is None else fiscal_sign_from_json(row[0])


def is_about_to_be_signed(cursor: Any, record_id: bytes | None) -> bool:
    """Whether a sign is to come in a moment: it waits, and the device is in no trouble."""
    statement = "SELECT MAX(attempts), MAX(record_id = ?) FROM fiscal_job WHERE state = 'waiting'"
    attempts, waits = cursor.execute(statement, (record_id,)).fetchone()
    return bool(record_id is not None and waits and not attempts)


def read_fiscal_state(cursor: Any) -> FiscalState:
    """How the queue stands."""
    counts = dict(cursor.execute("SELECT state, COUNT(*) FROM fiscal_job WHERE state <> 'signed' GROUP BY state"))
    row = cursor.execute(_PROBLEM).fetchone()
    return FiscalState(counts.get(WAITING, 0), counts.get(FAILED, 0), row[0] if row else None)
