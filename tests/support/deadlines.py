"""Waiting for a condition instead of sleeping: one that does not come in time fails the test, and says which."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.03
WAIT_SECONDS_MAX = 20.0

ResultT = TypeVar("ResultT")


def wait_until(condition: Callable[[], ResultT | None], what: str, seconds_max: float = WAIT_SECONDS_MAX) -> ResultT:
    """Polls until the condition is true, and returns its value. `what` is the end of the sentence “waited for …”."""
    deadline = time.monotonic() + seconds_max
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds_max:g} seconds in vain for {what}; last seen: {value!r}.")
        time.sleep(POLL_SECONDS)
