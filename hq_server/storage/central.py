"""Decisions about commands that branches in centralized mode ask HQ to commit: one for ever for every command."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, null, select, true, union_all, update

from hq_server.storage.questions import Question
from hq_server.storage.store import BulkWriter
from hq_server.storage.tables import central_commit, command
from shared.storage.dialect_functions import over_lists
from shared.storage.fact_rows import Row
from shared.sync.central import Committed, Outcome, Rejected

CommandKey = tuple[bytes, bytes]
"""A branch, and the id of one of its commands."""

_OF_COMMANDS = (
    central_commit.c.branch_id == bindparam("branch"),
    central_commit.c.command_id.in_(bindparam("commands", expanding=True)),
)
_REJECTION = (central_commit.c.reason, central_commit.c.explanation, central_commit.c.hint)
# In one question: what was decided, and what a branch's journal has brought.
_decided = over_lists(
    lambda among: union_all(
        select(
            central_commit.c.branch_id,
            central_commit.c.command_id,
            central_commit.c.committed,
            central_commit.c.decided_at,
            *_REJECTION,
        ).where(among(central_commit.c.branch_id, "branches"), among(central_commit.c.command_id, "commands")),
        select(
            command.c.branch_id,
            command.c.command_id,
            true().label("committed"),
            command.c.received_at.label("decided_at"),
            *(null().label(column.name) for column in _REJECTION),
        ).where(among(command.c.branch_id, "branches"), among(command.c.command_id, "commands")),
    )
)
_UNLINKED = select(central_commit.c.command_id, central_commit.c.records_hash).where(
    *_OF_COMMANDS, central_commit.c.committed, central_commit.c.linked_at.is_(None)
)
_LINK = update(central_commit).where(*_OF_COMMANDS).values(data=None, linked_at=bindparam("now"))
_IDS_WAITING = select(central_commit.c.command_id).where(
    central_commit.c.branch_id == bindparam("branch"), central_commit.c.committed, central_commit.c.linked_at.is_(None)
)
_AFTER = (
    select(central_commit.c.decided_at, central_commit.c.data)
    .where(
        central_commit.c.branch_id == bindparam("branch"),
        central_commit.c.committed,
        central_commit.c.linked_at.is_(None),
        central_commit.c.decided_at > bindparam("after"),
    )
    .order_by(central_commit.c.decided_at, central_commit.c.command_id)
    .limit(bindparam("rows"))
)
_WAITING = (
    select(central_commit.c.command_id, central_commit.c.data)
    .where(
        central_commit.c.branch_id == bindparam("branch"),
        central_commit.c.committed,
        central_commit.c.linked_at.is_(None),
    )
    .order_by(central_commit.c.decided_at, central_commit.c.command_id)
)


def decisions_on(keys: Collection[CommandKey]) -> Question[dict[CommandKey, Outcome]]:
    """What was decided about commands, or brought by a branch's journal, which is more than a tombstone; those that
    nothing is known of are left out."""

    def read(rows: Iterable[Any]) -> dict[CommandKey, Outcome]:
        found: dict[CommandKey, Outcome] = {}
        for branch_id, command_id, committed, decided_at, reason, explanation, hint in rows:
            key = branch_id, command_id
            if key not in keys:
                continue
            if committed:
                found[key] = Committed(decided_at)
            else:
                found.setdefault(key, Rejected(reason, explanation, hint or ""))
        return found

    return Question(_decided, {"branches": list({key[0] for key in keys}), "commands": [key[1] for key in keys]}, read)


def unlinked_commits(connection: Connection, branch_id: bytes, command_ids: Sequence[bytes]) -> dict[bytes, bytes]:
    """Of those commands that HQ committed and that no journal has brought yet: the hash over their records."""
    rows = connection.execute(_UNLINKED, {"branch": branch_id, "commands": command_ids})
    return {command_id: bytes(records_hash) for command_id, records_hash in rows}


def link(connection: Connection, branch_id: bytes, command_ids: Sequence[bytes], now_us: int) -> None:
    """The branch's journal has brought these commands."""
    connection.execute(_LINK, {"branch": branch_id, "commands": command_ids, "now": now_us})


def ids_waiting(connection: Connection, branch_id: bytes) -> list[bytes]:
    """Commands of the branch that its journal has not brought yet."""
    return list(connection.execute(_IDS_WAITING, {"branch": branch_id}).scalars())


def commits_waiting(connection: Connection, branch_id: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Commands, and serialised entries, that the branch's journal has not brought yet, in the order of commitment."""
    yield from ((row[0], row[1]) for row in connection.execute(_WAITING, {"branch": branch_id}))


def commits_after(connection: Connection, branch_id: bytes, after_us: int, commits_max: int) -> list[tuple[int, bytes]]:
    """The moments and serialised entries of commits that no journal has brought; those of one moment are together.

    At least those of one moment, however many: at most what one transaction commits.
    """
    rows = connection.execute(_AFTER, {"branch": branch_id, "after": after_us, "rows": commits_max + 1}).all()
    if len(rows) <= commits_max:
        return [(row.decided_at, row.data) for row in rows]
    whole = [(row.decided_at, row.data) for row in rows if row.decided_at < rows[-1].decided_at]
    if whole:
        return whole
    return commits_after(connection, branch_id, after_us, commits_max * 2)


def committed_row(branch_id: bytes, command_id: bytes, records_hash: bytes, data: bytes, now_us: int) -> Row:
    """The decision to commit, as a row."""
    return (branch_id, command_id, True, now_us, None, None, None, records_hash, data, None)


def rejected_row(branch_id: bytes, command_id: bytes, rejected: Rejected, now_us: int) -> Row:
    """The decision not to, as a row: a late request of the same command meets it."""
    told = (rejected.reason, rejected.explanation, rejected.hint)
    return (branch_id, command_id, False, now_us, *told, None, None, None)


def keep(connection: Connection, bulk: BulkWriter, rows: Sequence[Row]) -> None:
    """Writes decisions. Raises IntegrityError when one was taken in the meanwhile."""
    bulk.insert(connection, central_commit, rows)
