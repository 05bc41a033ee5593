"""Reading the journal: its head, its past, and whole entries to send."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.storage.transaction import read_node
from shared.sync.chain import Head

ENTRIES_PER_READ_MAX = 2_000


class EntriesRead(NamedTuple):
    """Whole entries in order, and the hash of the last."""

    entries: tuple[bytes, ...]
    last_hash: bytes


def read_entries(cursor: Any, after_seq: int, rows_max: int, bytes_max: int) -> EntriesRead:
    """The entries after a seq of the current incarnation that fit the limits; at least one when there is one."""
    _, chain = read_node(cursor)
    position = chain.first_position + after_seq
    rows_left, bytes_left = rows_max, bytes_max
    entries: list[bytes] = []
    last_hash = b""
    statement = "SELECT row_count, entry_hash, data FROM journal WHERE position >= ? ORDER BY position LIMIT ?"
    for row_count, entry_hash, data in cursor.execute(statement, (position, ENTRIES_PER_READ_MAX)):
        rows_left -= row_count
        bytes_left -= len(data)
        if entries and (rows_left < 0 or bytes_left < 0):
            break
        entries.append(data)
        last_hash = entry_hash
    return EntriesRead(tuple(entries), last_hash)


def read_hash(cursor: Any, seq: int) -> bytes | None:
    """The hash of an entry of the current incarnation; of seq 0, the genesis hash; None when there is no such entry."""
    _, chain = read_node(cursor)
    if seq == 0:
        return chain.genesis_hash
    row = cursor.execute(
        "SELECT entry_hash FROM journal WHERE position = ? AND position >= ?",
        (chain.first_position + seq - 1, chain.first_position),
    ).fetchone()
    return row[0] if row else None


def read_head(cursor: Any) -> Head:
    """The newest entry of the current incarnation."""
    return read_node(cursor)[1].head


def count_entries(cursor: Any) -> int:
    """Entries of all incarnations: positions have no gaps."""
    row = cursor.execute("SELECT MAX(position) FROM journal").fetchone()
    return int(row[0] or 0)
