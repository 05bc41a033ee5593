"""Parked entries: held, but not applied. Their branch is not complete until each is resolved."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select, update

from hq_server.storage.tables import branch, journal_entry, parked_entry
from shared.storage.card_rows import CardKey
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry

APPLIED, PARKED, DUPLICATE = 0, 1, 2
"""What became of an entry."""

CLOCK_AHEAD = "clock_ahead"
"""The branch's clock was too far ahead: its facts were taken, its edits of cards wait (DESIGN §4, rule 7)."""

DEPENDS_ON_PARKED = "depends_on_parked"

DIFFERS_FROM_COMMIT = "differs_from_commit"
"""The head office committed the same command with other records (centralized mode)."""

FACTS_APPLY = (CLOCK_AHEAD, DEPENDS_ON_PARKED)
"""Of entries that are parked for these reasons only the patches wait."""


# Built once: every merge and every hello asks.
_OF_BRANCH = (parked_entry.c.branch_id == bindparam("branch"), parked_entry.c.resolved_at.is_(None))
WITH_BYTES = select(parked_entry, journal_entry.c.data, journal_entry.c.status).join(
    journal_entry,
    and_(
        journal_entry.c.branch_id == parked_entry.c.branch_id,
        journal_entry.c.incarnation == parked_entry.c.incarnation,
        journal_entry.c.seq == parked_entry.c.seq,
    ),
)
"""Parked entries, resolved or not, with their bytes and status."""

IS_SET_ASIDE = and_(parked_entry.c.resolved_at.is_not(None), journal_entry.c.status == PARKED)
"""Resolved without being applied: somebody decided that it never is."""

_IN_ORDER = (parked_entry.c.parked_at, parked_entry.c.incarnation, parked_entry.c.seq)
_UNRESOLVED = WITH_BYTES.where(*_OF_BRANCH).order_by(*_IN_ORDER)
_SET_ASIDE = WITH_BYTES.where(parked_entry.c.branch_id == bindparam("branch"), IS_SET_ASIDE).order_by(*_IN_ORDER)
_COUNT = select(func.count()).select_from(parked_entry).where(*_OF_BRANCH)


class Problem(NamedTuple):
    """Why an entry is parked. `facts_apply`: its facts are taken all the same, only its patches wait."""

    reason: str
    evidence: str
    facts_apply: bool


def parked_cards(connection: Connection, branch_id: bytes) -> set[CardKey]:
    """The cards that parked entries of a branch edit."""
    keys: set[CardKey] = set()
    for row in parked_rows(connection, branch_id):
        entry = decode_entry(open_entry(row.data))
        keys |= {(kind, card_id) for kind, card_id, _ in entry.patches}
    return keys


def parked_rows(connection: Connection, branch_id: bytes) -> list[Any]:
    """Unresolved parked entries of a branch with their bytes and status, in the order of its chain."""
    return list(connection.execute(_UNRESOLVED, {"branch": branch_id}))


def set_aside_rows(connection: Connection, branch_id: bytes) -> list[Any]:
    """Entries of a branch of which somebody decided that they are never applied."""
    return list(connection.execute(_SET_ASIDE, {"branch": branch_id}))


def parked_without_facts(connection: Connection, branch_id: bytes) -> set[tuple[bytes, int]]:
    """Entries of a branch, by incarnation and seq, of which only the patches are or were parked."""
    statement = select(parked_entry.c.incarnation, parked_entry.c.seq).where(
        parked_entry.c.branch_id == branch_id, parked_entry.c.reason.in_(FACTS_APPLY)
    )
    return {(row[0], row[1]) for row in connection.execute(statement)}


def is_parked(connection: Connection, branch_id: bytes, command_id: bytes) -> bool:
    """Whether an operation of the branch is or was parked."""
    statement = select(parked_entry.c.seq).where(
        parked_entry.c.branch_id == branch_id, parked_entry.c.command_id == command_id
    )
    return connection.execute(statement).first() is not None


def set_parked(connection: Connection, row: Any, **changes: Any) -> None:
    """Changes one parked entry's row."""
    connection.execute(
        update(parked_entry)
        .where(
            parked_entry.c.branch_id == row.branch_id,
            parked_entry.c.incarnation == row.incarnation,
            parked_entry.c.seq == row.seq,
        )
        .values(changes)
    )


def count_parked(connection: Connection, branch_id: bytes) -> int:
    """How many entries of a branch wait for a decision."""
    return int(connection.execute(_COUNT, {"branch": branch_id}).scalar_one())


def parked_by_branch(connection: Connection) -> dict[bytes, int]:
    """The same for all branches that have any."""
    statement = (
        select(parked_entry.c.branch_id, func.count())
        .where(parked_entry.c.resolved_at.is_(None))
        .group_by(parked_entry.c.branch_id)
    )
    return {branch_id: int(count) for branch_id, count in connection.execute(statement)}


def list_parked(connection: Connection) -> list[Any]:
    """Parked entries with their branch's code, oldest first."""
    statement = (
        select(parked_entry, branch.c.code)
        .join(branch, branch.c.id == parked_entry.c.branch_id)
        .where(parked_entry.c.resolved_at.is_(None))
        .order_by(parked_entry.c.parked_at, parked_entry.c.seq)
    )
    return list(connection.execute(statement))
