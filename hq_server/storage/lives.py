"""The incarnations of a branch as HQ knows them: recognising, adding, closing; marks and history."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from hq_server.storage import central
from hq_server.storage.tables import branch_cursor, incarnation, journal_entry
from shared.domain.identifiers import NIL_ID
from shared.sync.central import COMMITS
from shared.sync.chain import NO_HASH, NO_PARENT, Head, Parent, hash_genesis
from shared.sync.messages import Hello, HistoryBatch, HistoryCursor, Mark
from shared.sync.recognition import KnownLife, LifeState

DUPLICATE = 2
"""The status of a journal entry whose effects were at HQ already."""

# Built once: every hello asks.
_THIS_LIFE = (incarnation.c.branch_id == bindparam("branch"), incarnation.c.id == bindparam("incarnation"))
_LIFE = select(incarnation).where(*_THIS_LIFE)
_LIVES = select(incarnation).where(incarnation.c.branch_id == bindparam("branch")).order_by(incarnation.c.life)
_ISSUE_FENCE = update(incarnation).where(*_THIS_LIFE).values(issued_fence=bindparam("fence"))
_NEWEST_ENTRY = (
    select(journal_entry.c.seq, journal_entry.c.entry_hash)
    .where(journal_entry.c.branch_id == bindparam("branch"), journal_entry.c.incarnation == bindparam("incarnation"))
    .order_by(journal_entry.c.seq.desc())
    .limit(1)
)


def find_life(connection: Connection, cursor: Any, incarnation_id: bytes) -> KnownLife | None:
    """What HQ holds of an incarnation; None when it never saw it. Costs a few lookups, whatever its history."""
    row = _row(connection, cursor.branch_id, incarnation_id)
    if row is None:
        return None
    is_current = cursor.incarnation == incarnation_id
    return KnownLife(
        acknowledged=Head(cursor.acknowledged_seq, cursor.acknowledged_hash)
        if is_current
        else _acknowledged(connection, row),
        confirmed_fence=cursor.confirmed_fence if is_current else row.confirmed_fence,
        state=LifeState(row.state),
        issued_fence=row.issued_fence,
    )


def holds(connection: Connection, branch_id: bytes, mark: Mark | Parent) -> bool:
    """Whether HQ has exactly this entry of the branch, or for seq 0 this beginning of an incarnation."""
    return hash_of(connection, branch_id, mark.incarnation, mark.seq) == mark.entry_hash


def hash_of(connection: Connection, branch_id: bytes, incarnation_id: bytes, seq: int) -> bytes | None:
    """An entry's hash; the genesis hash for seq 0; None when HQ does not hold it."""
    if seq == 0:
        row = _row(connection, branch_id, incarnation_id)
        return None if row is None else genesis_of(row)
    statement = select(journal_entry.c.entry_hash).where(
        journal_entry.c.branch_id == branch_id,
        journal_entry.c.incarnation == incarnation_id,
        journal_entry.c.seq == seq,
    )
    return connection.execute(statement).scalar_one_or_none()


def newest_common(connection: Connection, branch_id: bytes, marks: tuple[Mark, ...]) -> int | None:
    """The index of the newest mark that HQ holds."""
    for index in range(len(marks) - 1, -1, -1):
        if holds(connection, branch_id, marks[index]):
            return index
    return None


def add_life(connection: Connection, hello: Hello, disowns_others: bool, now_us: int) -> None:
    """Remembers a new incarnation. Those that live close: it goes on in their place.

    Where an administrator has decided already that several stores go on, the new one is among them and closes none.
    """
    others = incarnation.c.branch_id == hello.branch_id
    parent_row = _row(connection, hello.branch_id, hello.parent.incarnation)
    state = LifeState.LIVE
    if disowns_others:
        connection.execute(update(incarnation).where(others).values(state=int(LifeState.DISOWNED)))
    elif parent_row is not None and parent_row.state in (LifeState.HEIR, LifeState.DISOWNED):
        state = LifeState.HEIR
    else:
        closing = update(incarnation).where(others, incarnation.c.state == int(LifeState.LIVE))
        connection.execute(closing.values(state=int(LifeState.CLOSED)))
    newest = connection.execute(select(func.max(incarnation.c.life)).where(others)).scalar_one()
    parent = hello.parent
    connection.execute(
        incarnation.insert().values(
            branch_id=hello.branch_id,
            id=hello.incarnation,
            parent_id=None if parent == NO_PARENT else parent.incarnation,
            parent_seq=parent.seq,
            parent_hash=None if parent == NO_PARENT else parent.entry_hash,
            first_seen_at=now_us,
            life=(newest or 0) + 1,
            state=int(state),
            confirmed_fence=0,
        )
    )


def note_issued_fence(connection: Connection, branch_id: bytes, incarnation_id: bytes, fence: int) -> None:
    """Remembers an incarnation's newest session."""
    connection.execute(_ISSUE_FENCE, {"branch": branch_id, "incarnation": incarnation_id, "fence": fence})


