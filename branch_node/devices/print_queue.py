"""Prints what the queue holds, in order, in a thread of its own: no sale ever waits for a printer.

One process at a time prints (a file lock). Before a job's first byte leaves, `printing` is committed; whatever dies
after that leaves a job that may be on paper, and it comes out again as a copy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import structlog

from branch_node.devices.escpos import PrinterProfile, encode_document
from branch_node.devices.printers import Printer
from branch_node.devices.qr import sign_document
from branch_node.storage.fiscal_jobs import is_about_to_be_signed, sign_of
from branch_node.storage.print_jobs import (
    PrintJob,
    claim_job,
    doubt_unfinished,
    fail_job,
    finish_job,
    next_job,
    put_back_job,
)
from branch_node.storage.process_lock import ProcessLock
from branch_node.storage.store import BranchStore
from shared.domain.business_time import MICROSECONDS
from shared.domain.fiscal_documents import fiscal_document
from shared.domain.receipt_document import DocumentKind, ReceiptDocument, as_practice, as_reprint
from shared.domain.receipt_json import document_from_json
from shared.errors import DecodeError, FilialError, InvalidInput, PrinterInterrupted, PrinterUnreachable

PRINT_POLL_MS = 100
"""How often an idle worker looks for jobs of other processes."""

RETRY_MS_MIN = 500
RETRY_MS_MAX = 15_000
"""Between two tries at a printer that does not answer: doubled from the first to the second."""

DRAWER_AGE_SECONDS_MAX = 30
"""A drawer that was to open longer ago than this stays shut: nobody stands before it any more."""

PAPER_WAITS_FOR_SIGN_MS = 1_000
"""How long a receipt waits for the fiscal device before it is printed without its sign."""

INTERRUPTIONS_MAX = 5
"""A job that breaks off so often is set aside: it may be what breaks the printer."""


class Pass(NamedTuple):
    """What one look at the queue did: documents printed, and what stopped it, if anything did."""

    printed: int
    problem: str | None


class PrintQueue:
    """The printing of one store on one printer, without a thread. The caller holds the print lock."""

    def __init__(
        self,
        store: BranchStore,
        printer: Printer,
        profile: PrinterProfile,
        sign: Callable[[str], str] | None = None,
        is_practice: bool = False,
    ) -> None:
        """`sign` completes a square code's text (branch_node.devices.qr.signer_of). `is_practice` marks every paper."""
        self._store = store
        self._printer = printer
        self._profile = profile
        self._sign = sign
        self._is_practice = is_practice

    def recover(self) -> int:
        """Takes back what a dead worker left half-printed; returns how many jobs."""
        with self._store.write() as connection:
            return doubt_unfinished(connection.connection.cursor(), self._store.clock.now_us())

    def print_waiting(self, should_stop: Callable[[], bool] = lambda: False) -> Pass:
        """Prints until nothing waits, the printer does not take a job, or the caller stops. Raises StoreError."""
        printed = 0
        while not should_stop():
            with self._store.read_cursor() as cursor:
                job = next_job(cursor)
                is_too_early = job is not None and self._is_too_early(cursor, job)
            if job is None or is_too_early:
                return Pass(printed, None)
            done = self._print(job)
            printed += done.printed
            if done.problem is not None:
                return Pass(printed, done.problem)
        return Pass(printed, None)

    def _is_too_early(self, cursor: Any, job: PrintJob) -> bool:
        """A receipt waits a moment for the fiscal device's sign, while that device is well."""
        age_us = self._store.clock.now_us() - job.created_at_us
        return 0 <= age_us < PAPER_WAITS_FOR_SIGN_MS * 1_000 and is_about_to_be_signed(cursor, job.record_id)

    def _print(self, job: PrintJob) -> Pass:
        """One job; the problem is why the printer does not take it, None when the next one may follow."""
        data = self._encode(job)
        if data is None or not self._claim(job):
            return Pass(0, None)
        try:
            if data:
                self._printer.print(data)
        except PrinterUnreachable as error:
            self._put_back(job, error.message, in_doubt=False)
            return Pass(0, error.message)
        except PrinterInterrupted as error:
            if job.attempts + 1 >= INTERRUPTIONS_MAX:
                self._fail(job, error.message)
            else:
                self._put_back(job, error.message, in_doubt=True)
            return Pass(0, error.message)
        except DecodeError as error:
            self._fail(job, error.message)
            return Pass(0, None)
        with self._store.write() as connection:
            finish_job(connection.connection.cursor(), job.job_id, self._store.clock.now_us())
        return Pass(1, None)

    def _encode(self, job: PrintJob) -> bytes | None:
        """The job's bytes; None when there are none to be had and it was set aside. One bad job stops no other."""
        try:
            document = self._due(document_from_json(job.document), job)
            if document is None:
                return b""
            with self._store.read_cursor() as cursor:
                fiscal = sign_of(cursor, job.record_id)
            signed = sign_document(document if fiscal is None else fiscal_document(document, fiscal), self._sign)
            return encode_document(as_practice(signed) if self._is_practice else signed, self._profile)
        except (DecodeError, InvalidInput) as error:
            self._fail(job, error.message)
        except Exception as error:  # noqa: BLE001 - whatever a document does to the encoder, the next one is printed.
            self._fail(job, f"The document cannot be drawn: {error}.")
        return None

    def _due(self, document: ReceiptDocument, job: PrintJob) -> ReceiptDocument | None:
        """What is left to do of a document by now: a copy of one in doubt, no drawer long after the sale."""
        age_us = self._store.clock.now_us() - job.created_at_us
        is_late = not 0 <= age_us <= DRAWER_AGE_SECONDS_MAX * MICROSECONDS
        if document.kind is DocumentKind.DRAWER:
            return None if is_late or job.in_doubt else document
        if job.in_doubt:
            return as_reprint(document)
        return _without_drawer(document) if is_late else document

    def _claim(self, job: PrintJob) -> bool:
        with self._store.write() as connection:
            return claim_job(connection.connection.cursor(), job.job_id, self._store.clock.now_us())

    def _put_back(self, job: PrintJob, problem: str, in_doubt: bool) -> None:
        with self._store.write() as connection:
            now_us = self._store.clock.now_us()
            put_back_job(connection.connection.cursor(), job.job_id, problem, in_doubt, now_us)

    def _fail(self, job: PrintJob, problem: str) -> None:
        with self._store.write() as connection:
            fail_job(connection.connection.cursor(), job.job_id, problem, self._store.clock.now_us())


