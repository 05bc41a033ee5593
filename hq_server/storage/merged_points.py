"""Points of clients who have several cards: what any card earned may be spent by the one that survives.

    amount of the survivor's budget = what the ledger says of all cards − what is committed of the others' budgets
    amount of another's budget      = what is committed of it: nothing is left to spend

Always computed anew from the ledger, so that a merge, its undo and what arrives late in the name of another card come
to the same, in whatever order.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, bindparam, select, update

from hq_server.storage.budgets import Fact
from hq_server.storage.tables import budget, chain
from shared.domain.budgets import budget_id
from shared.domain.business_time import days_from_date, local_moment
from shared.domain.loyalty import EXPIRED, SPENT, Balance, Entry, LoyaltyEntry, balance_on, owner_of_client
from shared.domain.money import BUDGET_MAX
from shared.domain.records import RecordKind
from shared.operations.aliases import cards_of_client
from shared.operations.cards import CardEdit
from shared.storage.card_history import edits_of_card
from shared.storage.card_rows import insert_missing
from shared.storage.tables import client, loyalty_entry

Group = tuple[bytes, ...]
"""The cards of one client, the survivor first."""

_CHAIN = select(chain.c.chain_id, chain.c.timezone)
_MERGED = select(client.c.id).where(
    client.c.id.in_(bindparam("clients", expanding=True)), client.c.merged_into.is_not(None)
)
_LOCK = (
    select(budget.c.id, budget.c.amount, budget.c.committed)
    .where(budget.c.id.in_(bindparam("ids", expanding=True)))
    # In one order, so that two transactions never wait for each other.
    .order_by(budget.c.id)
    .with_for_update()
)
_SAVE = update(budget).where(budget.c.id == bindparam("budget")).values(amount=bindparam("total"))
_ENTRIES = select(
    loyalty_entry.c.kind, loyalty_entry.c.business_date, loyalty_entry.c.points, loyalty_entry.c.expires_on
).where(loyalty_entry.c.client_id.in_(bindparam("clients", expanding=True)), loyalty_entry.c.kind != EXPIRED)


def groups_of_merges(connection: Connection, edits: Iterable[CardEdit]) -> set[Group]:
    """The groups of clients that edits, which are merged by now, brought together or took apart."""
    touched: set[bytes] = set()
    for edit in edits:
        if edit.kind == RecordKind.CLIENT and any(patch.field == "merged_into" for patch in edit.patches):
            touched |= {edit.card_id} | _targets_ever(connection, edit.card_id)
    return {cards_of_client(connection, client_id) for client_id in touched}


def groups_of_facts(connection: Connection, facts: Iterable[Fact]) -> set[Group]:
    """The groups of the merged cards in whose name points moved all the same: by branches that had not heard."""
    return groups_of_cards(connection, {fact.client_id for _, fact in facts if isinstance(fact, LoyaltyEntry)})


def groups_of_cards(connection: Connection, client_ids: Collection[bytes]) -> set[Group]:
    """The groups of those of the cards that are merged into others."""
    if not client_ids:
        return set()
    merged = connection.execute(_MERGED, {"clients": sorted(client_ids)}).scalars().all()
    return {cards_of_client(connection, client_id) for client_id in merged}


def budgets_of(connection: Connection, groups: Iterable[Group]) -> set[bytes]:
    """The budgets of these clients' cards."""
    client_ids = {client_id for group in groups for client_id in group}
    if not client_ids:
        return set()
    chain_id = connection.execute(_CHAIN).one().chain_id
    return {budget_id(chain_id, owner_of_client(client_id)) for client_id in client_ids}


def settle_groups(connection: Connection, groups: Collection[Group], now_us: int) -> int:
    """Sets the amounts of these clients' budgets as the module says; returns how many were another before."""
    if not groups:
        return 0
    chain_id, zone = connection.execute(_CHAIN).one()
    today = days_from_date(local_moment(now_us, zone).business_date)
    ids = {each: budget_id(chain_id, owner_of_client(each)) for group in groups for each in group}
    held = _held(connection, ids)
    if not held:
        return 0
    missing = [group for group in groups if ids[group[0]] not in held and any(ids[each] in held for each in group)]
    if missing:
        _make(connection, {ids[group[0]]: group[0] for group in missing}, now_us)
        held = _held(connection, ids)
    changed = 0
    for group in sorted(groups):
        survivor, *others = [ids[each] for each in group]
        wanted = {each: held[each][1] for each in others if each in held}
        wanted[survivor] = ledger_amount(connection, group, today) - sum(wanted.values())
        for each, amount in wanted.items():
            if each in held and held[each][0] != _bounded(amount):
                connection.execute(_SAVE, {"budget": each, "total": _bounded(amount)})
                changed += 1
    return changed


def ledger_amount(connection: Connection, group: Sequence[bytes], day: int) -> int:
    """What the ledger says of all cards of a client: the balance, and what was spent in all."""
    balance, spent = balance_of_group(connection, group, day)
    return balance.points + spent


def balance_of_group(connection: Connection, group: Sequence[bytes], day: int) -> tuple[Balance, int]:
    """The balance of all cards of a client on a day, and what was spent in all."""
    rows = connection.execute(_ENTRIES, {"clients": list(group)}).all()
    entries = [Entry(days_from_date(row.business_date), row.points, row.expires_on) for row in rows]
    return balance_on(entries, day), -sum(row.points for row in rows if row.kind == SPENT)


def _held(connection: Connection, ids: dict[bytes, bytes]) -> dict[bytes, tuple[int, int]]:
    """Amount and what is committed of the budgets that exist, held until the transaction ends."""
    rows = connection.execute(_LOCK, {"ids": sorted(ids.values())})
    return {row.id: (row.amount, row.committed) for row in rows}


def _make(connection: Connection, clients: dict[bytes, bytes], now_us: int) -> None:
    rows = [
        {"id": identity, "owner": owner_of_client(client_id), "amount": 0, "committed": 0, "created_at": now_us}
        for identity, client_id in sorted(clients.items())
    ]
    connection.execute(insert_missing(budget, connection), rows)


def _targets_ever(connection: Connection, client_id: bytes) -> set[bytes]:
    """The clients into which a card is or once was merged."""
    targets: set[bytes] = set()
    for row in edits_of_card(connection, RecordKind.CLIENT, client_id):
        target = json.loads(row.changes).get("merged_into")
        if isinstance(target, dict):
            targets.add(bytes.fromhex(target["id"]))
    return targets


def _bounded(amount: int) -> int:
    return max(-BUDGET_MAX, min(BUDGET_MAX, amount))
