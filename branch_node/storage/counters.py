"""Record counters at the branch: what HQ has acknowledged, counted from the journal some entries at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.transaction import read_node
from shared.errors import StoreCorrupt
from shared.sync.counting import Counter, CounterDeltas, CounterKey
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry

ENTRIES_PER_COUNT_MAX = 2_000

_ADD = """
INSERT INTO {table} (kind, business_date, records, fingerprint, amount_minor) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, business_date) DO UPDATE SET records = records + excluded.records,
    fingerprint = fingerprint + excluded.fingerprint, amount_minor = amount_minor + excluded.amount_minor
"""


def count_acknowledged(cursor: Any) -> int:
    """Counts the next acknowledged entries that are not counted yet; returns how many there were."""
    _, chain = read_node(cursor)
    state = read_sync_state(cursor)
    up_to = chain.first_position + state.acknowledged.seq - 1
    if up_to < state.counted_position > state.pruned_position:
        restart_counting(cursor)
        return ENTRIES_PER_COUNT_MAX
    if up_to <= state.counted_position:
        return 0
    rows = cursor.execute(
        "SELECT position, data FROM journal WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
        (state.counted_position, up_to, ENTRIES_PER_COUNT_MAX),
    ).fetchall()
    add_entries(cursor, (data for _, data in rows))
    cursor.execute("UPDATE sync_state SET counted_position = ?", (rows[-1][0] if rows else up_to,))
    return len(rows)


def restart_counting(cursor: Any) -> None:
    """Forgets all counters: HQ has forgotten entries, or the journal was re-homed. What HQ gave back counts again."""
    cursor.execute("DELETE FROM record_counter")
    # What is pruned was counted when it was.
    cursor.execute("INSERT INTO record_counter SELECT * FROM pruned_counter")
    cursor.execute("UPDATE sync_state SET counted_position = pruned_position")
    add_entries(cursor, [row[0] for row in cursor.execute("SELECT data FROM history_entry").fetchall()])


def add_entries(cursor: Any, entries: Iterable[bytes], table: str = "record_counter", sign: int = 1) -> None:
    """Counts the facts of entries, in `record_counter` or `pruned_counter`; with a `sign` of −1, takes them off."""
    deltas = CounterDeltas()
    for data in entries:
        deltas.add(decode_entry(open_entry(data)).figures)
    rows = [
        (kind, day.isoformat(), *(sign * figure for figure in counter))
        for (kind, day), counter in deltas.counters.items()
    ]
    if rows:
        cursor.executemany(_ADD.format(table=table), rows)


def read_counters(cursor: Any) -> dict[CounterKey, Counter]:
    """All counters. Raises StoreCorrupt when one is of no day."""
    rows = cursor.execute("SELECT kind, business_date, records, fingerprint, amount_minor FROM record_counter")
    try:
        return {(row[0], date.fromisoformat(row[1])): Counter(*row[2:]) for row in rows}
    except (TypeError, ValueError):
        raise StoreCorrupt("A record counter is of no day.", "Run: filial-branch sync repair") from None
