"""Fiscal devices: what Filial asks of one, and a simulator. NOT CERTIFIED: the simulator satisfies no law.

A real device (in Russia one under Federal Law 54-FZ, with a fiscal drive) is a driver of its own behind the interface.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol

from shared.certificates import write_secret
from shared.domain.fiscal_documents import FiscalReceipt, FiscalShift, FiscalSign
from shared.errors import FiscalDeviceFailed, FiscalDeviceSilent, InvalidInput

SIMULATED_SERIAL = "SIMULATOR"


class FiscalDevice(Protocol):
    """All four do what they are asked once for every reference, and answer the same again. They raise
    FiscalDeviceSilent when it is not known whether the device did it, FiscalDeviceFailed when it refuses; and may be
    called again either way. None may take longer than some seconds. Each register has shifts of its own."""

    def open_shift(self, shift: FiscalShift) -> FiscalSign:
        """Begins a fiscal shift; where one is open already it is refused."""

    def sale(self, receipt: FiscalReceipt) -> FiscalSign:
        """Signs a sale."""

    def refund(self, receipt: FiscalReceipt) -> FiscalSign:
        """Signs a refund."""

    def close_shift(self, shift: FiscalShift) -> FiscalSign:
        """Ends the fiscal shift."""


class SimulatedFiscalDevice:
    """Numbers and signs like a device, in a file. NOT CERTIFIED, and says so on everything.

    A file beside it whose name ends in `.off` switches it off: then it answers nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def open_shift(self, shift: FiscalShift) -> FiscalSign:
        state, at = self._read(shift.register)
        known = at["signed"].get(f"open {shift.reference}")
        if known is not None:
            return FiscalSign(*known)
        if at["is_open"]:
            raise FiscalDeviceFailed("The fiscal shift is open already.", "Close it first.")
        at |= {"is_open": True, "shift": at["shift"] + 1, "signed": {}}
        return self._sign(state, at, "open", shift)

    def sale(self, receipt: FiscalReceipt) -> FiscalSign:
        return self._sign_receipt("sale", receipt)

    def refund(self, receipt: FiscalReceipt) -> FiscalSign:
        return self._sign_receipt("refund", receipt)

    def close_shift(self, shift: FiscalShift) -> FiscalSign:
        state, at = self._read(shift.register)
        known = at["signed"].get(f"close {shift.reference}")
        if known is not None:
            return FiscalSign(*known)
        _require_open(at)
        at["is_open"] = False
        return self._sign(state, at, "close", shift)

    def _sign_receipt(self, kind: str, receipt: FiscalReceipt) -> FiscalSign:
        state, at = self._read(receipt.register)
        known = at["signed"].get(f"{kind} {receipt.reference}")
        if known is not None:
            return FiscalSign(*known)
        _require_open(at)
        if receipt.total_minor < 0 or sum(paid.amount_minor for paid in receipt.payments) < receipt.total_minor:
            raise FiscalDeviceFailed("The payments do not cover the receipt.")
        return self._sign(state, at, kind, receipt)

    def _sign(
        self, state: dict[str, Any], at: dict[str, Any], kind: str, asked: FiscalReceipt | FiscalShift
    ) -> FiscalSign:
        state["document"] += 1
        text = json.dumps([at["shift"], state["document"], kind, repr(asked)], ensure_ascii=False)
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        sign = FiscalSign(SIMULATED_SERIAL, at["shift"], state["document"], f"{number:010d}", is_certified=False)
        # Until the next shift begins.
        at["signed"][f"{kind} {asked.reference}"] = list(sign)
        write_secret(self._path, json.dumps(state).encode())
        return sign

    def _read(self, register: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Everything, and the part of a register."""
        if self._path.with_name(f"{self._path.name}.off").exists():
            raise FiscalDeviceSilent("The fiscal device does not answer.", "Switch it on.")
        state: dict[str, Any] = {"document": 0, "registers": {}}
        if self._path.exists():
            state = json.loads(self._path.read_text())
        at = state["registers"].setdefault(register, {"is_open": False, "shift": 0, "signed": {}})
        return state, at


def _require_open(at: dict[str, Any]) -> None:
    if not at["is_open"]:
        raise FiscalDeviceFailed("No fiscal shift is open.", "Open one first.")


def open_fiscal_device(target: str) -> FiscalDevice | None:
    """The device that a setting names; None for an empty one. Raises InvalidInput."""
    if not target:
        return None
    kind, _, place = target.partition(":")
    if kind == "simulator" and place:
        return SimulatedFiscalDevice(Path(place))
    raise InvalidInput(f"The fiscal device “{target}” is not understood.", "Write it as simulator:PATH.")
