"""Whether what HQ stores of a branch is whole: its chain recomputed from the entries as they came."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from hq_server.storage.branches import BranchRow, read_cursor
from hq_server.storage.parking import count_parked
from hq_server.storage.tables import incarnation, journal_entry
from shared.domain.identifiers import NIL_ID
from shared.errors import DecodeError
from shared.sync.chain import NO_HASH, Head, Parent, hash_entry, hash_genesis, hash_records
from shared.wire.entries import open_entry

ENTRIES_PER_QUERY = 2_000


@dataclass(frozen=True, slots=True)
class Verification:
    """`differences` are sentences; none means that HQ holds an unbroken, unaltered chain to the acknowledged head."""

    branch: str
    entries: int
    head: Head
    differences: tuple[str, ...]


def verify_branch(connection: Connection, row: BranchRow) -> Verification:
    """Recomputes every entry's hash of every incarnation and compares head and count with the cursor."""
    cursor = read_cursor(connection, row.id)
    differences: list[str] = []
    total = 0
    for found in connection.execute(select(incarnation).where(incarnation.c.branch_id == row.id)).all():
        parent = Parent(found.parent_id or NIL_ID, found.parent_seq, found.parent_hash or NO_HASH)
        head, problem = _walk(connection, row.id, found.id, Head(0, hash_genesis(row.id, found.id, parent)))
        total += head.seq
        if problem:
            differences.append(problem)
        elif found.id == cursor.incarnation and head != Head(cursor.acknowledged_seq, cursor.acknowledged_hash):
            differences.append(f"The chain ends at entry {head.seq}, but {cursor.acknowledged_seq} were acknowledged.")
    stored = connection.execute(
        select(func.count()).select_from(journal_entry).where(journal_entry.c.branch_id == row.id)
    ).scalar_one()
    if stored != cursor.entries or total != stored:
        differences.append(
            f"{stored} entries are stored, {total} are in unbroken chains, {cursor.entries} were counted."
        )
    parked = count_parked(connection, row.id)
    if parked:
        differences.append(f"{parked} entries are parked: held, but not applied. See: filial-hq sync parked")
    return Verification(row.code, stored, Head(cursor.acknowledged_seq, cursor.acknowledged_hash), tuple(differences))


def _walk(connection: Connection, branch_id: bytes, incarnation_id: bytes, head: Head) -> tuple[Head, str | None]:
    """Follows one incarnation's chain; returns its last sound entry, and what breaks it there."""
    while True:
        rows = connection.execute(
            select(journal_entry.c.seq, journal_entry.c.entry_hash, journal_entry.c.data)
            .where(
                journal_entry.c.branch_id == branch_id,
                journal_entry.c.incarnation == incarnation_id,
                journal_entry.c.seq > head.seq,
            )
            .order_by(journal_entry.c.seq)
            .limit(ENTRIES_PER_QUERY)
        ).all()
        if not rows:
            return head, None
        for seq, stored_hash, data in rows:
            if seq != head.seq + 1:
                return head, f"Entry {head.seq + 1} is missing."
            try:
                entry = open_entry(data)
            except DecodeError as error:
                return head, f"Entry {seq} cannot be read: {error.message}"
            computed = hash_entry(head.entry_hash, entry.header_bytes, hash_records(entry.record_hashes))
            if computed != stored_hash:
                return head, f"Entry {seq} was altered: its hash is not what it was."
            head = Head(seq, computed)
