"""Spending from budgets at a branch: out of leases it holds, or with HQ's leave when HQ is asked about the operation.

A lease belongs to one incarnation: a restored store, and a copy, spend nothing of it before they have met HQ. It is
spent from until it expires, and gives back what is left only when it is returned, which is a fact in the journal, after
every spending.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.processing import begin, is_asked_of_hq
from branch_node.storage.intents import Intent, count_intents
from branch_node.storage.transaction import BranchTransaction, read_node
from shared.clock import Ids
from shared.domain import budgets
from shared.domain.branch_facts import BudgetSpend, LeaseReturn
from shared.domain.business_time import local_moment
from shared.domain.records import Record, RecordKind
from shared.errors import Refused
from shared.sync.limits import LEASES_PER_MESSAGE_MAX
from shared.sync.messages import LeaseGrant, LeaseWish
from shared.wire.payloads import encode_branch_fact

RENEWED_BELOW = 2
"""A lease is renewed when less than one part in so many of what is wished is left."""


class Lease(NamedTuple):
    """What is left of a lease may be spent until it expires."""

    lease_id: bytes
    budget_id: bytes
    owner: str
    amount: int
    spent: int
    expires_at_us: int

    @property
    def left(self) -> int:
        return self.amount - self.spent


_COLUMNS = "lease_id, budget_id, owner, amount, spent, expires_at"
_USABLE = f"""
SELECT {_COLUMNS} FROM lease
WHERE owner = ? AND incarnation = ? AND NOT returned AND expires_at > ? AND spent < amount ORDER BY expires_at, lease_id
"""
_FORFEIT = f"SELECT {_COLUMNS} FROM lease WHERE NOT returned AND (expires_at <= ? OR incarnation <> ?)"
_AT_HAND = f"SELECT {_COLUMNS} FROM lease WHERE incarnation = ? AND NOT returned AND expires_at > ?"
_WISHES = """
SELECT w.lease_id, w.owner, w.amount, COALESCE((
    SELECT SUM(l.amount - l.spent) FROM lease l
    WHERE l.owner = w.owner AND l.incarnation = ?1 AND NOT l.returned AND l.expires_at > ?2), 0)
FROM lease_wish w ORDER BY w.owner
"""


def spend_leased(transaction: BranchTransaction, owner: str, amount: int) -> None:
    """Spends out of leases, in the transaction's own entry. Raises Refused when they do not hold so much."""
    leases = _usable_leases(transaction, owner)
    left = sum(lease.left for lease in leases)
    if left < amount:
        raise Refused(
            f"Only {budgets.amount_number(owner, left)} of {owner} may be spent here without the head office.",
            "It lends more once it answers: filial-branch budget want OWNER AMOUNT.",
        )
    for spent in _take(transaction, leases, amount):
        record_branch_fact(transaction, spent)


def begin_spending(transaction: BranchTransaction, owner: str, amount: int) -> Intent | None:
    """Spends out of leases here, or stores the spending for HQ to commit. Raises Refused, HqUnreachable."""
    if not is_asked_of_hq(transaction):
        spend_leased(transaction, owner, amount)
        return None
    return begin(transaction, intend_spending(transaction, owner, amount), transaction.ids.new_id())


def intend_spending(transaction: BranchTransaction, owner: str, amount: int) -> list[Record]:
    """A spending for an operation that HQ is asked to commit: out of leases when they hold so much, so that it needs no
    leave and can fall back; else HQ is to allow it. What is taken here goes back when the operation is given up."""
    leases = _usable_leases(transaction, owner)
    if sum(lease.left for lease in leases) >= amount:
        spent = _take(transaction, leases, amount)
    else:
        moment = local_moment(transaction.now_us, transaction.node.timezone)
        spent = [BudgetSpend(budgets.budget_id(transaction.node.chain_id, owner), None, amount, moment)]
    return [Record(RecordKind.BUDGET_SPEND, transaction.ids.new_id(), encode_branch_fact(fact)) for fact in spent]


def _usable_leases(transaction: BranchTransaction, owner: str) -> list[Lease]:
    parameters = (owner, transaction.chain.incarnation, transaction.now_us)
    return [Lease._make(row) for row in transaction.cursor.execute(_USABLE, parameters).fetchall()]


