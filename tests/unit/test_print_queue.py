"""Printing beside the selling: in order, once, a copy where nobody knows, and never in the way."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from branch_node.devices.escpos import require_profile
from branch_node.devices.escpos_simulator import EscposSimulator
from branch_node.devices.print_queue import (
    DRAWER_AGE_SECONDS_MAX,
    INTERRUPTIONS_MAX,
    RETRY_MS_MAX,
    RETRY_MS_MIN,
    Pass,
    PrintQueue,
    PrintWorker,
    _retry_ms_after,
)
from branch_node.operations.selling import sell
from branch_node.storage.print_jobs import FAILED, PRINTED, WAITING, list_jobs, queue_print
from branch_node.storage.process_lock import ProcessLock
from shared.domain.receipt_document import ReceiptDocument, drawer_document
from shared.errors import FilialError, PrinterInterrupted, PrinterUnreachable, StoreBusy
from tests.support.receipts import MOMENT, SALE_ID, SHOP, plain_document
from tests.support.shop import Shop, request

PROFILE = require_profile(48, "cp866")
OFF = PrinterUnreachable("The printer does not answer.")
BROKEN = PrinterInterrupted("The printer broke off.")


class PowerCut(BaseException):
    """The process dies here."""


@dataclass
class Paper:
    """A printer whose paper can be read, and whose next answers a test decides."""

    name: str = "paper"
    troubles: list[BaseException | None] = field(default_factory=list)
    documents: list[EscposSimulator] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def print(self, data: bytes) -> None:
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, PrinterUnreachable):
            raise trouble
        paper = EscposSimulator(48)
        paper.feed(data)
        self.documents.append(paper)
        if trouble is not None:
            raise trouble
        self.arrived.release()

    @property
    def receipts(self) -> list[str]:
        """The numbers on the paper; a copy has a `C`."""
        found = []
        for document in self.documents:
            number = document.words.partition("Чек № ")[2].partition(" ")[0]
            found.append(number + ("C" if "КОПИЯ" in document.words else ""))
        return found


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def queue(shop: Shop, paper: Paper) -> PrintQueue:
    return PrintQueue(shop.store, paper, PROFILE)


def sold(shop: Shop, number: int, **changes: Any) -> None:
    """A sale whose receipt is queued in its transaction."""
    with shop.store.operation() as transaction:
        answer = sell(transaction, request(f"k{number}"))
        document = replace(plain_document(answer.receipt), **changes)
        queue_print(transaction.cursor, document, answer.sale_id, transaction.now_us)


def put(shop: Shop, document: ReceiptDocument) -> None:
    with shop.store.write() as connection:
        queue_print(connection.connection.cursor(), document, SALE_ID, shop.clock.now_us())


def states(shop: Shop) -> list[str]:
    return [state for (state,) in shop.rows("SELECT state FROM print_job ORDER BY id")]


def test_receipts_are_printed_in_order_and_once(shop: Shop, queue: PrintQueue, paper: Paper) -> None:
    for number in range(3):
        sold(shop, number)
    assert queue.print_waiting() == Pass(3, None)
    assert queue.print_waiting() == Pass(0, None)
    assert paper.receipts == ["1-000001", "1-000002", "1-000003"]
    assert states(shop) == [PRINTED] * 3


def test_a_dead_printer_stops_no_sale_and_prints_all_in_order_when_it_is_back(
    shop: Shop, queue: PrintQueue, paper: Paper
) -> None:
    paper.troubles = [OFF] * 4
    for number in range(4):
        sold(shop, number)
        assert queue.print_waiting() == Pass(0, OFF.message)
    assert shop.count("sale") == 4
    assert paper.documents == []
    assert queue.print_waiting() == Pass(4, None)
    assert paper.receipts == ["1-000001", "1-000002", "1-000003", "1-000004"]


def test_what_broke_off_comes_again_as_a_copy(shop: Shop, queue: PrintQueue, paper: Paper) -> None:
    sold(shop, 1, opens_drawer=True)
    sold(shop, 2)
    paper.troubles = [BROKEN]
    assert queue.print_waiting().problem == BROKEN.message
    queue.print_waiting()
    assert paper.receipts == ["1-000001", "1-000001C", "1-000002"]
    assert [document.drawer_kicks for document in paper.documents] == [1, 0, 0]


@pytest.mark.parametrize("after_printing", [False, True])
def test_what_was_being_printed_when_the_power_failed_comes_again_as_a_copy(
    shop: Shop, queue: PrintQueue, paper: Paper, after_printing: bool
) -> None:
    sold(shop, 1)
    sold(shop, 2)
    paper.troubles = [PowerCut()]
    with pytest.raises(PowerCut):
        queue.print_waiting()
    if not after_printing:
        paper.documents.clear()
    again = PrintQueue(shop.store, paper, PROFILE)
    assert again.recover() == 1
    assert again.print_waiting() == Pass(2, None)
    assert paper.receipts[-2:] == ["1-000001C", "1-000002"]


def test_a_job_that_breaks_the_printer_again_and_again_is_set_aside(
    shop: Shop, queue: PrintQueue, paper: Paper
) -> None:
    sold(shop, 1)
    sold(shop, 2)
    paper.troubles = [OFF, OFF, *[BROKEN] * INTERRUPTIONS_MAX]
    for _ in range(2 + INTERRUPTIONS_MAX):
        assert queue.print_waiting().problem is not None
    assert states(shop) == [FAILED, WAITING]
    assert queue.print_waiting() == Pass(1, None)
    assert paper.receipts[-1] == "1-000002"


def test_a_document_that_cannot_be_read_does_not_stop_the_next(shop: Shop, queue: PrintQueue, paper: Paper) -> None:
    sold(shop, 1)
    sold(shop, 2)
    with shop.store.write() as connection:
        connection.exec_driver_sql("UPDATE print_job SET document = '{}' WHERE id = 1")
    assert queue.print_waiting() == Pass(1, None)
    assert states(shop) == [FAILED, PRINTED]
    with shop.store.read_cursor() as cursor:
        (failed,) = list_jobs(cursor, (FAILED,))
    assert failed.last_problem == "A stored document cannot be read."


def test_a_document_that_breaks_the_encoder_does_not_stop_the_next(shop: Shop, queue: PrintQueue, paper: Paper) -> None:
    put(shop, replace(plain_document(), qr="x" * 5_000))
    sold(shop, 2)
    queue.print_waiting()
    assert states(shop) == [FAILED, PRINTED]


@pytest.mark.parametrize(("seconds", "kicks"), [(0, 1), (DRAWER_AGE_SECONDS_MAX, 1), (DRAWER_AGE_SECONDS_MAX + 1, 0)])
def test_a_drawer_opens_at_once_or_never(shop: Shop, queue: PrintQueue, paper: Paper, seconds: int, kicks: int) -> None:
    sold(shop, 1, opens_drawer=True)
    put(shop, drawer_document(SHOP, "1", "anna", MOMENT))
    shop.clock.advance(seconds)
    queue.print_waiting()
    assert sum(document.drawer_kicks for document in paper.documents) == kicks * 2
    assert states(shop) == [PRINTED, PRINTED]
    assert paper.receipts[0] == "1-000001"


def test_a_drawer_stays_shut_when_the_clock_was_set_back(shop: Shop, queue: PrintQueue, paper: Paper) -> None:
    put(shop, drawer_document(SHOP, "1", "anna", MOMENT))
    shop.clock.advance(-60)
    queue.print_waiting()
    assert paper.documents == []


def test_the_code_is_signed_when_it_is_printed(shop: Shop, paper: Paper) -> None:
    sold(shop, 1)
    PrintQueue(shop.store, paper, PROFILE, lambda unsigned: unsigned + "signed").print_waiting()
    assert paper.documents[0].qr_codes[0].text == plain_document("1-000001").qr + "signed"


def test_a_pass_stops_between_two_documents_when_it_is_told_to(shop: Shop, queue: PrintQueue, paper: Paper) -> None:
    sold(shop, 1)
    sold(shop, 2)
    assert queue.print_waiting(lambda: bool(paper.documents)) == Pass(1, None)


def test_retries_come_further_and_further_apart() -> None:
    delays = [0]
    for _ in range(10):
        delays.append(_retry_ms_after(delays[-1]))
    assert delays[1] == RETRY_MS_MIN
    assert delays[-1] == RETRY_MS_MAX
    assert delays == sorted(delays)


# The thread.


def test_a_worker_prints_what_is_sold_while_it_runs(shop: Shop, paper: Paper, tmp_path: Path) -> None:
    paper.troubles = [OFF]
    worker = PrintWorker(PrintQueue(shop.store, paper, PROFILE), ProcessLock(tmp_path / "print.lock"), poll_ms=5)
    worker.start()
    try:
        for number in range(3):
            sold(shop, number)
            worker.wake()
        for _ in range(3):
            assert paper.arrived.acquire(timeout=20)
    finally:
        worker.stop()
    assert paper.receipts == ["1-000001", "1-000002", "1-000003"]


def test_two_workers_never_print_at_once_and_the_second_takes_over(shop: Shop, tmp_path: Path) -> None:
    first, second = Paper(), Paper()
    lock = tmp_path / "print.lock"
    workers = [PrintWorker(PrintQueue(shop.store, paper, PROFILE), ProcessLock(lock), 5) for paper in (first, second)]
    sold(shop, 1)
    workers[0].start()
    assert first.arrived.acquire(timeout=20)
    workers[1].start()
    sold(shop, 2)
    assert first.arrived.acquire(timeout=20)
    workers[0].stop()
    sold(shop, 3)
    assert second.arrived.acquire(timeout=20)
    workers[1].stop()
    assert (first.receipts, second.receipts) == (["1-000001", "1-000002"], ["1-000003"])


def test_a_store_that_is_busy_does_not_end_the_worker(shop: Shop, paper: Paper, tmp_path: Path) -> None:
    class Busy(PrintQueue):
        troubles: list[FilialError] = [StoreBusy("busy"), StoreBusy("busy")]  # noqa: RUF012

        def recover(self) -> int:
            if self.troubles:
                raise self.troubles.pop()
            return super().recover()

    sold(shop, 1)
    worker = PrintWorker(Busy(shop.store, paper, PROFILE), ProcessLock(tmp_path / "print.lock"), poll_ms=5)
    worker.start()
    try:
        assert paper.arrived.acquire(timeout=20)
    finally:
        worker.stop()
