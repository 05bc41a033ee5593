"""Time, ids and randomness as things that can be replaced. The only module that asks the operating system for them."""

from __future__ import annotations

import os
import random
import time
from typing import Protocol

import uuid_utils

SALT_BYTES = 16


class Clock(Protocol):
    """Tells the time."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for intervals."""


class Ids(Protocol):
    """Makes what must be unique or unpredictable."""

    def new_id(self) -> bytes:
        """A UUIDv7, 16 bytes."""

    def new_salt(self) -> bytes:
        """16 unpredictable bytes."""

    def jitter(self) -> float:
        """A number in [0, 1)."""


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()


class SystemIds:
    """The machine's entropy."""

    def new_id(self) -> bytes:
        return uuid_utils.uuid7().bytes

    def new_salt(self) -> bytes:
        return os.urandom(SALT_BYTES)

    def jitter(self) -> float:
        return random.random()  # noqa: S311 - spreads reconnections, guards nothing.
