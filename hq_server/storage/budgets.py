"""Budgets and their leases at HQ: what may still be spent, what branches hold, and what was spent beyond.

    available = amount − committed
    committed = spent without a lease or beyond one + spent of closed leases + open leases, whole

A lease takes its amount out of what is available when it is granted, and gives back what is unspent when it is
returned; nothing else does, for a store that is away may be spending. What is spent is always taken: what restored and
copied stores spend beyond the amount is the overdraft, spent − amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from hq_server.storage.tables import budget, budget_lease
from shared.domain.branch_facts import BranchFact, BudgetSpend, LeaseReturn
from shared.domain.money import BUDGET_MAX
from shared.sync.messages import LeaseGrant, LeaseWish

LEASE_US = 7 * 86_400_000_000
"""How long a lease may be spent from."""

_LOCK = (
    select(budget)
    .where(budget.c.id.in_(bindparam("ids", expanding=True)))
    # In one order, so that two transactions never wait for each other.
    .order_by(budget.c.id)
    .with_for_update()
)
_BY_OWNER = select(budget.c.id, budget.c.owner).where(budget.c.owner.in_(bindparam("owners", expanding=True)))
_LEASES = select(budget_lease).where(
    budget_lease.c.branch_id == bindparam("branch"), budget_lease.c.lease_id.in_(bindparam("leases", expanding=True))
)
_THIS_LEASE = (budget_lease.c.branch_id == bindparam("branch"), budget_lease.c.lease_id == bindparam("lease"))
_SAVE_BUDGET = update(budget).where(budget.c.id == bindparam("budget")).values(committed=bindparam("taken"))
_SPEND = update(budget_lease).where(*_THIS_LEASE).values(spent=budget_lease.c.spent + bindparam("more"))
_CLOSE = update(budget_lease).where(*_THIS_LEASE).values(returned_at=bindparam("now"))

Fact = tuple[bytes, BranchFact]
"""A branch, and one of its facts."""


class Available(NamedTuple):
    """What may still be spent of a budget."""

    owner: str
    amount: int


def available_of(connection: Connection, budget_ids: Iterable[bytes]) -> dict[bytes, Available]:
    """What may still be spent of budgets, which are held until the transaction ends."""
    wanted = set(budget_ids)
    if not wanted:
        return {}
    return {row.id: Available(row.owner, row.amount - row.committed) for row in _lock(connection, wanted)}


def spent_of(facts: Iterable[Fact]) -> set[bytes]:
    """The budgets of which something is spent or returned."""
    return {fact.budget_id for _, fact in facts if isinstance(fact, BudgetSpend | LeaseReturn)}


def apply_facts(connection: Connection, facts: Sequence[Fact], now_us: int) -> None:
    """Enters what was spent and returned, in its order. A budget that is not known is passed over."""
    relevant = [(branch_id, fact) for branch_id, fact in facts if isinstance(fact, BudgetSpend | LeaseReturn)]
    if not relevant:
        return
    committed = {row.id: row.committed for row in _lock(connection, {fact.budget_id for _, fact in relevant})}
    for branch_id, fact in relevant:
        if fact.budget_id not in committed:
            continue
        lease = _lease(connection, branch_id, fact)
        if isinstance(fact, BudgetSpend):
            committed[fact.budget_id] += _spend(connection, lease, fact.amount)
        elif lease is not None and lease.returned_at is None:
            committed[fact.budget_id] -= max(0, lease.amount - lease.spent)
            connection.execute(_CLOSE, {"branch": branch_id, "lease": lease.lease_id, "now": now_us})
    for budget_id, taken in committed.items():
        connection.execute(_SAVE_BUDGET, {"budget": budget_id, "taken": taken})


def close_lease(connection: Connection, branch_id: bytes, lease_id: bytes, now_us: int) -> int:
    """Gives back what is unspent of a lease, without a word of its branch; returns how much. 0 when it is closed."""
    lease = connection.execute(_LEASES, _of(branch_id, [lease_id])).one()
    (held,) = _lock(connection, [lease.budget_id])
    # Read again: whoever spends of it or returns it holds the budget.
    lease = connection.execute(_LEASES, _of(branch_id, [lease_id])).one()
    if lease.returned_at is not None:
        return 0
    left: int = max(0, lease.amount - lease.spent)
    connection.execute(_CLOSE, {"branch": branch_id, "lease": lease_id, "now": now_us})
    connection.execute(_SAVE_BUDGET, {"budget": held.id, "taken": held.committed - left})
    return left


def grant_leases(
    connection: Connection, branch_id: bytes, incarnation: bytes, wishes: Sequence[LeaseWish], now_us: int
) -> tuple[LeaseGrant, ...]:
    """Leases of what is available, at most what is wished; 0 of what there is nothing of.

    The same wish asked again gets the same lease. A lease that a branch holds and HQ has lost is entered again,
    whatever is available: the branch may have spent it.
    """
    ids = {row.owner: row.id for row in connection.execute(_BY_OWNER, {"owners": [wish.owner for wish in wishes]})}
    available = {identity: found.amount for identity, found in available_of(connection, ids.values()).items()}
    held = {row.lease_id: row for row in connection.execute(_LEASES, _of(branch_id, [w.lease_id for w in wishes]))}
    grants = []
    for lease_id, owner, wanted, is_held in wishes:
        known = held.get(lease_id)
        if known is not None:
            # A copy of the store wishes under the same id: the lease is not its own.
            amount = known.amount if known.incarnation == incarnation else 0
            grants.append(LeaseGrant(lease_id, known.budget_id, owner, amount, known.expires_at))
            continue
        budget_id = ids.get(owner)
        amount = 0 if budget_id is None else _grantable(available[budget_id], wanted, is_held)
        if budget_id is None or amount == 0:
            grants.append(LeaseGrant(lease_id, budget_id or lease_id, owner, 0, now_us))
            continue
        available[budget_id] -= amount
        grants.append(LeaseGrant(lease_id, budget_id, owner, amount, now_us + LEASE_US))
        connection.execute(
            budget_lease.insert().values(
                branch_id=branch_id,
                lease_id=lease_id,
                budget_id=budget_id,
                incarnation=incarnation,
                amount=amount,
                spent=0,
                granted_at=now_us,
                expires_at=now_us + LEASE_US,
            )
        )
        taken = update(budget).where(budget.c.id == budget_id).values(committed=budget.c.committed + amount)
        connection.execute(taken)
    return tuple(grants)


def _grantable(available: int, wanted: int, is_held: bool) -> int:
    """Of a lease that is held already all or nothing: no more than the books can hold beyond what there is."""
    if is_held:
        return wanted if wanted <= available + BUDGET_MAX else 0
    return max(0, min(wanted, available))


def _spend(connection: Connection, lease: Any, spent: int) -> int:
    """What is within an open lease was taken when it was granted; returns the rest, which is taken now."""
    within = 0
    if lease is not None:
        connection.execute(_SPEND, {"branch": lease.branch_id, "lease": lease.lease_id, "more": spent})
        if lease.returned_at is None:
            within = max(0, min(spent, lease.amount - lease.spent))
    return spent - within


def _lease(connection: Connection, branch_id: bytes, fact: BudgetSpend | LeaseReturn) -> Any:
    if fact.lease_id is None:
        return None
    row = connection.execute(_LEASES, _of(branch_id, [fact.lease_id])).one_or_none()
    return row if row is not None and row.budget_id == fact.budget_id else None


def _of(branch_id: bytes, lease_ids: Sequence[bytes]) -> dict[str, Any]:
    return {"branch": branch_id, "leases": lease_ids}


def _lock(connection: Connection, budget_ids: Iterable[bytes]) -> list[Any]:
    return list(connection.execute(_LOCK, {"ids": sorted(set(budget_ids))}))
