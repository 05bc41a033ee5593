"""The feed, on both databases: in commit order, nothing missed, each branch its own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import select

from hq_server.storage.feed import (
    Publication,
    audience_of_branch,
    audience_of_zone,
    hash_at,
    next_hash,
    number_feed,
    publish,
    read_feed,
    read_head,
)
from hq_server.storage.tables import feed, feed_outbox
from shared.domain.records import RecordKind
from shared.sync.chain import NO_HASH
from shared.sync.messages import CardForgotten, FeedCursor
from tests.support.office import Office


def record(number: int) -> CardForgotten:
    return CardForgotten(RecordKind.CLIENT, number.to_bytes(16, "big"))


def tell(office: Office, audience: str, *numbers: int) -> None:
    with office.store.write() as connection:
        publish(connection, [Publication(audience, record(number)) for number in numbers])


def read(office: Office, audiences: list[str], after: FeedCursor, records_max: int = 100, bytes_max: int = 10_000):  # type: ignore[no-untyped-def]
    with office.store.read() as connection:
        return read_feed(connection, audiences, after, records_max, bytes_max)


def test_what_is_not_committed_has_no_position(office: Office) -> None:
    tell(office, "all", 1)
    assert office.count(feed) == 0
    assert number_feed(office.store, office.clock.now_us()).position == 1
    assert office.count(feed_outbox) == 0


def test_a_row_that_commits_late_is_numbered_late(office: Office) -> None:
    if office.store.dialect == "sqlite":
        return  # its writer is alone: nothing can commit late
    with office.store.write() as slow:
        publish(slow, [Publication("all", record(1))])
        tell(office, "all", 2)
        assert number_feed(office.store, 0).position == 1
        seen = read(office, ["all"], FeedCursor())
    number_feed(office.store, 0)
    later = read(office, ["all"], seen.cursor)
    assert len(seen.records) == 1
    assert len(later.records) == 1
    assert later.records != seen.records


def test_a_row_that_commits_while_others_are_numbered_is_not_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    if office.store.dialect == "sqlite":
        return  # its writer is alone
    with ExitStack() as slow:
        publish(slow.enter_context(office.store.write()), [Publication("all", record(1))])
        tell(office, "all", 2)

        def insert_after_the_commit(*arguments: Any, insert: Any = office.store.bulk.insert) -> None:
            slow.close()
            insert(*arguments)

        monkeypatch.setattr(office.store.bulk, "insert", insert_after_the_commit)
        assert number_feed(office.store, 0).position == 1
    assert number_feed(office.store, 0).position == 2
    assert len(set(read(office, ["all"], FeedCursor()).records)) == 2


def test_each_branch_reads_its_own_audiences(office: Office) -> None:
    tell(office, "all", 1)
    tell(office, audience_of_zone("north"), 2)
    tell(office, audience_of_branch(b"b" * 16), 3)
    number_feed(office.store, 0)
    assert len(read(office, ["all"], FeedCursor()).records) == 1
    assert len(read(office, ["all", "zone:north"], FeedCursor()).records) == 2
    assert len(read(office, ["all", audience_of_branch(b"b" * 16)], FeedCursor()).records) == 2


def test_the_cursor_covers_what_was_for_others(office: Office) -> None:
    tell(office, "branch:other", 1, 2, 3)
    head = number_feed(office.store, 0)
    assert read(office, ["all"], FeedCursor()) == ((), head)


def test_reading_in_small_pieces_misses_nothing(office: Office) -> None:
    for number in range(20):
        tell(office, "all" if number % 3 else "branch:other", number)
    number_feed(office.store, 0)
    cursor, records = FeedCursor(), []
    while True:
        piece = read(office, ["all"], cursor, records_max=2)
        if piece.cursor == cursor:
            break
        cursor = piece.cursor
        records += piece.records
    assert len(records) == len(set(records)) == 13


def test_a_record_larger_than_the_limit_goes_alone(office: Office) -> None:
    tell(office, "all", 1, 2)
    number_feed(office.store, 0)
    assert len(read(office, ["all"], FeedCursor(), bytes_max=1).records) == 1


def test_the_running_hash_covers_every_record_and_its_audience(office: Office) -> None:
    tell(office, "all", 1, 2)
    number_feed(office.store, 0)
    rows = office.rows(select(feed.c.audience, feed.c.data, feed.c.running_hash).order_by(feed.c.position))
    expected = NO_HASH
    for audience, data, running_hash in rows:
        expected = next_hash(expected, audience, data)
        assert running_hash == expected
    with office.store.read() as connection:
        assert read_head(connection).running_hash == expected
        assert hash_at(connection, 2) == expected
        assert hash_at(connection, 3) is None
        assert hash_at(connection, 0) == NO_HASH
