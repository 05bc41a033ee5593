"""Payment terminals: the simulator, which remembers in a folder so that a killed program finds its charges again.

The interface is shared.domain.card_payments.PaymentTerminal; no real terminal is spoken to yet.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from shared.certificates import write_secret
from shared.domain.card_payments import Approved, Declined, PaymentTerminal, TerminalAnswer, Unknown
from shared.domain.identifiers import is_id
from shared.errors import InvalidInput, TerminalSilent

__all__ = ["Approved", "Declined", "PaymentTerminal", "Script", "SimulatedTerminal", "Unknown", "open_terminal"]

SIMULATED_CARD = "**** 4242"
_SCRIPT_NAME = "script.json"


class Script(StrEnum):
    """What the simulator does with the next question."""

    APPROVE = "approve"
    DECLINE = "decline"
    TIME_OUT_AFTER_APPROVAL = "time-out-after-approval"
    TIME_OUT_BEFORE_APPROVAL = "time-out-before-approval"
    SILENT = "silent"
    """It is off: nothing is charged, and neither status nor cancel answers until the next question."""
    CRASH_BEFORE_APPROVAL = "crash-before-approval"
    CRASH_AFTER_APPROVAL = "crash-after-approval"
    """The asking program is killed, as by a power cut."""


class SimulatedTerminal:
    """A terminal for one till. It does not protect itself: asked twice for a reference it charges twice, and counts it.

    `script` says what becomes of the next questions, in order; after it, everything is approved. Written to the folder
    it outlives the program.
    """

    def __init__(self, folder: Path, script: Sequence[Script] | None = None) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if script is not None:
            self.set_script(script)

    def set_script(self, script: Sequence[Script]) -> None:
        """What becomes of the next questions."""
        self._write(_SCRIPT_NAME, [step.value for step in script])

    def authorize(self, reference: str, amount_minor: int, currency: str) -> TerminalAnswer:
        return self._perform(reference, {"amount_minor": amount_minor, "currency": currency})

    def refund(self, reference: str, original_reference: str, amount_minor: int, currency: str) -> TerminalAnswer:
        original = self._read(original_reference)
        if original is None or original["outcome"] != "approved" or amount_minor > self._refundable_minor(original):
            return Declined("There is no such charge to pay back.")
        details = {"amount_minor": -amount_minor, "currency": currency, "refunds": original_reference}
        return self._perform(reference, details)

    def status(self, reference: str) -> TerminalAnswer:
        self._require_on()
        known = self._read(reference)
        if known is None:
            return Unknown("The terminal has not heard of it.", never_heard=True)
        if known["outcome"] == "approved":
            return Approved(known["approval"], SIMULATED_CARD)
        return Declined("Cancelled." if known["outcome"] == "cancelled" else "Declined.")

    def cancel(self, reference: str) -> bool:
        self._require_on()
        known = self._read(reference) or {"asked": 0, "charges": 0, "amount_minor": 0, "currency": ""}
        self._write(_name(reference), {**known, "reference": reference, "outcome": "cancelled", "charges": 0})
        return True

    def charges(self) -> dict[str, int]:
        """Live charges by reference, in minor units; refunds are negative. A doubled charge counts twice."""
        known = [json.loads(path.read_text()) for path in sorted(self._folder.glob("payment-*.json"))]
        live = [found for found in known if found["charges"]]
        return {found["reference"]: found["amount_minor"] * found["charges"] for found in live}

    def _perform(self, reference: str, details: dict[str, Any]) -> TerminalAnswer:
        script = self._script()
        step = script[0] if script else Script.APPROVE
        self._write(_SCRIPT_NAME, [each.value for each in script[1:]])
        match step:
            case Script.TIME_OUT_BEFORE_APPROVAL:
                return Unknown("The terminal did not answer in time.")
            case Script.SILENT:
                self._write(_SCRIPT_NAME, [step.value, *(each.value for each in script[1:])])
                raise TerminalSilent("The terminal is off.", "Switch it on.")
            case Script.CRASH_BEFORE_APPROVAL:
                os.kill(os.getpid(), signal.SIGKILL)
        answer = self._decide(reference, details, step is not Script.DECLINE)
        match step:
            case Script.TIME_OUT_AFTER_APPROVAL:
                return Unknown("The terminal did not answer in time.")
            case Script.CRASH_AFTER_APPROVAL:
                os.kill(os.getpid(), signal.SIGKILL)
        return answer

    def _decide(self, reference: str, details: dict[str, Any], approves: bool) -> TerminalAnswer:
        known = self._read(reference) or {"asked": 0, "charges": 0}
        if known.get("outcome") == "cancelled":
            return Declined("Cancelled.")
        approval = f"SIM{reference.replace('-', '')[-6:].upper()}"
        outcome = "approved" if approves else "declined"
        charges = known["charges"] + int(approves)
        written = {**details, "reference": reference, "outcome": outcome, "approval": approval}
        self._write(_name(reference), {**written, "asked": known["asked"] + 1, "charges": charges})
        return Approved(approval, SIMULATED_CARD) if approves else Declined("Declined by the bank.")

    def _refundable_minor(self, original: dict[str, Any]) -> int:
        known = [json.loads(path.read_text()) for path in self._folder.glob("payment-*.json")]
        paid_back = [found for found in known if found.get("refunds") == original["reference"]]
        left_minor: int = original["amount_minor"]
        for found in paid_back:
            left_minor += found["amount_minor"] * found["charges"]
        return left_minor

    def _require_on(self) -> None:
        if self._script()[:1] == [Script.SILENT]:
            raise TerminalSilent("The terminal is off.", "Switch it on.")

    def _script(self) -> list[Script]:
        path = self._folder / _SCRIPT_NAME
        return [Script(step) for step in json.loads(path.read_text())] if path.exists() else []

    def _read(self, reference: str) -> dict[str, Any] | None:
        path = self._folder / _name(reference)
        if not path.exists():
            return None
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def _write(self, name: str, content: object) -> None:
        write_secret(self._folder / name, json.dumps(content).encode())


def open_terminal(target: str) -> PaymentTerminal | None:
    """The terminal that a setting names; None for an empty one. Raises InvalidInput."""
    if not target:
        return None
    kind, _, place = target.partition(":")
    if kind == "simulator" and place:
        return SimulatedTerminal(Path(place))
    raise InvalidInput(f"The payment terminal “{target}” is not understood.", "Write it as simulator:FOLDER.")


def _name(reference: str) -> str:
    """References become file names: ours are ids, another could lead out of the folder."""
    if not is_id(reference):
        raise InvalidInput("A payment reference is an id.")
    return f"payment-{reference}.json"
