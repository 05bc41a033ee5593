"""Both sessions against each other, in memory: whatever is delayed, interleaved or broken off, all arrives once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_node.storage.journal import ENTRIES_PER_READ_MAX
from shared.sync.chain import ENTRY_BYTES_MAX
from shared.sync.limits import (
    FEED_BATCH_BYTES_MAX,
    GREETING_MS_MAX,
    MESSAGE_BYTES_MAX,
    PUSH_BATCH_BYTES_MAX,
    PUSH_BATCH_ENTRIES_MAX,
    SILENCE_MS_MAX,
    TICK_INTERVAL_MS,
)
from tests.support.strategies import MANY, SOME
from tests.support.streams import Streams

seeds = st.integers(0, 2**32)


def disturb(streams: Streams, entries: int, records: int) -> None:
    """Entries and feed records at random moments between the steps."""
    while entries or records:
        if entries and streams.random.random() < 0.3:
            streams.record_entry()
            entries -= 1
        if records and streams.random.random() < 0.3:
            streams.publish()
            records -= 1
        streams.step()
        streams.check_watermark()


def finish(streams: Streams) -> None:
    """One pass at the end, and time for its tick."""
    streams.want_pass()
    streams.settle()
    streams.wait(TICK_INTERVAL_MS)
    streams.settle()


@MANY
@given(seeds, st.integers(0, 25), st.integers(0, 25))
def test_everything_is_acknowledged_once_and_in_order(seed: int, entries: int, records: int) -> None:
    streams = Streams(seed)
    disturb(streams, entries, records)
    finish(streams)
    streams.check_even()
    assert streams.passes_done == 1


@SOME
@given(seeds, st.integers(1, 4), st.integers(0, 12), st.integers(0, 12))
def test_nothing_is_lost_or_doubled_when_the_stream_breaks(seed: int, breaks: int, entries: int, records: int) -> None:
    streams = Streams(seed)
    for _ in range(breaks):
        disturb(streams, entries, records)
        streams.connect()
    finish(streams)
    streams.check_even()
    assert streams.streams == breaks + 1


@SOME
@given(seeds)
def test_a_pass_is_not_done_before_both_sides_have_what_there_was(seed: int) -> None:
    streams = Streams(seed)
    disturb(streams, 10, 10)
    streams.want_pass()
    wanted, published = len(streams.journal.items), len(streams.feed.items)
    disturb(streams, 10, 10)
    while not streams.passes_done and streams.step():
        pass
    streams.wait(0 if streams.passes_done else TICK_INTERVAL_MS)
    while not streams.passes_done and streams.step():
        pass
    assert len(streams.held.items) >= wanted
    assert streams.feed_cursor.position >= published
    assert streams.passes_done == 1


@SOME
@given(seeds, st.lists(st.integers(1, TICK_INTERVAL_MS), max_size=5))
def test_the_watermark_never_claims_what_hq_does_not_hold(seed: int, waits: list[int]) -> None:
    streams = Streams(seed)
    streams.settle()
    for ms in waits:
        streams.wait(ms)
        disturb(streams, 5, 2)
    streams.settle()
    streams.check_watermark()


def test_an_even_stream_stays_alive_by_its_ticks() -> None:
    streams = Streams(1)
    streams.settle()
    for _ in range(3 * SILENCE_MS_MAX // TICK_INTERVAL_MS):
        streams.wait(TICK_INTERVAL_MS)
        streams.settle()
    assert streams.branch.is_streaming
    assert streams.hq.is_streaming
    assert streams.watermark == streams.clock


@pytest.mark.parametrize("seed", range(3))
def test_a_backlog_goes_up_in_one_stream(seed: int) -> None:
    streams = Streams(seed)
    streams.connect()
    for _ in range(500):
        streams.record_entry()
    finish(streams)
    streams.check_even()
    assert streams.streams == 2


def test_the_limits_of_both_sides_fit_together() -> None:
    assert ENTRIES_PER_READ_MAX <= PUSH_BATCH_ENTRIES_MAX
    assert PUSH_BATCH_BYTES_MAX + ENTRY_BYTES_MAX < MESSAGE_BYTES_MAX
    assert FEED_BATCH_BYTES_MAX + ENTRY_BYTES_MAX < MESSAGE_BYTES_MAX
    assert TICK_INTERVAL_MS * 2 < SILENCE_MS_MAX
    assert GREETING_MS_MAX <= SILENCE_MS_MAX
