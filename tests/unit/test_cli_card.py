"""`filial-branch card`: what is unresolved, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from branch_node.cli import commands
from branch_node.devices.payment_terminal import Script, SimulatedTerminal
from branch_node.operations.card_payments import ask, begin_attempt
from shared.cli.program import run_program
from tests.support.shop import Shop


@pytest.fixture
def terminal(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedTerminal:
    """A terminal that the settings name; the shop's folder is the home."""
    folder = tmp_path / "terminal"
    monkeypatch.setenv("FILIAL_HOME", str(tmp_path))
    monkeypatch.setenv("FILIAL_PAYMENT_TERMINAL", f"simulator:{folder}")
    return SimulatedTerminal(folder)


def card(capsys: pytest.CaptureFixture[str], *arguments: str, exit_code: int = 0) -> Any:
    """What the command prints as JSON."""
    assert run_program(commands, ["card", *arguments, "--json"]) == exit_code
    return json.loads(capsys.readouterr().out)


def pay(shop: Shop, terminal: SimulatedTerminal, *script: Script) -> str:
    terminal.set_script(script)
    attempt = begin_attempt(shop.store, "basket", "1", 23_000, "RUB")
    return ask(shop.store, terminal, attempt.reference).reference


def test_a_payment_in_doubt_is_listed_resolved_and_reversed(
    shop: Shop, terminal: SimulatedTerminal, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = pay(shop, terminal, Script.TIME_OUT_AFTER_APPROVAL)
    (row,) = card(capsys, "list")["attempts"]
    assert (row["reference"], row["state"], row["amount"]) == (reference, "unknown", "230.00 RUB")
    assert card(capsys, "list", "--register", "2")["attempts"] == []
    (row,) = card(capsys, "resolve", exit_code=1)["attempts"]
    assert row["state"] == "approved"
    assert card(capsys, "reverse", reference) == {"reference": reference, "state": "reversed"}
    assert card(capsys, "resolve")["attempts"] == []
    assert terminal.charges() == {}


def test_a_reversal_without_an_answer_says_what_to_do(
    shop: Shop, terminal: SimulatedTerminal, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = pay(shop, terminal)
    terminal.set_script([Script.SILENT])
    assert run_program(commands, ["card", "reverse", reference]) == 1
    assert "card resolve" in capsys.readouterr().out


def test_without_a_terminal_the_command_says_how_to_set_one(
    shop: Shop, terminal: SimulatedTerminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FILIAL_PAYMENT_TERMINAL", "")
    assert run_program(commands, ["card", "resolve"]) == 1
    assert "FILIAL_PAYMENT_TERMINAL" in capsys.readouterr().err
