"""The simulated fiscal device: it numbers and signs like one, and says on everything that it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.devices.fiscal import SimulatedFiscalDevice, open_fiscal_device
from shared.domain.fiscal_documents import FiscalLine, FiscalReceipt, FiscalShift, FiscalSign, fiscal_document
from shared.domain.receipt_labels import NOT_FISCAL_LINES
from shared.domain.sales import Payment
from shared.errors import FiscalDeviceFailed, FiscalDeviceSilent, InvalidInput
from tests.support.receipts import MOMENT, paper_of, plain_document

SHIFT = FiscalShift("s1", "1", "anna", MOMENT)


def receipt(reference: str = "r1", paid: int = 100) -> FiscalReceipt:
    """One line of 1.00."""
    lines = (FiscalLine("Чай", 1_000, 100, 2_000),)
    return FiscalReceipt(reference, "1", "anna", MOMENT, "RUB", lines, (Payment("cash", paid),))


@pytest.fixture
def device(tmp_path: Path) -> SimulatedFiscalDevice:
    return SimulatedFiscalDevice(tmp_path / "fiscal.json")


def test_a_shift_is_opened_sells_and_is_closed(device: SimulatedFiscalDevice) -> None:
    signs = [
        device.open_shift(SHIFT),
        device.sale(receipt("r1")),
        device.refund(receipt("r1")),
        device.close_shift(SHIFT),
    ]
    assert [sign.document_number for sign in signs] == [1, 2, 3, 4]
    assert {sign.shift_number for sign in signs} == {1}
    assert len({sign.sign for sign in signs}) == 4
    assert device.open_shift(SHIFT._replace(reference="s2")).shift_number == 2


def test_no_sign_of_the_simulator_is_certified(device: SimulatedFiscalDevice) -> None:
    device.open_shift(SHIFT)
    sign = device.sale(receipt())
    assert not sign.is_certified
    words = paper_of(fiscal_document(plain_document(), sign)).words
    for text in (*NOT_FISCAL_LINES, sign.sign, "SIMULATOR"):
        assert text in words


def test_only_a_certified_device_takes_the_warning_away() -> None:
    words = paper_of(fiscal_document(plain_document(), FiscalSign("9999", 1, 2, "0000000003", True))).words
    assert "ФН 9999 ФД 2 ФП 0000000003" in words
    assert "NOT CERTIFIED" not in words


def test_a_receipt_that_is_asked_for_again_gets_its_first_sign(device: SimulatedFiscalDevice, tmp_path: Path) -> None:
    device.open_shift(SHIFT)
    first = device.sale(receipt())
    assert SimulatedFiscalDevice(tmp_path / "fiscal.json").sale(receipt()) == first


def test_a_shift_that_is_asked_for_again_is_opened_and_closed_once(device: SimulatedFiscalDevice) -> None:
    assert device.open_shift(SHIFT) == device.open_shift(SHIFT)
    assert device.close_shift(SHIFT) == device.close_shift(SHIFT)


def test_every_register_has_shifts_of_its_own(device: SimulatedFiscalDevice) -> None:
    device.open_shift(SHIFT)
    second = FiscalShift("s2", "2", "boris", MOMENT)
    assert device.open_shift(second).shift_number == 1
    device.close_shift(SHIFT)
    assert device.sale(receipt()._replace(register="2")).document_number == 4


def test_switched_off_it_says_nothing(device: SimulatedFiscalDevice, tmp_path: Path) -> None:
    switch = tmp_path / "fiscal.json.off"
    switch.touch()
    with pytest.raises(FiscalDeviceSilent):
        device.open_shift(SHIFT)
    switch.unlink()
    assert device.open_shift(SHIFT).document_number == 1


def test_out_of_order_it_refuses(device: SimulatedFiscalDevice) -> None:
    with pytest.raises(FiscalDeviceFailed, match="No fiscal shift"):
        device.sale(receipt())
    with pytest.raises(FiscalDeviceFailed, match="No fiscal shift"):
        device.close_shift(SHIFT)
    device.open_shift(SHIFT)
    with pytest.raises(FiscalDeviceFailed, match="open already"):
        device.open_shift(SHIFT._replace(reference="s2"))
    with pytest.raises(FiscalDeviceFailed, match="cover"):
        device.sale(receipt(paid=99))


def test_a_device_is_named_by_a_setting(tmp_path: Path) -> None:
    assert open_fiscal_device("") is None
    assert isinstance(open_fiscal_device(f"simulator:{tmp_path}/f.json"), SimulatedFiscalDevice)
    with pytest.raises(InvalidInput):
        open_fiscal_device("atol:1")
