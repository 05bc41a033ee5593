"""Pruning the journal: payloads that HQ holds in two verified backups need not stay here twice.

The rows stay, and the chain still verifies from the record hashes. Nothing is pruned that HQ could lose.
"""

from __future__ import annotations

from typing import Any

from branch_node.storage.counters import add_entries
from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.transaction import read_node
from shared.sync.hlc import from_wall
from shared.wire.entries import prune_entry

KEPT_DAYS = 90
ENTRIES_PER_PRUNE_MAX = 500
_DAY_US = 86_400_000_000


def prune_journal(cursor: Any, now_us: int, kept_days: int | None = None) -> int:
    """Prunes the next entries of the current incarnation that are safe at HQ, counted here, and old; how many."""
    days = KEPT_DAYS if kept_days is None else kept_days
    _, chain = read_node(cursor)
    state = read_sync_state(cursor)
    safe_seq = min(state.backup_seq, state.acknowledged.seq)
    up_to = min(chain.first_position + safe_seq - 1, state.counted_position)
    start = state.pruned_position
    # What lies below this incarnation belongs to its ancestors: in which backups it is, HQ does not say.
    if up_to <= start or start < chain.first_position - 1:
        return 0
    rows = cursor.execute(
        "SELECT position, data FROM journal WHERE position > ? AND position <= ? AND hlc < ? ORDER BY position LIMIT ?",
        (start, up_to, from_wall(now_us - days * _DAY_US), ENTRIES_PER_PRUNE_MAX),
    ).fetchall()
    pruned = 0
    for position, data in rows:
        if position != start + pruned + 1:
            break
        add_entries(cursor, [data], "pruned_counter")
        cursor.execute("UPDATE journal SET data = ? WHERE position = ?", (prune_entry(data), position))
        pruned += 1
    if pruned:
        cursor.execute("UPDATE sync_state SET pruned_position = ?", (start + pruned,))
    return pruned
