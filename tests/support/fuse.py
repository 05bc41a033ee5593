"""A fuse that blows at a chosen step: before or after any transaction of a store, any question to a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from branch_node.devices.payment_terminal import SimulatedTerminal
from shared.domain.card_payments import TerminalAnswer
from tests.support.shop import Shop


class PowerCut(BaseException):
    """The process dies here; nothing may catch it."""


@dataclass
class Fuse:
    """Blows at the given step, counted over everything that passes it."""

    steps_left: int | None = None

    def pass_through(self) -> None:
        if self.steps_left is not None:
            if self.steps_left == 0:
                self.steps_left = None
                raise PowerCut
            self.steps_left -= 1


@dataclass
class FragileTerminal:
    """The simulator behind a wire that may be cut before and after every question."""

    terminal: SimulatedTerminal
    fuse: Fuse = field(default_factory=Fuse)

    def _ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        self.fuse.pass_through()
        answer = question(*arguments)
        self.fuse.pass_through()
        return answer

    def authorize(self, reference: str, amount_minor: int, currency: str) -> TerminalAnswer:
        answer: TerminalAnswer = self._ask(self.terminal.authorize, reference, amount_minor, currency)
        return answer

    def refund(self, reference: str, original_reference: str, amount_minor: int, currency: str) -> TerminalAnswer:
        answer: TerminalAnswer = self._ask(self.terminal.refund, reference, original_reference, amount_minor, currency)
        return answer

    def status(self, reference: str) -> TerminalAnswer:
        answer: TerminalAnswer = self._ask(self.terminal.status, reference)
        return answer

    def cancel(self, reference: str) -> bool:
        return bool(self._ask(self.terminal.cancel, reference))


def cut_writes(shop: Shop, fuse: Fuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power may fail before and after every transaction too."""
    write = shop.store.write

    class Cut:
        def __init__(self, turn: Any) -> None:
            self._turn = turn

        @property
        def driver(self) -> Any:
            return self._turn.driver

        def __enter__(self) -> Any:
            fuse.pass_through()
            return self._turn.__enter__()

        def __exit__(self, *error: Any) -> None:
            self._turn.__exit__(*error)
            if error[0] is None:
                fuse.pass_through()

    monkeypatch.setattr(shop.store, "write", lambda **how: Cut(write(**how)))