class PrintWorker:
    """A thread that prints for as long as its program runs, if no other process does."""

    def __init__(self, queue: PrintQueue, lock: ProcessLock, poll_ms: int = PRINT_POLL_MS) -> None:
        self._queue = queue
        self._lock = lock
        self._poll_ms = poll_ms
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="print-worker", daemon=True)
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Begins to print."""
        self._thread.start()

    def wake(self) -> None:
        """Something was queued: it need not wait for the next look."""
        self._woken.set()

    def stop(self, timeout_seconds: float = 15.0) -> None:
        """Ends after the document that is being printed."""
        self._stopped.set()
        self._woken.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        holds = False
        delay_ms = self._poll_ms
        try:
            while not self._stopped.is_set():
                holds = holds or self._take_over()
                found = self._try() if holds else None
                delay_ms = self._next_delay_ms(delay_ms, found)
                self._woken.wait(delay_ms / 1_000)
                self._woken.clear()
        finally:
            if holds:
                self._lock.release()

    def _take_over(self) -> bool:
        """Whether this process prints from now on."""
        if not self._lock.take():
            return False
        try:
            self._queue.recover()
        except FilialError as error:
            self._log.warning("not printing", reason=error.message)
            self._lock.release()
            return False
        return True

    def _try(self) -> Pass:
        """A store that is busy or full is met again at the next look."""
        try:
            done = self._queue.print_waiting(self._stopped.is_set)
        except FilialError as error:
            done = Pass(0, error.message)
        if done.problem is not None:
            self._log.warning("not printing", reason=done.problem)
        return done

    def _next_delay_ms(self, before_ms: int, found: Pass | None) -> int:
        if found is None or found.problem is None:
            return self._poll_ms
        return _retry_ms_after(before_ms)


def _retry_ms_after(before_ms: int) -> int:
    """How long to wait after a try that failed, from how long was waited before it."""
    return min(RETRY_MS_MAX, max(RETRY_MS_MIN, before_ms * 2))


def _without_drawer(document: ReceiptDocument) -> ReceiptDocument:
    """The same without opening the drawer."""
    return replace(document, opens_drawer=False)
