"""Beginning a new life: marks of the past for finding the last common entry, and sealing what came after it anew."""

from __future__ import annotations

from typing import Any

from branch_node.storage.counters import restart_counting
from branch_node.storage.sync_state import restart_history
from branch_node.storage.transaction import read_node
from shared.clock import Ids
from shared.sync.chain import NO_PARENT, Head, Parent, hash_genesis
from shared.sync.messages import Mark
from shared.wire.entries import reseal_entry

_LIVES = "SELECT id, first_position, genesis_hash FROM incarnation ORDER BY number"


def read_marks(cursor: Any, positions: tuple[int, ...]) -> tuple[Mark, ...]:
    """The marks at positions of the journal; position 0 is the beginning of the first incarnation."""
    lives = cursor.execute(_LIVES).fetchall()
    marks = []
    for position in positions:
        if position == 0:
            marks.append(Mark(lives[0][0], 0, lives[0][2]))
            continue
        life_id, first_position, _ = next(life for life in reversed(lives) if life[1] <= position)
        row = cursor.execute("SELECT entry_hash FROM journal WHERE position = ?", (position,)).fetchone()
        marks.append(Mark(life_id, position - first_position + 1, row[0]))
    return tuple(marks)


def read_head_position(cursor: Any) -> int:
    """The journal's newest position; 0 when it is empty."""
    return int(cursor.execute("SELECT COALESCE(MAX(position), 0) FROM journal").fetchone()[0])


def rehome(cursor: Any, common: Mark | None, common_position: int, ids: Ids, now_us: int) -> bytes:
    """Begins a new incarnation after the common entry and seals the later entries anew under it.

    In the caller's transaction. The operations keep their command ids, clocks, records and salts. What HQ holds beyond
    the common entry is to be taken back as history. Returns the new incarnation.
    """
    node, _ = read_node(cursor)
    parent = NO_PARENT if common is None else Parent(common.incarnation, common.seq, common.entry_hash)
    life_id = ids.new_id()
    first_position = max(common_position, 0) + 1
    genesis_hash = hash_genesis(node.branch_id, life_id, parent)
    cursor.execute(
        "INSERT INTO incarnation (number, id, first_position, genesis_hash, parent_id, parent_seq, parent_hash, "
        "created_at) SELECT MAX(number) + 1, ?, ?, ?, ?, ?, ?, ? FROM incarnation",
        (
            life_id,
            first_position,
            genesis_hash,
            None if common is None else parent.incarnation,
            parent.seq,
            None if common is None else parent.entry_hash,
            now_us,
        ),
    )
    _reseal(cursor, life_id, first_position, genesis_hash)
    cursor.execute("UPDATE sync_state SET acknowledged_seq = 0, acknowledged_hash = ?, last_fence = 0", (genesis_hash,))
    restart_history(cursor)
    cursor.execute("DELETE FROM parked_entry")
    cursor.execute("UPDATE node SET revision = revision + 1")
    restart_counting(cursor)
    return life_id


def journal_history(cursor: Any, all_of_it: bool) -> int:
    """HQ was restored: what it once gave back may be lost there, so it is journaled here as the branch's own.

    All of it when that is all that is known, else what HQ did not give when the history was taken again. HQ applies
    nothing twice: the command ids are the same. Returns how many entries were added.
    """
    lost = "WHERE held_at_hq <= ?"
    rows = cursor.execute(f"SELECT data FROM history_entry {lost} ORDER BY incarnation, seq", (all_of_it,)).fetchall()
    if not rows:
        return 0
    _, chain = read_node(cursor)
    # The journal's last entry is about to be an old one; the clock must not go back with it.
    cursor.execute("UPDATE node SET hlc_seen = ?, revision = revision + 1 WHERE hlc_seen < ?", (chain.hlc, chain.hlc))
    head = chain.head
    for (data,) in rows:
        sealed = reseal_entry(data, chain.incarnation, head.seq + 1, head.entry_hash)
        head = Head(head.seq + 1, sealed.entry_hash)
        cursor.execute(
            "INSERT INTO journal (position, entry_hash, hlc, row_count, data) VALUES (?, ?, 0, 1, ?)",
            (chain.first_position + head.seq - 1, sealed.entry_hash, sealed.data),
        )
    cursor.execute(f"DELETE FROM history_entry {lost}", (all_of_it,))
    restart_counting(cursor)
    return len(rows)


def _reseal(cursor: Any, life_id: bytes, first_position: int, genesis_hash: bytes) -> None:
    head = Head(0, genesis_hash)
    position = first_position
    while True:
        row = cursor.execute("SELECT data FROM journal WHERE position = ?", (position,)).fetchone()
        if row is None:
            return
        sealed = reseal_entry(row[0], life_id, head.seq + 1, head.entry_hash)
        head = Head(head.seq + 1, sealed.entry_hash)
        cursor.execute(
            "UPDATE journal SET entry_hash = ?, data = ? WHERE position = ?",
            (sealed.entry_hash, sealed.data, position),
        )
        position += 1
