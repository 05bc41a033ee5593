"""A store's new life: what is kept of the old one, and what becomes of its counters and its clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from branch_node.operations.history import apply_history
from branch_node.operations.proposals import read_proposals
from branch_node.storage.counters import count_acknowledged, read_counters, restart_counting
from branch_node.storage.rehoming import journal_history, read_head_position, read_marks, rehome
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import read_sync_state
from shared.domain.records import RecordKind
from shared.errors import DecodeError
from shared.sync.chain import FLAG_REHOMED
from shared.sync.counting import Counter
from shared.sync.messages import CardFull, HistoryBatch, HistoryCursor
from shared.wire.entries import open_entry
from shared.wire.exchange import decode_feed_record
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import JournalWriter
from tests.support.journal import sale as make_sale
from tests.support.shop import Shop


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock) -> Shop:
    return Shop(branch_store, clock)


def begin_anew(shop: Shop, position: int, ids: SeededIds) -> None:
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        (common,) = read_marks(cursor, (position,))
        rehome(cursor, common, position, ids, shop.clock.now_us())


def acknowledge_all(shop: Shop) -> None:
    head = shop.store.node()[1].head
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("UPDATE sync_state SET acknowledged_seq = ?, acknowledged_hash = ?", (head.seq, head.entry_hash))


def test_entries_above_the_common_one_are_sealed_anew_and_those_below_stay(shop: Shop, ids: SeededIds) -> None:
    for key in "abc":
        shop.sell(key)
    before = shop.rows("SELECT entry_hash, data FROM journal ORDER BY position")
    command_ids = [entry.header.command_id for entry in shop.entries()]
    old = shop.store.node()[1]
    begin_anew(shop, 2, ids)
    with shop.store.read_cursor() as cursor:
        marks = read_marks(cursor, (0, 1, 2, 3))
        assert read_head_position(cursor) == 3
        state = read_sync_state(cursor)
    chain = shop.store.node()[1]
    assert shop.rows("SELECT entry_hash, data FROM journal WHERE position <= 2 ORDER BY position") == before[:2]
    assert [(mark.incarnation, mark.seq) for mark in marks] == [
        (old.incarnation, 0),
        (old.incarnation, 1),
        (old.incarnation, 2),
        (chain.incarnation, 1),
    ]
    assert chain.head == type(chain.head)(1, marks[3].entry_hash)
    assert (state.acknowledged.seq, state.acknowledged.entry_hash) == (0, chain.genesis_hash)
    assert state.history == HistoryCursor(0, 0)
    shop.sell("d")
    assert shop.store.node()[1].head.seq == 2

    headers = [open_entry(row[0]).header for row in shop.rows("SELECT data FROM journal ORDER BY position")]
    assert [header.command_id for header in headers[:3]] == command_ids
    assert [bool(header.flags & FLAG_REHOMED) for header in headers] == [False, False, True, False]


def test_counters_follow_what_is_acknowledged_and_begin_again_with_a_new_life(shop: Shop, ids: SeededIds) -> None:
    shop.sell("a", 50)
    shop.sell("b", 70)
    with shop.store.write() as connection:
        assert count_acknowledged(connection.connection.cursor()) == 0
    acknowledge_all(shop)
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        assert count_acknowledged(cursor) == 2
        assert count_acknowledged(cursor) == 0
        counters = read_counters(cursor)
        ((_, sales),) = [(key, c) for key, c in counters.items() if key[0] == RecordKind.SALE]
        assert (sales.records, sales.amount_minor) == (2, 120)
        restart_counting(cursor)
        assert read_counters(cursor) == {}
        count_acknowledged(cursor)
        assert read_counters(cursor) == counters
    begin_anew(shop, 1, ids)
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        count_acknowledged(cursor)
        assert sum(c.records for (kind, _), c in read_counters(cursor).items() if kind == RecordKind.SALE) == 1


def history_of(shop: Shop, ids: SeededIds, *amounts: int) -> HistoryBatch:
    journal = JournalWriter(shop.store.node()[0].branch_id, ids, shop.clock)
    for number, _ in enumerate(amounts, 1):
        journal.add_sale(make_sale(number))
    return HistoryBatch(tuple(journal.entries), HistoryCursor(1, len(amounts)), done=False)


def take(shop: Shop, batch: HistoryBatch) -> int:
    with shop.store.write() as connection:
        return apply_history(connection, batch, shop.clock.now_us())


def test_history_is_taken_once_and_counts(shop: Shop, ids: SeededIds) -> None:
    batch = history_of(shop, ids, 1, 1)
    assert take(shop, batch) == 2
    assert take(shop, batch) == 0
    assert (shop.count("sale"), shop.count("history_entry")) == (2, 2)
    with shop.store.read_cursor() as cursor:
        assert read_sync_state(cursor).history == HistoryCursor(1, 2)
        assert sum(counter.records for counter in read_counters(cursor).values()) == 2
    take(shop, HistoryBatch((), HistoryCursor(1, 2), done=True))
    with shop.store.read_cursor() as cursor:
        assert read_sync_state(cursor).history is None


def test_history_that_cannot_be_read_changes_nothing(shop: Shop, ids: SeededIds) -> None:
    good = history_of(shop, ids, 1)
    with pytest.raises(DecodeError):
        take(shop, HistoryBatch((*good.entries, b"\xff"), good.cursor, done=True))
    assert shop.count("sale") == 0


def test_when_head_office_forgets_history_is_journaled_as_the_branch_s_own(shop: Shop, ids: SeededIds) -> None:
    shop.sell("a")
    take(shop, history_of(shop, ids, 1, 1))
    hlc = shop.store.node()[1].hlc
    with shop.store.write() as connection:
        assert journal_history(connection.connection.cursor(), all_of_it=True) == 2
        assert journal_history(connection.connection.cursor(), all_of_it=True) == 0
    assert [bool(entry.header.flags & FLAG_REHOMED) for entry in shop.entries()] == [False, True, True]
    assert shop.count("history_entry") == 0
    assert shop.store.node()[1].hlc >= hlc
    acknowledge_all(shop)
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        count_acknowledged(cursor)
        counters = read_counters(cursor)
    assert sum(c.records for (kind, _), c in counters.items() if kind == RecordKind.SALE) == 3
    assert Counter() not in counters.values()


def test_history_that_head_office_does_not_give_again_is_journaled_as_the_branch_s_own(
    shop: Shop, ids: SeededIds
) -> None:
    batch = history_of(shop, ids, 1, 1, 1)
    take(shop, replace(batch, done=True))
    shop.sell("a")
    with shop.store.write() as connection:
        rehome(connection.connection.cursor(), None, -1, ids, shop.clock.now_us())
    take(shop, HistoryBatch(batch.entries[:1], batch.cursor, done=False))
    assert shop.count("history_entry") == 3
    take(shop, HistoryBatch(batch.entries[2:], batch.cursor, done=True))
    assert shop.count("history_entry") == 2
    sealed = [open_entry(batch.entries[1]).header.command_id]
    assert [entry.header.command_id for entry in shop.entries()][1:] == sealed


def test_cards_are_handed_back_in_the_order_of_their_keys(shop: Shop) -> None:
    product_id = shop.learn_product("100", everywhere=90)
    with shop.store.read() as connection:
        read = read_proposals(connection, (0, b""))
        again = read_proposals(connection, read.last_key)
    records = [decode_feed_record(data) for data in read.records]
    assert all(isinstance(record, CardFull) for record in records)
    assert (RecordKind.PRODUCT, product_id) in [(record.kind, record.card_id) for record in records]
    assert (read.done, again.records, again.done) == (True, (), True)
