"""Carried messages beside what the reader holds: passed over, taken, or refused; never a gap, never twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput, Refused
from shared.sync.carried import CarriedFeed, opens_life, require_same_entries, rest_of_batch
from shared.sync.chain import Head
from shared.sync.limits import Credits
from shared.sync.messages import (
    Batch,
    FeedBatch,
    FeedCursor,
    Hello,
    ProcessingMode,
    ResumeMode,
    Welcome,
    WhenUnreachable,
)

BRANCH, LIFE, EPOCH = b"b" * 16, b"l" * 16, b"e" * 16
JOURNAL = tuple(b"%d" % seq for seq in range(1, 31))


def hello(incarnation: bytes = LIFE, branch_id: bytes = BRANCH) -> Hello:
    return Hello(
        branch_id=branch_id,
        incarnation=incarnation,
        head=Head(0, b""),
        feed=FeedCursor(),
        wall_clock_us=0,
        hlc_epoch=0,
        hlc=0,
        release="test",
        boot_id=b"o" * 16,
        instance_id=b"i" * 16,
        protocol_min=1,
        protocol_max=1,
        schema_version=1,
    )


def batch(first: int, last: int) -> Batch:
    return Batch(LIFE, first, JOURNAL[first - 1 : last], b"hash", len(JOURNAL))


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 9)), max_size=30))
def test_batches_in_any_order_leave_the_journal_without_a_gap(pieces: list[tuple[int, int]]) -> None:
    held: list[bytes] = []
    for first, more in pieces:
        try:
            rest = rest_of_batch(batch(first, min(30, first + more)), hello(), Head(len(held), b"h"))
        except Refused:
            assert first > len(held) + 1
            continue
        if rest is not None:
            assert rest.first_seq == len(held) + 1
            held += rest.entries
    assert tuple(held) == JOURNAL[: len(held)]


def test_a_batch_of_another_incarnation_is_refused() -> None:
    for greeting in (None, hello(b"x" * 16)):
        with pytest.raises(InvalidInput):
            rest_of_batch(batch(1, 2), greeting, Head(0, b""))


def test_other_entries_under_known_numbers_are_refused() -> None:
    require_same_entries(True)
    with pytest.raises(Refused):
        require_same_entries(False)


def test_only_an_unknown_incarnation_opens_a_life() -> None:
    past = frozenset({LIFE, b"p" * 16})
    assert not opens_life(hello(), BRANCH, LIFE, past, None)
    assert opens_life(hello(b"n" * 16), BRANCH, LIFE, past, None)
    with pytest.raises(Refused, match="new incarnation"):
        opens_life(hello(b"p" * 16), BRANCH, LIFE, past, None)
    with pytest.raises(Refused, match="two stores"):
        opens_life(hello(), BRANCH, LIFE, past, "There are two stores.")
    with pytest.raises(InvalidInput):
        opens_life(hello(branch_id=b"o" * 16), BRANCH, LIFE, past, None)


def welcome(end: int, reason: str = BRANCH.hex()) -> Welcome:
    return Welcome(
        1,
        0,
        Head(0, b""),
        ResumeMode.INCREMENTAL,
        reason,
        Credits(),
        0,
        ProcessingMode.DISTRIBUTED,
        WhenUnreachable.REFUSE,
        0,
        end,
        0,
    )


def stretch(after: int, to: int, epoch: bytes = EPOCH, folded_to: int = 0) -> FeedBatch:
    return FeedBatch((), FeedCursor(epoch, to, b"r"), to, after, FeedCursor(epoch, after, b"r", folded_to))


def reading(own: int, end: int, epoch: bytes = EPOCH) -> CarriedFeed:
    feed = CarriedFeed(BRANCH, FeedCursor(epoch, own, b"r"))
    feed.note_welcome(welcome(end))
    return feed


def test_a_feed_is_taken_whole_or_not_at_all() -> None:
    old = reading(own=9, end=9)
    assert [old.takes(stretch(0, 5)), old.takes(stretch(5, 9))] == [False, False]
    newer = reading(own=9, end=12)
    assert [newer.takes(stretch(4, 8)), newer.takes(stretch(8, 12))] == [True, True]
    assert newer.cursor.position == 9


def test_the_cursor_moves_with_a_file_that_begins_where_it_stands() -> None:
    feed = reading(own=9, end=14)
    assert [feed.takes(stretch(9, 12)), feed.takes(stretch(12, 14))] == [True, True]
    assert feed.cursor.position == 14


def test_the_cursor_stays_when_the_file_goes_on_from_another_cursor_of_that_position() -> None:
    """Amid a compacted stretch, a store lacks what a file from before the compaction takes for granted."""
    for first in (stretch(9, 14, folded_to=12), replace(stretch(9, 14), after=None)):
        feed = reading(own=9, end=14)
        assert feed.takes(first)
        assert feed.overlaps
        assert feed.cursor.position == 9


def test_a_missing_stretch_is_refused() -> None:
    with pytest.raises(Refused):
        reading(own=3, end=12).takes(stretch(4, 12))
    feed = reading(own=9, end=12)
    assert feed.takes(stretch(0, 8))
    with pytest.raises(Refused):
        feed.takes(stretch(9, 12))


def test_a_feed_of_another_epoch_begins_at_its_beginning() -> None:
    assert reading(own=9, end=5).takes(stretch(0, 5, b"n" * 16))
    with pytest.raises(Refused):
        reading(own=9, end=5).takes(stretch(2, 5, b"n" * 16))


def test_a_file_names_its_branch() -> None:
    with pytest.raises(InvalidInput):
        CarriedFeed(BRANCH, FeedCursor()).note_welcome(replace(welcome(1), reason="other"))
