"""The fiscal device beside the selling: told once, in order, again when it did not answer, and never in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from branch_node.bootstrap import open_store
from branch_node.bootstrap.fiscal import start_fiscal_worker
from branch_node.bootstrap.status import read_status
from branch_node.devices.escpos import require_profile
from branch_node.devices.fiscal import SimulatedFiscalDevice
from branch_node.devices.fiscal_queue import REFUSALS_MAX, FiscalQueue, FiscalWorker, Registered
from branch_node.devices.print_queue import PAPER_WAITS_FOR_SIGN_MS, PrintQueue
from branch_node.devices.printers import open_printer
from branch_node.devices.receipt_text import plain_text
from branch_node.operations.fiscal_registering import register_close
from branch_node.operations.receipt_finding import read_receipt
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.shift_reports import summarize_shift
from branch_node.operations.shifts import require_open_shift
from branch_node.settings import Settings
from branch_node.storage.fiscal_jobs import SIGNED_KEPT_MAX, read_fiscal_state, sign_of
from branch_node.storage.process_lock import ProcessLock
from branch_node.storage.transaction import ReceiptTexts
from branch_node.web.status import matters_of
from shared.domain.fiscal_documents import (
    FiscalReceipt,
    FiscalShift,
    FiscalSign,
    fiscal_receipt_from_json,
    fiscal_shift_from_json,
    fiscal_to_json,
)
from shared.errors import DecodeError, FiscalDeviceFailed, FiscalDeviceSilent
from shared.web.translations import speaking
from tests.support.deadlines import wait_until
from tests.support.shop import Shop
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of
from tests.unit.test_fiscal import SHIFT, receipt


class PowerCut(BaseException):
    """The process dies here."""


@dataclass
class Device:
    """The simulator, with troubles before or after it does what it is asked; `asked` are kinds and references."""

    simulator: SimulatedFiscalDevice
    before: list[BaseException] = field(default_factory=list)
    after: list[BaseException] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def open_shift(self, shift: FiscalShift) -> FiscalSign:
        return self._do("open", shift.reference, lambda: self.simulator.open_shift(shift))

    def sale(self, receipt: FiscalReceipt) -> FiscalSign:
        return self._do("sale", receipt.reference, lambda: self.simulator.sale(receipt))

    def refund(self, receipt: FiscalReceipt) -> FiscalSign:
        return self._do("refund", receipt.reference, lambda: self.simulator.refund(receipt))

    def close_shift(self, shift: FiscalShift) -> FiscalSign:
        return self._do("close", shift.reference, lambda: self.simulator.close_shift(shift))

    def _do(self, kind: str, reference: str, work: Callable[[], FiscalSign]) -> FiscalSign:
        self.asked.append((kind, reference))
        if self.before:
            raise self.before.pop(0)
        sign = work()
        if self.after:
            raise self.after.pop(0)
        return sign

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.asked]


@pytest.fixture
def fiscal(shop: Shop) -> Shop:
    """A shop with a fiscal device."""
    shop.store.has_fiscal_device = True
    return shop


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(SimulatedFiscalDevice(tmp_path / "fiscal.json"))


@pytest.fixture
def queue(fiscal: Shop, device: Device) -> FiscalQueue:
    return FiscalQueue(fiscal.store, device)


def signs(shop: Shop) -> list[tuple[str, str, int]]:
    return [(row[0], row[1], row[2]) for row in shop.rows("SELECT kind, state, attempts FROM fiscal_job ORDER BY id")]


def test_without_a_device_nothing_is_queued(shop: Shop) -> None:
    shop.sell()
    shop.close_shift()
    assert signs(shop) == []


def test_a_day_is_told_in_order_and_once(fiscal: Shop, queue: FiscalQueue, device: Device) -> None:
    fiscal.open_shift()
    sold = fiscal.sell("k1", 500)
    fiscal.sell("k1", 500)
    line = {"line": 1, "quantity": 1}
    asked = {"key": "r1", "register": "1", "cashier": "anna", "receipt": "1-000001", "lines": [line]}
    asked["payments"] = [{"method": "cash", "amount_minor": 500}]
    with fiscal.store.operation() as transaction:
        refund(transaction, parse_refund_request(asked))
    fiscal.close_shift()
    assert device.asked == []
    assert queue.register_waiting() == Registered(4, None)
    assert queue.register_waiting() == Registered(0, None)
    assert device.kinds == ["open", "sale", "refund", "close"]
    assert signs(fiscal) == [(kind, "signed", 1) for kind in ("open_shift", "sale", "refund", "close_shift")]
    with fiscal.store.read_cursor() as cursor:
        sign = sign_of(cursor, sold.sale_id)
    assert sign is not None
    assert (sign.document_number, sign.is_certified) == (2, False)
    # The next sale begins a fiscal shift of its own.
    fiscal.sell("k2", 500)
    queue.register_waiting()
    assert device.kinds[4:] == ["open", "sale"]


def test_the_end_of_a_shift_is_told_once_and_only_if_something_was_sold(fiscal: Shop) -> None:
    fiscal.open_shift()
    fiscal.close_shift()
    assert signs(fiscal) == []
    fiscal.open_shift()
    fiscal.sell("k1", 500)
    with fiscal.store.operation() as transaction:
        opened = require_open_shift(transaction, "1")
        report = summarize_shift(transaction, opened, "anna", None)
        for _ in range(2):
            register_close(transaction, opened, report)
    assert [kind for kind, _, _ in signs(fiscal)] == ["open_shift", "sale", "close_shift"]


@pytest.mark.parametrize("trouble", ["before", "after"])
def test_what_the_device_did_not_answer_is_asked_again_under_the_same_reference(
    fiscal: Shop, queue: FiscalQueue, device: Device, trouble: str
) -> None:
    fiscal.sell("k1", 500)
    silent = [FiscalDeviceSilent("The fiscal device does not answer.")] * (REFUSALS_MAX + 2)
    getattr(device, trouble).extend(silent)
    for _ in silent:
        assert queue.register_waiting().problem == "The fiscal device does not answer."
    queue.register_waiting()
    assert [state for _, state, _ in signs(fiscal)] == ["signed", "signed"]
    numbers = fiscal.rows("SELECT sign FROM fiscal_job ORDER BY id")
    assert ['"SIMULATOR",1,1,' in numbers[0][0], '"SIMULATOR",1,2,' in numbers[1][0]] == [True, True]


@pytest.mark.parametrize("dies_in", ["before", "after"])
def test_a_process_that_dies_while_it_asks_has_asked_once_in_the_end(
    fiscal: Shop, queue: FiscalQueue, device: Device, dies_in: str
) -> None:
    fiscal.sell("k1", 500)
    getattr(device, dies_in).append(PowerCut())
    with pytest.raises(PowerCut):
        queue.register_waiting()
    assert FiscalQueue(fiscal.store, device).register_waiting() == Registered(2, None)
    fiscal.sell("k2", 500)
    queue.register_waiting()
    assert [row[0].count(",1,3,") for row in fiscal.rows("SELECT sign FROM fiscal_job ORDER BY id")] == [0, 0, 1]


def test_what_the_device_refuses_is_set_aside_and_stops_nothing(
    fiscal: Shop, queue: FiscalQueue, device: Device
) -> None:
    fiscal.sell("k1", 500)
    queue.register_waiting()
    fiscal.sell("k2", 500)
    fiscal.sell("k3", 500)
    device.before += [FiscalDeviceFailed("The payments do not cover the receipt."), *[ValueError("broken")] * 2]
    for _ in range(REFUSALS_MAX):
        assert queue.register_waiting().problem is not None
    assert queue.register_waiting() == Registered(1, None)
    with fiscal.store.read_cursor() as cursor:
        state = read_fiscal_state(cursor)
    assert (state.waiting, state.failed) == (0, 1)
    assert state.problem == "The fiscal device's driver failed: broken."


def test_the_sign_stands_on_paper_when_it_is_known_in_time(
    fiscal: Shop, queue: FiscalQueue, device: Device, tmp_path: Path
) -> None:
    paper = tmp_path / "paper.txt"
    printer = open_printer(f"simulator:{paper}", 48)
    assert printer is not None
    prints = PrintQueue(fiscal.store, printer, require_profile(48, "cp866"))
    fiscal.store.printing = ReceiptTexts("ru")
    sold = fiscal.sell("k1", 500)
    assert prints.print_waiting().printed == 0
    queue.register_waiting()
    assert prints.print_waiting().printed == 1
    assert "ФН SIMULATOR ФД 2" in paper.read_text()
    assert "NOT CERTIFIED" in paper.read_text()
    with fiscal.store.operation() as transaction:
        again = read_receipt(transaction, sold.sale_id, ReceiptTexts("ru"))
    assert "ФН SIMULATOR ФД 2" in plain_text(again.document, 48)
    # A device that is slow, or in trouble, does not keep the paper.
    fiscal.sell("k2", 500)
    assert prints.print_waiting().printed == 0
    fiscal.clock.advance(PAPER_WAITS_FOR_SIGN_MS / 1_000)
    assert prints.print_waiting().printed == 1
    device.before.append(FiscalDeviceSilent("off"))
    queue.register_waiting()
    fiscal.sell("k3", 500)
    assert prints.print_waiting().printed == 1
    assert paper.read_text().count("ФН SIMULATOR") == 1


def test_a_worker_tells_the_device_beside_the_selling(fiscal: Shop, device: Device, tmp_path: Path) -> None:
    worker = FiscalWorker(FiscalQueue(fiscal.store, device), ProcessLock(tmp_path / "fiscal.lock"), poll_ms=1)
    device.before.append(FiscalDeviceSilent("off"))
    fiscal.sell("k1", 500)
    worker.start()
    try:
        wait_until(lambda: [state for _, state, _ in signs(fiscal)] == ["signed", "signed"], "the sale to be signed")
    finally:
        worker.stop()


def test_the_setting_names_the_device(tmp_path: Path, shop: Shop) -> None:
    assert start_fiscal_worker(Settings(home=tmp_path), shop.store) is None
    settings = Settings(home=tmp_path, fiscal_device=f"simulator:{tmp_path / 'fiscal.json'}")
    worker = start_fiscal_worker(settings, shop.store)
    assert worker is not None
    worker.stop()
    opened = open_store(settings)
    assert opened.has_fiscal_device
    opened.close()


def test_the_status_page_tells_what_waits_and_a_manager_tells_the_device_again(
    fiscal: Shop, queue: FiscalQueue, device: Device, tmp_path: Path
) -> None:
    staff: Staff = staff_of(fiscal.store, fiscal.clock, tmp_path)
    fiscal.sell("k1", 500)
    standing = read_status(staff.settings, fiscal.store)
    assert "2 documents wait for the fiscal device" in [str(matter.what) for matter in matters_of(standing)]
    device.before += [FiscalDeviceFailed("No fiscal shift is open.")] * (2 * REFUSALS_MAX)
    for _ in range(2 * REFUSALS_MAX):
        queue.register_waiting()
    manager = Browser(make_pages(fiscal.store, tmp_path))
    manager.log_in("maria", register="1")
    page = manager.get("/status").text
    assert "2 documents refused by the fiscal device" in page
    assert 'action="/status/fiscal"' in page
    with speaking("ru"):
        said = [str(matter.why) for matter in matters_of(read_status(staff.settings, fiscal.store))]
    assert "Фискальная смена не открыта." in said
    cashier = Browser(manager.app)
    cashier.log_in("anna", register="1")
    assert 'action="/status/fiscal"' not in cashier.get("/status").text
    assert cashier.post("/status/fiscal").status_code == 403
    assert manager.post("/status/fiscal").status_code == 303
    assert queue.register_waiting() == Registered(2, None)
    assert "fiscal device" not in manager.get("/status").text


def test_stored_documents_are_read_back_and_bad_ones_told() -> None:
    assert fiscal_receipt_from_json(fiscal_to_json(receipt())) == receipt()
    assert fiscal_shift_from_json(fiscal_to_json(SHIFT)) == SHIFT
    for text in ("", "{}", "[1]", "null"):
        with pytest.raises(DecodeError):
            fiscal_receipt_from_json(text)
        with pytest.raises(DecodeError):
            fiscal_shift_from_json(text)
    assert SIGNED_KEPT_MAX > 0
