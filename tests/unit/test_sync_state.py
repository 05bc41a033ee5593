"""What a branch durably knows of its synchronisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from branch_node.storage.sync_state import (
    SyncState,
    Waiting,
    count_parked,
    read_sync_state,
    read_waiting,
    store_ack,
    store_disconnected,
    store_feed_cursor,
    store_mode,
    store_resumed,
    store_welcome,
)
from shared.domain.identifiers import NIL_ID
from shared.sync.chain import NO_HASH, Head
from shared.sync.limits import Credits
from shared.sync.messages import (
    Ack,
    EntryOutcome,
    FeedCursor,
    ProcessingMode,
    ResumeMode,
    Welcome,
    WhenUnreachable,
)
from tests.support.clock import START_US
from tests.support.shop import Shop

HEAD = Head(2, b"h" * 32)
LATER = START_US + 1


def welcome(mode: ProcessingMode = ProcessingMode.DISTRIBUTED, reason: str = "") -> Welcome:
    policy = WhenUnreachable.REFUSE if mode is ProcessingMode.DISTRIBUTED else WhenUnreachable.FALL_BACK
    return Welcome(1, 5, HEAD, ResumeMode.INCREMENTAL, reason, Credits(), -12, mode, policy, 7, 0, LATER)


def write(shop: Shop, work: Callable[[Any], None]) -> None:
    with shop.store.write() as connection:
        work(connection.connection.cursor())


def state(shop: Shop) -> SyncState:
    with shop.store.read_cursor() as cursor:
        return read_sync_state(cursor)


def waiting(shop: Shop) -> Waiting:
    with shop.store.read_cursor() as cursor:
        return read_waiting(cursor)


def test_a_new_branch_has_acknowledged_nothing_but_its_genesis(shop: Shop) -> None:
    genesis = shop.store.node()[1].genesis_hash
    assert state(shop) == SyncState(
        Head(0, genesis), FeedCursor(NIL_ID, 0, NO_HASH), None, 0, False, None, None, 0, None, False, 0, 0, 0
    )


def test_a_welcome_is_remembered(shop: Shop) -> None:
    write(shop, lambda cursor: store_welcome(cursor, welcome(), True, LATER))
    known = state(shop)
    assert (known.skew_ms, known.backup_seq, known.connected, known.last_sync_at_us, known.trouble) == (
        -6,
        7,
        True,
        LATER,
        None,
    )


def test_the_skew_lies_between_what_both_sides_measured(shop: Shop) -> None:
    write(shop, lambda cursor: store_welcome(cursor, welcome(), True, LATER + 32_000))
    assert state(shop).skew_ms == 10


def test_a_refusal_is_remembered_as_trouble_until_the_next_welcome(shop: Shop) -> None:
    write(shop, lambda cursor: store_welcome(cursor, welcome(reason="A copy."), False, LATER))
    assert (state(shop).connected, state(shop).trouble) == (False, "A copy.")
    write(shop, lambda cursor: store_welcome(cursor, welcome(), True, LATER))
    assert (state(shop).connected, state(shop).trouble) == (True, None)


def test_a_mode_is_kept_and_every_process_reads_the_node_again(shop: Shop) -> None:
    before = shop.one("SELECT revision FROM node")
    write(shop, lambda cursor: store_mode(cursor, ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK))
    assert shop.one("SELECT revision FROM node") == before + 1
    node = shop.store.node()[0]
    assert (node.mode, node.when_unreachable) == (ProcessingMode.CENTRALIZED, WhenUnreachable.FALL_BACK)


def test_a_welcome_makes_no_process_read_the_node_again(shop: Shop) -> None:
    before = shop.one("SELECT revision FROM node")
    write(shop, lambda cursor: store_welcome(cursor, welcome(), True, LATER))
    assert shop.one("SELECT revision FROM node") == before


def test_an_ack_moves_what_is_acknowledged(shop: Shop) -> None:
    write(shop, lambda cursor: store_ack(cursor, b"i" * 16, Ack(HEAD), LATER))
    assert (state(shop).acknowledged, state(shop).last_sync_at_us) == (HEAD, LATER)


def test_what_head_office_could_not_apply_is_counted_once(shop: Shop) -> None:
    outcomes = (EntryOutcome(1, duplicate=True), EntryOutcome(2, parked_reason="unknown_kind"))
    for _ in range(2):
        write(shop, lambda cursor: store_ack(cursor, b"i" * 16, Ack(HEAD, outcomes), LATER))
    with shop.store.read_cursor() as cursor:
        assert count_parked(cursor) == 1
    assert shop.rows("SELECT seq, reason FROM parked_entry") == [(2, "unknown_kind")]


def test_head_office_may_have_forgotten_what_it_acknowledged(shop: Shop) -> None:
    write(shop, lambda cursor: store_ack(cursor, b"i" * 16, Ack(HEAD), LATER))
    write(shop, lambda cursor: store_resumed(cursor, Head(1, b"o" * 32)))
    assert state(shop).acknowledged == Head(1, b"o" * 32)


def test_the_feed_s_cursor_is_kept_whole(shop: Shop) -> None:
    feed = FeedCursor(b"e" * 16, 5, b"f" * 32)
    write(shop, lambda cursor: store_feed_cursor(cursor, feed, LATER))
    assert state(shop).feed == feed


@pytest.mark.parametrize(("trouble", "kept"), [(None, "A copy."), ("Revoked.", "Revoked.")])
def test_a_stream_that_ends_keeps_the_last_trouble_unless_there_is_new(
    shop: Shop, trouble: str | None, kept: str
) -> None:
    write(shop, lambda cursor: store_welcome(cursor, welcome(reason="A copy."), False, LATER))
    write(shop, lambda cursor: store_disconnected(cursor, trouble))
    assert (state(shop).connected, state(shop).trouble) == (False, kept)


def test_nothing_waits_at_a_new_branch(shop: Shop) -> None:
    assert waiting(shop) == Waiting(0, None)


def test_entries_wait_since_the_oldest_of_them_was_recorded(shop: Shop) -> None:
    shop.sell("k1")
    shop.clock.advance(60)
    shop.sell("k2")
    assert waiting(shop) == Waiting(2, START_US // 1_000)
    first = Head(1, shop.one("SELECT entry_hash FROM journal WHERE position = 1"))
    write(shop, lambda cursor: store_ack(cursor, b"i" * 16, Ack(first), LATER))
    assert waiting(shop) == Waiting(1, START_US // 1_000 + 60_000)
    write(shop, lambda cursor: store_ack(cursor, b"i" * 16, Ack(Head(2, b"h" * 32)), LATER))
    assert waiting(shop) == Waiting(0, None)
