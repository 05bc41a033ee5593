"""Points at HQ: the entries of branches move the amounts of clients' budgets, out of which points are spent.

    amount of a client's budget = Σ points but those spent − points that expired unspent

What is spent is committed by the spending itself (hq_server.storage.budgets). An amount below zero leaves nothing to
spend until later earnings have repaid it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from hq_server.storage.budgets import Fact, available_of
from hq_server.storage.merged_points import budgets_of, groups_of_cards, settle_groups
from hq_server.storage.tables import budget, chain
from shared.domain.budgets import budget_id
from shared.domain.business_time import days_from_date
from shared.domain.identifiers import NIL_ID
from shared.domain.loyalty import EXPIRED, SPENT, Balance, Entry, LoyaltyEntry, balance_on, owner_of_client
from shared.domain.money import BUDGET_MAX
from shared.storage.card_rows import insert_missing
from shared.storage.tables import loyalty_entry

_UNMOVED = frozenset({SPENT, EXPIRED})
"""Kinds that move no amount: a spending is committed, and what expires is computed."""

_CHAIN_ID = select(chain.c.chain_id)
_LOCK = (
    select(budget.c.id, budget.c.amount)
    .where(budget.c.id.in_(bindparam("ids", expanding=True)))
    # In one order, so that two transactions never wait for each other.
    .order_by(budget.c.id)
    .with_for_update()
)
_SAVE = update(budget).where(budget.c.id == bindparam("budget")).values(amount=bindparam("total"))
_ENTRIES = (
    select(
        loyalty_entry.c.client_id,
        loyalty_entry.c.kind,
        loyalty_entry.c.business_date,
        loyalty_entry.c.points,
        loyalty_entry.c.expires_on,
    )
    .where(loyalty_entry.c.client_id.in_(bindparam("clients", expanding=True)), loyalty_entry.c.kind != EXPIRED)
    .order_by(loyalty_entry.c.client_id)
)
_NEXT_CLIENTS = (
    select(loyalty_entry.c.client_id)
    .distinct()
    .where(loyalty_entry.c.client_id > bindparam("after"))
    .order_by(loyalty_entry.c.client_id)
    .limit(bindparam("most"))
)
REFRESHED_TOGETHER_MAX = 500
"""Clients whose budgets one transaction holds while it computes what expired."""


class ClientPoints(NamedTuple):
    """What the ledger says of a client on a day: the balance, and what was spent in all."""

    client_id: bytes
    balance: Balance
    spent: int


def make_budgets(connection: Connection, facts: Iterable[Fact], now_us: int) -> set[bytes]:
    """Makes the budgets that clients lack whose points these facts move; returns the ids of all of them.

    To be called before any budget is held, so that whoever waits for one holds none.
    """
    return set(_make(connection, {fact.client_id for _, fact in facts if isinstance(fact, LoyaltyEntry)}, now_us))


def apply_points(connection: Connection, facts: Iterable[Fact], now_us: int) -> None:
    """Enters what clients earned, were given back and lost, into the amounts of their budgets."""
    moved: dict[bytes, int] = {}
    for _, fact in facts:
        if isinstance(fact, LoyaltyEntry) and fact.kind not in _UNMOVED:
            moved[fact.client_id] = moved.get(fact.client_id, 0) + fact.points
    for budget_id_, (client_id, amount) in _held(connection, moved, now_us).items():
        _save(connection, budget_id_, amount + moved[client_id])


def read_points(connection: Connection, day: int, client_ids: Collection[bytes]) -> Iterator[ClientPoints]:
    """What the ledger says of these clients, by id; nothing of those without points."""
    rows = connection.execute(_ENTRIES, {"clients": list(client_ids)})
    for client_id, of_client in groupby(rows, key=lambda row: row.client_id):
        kept = list(of_client)
        entries = [Entry(days_from_date(row.business_date), row.points, row.expires_on) for row in kept]
        spent = -sum(row.points for row in kept if row.kind == SPENT)
        yield ClientPoints(client_id, balance_on(entries, day), spent)


def refresh_amounts(
    connection: Connection, day: int, now_us: int, after_client_id: bytes = NIL_ID
) -> tuple[int, bytes | None]:
    """Sets the budgets of the next clients to what the ledger says on that day: what expired can be spent no more.

    Returns how many were another before, and after whom to go on; None when these were the last.
    """
    parameters = {"after": after_client_id, "most": REFRESHED_TOGETHER_MAX}
    clients = list(connection.execute(_NEXT_CLIENTS, parameters).scalars())
    groups = groups_of_cards(connection, clients)
    available_of(connection, _make(connection, clients, now_us).keys() | budgets_of(connection, groups))
    # Held before they are read: whoever enters points meanwhile waits, and adds to what is set here.
    held = _held(connection, [each for each in clients if each not in set().union(*groups)], now_us)
    wanted = {each.client_id: each.balance.points + each.spent for each in read_points(connection, day, clients)}
    changed = settle_groups(connection, groups, now_us)
    for budget_id_, (client_id, amount) in held.items():
        if amount != _bounded(wanted[client_id]):
            _save(connection, budget_id_, wanted[client_id])
            changed += 1
    return changed, clients[-1] if len(clients) == REFRESHED_TOGETHER_MAX else None


def _make(connection: Connection, client_ids: Collection[bytes], now_us: int) -> dict[bytes, bytes]:
    """The clients by the ids of their budgets, which exist afterwards."""
    if not client_ids:
        return {}
    chain_id = connection.execute(_CHAIN_ID).scalar_one()
    owners = {client_id: owner_of_client(client_id) for client_id in client_ids}
    ids = {budget_id(chain_id, owner): client_id for client_id, owner in owners.items()}
    rows = [
        {"id": identity, "owner": owners[client_id], "amount": 0, "committed": 0, "created_at": now_us}
        for identity, client_id in sorted(ids.items())
    ]
    connection.execute(insert_missing(budget, connection), rows)
    return ids


def _held(connection: Connection, client_ids: Collection[bytes], now_us: int) -> dict[bytes, tuple[bytes, int]]:
    """Client and amount by the budget's id; held until the transaction ends."""
    ids = _make(connection, client_ids, now_us)
    if not ids:
        return {}
    rows = connection.execute(_LOCK, {"ids": sorted(ids)}).all()
    return {row.id: (ids[row.id], row.amount) for row in rows}


def _save(connection: Connection, budget_id_: bytes, amount: int) -> None:
    connection.execute(_SAVE, {"budget": budget_id_, "total": _bounded(amount)})


def _bounded(amount: int) -> int:
    """A budget holds no more, whatever a branch says; and owes no more."""
    return max(-BUDGET_MAX, min(BUDGET_MAX, amount))
