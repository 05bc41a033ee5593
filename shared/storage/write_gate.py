"""Takes turns among the processes that write to one SQLite file.

SQLite's own waiting polls: a process that writes without pause takes the lock back before a sleeping one looks again.
Two file locks make it fair. Whoever wants to write takes the *turnstile*, then the *gate*, then leaves the turnstile;
the process that just wrote has to queue at the turnstile behind whoever holds it. Both locks vanish with their process.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.clock import Clock
from shared.errors import StoreBusy

WAIT_SECONDS_MAX = 10.0
POLL_SECONDS = 0.000_5


class WriteGate:
    """One per thread that writes: a file lock belongs to an open file, so threads must not share one."""

    def __init__(self, store_path: Path, clock: Clock, wait_seconds_max: float = WAIT_SECONDS_MAX) -> None:
        self._clock = clock
        self._wait_seconds_max = wait_seconds_max
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
        self._turnstile = os.open(f"{store_path}-turnstile", flags, 0o600)
        self._gate = os.open(f"{store_path}-gate", flags, 0o600)

    def enter(self) -> None:
        """Takes the right to write. Raises StoreBusy when it does not come within the limit."""
        deadline = self._take(self._turnstile, None)
        try:
            self._take(self._gate, deadline)
        finally:
            fcntl.flock(self._turnstile, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Gives the right to write back."""
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._turnstile)
        os.close(self._gate)

    def _take(self, lock: int, deadline: float | None) -> float | None:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                now = self._clock.monotonic()
                deadline = deadline if deadline is not None else now + self._wait_seconds_max
                if now >= deadline:
                    raise StoreBusy(
                        f"Another process has been writing to the store for {self._wait_seconds_max:.0f} seconds.",
                        "Look for a hung filial process on this machine, then try again.",
                    ) from None
                time.sleep(POLL_SECONDS)
            else:
                return deadline


@contextmanager
def hold_gate(store_path: Path, clock: Clock) -> Iterator[None]:
    """Nobody writes to the store meanwhile, whatever state its file is in. Raises StoreBusy."""
    gate = WriteGate(store_path, clock)
    try:
        gate.enter()
        yield
    finally:
        gate.close()  # which gives it back
