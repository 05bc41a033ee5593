"""The gate: one writer at a time, and whoever waits gets through while another writes without pause."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.clock import Clock, SystemClock
from shared.errors import StoreBusy
from shared.storage.write_gate import WriteGate


class WaitingClock:
    """Tells when someone waits: the gate asks for the time only then. Each look costs some seconds."""

    def __init__(self, seconds_a_look: float = 0.0) -> None:
        self.waiting = threading.Event()
        self.looks = 0
        self._seconds_a_look = seconds_a_look

    def now_us(self) -> int:
        raise AssertionError("a gate needs no wall clock")

    def monotonic(self) -> float:
        self.waiting.set()
        self.looks += 1
        return self.looks * self._seconds_a_look


@contextmanager
def gate(path: Path, clock: Clock, seconds: float = 10.0) -> Iterator[WriteGate]:
    opened = WriteGate(path / "store.db", clock, seconds)
    try:
        yield opened
    finally:
        opened.close()


def test_a_free_gate_is_entered_at_once(tmp_path: Path) -> None:
    clock = WaitingClock()
    with gate(tmp_path, clock) as mine:
        for _ in range(3):
            mine.enter()
            mine.leave()
    assert clock.looks == 0


def test_a_gate_that_stays_taken_is_given_up_at_the_limit(tmp_path: Path) -> None:
    clock = WaitingClock(seconds_a_look=1.0)
    with gate(tmp_path, clock) as holder, gate(tmp_path, clock, seconds=3.0) as other:
        holder.enter()
        with pytest.raises(StoreBusy, match="for 3 seconds") as busy:
            other.enter()
        assert clock.looks == 4
        assert "hung" in busy.value.hint


def test_waiting_at_the_turnstile_and_then_at_the_gate_has_one_limit(tmp_path: Path) -> None:
    class FreeingClock(WaitingClock):
        """Frees the turnstile at the third look."""

        def monotonic(self) -> float:
            if self.looks == 3:
                fcntl.flock(turnstile, fcntl.LOCK_UN)
            return super().monotonic()

    clock = FreeingClock(seconds_a_look=1.0)
    with gate(tmp_path, WaitingClock()) as holder, gate(tmp_path, clock, seconds=5.0) as mine:
        holder.enter()
        with (tmp_path / "store.db-turnstile").open() as turnstile:
            fcntl.flock(turnstile, fcntl.LOCK_EX)
            with pytest.raises(StoreBusy):
                mine.enter()
    assert clock.looks == 6


def test_who_gave_up_does_not_hold_up_the_next(tmp_path: Path) -> None:
    clock = WaitingClock(seconds_a_look=1.0)
    with gate(tmp_path, clock) as holder, gate(tmp_path, clock, 2.0) as impatient, gate(tmp_path, clock) as next_one:
        holder.enter()
        with pytest.raises(StoreBusy):
            impatient.enter()
        holder.leave()
        next_one.enter()
        next_one.leave()


def test_who_just_wrote_queues_behind_who_waits(tmp_path: Path) -> None:
    order: list[str] = []
    clock = WaitingClock()
    with gate(tmp_path, WaitingClock()) as mine, gate(tmp_path, clock) as theirs:

        def wait_for_a_turn() -> None:
            theirs.enter()
            order.append("who waited")
            theirs.leave()

        mine.enter()
        thread = threading.Thread(target=wait_for_a_turn)
        thread.start()
        assert clock.waiting.wait(10)  # it holds the turnstile now and waits at the gate
        mine.leave()
        mine.enter()
        order.append("who had just written")
        mine.leave()
        thread.join()
    assert order == ["who waited", "who had just written"]


TURNS, FLAT_OUT_TURNS_MAX = 20, 200_000


def test_a_thread_gets_its_turns_while_another_writes_flat_out(tmp_path: Path) -> None:
    done = threading.Event()
    taken = 0

    def write_flat_out() -> None:
        nonlocal taken
        with gate(tmp_path, SystemClock()) as flat_out:
            while not done.is_set() and taken < FLAT_OUT_TURNS_MAX:
                flat_out.enter()
                taken += 1
                flat_out.leave()

    thread = threading.Thread(target=write_flat_out)
    thread.start()
    with gate(tmp_path, SystemClock()) as modest:
        for _ in range(TURNS):
            modest.enter()
            modest.leave()
    done.set()
    thread.join()
    assert taken < FLAT_OUT_TURNS_MAX


HOLD = """
import sys
from pathlib import Path
from shared.clock import SystemClock
from shared.storage.write_gate import WriteGate
WriteGate(Path(sys.argv[1]), SystemClock()).enter()
print("inside", flush=True)
sys.stdin.read()
"""


@contextmanager
def other_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is inside the gate until its input is closed or it is killed."""
    command = [sys.executable, "-c", HOLD, str(path / "store.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        yield process
        process.kill()


def test_another_process_keeps_us_out(tmp_path: Path) -> None:
    with other_process(tmp_path), gate(tmp_path, WaitingClock(1.0), 2.0) as mine:
        with pytest.raises(StoreBusy):
            mine.enter()


def test_a_gate_opens_when_its_process_dies(tmp_path: Path) -> None:
    with other_process(tmp_path) as process, gate(tmp_path, SystemClock()) as mine:
        process.kill()
        process.wait()
        mine.enter()
        mine.leave()


def test_the_locks_are_for_their_owner_alone(tmp_path: Path) -> None:
    with gate(tmp_path, WaitingClock()):
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"store.db-turnstile": 0o600, "store.db-gate": 0o600}
