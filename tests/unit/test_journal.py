"""Reading the journal: whole entries, in order, within limits."""

from __future__ import annotations

import pytest

from branch_node.storage import tables as branch_tables
from branch_node.storage.journal import (
    ENTRIES_PER_READ_MAX,
    EntriesRead,
    count_entries,
    read_entries,
    read_hash,
    read_head,
)
from shared.sync.chain import Head
from tests.support.shop import Shop

MANY_BYTES = 10**9


@pytest.fixture
def sold(shop: Shop) -> Shop:
    """A shop with five entries of 5, 3, 3, 3, 3 rows."""
    for number in range(5):
        shop.sell(f"k{number}")
    assert shop.rows("SELECT row_count FROM journal ORDER BY position") == [(5,), (3,), (3,), (3,), (3,)]
    return shop


def read(shop: Shop, after_seq: int, rows_max: int = 1_000, bytes_max: int = MANY_BYTES) -> EntriesRead:
    with shop.store.read_cursor() as cursor:
        return read_entries(cursor, after_seq, rows_max, bytes_max)


def hashes(shop: Shop) -> list[bytes]:
    return [row[0] for row in shop.rows("SELECT entry_hash FROM journal ORDER BY position")]


def sizes(shop: Shop) -> list[int]:
    return [len(entry.data) for entry in shop.entries()]


def test_everything_is_read_with_the_hash_of_the_last(sold: Shop) -> None:
    found = read(sold, 0)
    assert found.entries == tuple(entry.data for entry in sold.entries())
    assert found.last_hash == hashes(sold)[-1]


def test_reading_goes_on_after_a_seq(sold: Shop) -> None:
    found = read(sold, 3)
    assert len(found.entries) == 2
    assert found.entries[0] == sold.entries()[3].data


@pytest.mark.parametrize("after_seq", [5, 6, 10**9])
def test_nothing_is_found_after_the_head(sold: Shop, after_seq: int) -> None:
    assert read(sold, after_seq) == EntriesRead((), b"")


@pytest.mark.parametrize(("rows_max", "expected"), [(1, 1), (5, 1), (7, 1), (8, 2), (11, 3), (16, 4), (17, 5)])
def test_as_many_entries_are_read_as_their_rows_allow_and_at_least_one(
    sold: Shop, rows_max: int, expected: int
) -> None:
    found = read(sold, 0, rows_max=rows_max)
    assert len(found.entries) == expected
    assert found.last_hash == hashes(sold)[expected - 1]


@pytest.mark.parametrize("expected", [1, 2, 3, 4, 5])
def test_as_many_entries_are_read_as_their_bytes_allow(sold: Shop, expected: int) -> None:
    allowed = sum(sizes(sold)[:expected])
    assert len(read(sold, 0, bytes_max=allowed).entries) == expected
    assert len(read(sold, 0, bytes_max=allowed - 1).entries) == max(1, expected - 1)


def test_one_read_has_a_most_of_entries(shop: Shop) -> None:
    _, chain = shop.store.node()
    rows = [(position, b"h" * 32, position, 1, b"data") for position in range(1, ENTRIES_PER_READ_MAX + 2)]
    with shop.store.operation() as transaction:
        transaction.insert(branch_tables.journal, rows)
    assert chain.first_position == 1
    assert len(read(shop, 0, rows_max=10**6).entries) == ENTRIES_PER_READ_MAX
    assert len(read(shop, 5, rows_max=10**6).entries) == ENTRIES_PER_READ_MAX - 4


def test_entries_are_found_by_their_seq_in_this_incarnation(sold: Shop) -> None:
    genesis = sold.store.node()[1].genesis_hash
    with sold.store.read_cursor() as cursor:
        assert [read_hash(cursor, seq) for seq in range(7)] == [genesis, *hashes(sold), None]
        assert read_head(cursor) == Head(5, hashes(sold)[-1])


def test_an_earlier_incarnation_s_entries_are_counted_but_not_read(sold: Shop) -> None:
    with sold.store.write() as connection:
        values = {"number": 2, "id": b"n" * 16, "first_position": 6, "genesis_hash": b"g" * 32}
        connection.execute(branch_tables.incarnation.insert().values(**values, parent_seq=5, created_at=0))
    assert read(sold, 0).entries == ()
    with sold.store.read_cursor() as cursor:
        assert read_head(cursor) == Head(0, b"g" * 32)
        assert read_hash(cursor, 0) == b"g" * 32
        assert [read_hash(cursor, seq) for seq in (1, -1)] == [None, None]
        assert count_entries(cursor) == 5


def test_an_empty_journal_has_no_entries(shop: Shop) -> None:
    assert read(shop, 0).entries == ()
    with shop.store.read_cursor() as cursor:
        assert count_entries(cursor) == 0
