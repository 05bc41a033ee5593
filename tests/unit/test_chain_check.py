"""Following a chain past what is wrong in it: each bad entry is told once, and only proven entries are trusted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.operations.chain_check import ChainCheck
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import JournalWriter, sale

Rows = dict[int, tuple[object, object]]
"""Stored hash and bytes by seq."""


@pytest.fixture
def journal() -> JournalWriter:
    clock = FakeClock()
    ids = SeededIds(clock)
    made = JournalWriter(ids.new_id(), ids, clock)
    for number in range(1, 7):
        made.add_sale(sale(number))
    return made


def follow(journal: JournalWriter, change: Callable[[Rows], object]) -> tuple[ChainCheck, list[int]]:
    """The check, and the seqs of proven entries."""
    rows: Rows = {seq: (journal.hashes[seq], journal.entries[seq - 1]) for seq in range(1, 7)}
    change(rows)
    chain = ChainCheck(journal.hashes[0])
    found = {seq: chain.follow(seq, *row) for seq, row in rows.items()}
    return chain, [seq for seq, followed in found.items() if followed is not None and followed.is_proven]


def test_a_sound_chain_has_no_problem(journal: JournalWriter) -> None:
    chain, proven = follow(journal, lambda rows: None)
    assert (chain.problems, proven, chain.sound) == ([], [1, 2, 3, 4, 5, 6], journal.head)


def test_an_entry_that_cannot_be_read_leaves_the_others_proven(journal: JournalWriter) -> None:
    chain, proven = follow(journal, lambda rows: rows.update({2: (rows[2][0], 5)}))
    assert chain.problems == ["Entry 2 cannot be read: It is not bytes."]
    assert (proven, chain.sound.seq) == ([1, 3, 4, 5, 6], 1)


def test_an_altered_entry_is_told_once(journal: JournalWriter) -> None:
    chain, proven = follow(journal, lambda rows: rows.update({2: (rows[2][0], rows[3][1])}))
    assert chain.problems == ["Entry 2 was altered: its hash is not what it was."]
    assert proven == [1, 3, 4, 5, 6]


@pytest.mark.parametrize("stored_hash", [b"", bytes(32), "text", None])
def test_an_altered_hash_is_told_once(journal: JournalWriter, stored_hash: object) -> None:
    chain, proven = follow(journal, lambda rows: rows.update({2: (stored_hash, rows[2][1])}))
    assert chain.problems == ["Entry 2 was altered: its hash is not what it was."]
    assert proven == [1, 3, 4, 5, 6]


def test_what_follows_a_gap_is_read_but_not_proven(journal: JournalWriter) -> None:
    chain, proven = follow(journal, lambda rows: (rows.pop(2), rows.pop(3)))
    assert chain.problems == ["Entries 2 to 3 are missing."]
    assert proven == [1, 5, 6]
