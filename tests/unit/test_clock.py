"""The machine's clock and entropy."""

from __future__ import annotations

import time
import uuid

from shared.clock import SALT_BYTES, SystemClock, SystemIds


def test_the_clock_tells_microseconds_of_utc() -> None:
    before, now, after = time.time(), SystemClock().now_us(), time.time()
    assert int(before * 1e6) - 1 <= now <= after * 1e6 + 1


def test_monotonic_time_does_not_run_backwards() -> None:
    clock = SystemClock()
    looks = [clock.monotonic() for _ in range(100)]
    assert looks == sorted(looks)


def test_ids_are_uuids_of_version_7_in_the_order_they_were_made() -> None:
    ids = SystemIds()
    made = [ids.new_id() for _ in range(1_000)]
    assert len(set(made)) == 1_000
    assert {uuid.UUID(bytes=identity).version for identity in made} == {7}
    assert made[0][:6] <= made[-1][:6]


def test_salts_are_16_bytes_and_never_alike() -> None:
    ids = SystemIds()
    salts = {ids.new_salt() for _ in range(100)}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {SALT_BYTES}


def test_jitter_lies_between_0_and_1() -> None:
    ids = SystemIds()
    jitters = {ids.jitter() for _ in range(100)}
    assert len(jitters) > 50
    assert all(0 <= jitter < 1 for jitter in jitters)
