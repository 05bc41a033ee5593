"""Parked entries: held, but not applied. Their branch is not complete until each is resolved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from hq_server.storage.tables import branch, parked_entry


def count_parked(connection: Connection, branch_id: bytes) -> int:
    """How many entries of a branch wait for a decision."""
    statement = select(func.count()).where(parked_entry.c.branch_id == branch_id, parked_entry.c.resolved_at.is_(None))
    return int(connection.execute(statement).scalar_one())


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
