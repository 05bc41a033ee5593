"""Fiscal devices: what Filial asks of one, and a simulator. NOT CERTIFIED: the simulator satisfies no law.

A real device (in Russia one under Federal Law 54-FZ, with a fiscal drive) is a driver of its own behind the interface.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from shared.certificates import write_secret
from shared.domain.business_time import LocalMoment, format_us
from shared.domain.receipt_document import ReceiptDocument
from shared.domain.receipt_labels import NOT_FISCAL_LINES
from shared.domain.sales import Payment
from shared.errors import FiscalDeviceFailed, InvalidInput

SIMULATED_SERIAL = "SIMULATOR"


class FiscalLine(NamedTuple):
    """What a fiscal device must know of a line; a rate of None is “no VAT”."""

    name: str
    quantity_thousandths: int
    amount_minor: int
    vat_basis_points: int | None


class FiscalReceipt(NamedTuple):
    """A sale or refund to be signed. `reference` is its id: asked twice, a device signs once."""

    reference: str
    register: str
    cashier: str
    moment: LocalMoment
    currency: str
    lines: tuple[FiscalLine, ...]
    payments: tuple[Payment, ...]
    rounding_minor: int = 0

    @property
    def total_minor(self) -> int:
        """What is paid, or paid back."""
        return sum(line.amount_minor for line in self.lines) + self.rounding_minor


class FiscalSign(NamedTuple):
    """What the device answers: the document's number and sign. `is_certified` is false for every simulator."""

    device_serial: str
    shift_number: int
    document_number: int
    sign: str
    is_certified: bool


class FiscalDevice(Protocol):
    """All four raise FiscalDeviceFailed when the device refuses or does not answer, and may be called again."""

    def open_shift(self, register: str, cashier: str, moment: LocalMoment) -> FiscalSign:
        """Begins a fiscal shift; one that is open already is refused."""

    def sale(self, receipt: FiscalReceipt) -> FiscalSign:
        """Signs a sale; the same reference gets the same sign again."""

    def refund(self, receipt: FiscalReceipt) -> FiscalSign:
        """Signs a refund; the same reference gets the same sign again."""

    def close_shift(self, register: str, cashier: str, moment: LocalMoment) -> FiscalSign:
        """Ends the fiscal shift."""


class SimulatedFiscalDevice:
    """Numbers and signs like a device, in a file. NOT CERTIFIED, and says so on everything."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open_shift(self, register: str, cashier: str, moment: LocalMoment) -> FiscalSign:
        state = self._read()
        if state["is_open"]:
            raise FiscalDeviceFailed("The fiscal shift is open already.", "Close it first.")
        state |= {"is_open": True, "shift": state["shift"] + 1}
        return self._sign(state, ("open", register, cashier, format_us(moment.at_us)))

    def sale(self, receipt: FiscalReceipt) -> FiscalSign:
        return self._sign_receipt("sale", receipt)

    def refund(self, receipt: FiscalReceipt) -> FiscalSign:
        return self._sign_receipt("refund", receipt)

    def close_shift(self, register: str, cashier: str, moment: LocalMoment) -> FiscalSign:
        state = self._read()
        if not state["is_open"]:
            raise FiscalDeviceFailed("No fiscal shift is open.", "Open one first.")
        state |= {"is_open": False, "signed": {}}
        return self._sign(state, ("close", register, cashier, format_us(moment.at_us)))

    def _sign_receipt(self, kind: str, receipt: FiscalReceipt) -> FiscalSign:
        state = self._read()
        if not state["is_open"]:
            raise FiscalDeviceFailed("No fiscal shift is open.", "Open one first.")
        if receipt.total_minor < 0 or sum(paid.amount_minor for paid in receipt.payments) < receipt.total_minor:
            raise FiscalDeviceFailed("The payments do not cover the receipt.")
        known = state["signed"].get(f"{kind} {receipt.reference}")
        if known is not None:
            return FiscalSign(*known)
        return self._sign(state, (kind, repr(receipt)), f"{kind} {receipt.reference}")

    def _sign(self, state: dict[str, Any], content: Sequence[str], reference: str | None = None) -> FiscalSign:
        state["document"] += 1
        text = json.dumps([state["shift"], state["document"], *content], ensure_ascii=False)
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        sign = FiscalSign(SIMULATED_SERIAL, state["shift"], state["document"], f"{number:010d}", is_certified=False)
        if reference is not None:
            state["signed"][reference] = list(sign)
        write_secret(self._path, json.dumps(state).encode())
        return sign

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {"is_open": False, "shift": 0, "document": 0, "signed": {}}
        state: dict[str, Any] = json.loads(self._path.read_text())
        return state


def fiscal_document(document: ReceiptDocument, sign: FiscalSign) -> ReceiptDocument:
    """The document with what the device answered; without a certified device it says NOT CERTIFIED as before."""
    lines = (f"ФН {sign.device_serial} ФД {sign.document_number} ФП {sign.sign}",)
    return replace(document, fiscal_lines=lines if sign.is_certified else (*NOT_FISCAL_LINES, *lines))


def open_fiscal_device(target: str) -> FiscalDevice | None:
    """The device that a setting names; None for an empty one. Raises InvalidInput."""
    if not target:
        return None
    kind, _, place = target.partition(":")
    if kind == "simulator" and place:
        return SimulatedFiscalDevice(Path(place))
    raise InvalidInput(f"The fiscal device “{target}” is not understood.", "Write it as simulator:PATH.")
