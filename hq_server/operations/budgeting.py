"""Making budgets, adding to them, showing what became of them, and taking leases back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, case, func, select, update

from hq_server.operations.founding import read_chain
from hq_server.storage.branches import branch_names
from hq_server.storage.budgets import close_lease
from hq_server.storage.tables import branch, budget, budget_lease
from shared.domain.budgets import budget_id, require_amount, require_owner
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.domain.money import BUDGET_MAX
from shared.errors import InvalidInput, NotFound
from shared.sync.central import FoundBudget

# A copy of a store may have spent more of a lease than it held.
_left = budget_lease.c.amount - budget_lease.c.spent
_unspent = case((_left > 0, _left), else_=0)


def add_to_budget(connection: Connection, owner: str, amount: int, now_us: int) -> None:
    """Makes a budget, or adds to it. Raises InvalidInput."""
    identity = budget_id(read_chain(connection).chain_id, require_owner(owner))
    require_amount(amount)
    row = connection.execute(select(budget).where(budget.c.id == identity).with_for_update()).one_or_none()
    if row is None:
        connection.execute(
            budget.insert().values(id=identity, owner=owner, amount=amount, committed=0, created_at=now_us)
        )
        return
    if row.amount + amount > BUDGET_MAX:
        raise InvalidInput(f"A budget holds at most {BUDGET_MAX}.")
    connection.execute(update(budget).where(budget.c.id == identity).values(amount=budget.c.amount + amount))


def list_budgets(connection: Connection) -> list[dict[str, Any]]:
    """Every budget: what may still be spent, what branches hold of it unspent, and what was spent beyond it."""
    open_leases = (
        select(budget_lease.c.budget_id, func.sum(_unspent).label("held"))
        .where(budget_lease.c.returned_at.is_(None))
        .group_by(budget_lease.c.budget_id)
        .subquery()
    )
    statement = (
        select(budget, func.coalesce(open_leases.c.held, 0).label("held"))
        .outerjoin(open_leases, open_leases.c.budget_id == budget.c.id)
        .order_by(budget.c.owner)
    )
    return [
        {
            "owner": row.owner,
            "amount": row.amount,
            "spent": row.committed - int(row.held),
            "leased": int(row.held),
            "available": max(0, row.amount - row.committed),
            "overdraft": max(0, row.committed - int(row.held) - row.amount),
        }
        for row in connection.execute(statement)
    ]


def find_budget(connection: Connection, owner: str) -> FoundBudget:
    """What may be spent of a budget, and where. Raises NotFound."""
    row = connection.execute(select(budget).where(budget.c.owner == owner)).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no budget of {owner}.", "The head office makes one: filial-hq budget add OWNER AMOUNT."
        )
    holdings = (
        select(branch.c.code, func.sum(_unspent))
        .join(budget_lease, budget_lease.c.branch_id == branch.c.id)
        .where(budget_lease.c.budget_id == row.id, budget_lease.c.returned_at.is_(None))
        .group_by(branch.c.code)
        .order_by(branch.c.code)
    )
    held = tuple((code, int(left)) for code, left in connection.execute(holdings))
    return FoundBudget(owner, max(0, row.amount - row.committed), held)


def release_lease(connection: Connection, lease_id: bytes, now_us: int) -> tuple[str, int]:
    """Takes back what is left of a lease whose store is gone for good; returns whose budget it was, and how much.

    Should the store come back, what it spends of the lease is taken all the same. Raises NotFound.
    """
    joined = select(budget_lease, budget.c.owner).join(budget, budget.c.id == budget_lease.c.budget_id)
    lease = connection.execute(joined.where(budget_lease.c.lease_id == lease_id)).one_or_none()
    if lease is None or lease.returned_at is not None:
        raise NotFound("There is no open lease with this id.", "See: filial-hq --json budget leases OWNER")
    return lease.owner, close_lease(connection, lease.branch_id, lease_id, now_us)


def list_leases(connection: Connection, owner: str) -> list[dict[str, Any]]:
    """The leases of one budget, newest first."""
    codes = branch_names(connection)
    statement = (
        select(budget_lease)
        .join(budget, budget.c.id == budget_lease.c.budget_id)
        .where(budget.c.owner == owner)
        .order_by(budget_lease.c.granted_at.desc(), budget_lease.c.lease_id)
    )
    return [
        {
            "lease": format_id(row.lease_id),
            "branch": codes[row.branch_id],
            "incarnation": format_id(row.incarnation),
            "amount": row.amount,
            "spent": row.spent,
            "expires_at": format_us(row.expires_at),
            "returned_at": None if row.returned_at is None else format_us(row.returned_at),
        }
        for row in connection.execute(statement)
    ]