def _take(transaction: BranchTransaction, leases: list[Lease], amount: int) -> list[BudgetSpend]:
    moment = local_moment(transaction.now_us, transaction.node.timezone)
    taken = []
    for lease in leases:
        part = min(amount, lease.left)
        if part == 0:
            break
        amount -= part
        transaction.cursor.execute("UPDATE lease SET spent = spent + ? WHERE lease_id = ?", (part, lease.lease_id))
        taken.append(BudgetSpend(lease.budget_id, lease.lease_id, part, moment))
    return taken


def want_lease(cursor: Any, ids: Ids, owner: str, amount: int) -> None:
    """So much of a budget is to be at hand here from now on; 0 for nothing more."""
    if amount == 0:
        cursor.execute("DELETE FROM lease_wish WHERE owner = ?", (owner,))
        return
    cursor.execute(
        "INSERT INTO lease_wish (owner, amount, lease_id) VALUES (?, ?, ?) "
        "ON CONFLICT (owner) DO UPDATE SET amount = excluded.amount",
        (owner, amount, ids.new_id()),
    )


def read_wishes(cursor: Any, now_us: int) -> tuple[LeaseWish, ...]:
    """What is to be asked of HQ now: where less than half of what is wished is left."""
    _, chain = read_node(cursor)
    rows = cursor.execute(_WISHES, (chain.incarnation, now_us)).fetchall()
    due = [
        LeaseWish(lease_id, owner, amount - left)
        for lease_id, owner, amount, left in rows
        if left * RENEWED_BELOW < amount
    ]
    return tuple(due[: LEASES_PER_MESSAGE_MAX // 2])


def read_held(cursor: Any) -> tuple[LeaseWish, ...]:
    """The leases of this incarnation that are not returned: a restored HQ may not know them."""
    _, chain = read_node(cursor)
    rows = cursor.execute(
        "SELECT lease_id, owner, amount FROM lease WHERE incarnation = ? AND NOT returned "
        "ORDER BY expires_at DESC LIMIT ?",
        (chain.incarnation, LEASES_PER_MESSAGE_MAX // 2),
    ).fetchall()
    return tuple(LeaseWish(lease_id, owner, amount, held=True) for lease_id, owner, amount in rows)


def store_grants(cursor: Any, ids: Ids, incarnation: bytes, grants: tuple[LeaseGrant, ...]) -> None:
    """Keeps what HQ has granted to this incarnation; the next wish of each owner is another lease."""
    for lease_id, budget_id, owner, amount, expires_at_us in grants:
        if amount:
            cursor.execute(
                "INSERT INTO lease (lease_id, budget_id, owner, incarnation, amount, spent, expires_at, returned) "
                "VALUES (?, ?, ?, ?, ?, 0, ?, 0) ON CONFLICT DO NOTHING",
                (lease_id, budget_id, owner, incarnation, amount, expires_at_us),
            )
        cursor.execute("UPDATE lease_wish SET lease_id = ? WHERE lease_id = ?", (ids.new_id(), lease_id))


def return_leases(transaction: BranchTransaction, owner: str | None = None) -> int:
    """Returns leases that are spent from no more: expired ones, those of a past incarnation, and all of `owner`.

    None while an operation is undecided that may have spent of them: HQ would lend again what it has not heard of.
    Raises Refused then, when there is an owner.
    """
    cursor = transaction.cursor
    if count_intents(cursor):
        if owner is not None:
            raise Refused("An operation is undecided that may spend of this lease.", "Try again in a minute.")
        return 0
    rows = cursor.execute(_FORFEIT, (transaction.now_us, transaction.chain.incarnation)).fetchall()
    if owner is not None:
        rows += cursor.execute(f"SELECT {_COLUMNS} FROM lease WHERE NOT returned AND owner = ?", (owner,)).fetchall()
    leases = {row[0]: Lease._make(row) for row in rows}
    moment = local_moment(transaction.now_us, transaction.node.timezone)
    for lease in leases.values():
        cursor.execute("UPDATE lease SET returned = 1 WHERE lease_id = ?", (lease.lease_id,))
        record_branch_fact(transaction, LeaseReturn(lease.budget_id, lease.lease_id, max(0, lease.left), moment))
    return len(leases)


def leases_at_hand(cursor: Any, now_us: int) -> list[Lease]:
    """What may be spent here at present."""
    _, chain = read_node(cursor)
    statement = f"{_AT_HAND} ORDER BY owner, expires_at, lease_id"
    rows = cursor.execute(statement, (chain.incarnation, now_us)).fetchall()
    return [Lease._make(row) for row in rows]
