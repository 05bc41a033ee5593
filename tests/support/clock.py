"""Time and identities that a test decides."""

from __future__ import annotations

import random

from shared.domain.business_time import MICROSECONDS

START_US = 1_795_449_600 * MICROSECONDS
"""2026-11-23T16:00:00Z."""


class FakeClock:
    """Stands still until it is told to move."""

    def __init__(self, now_us: int = START_US) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def monotonic(self) -> float:
        return self._now_us / MICROSECONDS

    def advance(self, seconds: float) -> None:
        self._now_us += int(seconds * MICROSECONDS)

    def set(self, now_us: int) -> None:
        self._now_us = now_us


class SeededIds:
    """UUIDv7s, salts and jitter from a seed: the same in every run."""

    def __init__(self, clock: FakeClock, seed: int = 0) -> None:
        self._clock = clock
        self._random = random.Random(seed)

    def new_id(self) -> bytes:
        stamp = (self._clock.now_us() // 1_000).to_bytes(6, "big")
        tail = bytearray(self._random.randbytes(10))
        tail[0] = tail[0] & 0x0F | 0x70
        tail[2] = tail[2] & 0x3F | 0x80
        return stamp + bytes(tail)

    def new_salt(self) -> bytes:
        return self._random.randbytes(16)

    def jitter(self) -> float:
        return self._random.random()