def keep_confirmed_fence(connection: Connection, cursor: Any) -> None:
    """The cursor turns to another incarnation: what it knew of the last one's sessions stays with that one."""
    if cursor.incarnation == NIL_ID:
        return
    connection.execute(
        update(incarnation)
        .where(incarnation.c.branch_id == cursor.branch_id, incarnation.c.id == cursor.incarnation)
        .values(confirmed_fence=cursor.confirmed_fence)
    )


def name_heir(connection: Connection, branch_id: bytes, heir_id: bytes) -> None:
    """Ends a quarantine: the heir goes on, and every other store of this identity becomes a new incarnation."""
    lives = incarnation.c.branch_id == branch_id
    undecided = update(incarnation).where(lives, incarnation.c.state != int(LifeState.HEIR))
    connection.execute(undecided.values(state=int(LifeState.DISOWNED)))
    connection.execute(update(incarnation).where(lives, incarnation.c.id == heir_id).values(state=int(LifeState.HEIR)))
    connection.execute(
        update(branch_cursor).where(branch_cursor.c.branch_id == branch_id).values(quarantine=None, trouble=None)
    )


def expect_replacement(connection: Connection, branch_id: bytes) -> None:
    """The branch's store is lost: its next new incarnation takes the place of all others. Ends a quarantine."""
    connection.execute(
        update(branch_cursor)
        .where(branch_cursor.c.branch_id == branch_id)
        .values(is_replacing=True, quarantine=None, trouble=None)
    )


def lives_of(connection: Connection, branch_id: bytes) -> list[Any]:
    """The rows of a branch's incarnations, in the order HQ first saw them."""
    return list(connection.execute(_LIVES, {"branch": branch_id}))


def read_history(
    connection: Connection,
    branch_id: bytes,
    current: bytes,
    after: HistoryCursor,
    entries_max: int,
    bytes_max: int,
) -> HistoryBatch:
    """Entries of the branch that are not in the past of its current incarnation, in the order of incarnations.

    Entries whose effects another entry had brought already are left out. At least one entry when there is one.
    """
    lives = lives_of(connection, branch_id)
    inherited = _inherited(lives, current)
    entries: list[bytes] = []
    size = 0
    cursor = after
    for row in lives:
        if row.life < after.life or row.id == current:
            continue
        start = max(inherited.get(row.id, 0), after.seq if row.life == after.life else 0)
        statement = (
            select(journal_entry.c.seq, journal_entry.c.data)
            .where(
                journal_entry.c.branch_id == branch_id,
                journal_entry.c.incarnation == row.id,
                journal_entry.c.seq > start,
                journal_entry.c.status != DUPLICATE,
            )
            .order_by(journal_entry.c.seq)
            .limit(entries_max + 1)
        )
        for seq, data in connection.execute(statement):
            size += len(data)
            if entries and (len(entries) == entries_max or size > bytes_max):
                return HistoryBatch(tuple(entries), cursor, done=False)
            entries.append(data)
            cursor = HistoryCursor(row.life, seq)
    # Last what was committed at once for a store that was lost before it had journaled it.
    commits = central.commits_after(connection, branch_id, after.seq if after.life == COMMITS else 0, entries_max)
    if entries or not commits:
        return HistoryBatch(tuple(entries), HistoryCursor(COMMITS, 0) if commits else cursor, done=not commits)
    return HistoryBatch(tuple(data for _, data in commits), HistoryCursor(COMMITS, commits[-1][0]), done=False)


def foreign_entries(connection: Connection, cursor: Any, hello: Hello, life: KnownLife | None) -> int:
    """How many entries of the branch HQ holds outside the past of the hello's incarnation."""
    own = life.acknowledged.seq if life is not None else 0
    if cursor.entries == own:
        return 0
    lives = lives_of(connection, cursor.branch_id)
    inherited = _inherited(lives, hello.incarnation)
    if life is None and hello.parent != NO_PARENT:
        inherited = {**_inherited(lives, hello.parent.incarnation), hello.parent.incarnation: hello.parent.seq}
    # Below nought only for a parent that HQ does not hold: such a store is re-homed before anything counts.
    return max(0, int(cursor.entries - own - sum(inherited.values())))


def _inherited(lives: list[Any], current: bytes) -> dict[bytes, int]:
    """Up to which seq the current incarnation's past goes through each of its ancestors."""
    by_id = {row.id: row for row in lives}
    inherited: dict[bytes, int] = {}
    row = by_id.get(current)
    while row is not None and row.parent_id is not None and row.parent_id not in inherited:
        inherited[row.parent_id] = row.parent_seq
        row = by_id.get(row.parent_id)
    return inherited


def _row(connection: Connection, branch_id: bytes, incarnation_id: bytes) -> Any:
    return connection.execute(_LIFE, {"branch": branch_id, "incarnation": incarnation_id}).one_or_none()


def genesis_of(row: Any) -> bytes:
    """The hash that the incarnation's first entry covers."""
    return hash_genesis(
        row.branch_id, row.id, Parent(row.parent_id or NIL_ID, row.parent_seq, row.parent_hash or NO_HASH)
    )


def _acknowledged(connection: Connection, row: Any) -> Head:
    newest = connection.execute(_NEWEST_ENTRY, {"branch": row.branch_id, "incarnation": row.id}).one_or_none()
    return Head(0, genesis_of(row)) if newest is None else Head(newest.seq, newest.entry_hash)
