"""A till that is killed while its customer pays by card: a real process, kill -9, and the terminal's own memory."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from branch_node.devices.payment_terminal import Script, SimulatedTerminal
from branch_node.operations.card_payments import ask, begin_attempt, resolve_all, unresolved, use_attempt
from branch_node.storage.store import BranchStore
from shared.domain.card_payments import AttemptState

_PAY = """
import sys
from pathlib import Path
from branch_node.devices.payment_terminal import SimulatedTerminal
from branch_node.operations.card_payments import ask, begin_attempt
from branch_node.storage.store import BranchStore
from shared.clock import SystemClock, SystemIds

store = BranchStore(Path(sys.argv[1]), SystemClock(), SystemIds())
attempt = begin_attempt(store, "basket", "1", 23_000, "RUB")
ask(store, SimulatedTerminal(Path(sys.argv[2])), attempt.reference)
"""


@pytest.mark.parametrize(
    ("script", "charged"), [(Script.CRASH_AFTER_APPROVAL, True), (Script.CRASH_BEFORE_APPROVAL, False)]
)
def test_a_till_killed_amid_a_payment_charges_once_and_is_resolved_before_z(
    branch_store: BranchStore, tmp_path: Path, script: Script, charged: bool
) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal", [script])
    command = [sys.executable, "-c", _PAY, str(tmp_path / "branch.db"), str(tmp_path / "terminal")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert len(terminal.charges()) == int(charged)
    (left,) = unresolved(branch_store, "1")
    assert left.state is AttemptState.ASKED

    # The cashier starts the till again and pays for the same basket: nothing is asked anew.
    again = begin_attempt(branch_store, "basket", "1", 23_000, "RUB")
    assert ask(branch_store, terminal, again.reference).state is AttemptState.ASKED
    remaining = resolve_all(branch_store, terminal, "1")

    if charged:
        assert [attempt.state for attempt in remaining] == [AttemptState.APPROVED]
        with branch_store.operation() as transaction:
            use_attempt(transaction.cursor, left.reference, b"s" * 16, 23_000, "RUB", transaction.now_us)
        assert terminal.charges() == {left.reference: 23_000}
    else:
        assert remaining == []
        fresh = begin_attempt(branch_store, "basket", "1", 23_000, "RUB")
        assert ask(branch_store, terminal, fresh.reference).state is AttemptState.APPROVED
        assert list(terminal.charges()) == [fresh.reference]
    assert [attempt for attempt in unresolved(branch_store, "1") if attempt.state is AttemptState.ASKED] == []
