"""Compacting the feed, on both databases: every cursor goes on to the same cards, from one row a card."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from sqlalchemy import select

from hq_server.operations.editing import HqEdit
from hq_server.operations.fleet import change_branch
from hq_server.storage import compaction
from hq_server.storage.compaction import FOLDED, compact_feed, compact_some, fold
from hq_server.storage.feed import (
    Publication,
    audience_of_branch,
    hash_at,
    is_on_feed,
    number_feed,
    publish,
    read_feed,
    read_head,
)
from hq_server.storage.tables import feed, feed_compaction
from shared.domain.cards import rules_of
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.sync.card_merge import CardState, FieldPatch, Stamp, merge_patch, merge_states
from shared.sync.messages import CardChange, CardForgotten, CardFull, FeedCursor, FeedRecord
from shared.wire.cards import decode_state
from shared.wire.exchange import decode_feed_record, encode_feed_record
from tests.support.office import Office

Cards = dict[bytes, CardState]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "COMPACTED_PER_TRANSACTION_MAX", 7)


def rename(office: Office, sku: str, name: str) -> None:
    with office.store.write() as connection:
        edit = HqEdit(connection, office.ids, office.clock.now_us())
        product_id = derived_id("product", sku.encode())
        prepared = edit.prepare(RecordKind.PRODUCT, product_id, {"sku": sku, "name": name})
        edit.apply([prepared] if prepared else [], {product_id: "all"})
    number_feed(office.store, office.clock.now_us())


def told(office: Office) -> list[tuple[int, FeedRecord]]:
    """What everybody is told, by position."""
    rows = office.rows(select(feed.c.position, feed.c.data).where(feed.c.audience == "all").order_by(feed.c.position))
    return [(position, decode_feed_record(data)) for position, data in rows]


def take(cards: Cards, rows: list[tuple[int, FeedRecord]], after: int) -> Cards:
    """What a branch holds that held `cards` at that position and takes the rest."""
    taken = dict(cards)
    for position, record in rows:
        if position <= after:
            continue
        state = taken.get(record.card_id, CardState())
        rules = rules_of(record.kind)
        match record:
            case CardChange():
                taken[record.card_id] = merge_patch(state, record.stamp, record.patches, rules).state
            case CardFull():
                taken[record.card_id] = merge_states(state, decode_state(record.state), rules).state
            case CardForgotten():
                taken.pop(record.card_id, None)
    return taken


def test_a_new_branch_is_told_of_every_card_once(office: Office) -> None:
    for number in range(10):
        rename(office, "milk", f"Milk {number}")
        rename(office, "bread", f"Bread {number}")
    before = take({}, told(office), 0)
    assert compact_feed(office.store).folded == 18
    assert len(told(office)) == 2
    assert take({}, told(office), 0) == before


@pytest.mark.parametrize("seed", range(6))
def test_every_cursor_goes_on_to_the_same_cards(office: Office, small_steps: None, seed: int) -> None:
    randomly = random.Random(seed)
    rows: list[tuple[int, FeedRecord]] = []
    for _ in range(40):
        rename(office, randomly.choice("abc"), f"Name {randomly.randrange(9)}")
        if randomly.random() < 0.1:
            forgotten = CardForgotten(RecordKind.PRODUCT, derived_id("product", randomly.choice("abc").encode()))
            with office.store.write() as connection:
                publish(connection, [Publication("all", forgotten)])
            number_feed(office.store, office.clock.now_us())
        known = {position for position, _ in rows}
        rows += [row for row in told(office) if row[0] not in known]
        if randomly.random() < 0.2:
            compact_feed(office.store)
    compact_feed(office.store)
    compacted = told(office)
    assert len(compacted) < len(rows)
    for cursor in range(len(rows) + 1):
        held = take({}, [row for row in rows if row[0] <= cursor], 0)
        assert take(held, compacted, cursor) == take(held, rows, cursor)


def test_a_row_holds_nothing_newer_than_its_position(office: Office) -> None:
    """A branch at that cursor must hold no more than an HQ restored from a backup of that moment knows."""
    rename(office, "milk", "First")
    rename(office, "milk", "Second")
    rename(office, "bread", "Bread")
    compact_feed(office.store)
    rows = told(office)
    rename(office, "milk", "Third")
    assert told(office)[: len(rows)] == rows
    compact_feed(office.store)
    assert [record.card_id for _, record in told(office)] == [derived_id("product", sku) for sku in (b"bread", b"milk")]


def test_compacting_twice_changes_nothing(office: Office) -> None:
    for number in range(5):
        rename(office, "milk", f"Milk {number}")
    compact_feed(office.store)
    before = office.rows(select(feed).order_by(feed.c.position))
    assert compact_feed(office.store) == (0, 0)
    assert office.rows(select(feed).order_by(feed.c.position)) == before


def test_a_cursor_on_a_folded_row_is_still_known(office: Office) -> None:
    for number in range(5):
        rename(office, "milk", f"Milk {number}")
    hashes = dict(office.rows(select(feed.c.position, feed.c.running_hash)))
    compact_feed(office.store)
    with office.store.read() as connection:
        assert {position: hash_at(connection, position) for position in hashes} == hashes


def test_a_folded_row_is_nobodys_and_empty(office: Office) -> None:
    rename(office, "milk", "First")
    rename(office, "milk", "Second")
    compact_feed(office.store)
    assert office.rows(select(feed.c.audience, feed.c.data).where(feed.c.position == 1)) == [(FOLDED, b"")]


def test_settings_keep_their_order_with_what_follows_them(office: Office) -> None:
    row = office.add_branch("B1")
    with office.store.write() as connection:
        change_branch(connection, office.ids, office.clock.now_us(), "B1", name="One")
        change_branch(connection, office.ids, office.clock.now_us(), "B1", price_zone="north")
    number_feed(office.store, office.clock.now_us())
    before = office.feed_of(row.id)
    compact_feed(office.store)
    assert office.feed_of(row.id) == before
    assert len(before) == 3


def test_audiences_are_compacted_apart(office: Office) -> None:
    one, other = office.add_branch("B1"), office.add_branch("B2")
    card_id = b"c" * 16
    with office.store.write() as connection:
        for number in (1, 2):
            change = CardChange(RecordKind.CLIENT, card_id, stamp(number), (FieldPatch("name", f"Name {number}"),))
            publish(connection, [Publication(audience_of_branch(row.id), change) for row in (one, other)])
    number_feed(office.store, 0)
    compact_feed(office.store)
    assert [len([r for r in office.feed_of(row.id) if r.card_id == card_id]) for row in (one, other)] == [1, 1]


def test_a_step_that_fails_leaves_everything_as_it_was(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    rename(office, "milk", "First")
    rename(office, "milk", "Second")
    before = told(office)
    monkeypatch.setattr(compaction, "upsert_rows", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        compact_some(office.store)
    assert told(office) == before
    assert office.rows(select(feed_compaction.c.position)) == [(0,)]


def stamp(number: int) -> Stamp:
    return Stamp(0, number << 16, number.to_bytes(16, "big"), b"a" * 16, b"b" * 16)


def change(number: int, seen: tuple[bytes, ...] = ()) -> bytes:
    return encode_feed_record(
        CardChange(RecordKind.CLIENT, b"c" * 16, stamp(number), (FieldPatch("name", f"Name {number}", seen),))
    )


def test_nothing_is_folded_into_what_is_not_understood() -> None:
    assert fold(b"\xff", change(1)) is None
    assert fold(change(1), b"\xff") is None


def test_a_whole_that_would_be_too_large_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fold(change(1), change(2)) is not None
    monkeypatch.setattr(compaction, "FEED_FOLDED_BYTES_MAX", 10)
    assert fold(change(1), change(2)) is None


def test_folding_keeps_values_that_met_unseen() -> None:
    whole = decode_feed_record(fold(change(1), change(2)) or b"")
    assert isinstance(whole, CardFull)
    assert [version.value for version in decode_state(whole.state).fields["name"].live] == ["Name 1", "Name 2"]
    seen = decode_feed_record(fold(change(1), change(2, (stamp(1).command_id,))) or b"")
    assert isinstance(seen, CardFull)
    assert [version.value for version in decode_state(seen.state).fields["name"].live] == ["Name 2"]


def test_a_cursor_amid_a_compacted_stretch_is_known_only_where_it_was_compacted(office: Office) -> None:
    """Such a branch lacks what was folded into rows that it has yet to read."""
    for number in range(4):
        rename(office, "milk", f"Milk {number}")
        rename(office, f"bread {number}", "Bread")
    unfolded = office.rows(select(feed).order_by(feed.c.position))
    compact_feed(office.store)
    with office.store.read() as connection:
        read = read_feed(connection, ["all"], FeedCursor(), 1, 10**9)
        assert (read.cursor.position, read.cursor.folded_to) == (2, 8)
        assert is_on_feed(connection, read.cursor)
        rest = read_feed(connection, ["all"], read.cursor, 100, 10**9)
        assert (rest.cursor, len(rest.records)) == (read_head(connection), 4)
    rename(office, "milk", "Milk 5")
    compact_feed(office.store)
    with office.store.write() as connection:
        assert is_on_feed(connection, read.cursor)
        assert not is_on_feed(connection, replace(read.cursor, running_hash=b"x" * 32))
        # A backup from before the compaction is put back.
        connection.execute(feed.delete())
        connection.execute(feed.insert(), [dict(row._mapping) for row in unfolded])
        connection.execute(feed_compaction.update().values(position=0))
        assert not is_on_feed(connection, read.cursor)
