"""Which backups of this store there are, and what they hold: branches delete only what is safe in two of them."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select, update

from hq_server.storage.tables import backup, backup_head, journal_entry
from shared.clock import Ids
from shared.domain.identifiers import NIL_ID

BACKUPS_KEPT_BY_BRANCHES = 2
"""A branch may delete what this many newest verified backups all hold."""


_NEWEST_VERIFIED = (
    select(backup.c.id)
    .where(backup.c.verified_at.is_not(None))
    .order_by(backup.c.taken_at.desc(), backup.c.id.desc())
    .limit(BACKUPS_KEPT_BY_BRANCHES)
)
_HEAD_IN_BACKUP = select(backup_head.c.seq).where(
    backup_head.c.backup_id == bindparam("backup"),
    backup_head.c.branch_id == bindparam("branch"),
    backup_head.c.incarnation == bindparam("life"),
)


def note_backup(
    connection: Connection,
    ids: Ids,
    taken_at_us: int,
    is_external: bool,
    verified_at_us: int | None,
    heads: list[tuple[bytes, bytes, int]] | None = None,
) -> bytes:
    """Remembers a backup and the heads it holds, by default those that this transaction sees; returns its id."""
    backup_id = ids.new_id()
    connection.execute(
        backup.insert().values(id=backup_id, taken_at=taken_at_us, verified_at=verified_at_us, is_external=is_external)
    )
    rows = [
        {"backup_id": backup_id, "branch_id": branch_id, "incarnation": incarnation_id, "seq": seq}
        for branch_id, incarnation_id, seq in (read_heads(connection) if heads is None else heads)
    ]
    if rows:
        connection.execute(backup_head.insert(), rows)
    return backup_id


def read_heads(connection: Connection) -> list[tuple[bytes, bytes, int]]:
    """The newest entry of every incarnation as of this transaction: branch, incarnation, seq."""
    statement = select(journal_entry.c.branch_id, journal_entry.c.incarnation, func.max(journal_entry.c.seq)).group_by(
        journal_entry.c.branch_id, journal_entry.c.incarnation
    )
    return [(row[0], row[1], int(row[2])) for row in connection.execute(statement)]


def mark_verified(connection: Connection, backup_id: bytes, now_us: int) -> None:
    """The backup was read back whole."""
    connection.execute(update(backup).where(backup.c.id == backup_id).values(verified_at=now_us))


def backup_seq(connection: Connection, branch_id: bytes, incarnation_id: bytes) -> int:
    """The newest entry of an incarnation that the second-newest verified backup holds; 0 when none does."""
    newest = connection.execute(_NEWEST_VERIFIED).scalars().all()
    if len(newest) < BACKUPS_KEPT_BY_BRANCHES or incarnation_id == NIL_ID:
        return 0
    which = {"backup": newest[-1], "branch": branch_id, "life": incarnation_id}
    seq = connection.execute(_HEAD_IN_BACKUP, which).scalar_one_or_none()
    return int(seq or 0)
