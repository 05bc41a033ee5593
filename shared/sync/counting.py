"""Counters by kind and business date: what both sides keep as they go, and compare in one round trip.

A counter is (records, fingerprint, amount): how many facts there are, the sum of their fingerprints, and the sum of
their amounts in minor units (a sale's or a Z-report's net amount, a shift's float). A fact's fingerprint is the first
5 bytes of SHA-256("filial/fact/1\\0" ‖ kind ‖ id ‖ payload) as a big-endian number. Sums do not depend on the order
in which facts came, and 8 million facts of one day stay below 2^63.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

FINGERPRINT_BYTES = 5
_PREFIX = struct.Struct(">H16s")

CounterKey = tuple[int, date]


class FactFigure(NamedTuple):
    """What a fact adds to its counter."""

    kind: int
    record_id: bytes
    payload: bytes
    business_date: date
    amount_minor: int


class Counter(NamedTuple):
    """One kind and business date."""

    records: int = 0
    fingerprint: int = 0
    amount_minor: int = 0


def fingerprint(kind: int, record_id: bytes, payload: bytes) -> int:
    """A fact's fingerprint."""
    digest = hashlib.sha256(b"filial/fact/1\0" + _PREFIX.pack(kind, record_id) + payload).digest()
    return int.from_bytes(digest[:FINGERPRINT_BYTES], "big")


class CounterDeltas:
    """What some facts add to their counters."""

    def __init__(self) -> None:
        self._sums: dict[CounterKey, Counter] = {}

    def add(self, figures: Iterable[FactFigure]) -> None:
        """Counts facts."""
        for kind, record_id, payload, business_date, amount_minor in figures:
            key = (kind, business_date)
            records, total, amount = self._sums.get(key, (0, 0, 0))
            self._sums[key] = Counter(records + 1, total + fingerprint(kind, record_id, payload), amount + amount_minor)

    @property
    def counters(self) -> Mapping[CounterKey, Counter]:
        return self._sums


def digest_counters(counters: Mapping[CounterKey, Counter]) -> bytes:
    """One hash over all counters that are not zero, by kind and date."""
    digest = hashlib.sha256(b"filial/counters/1\0")
    for (kind, day), counter in sorted(counters.items()):
        if counter.records:
            digest.update(f"{kind} {day.isoformat()} {counter[0]} {counter[1]} {counter[2]}\n".encode())
    return digest.digest()
