"""Tells the fiscal device what the queue holds, in order, in a thread of its own: no sale ever waits for it.

One process at a time does (a file lock). What the device did not answer is asked again under the same reference, for as
long as it takes; what it refuses is set aside after a few tries, so that it stops nothing behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

import structlog

from branch_node.devices.fiscal import FiscalDevice
from branch_node.storage import fiscal_jobs
from branch_node.storage.fiscal_jobs import FiscalJob, next_fiscal_job, sign_fiscal_job, trouble_fiscal_job
from branch_node.storage.process_lock import ProcessLock
from branch_node.storage.store import BranchStore
from shared.domain.fiscal_documents import FiscalSign, fiscal_receipt_from_json, fiscal_shift_from_json
from shared.errors import DecodeError, FilialError, FiscalDeviceFailed, FiscalDeviceSilent

FISCAL_POLL_MS = 100
"""How often an idle worker looks for documents."""

FISCAL_RETRY_MS_MAX = 15_000
REFUSALS_MAX = 3


class Registered(NamedTuple):
    """What one look at the queue did: documents signed, and what stopped it, if anything did."""

    signed: int
    problem: str | None


class FiscalQueue:
    """The documents of one store for one device, without a thread. The caller holds the fiscal lock."""

    def __init__(self, store: BranchStore, device: FiscalDevice) -> None:
        self._store = store
        self._device = device

    def register_waiting(self, should_stop: Callable[[], bool] = lambda: False) -> Registered:
        """Goes on until nothing waits, the device does not sign, or the caller stops. Raises StoreError."""
        signed = 0
        while not should_stop():
            with self._store.read_cursor() as cursor:
                job = next_fiscal_job(cursor)
            if job is None:
                break
            problem = self._register(job)
            if problem is not None:
                return Registered(signed, problem)
            signed += 1
        return Registered(signed, None)

    def _register(self, job: FiscalJob) -> str | None:
        """One document; returns why the device did not sign it."""
        try:
            sign = self._ask(job)
        except FilialError as error:
            is_final = isinstance(error, DecodeError) or job.attempts + 1 >= REFUSALS_MAX
            return self._trouble(job, error.message, is_final and not isinstance(error, FiscalDeviceSilent))
        except Exception as error:  # noqa: BLE001 - whatever a driver does, the next document has its turn.
            return self._trouble(job, _driver_failed(error).message, job.attempts + 1 >= REFUSALS_MAX)
        with self._store.write() as connection:
            sign_fiscal_job(connection.connection.cursor(), job.job_id, sign, self._store.clock.now_us())
        return None

    def _ask(self, job: FiscalJob) -> FiscalSign:
        if job.kind == fiscal_jobs.OPEN_SHIFT:
            return self._device.open_shift(fiscal_shift_from_json(job.document))
        if job.kind == fiscal_jobs.CLOSE_SHIFT:
            return self._device.close_shift(fiscal_shift_from_json(job.document))
        receipt = fiscal_receipt_from_json(job.document)
        return self._device.refund(receipt) if job.kind == fiscal_jobs.REFUND else self._device.sale(receipt)

    def _trouble(self, job: FiscalJob, problem: str, fails: bool) -> str:
        with self._store.write() as connection:
            cursor = connection.connection.cursor()
            trouble_fiscal_job(cursor, job.job_id, problem, fails, self._store.clock.now_us())
        return problem


def _driver_failed(error: Exception) -> FiscalDeviceFailed:
    return FiscalDeviceFailed(f"The fiscal device's driver failed: {error}.")


class FiscalWorker:
    """A thread that tells the device for as long as its program runs, if no other process does."""

    def __init__(self, queue: FiscalQueue, lock: ProcessLock, poll_ms: int = FISCAL_POLL_MS) -> None:
        self._queue = queue
        self._lock = lock
        self._poll_ms = poll_ms
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fiscal-worker", daemon=True)
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 15.0) -> None:
        """Ends after the document at hand."""
        self._stopped.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        holds, delay_ms = False, self._poll_ms
        try:
            while not self._stopped.is_set():
                holds = holds or self._lock.take()
                problem = self._try() if holds else None
                delay_ms = self._poll_ms if problem is None else min(FISCAL_RETRY_MS_MAX, delay_ms * 2)
                self._stopped.wait(delay_ms / 1_000)
        finally:
            if holds:
                self._lock.release()

    def _try(self) -> str | None:
        """A store that is busy or full is met again at the next look."""
        try:
            problem = self._queue.register_waiting(self._stopped.is_set).problem
        except FilialError as error:
            problem = error.message
        if problem is not None:
            self._log.warning("not registering", reason=problem)
        return problem
