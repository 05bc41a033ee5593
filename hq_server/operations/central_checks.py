"""What HQ checks before it commits an edit of cards at once: that it saw what is there, and that nothing is doubled."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select, text

from hq_server.storage.budgets import available_of
from shared.domain.branch_facts import BudgetSpend
from shared.domain.budgets import amount_number
from shared.domain.duplicates import phone_key
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.errors import Refused
from shared.storage.card_rows import load_states, lock_cards
from shared.storage.tables import client, client_key
from shared.sync.card_merge import CardState, FieldPatch
from shared.sync.central import Rejected, StaleCard
from shared.wire.cards import decode_state
from shared.wire.decoding import DecodedEntry

STALE, TAKEN, BUDGET = "stale", "taken", "budget"

_LOCK_NUMBERS = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(number, 0))"
    " FROM (SELECT unnest(CAST(:numbers AS text[])) AS number ORDER BY number) AS claimed"
)


def problem_with_edits(connection: Connection, entry: DecodedEntry) -> Rejected | Refused | None:
    """Why the edits of an operation must not be made as they are; None when they may. Locks the cards.

    Refused when the branch has seen what HQ has not: an earlier edit of its own is on its way in the journal.
    """
    keys = [(kind, card_id) for kind, card_id, _ in entry.patches]
    lock_cards(connection, keys)
    stored = load_states(connection, keys)
    states = {key: decode_state(state) for key, state in stored.items()}
    cards = [(states.get((kind, card_id), CardState()), patches) for kind, card_id, patches in entry.patches]
    if any(_has_seen_more(state, patches) for state, patches in cards):
        return Refused("The head office has not heard yet of an earlier edit of this.", "Run: filial-branch sync run")
    stale = [
        StaleCard(kind, card_id, stored[kind, card_id])
        for kind, card_id, patches in entry.patches
        if (kind, card_id) in stored and _has_unseen(states[kind, card_id], patches)
    ]
    if stale:
        return Rejected(
            STALE,
            "Somebody else has changed this in the meanwhile.",
            "Look at what is there now, and decide.",
            tuple(stale),
        )
    merged = _merged_by(entry)
    for kind, card_id, patches in entry.patches:
        taken = _taken(connection, card_id, patches, merged) if kind == RecordKind.CLIENT else None
        if taken is not None:
            return taken
    return None


def claimed_numbers(entry: DecodedEntry) -> set[tuple[object, ...]]:
    """The phones and external ids that an operation's edits give to clients, by field: each is of one client."""
    claimed: set[tuple[object, ...]] = set()
    for kind, _, patches in entry.patches:
        for name, value, _ in patches if kind == RecordKind.CLIENT else ():
            if name == "external_id" and isinstance(value, str):
                claimed.add((name, value))
            elif name == "phones" and isinstance(value, tuple):
                claimed |= {(name, phone) for phone in value}
    return claimed


def lock_numbers(connection: Connection, claimed: Iterable[tuple[object, ...]]) -> None:
    """Holds phones and external ids until the transaction ends: another server's process that gives one of them to a
    client waits, and then sees it taken. SQLite needs nothing: its writer is alone."""
    numbers = sorted({":".join(map(str, each)) for each in claimed})
    if numbers and connection.dialect.name == "postgresql":
        connection.execute(_LOCK_NUMBERS, {"numbers": numbers})


def problem_with_spending(connection: Connection, entry: DecodedEntry, spent: dict[bytes, int]) -> Rejected | None:
    """Why what an operation spends of budgets without a lease must not be spent; None when it may.

    `spent` is what other operations of this transaction spend, and grows by this one's. Locks the budgets.
    """
    wanted: dict[bytes, int] = {}
    for _, fact in entry.branch_facts:
        if isinstance(fact, BudgetSpend) and fact.lease_id is None:
            wanted[fact.budget_id] = wanted.get(fact.budget_id, 0) + fact.amount
    available = available_of(connection, wanted) if wanted else {}
    for budget_id, amount in wanted.items():
        found = available.get(budget_id)
        if found is None:
            return Rejected(
                BUDGET, "Nothing may be spent of this.", "The head office makes budgets: filial-hq budget add."
            )
        left = found.amount - spent.get(budget_id, 0)
        if amount > left:
            text = amount_number(found.owner, max(0, left))
            return Rejected(
                BUDGET, f"Only {text} of {found.owner} may still be spent in the chain.", "Take less, or none."
            )
    for budget_id, amount in wanted.items():
        spent[budget_id] = spent.get(budget_id, 0) + amount
    return None


def _has_unseen(state: CardState, patches: tuple[FieldPatch, ...]) -> bool:
    return any(set(state.seen(patch.field)) - set(patch.seen) for patch in patches)


def _has_seen_more(state: CardState, patches: tuple[FieldPatch, ...]) -> bool:
    def known(name: str) -> set[bytes]:
        field = state.fields.get(name)
        return {*field.superseded, *state.seen(name)} if field else set()

    return any(set(patch.seen) - known(patch.field) for patch in patches)


def _merged_by(entry: DecodedEntry) -> frozenset[bytes]:
    """The clients that this operation merges into others: their numbers are the survivors' from now on."""
    return frozenset(
        card_id
        for kind, card_id, patches in entry.patches
        for patch in patches
        if kind == RecordKind.CLIENT and patch.field == "merged_into" and isinstance(patch.value, bytes)
    )


def _taken(
    connection: Connection, client_id: bytes, patches: tuple[FieldPatch, ...], merged: frozenset[bytes]
) -> Rejected | None:
    """Another client has the number already: a card number is an external id, a phone is of one person."""
    for name, value, _ in patches:
        if name == "external_id" and isinstance(value, str):
            matches, what = client.c.external_id == value, f"The number {value}"
            found = _other(connection, client_id, merged, matches)
            if found is not None:
                return Rejected(TAKEN, f"{what} belongs to another client: {found}.", "Open that card instead.")
        if name == "phones" and isinstance(value, tuple):
            for phone in value:
                holders = select(client_key.c.client_id).where(client_key.c.key == phone_key(phone))
                found = _other(connection, client_id, merged, client.c.id.in_(holders))
                if found is not None:
                    return Rejected(
                        TAKEN, f"The phone {phone} belongs to another client: {found}.", "Open that card instead."
                    )
    return None


def _other(connection: Connection, client_id: bytes, merged: frozenset[bytes], matches: object) -> str | None:
    statement = (
        select(client.c.id, client.c.name)
        .where(matches, client.c.id.not_in({client_id, *merged}))  # type: ignore[arg-type]
        .where(client.c.archived.is_(False), client.c.merged_into.is_(None))
        .order_by(client.c.id)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else f"{row.name or 'no name'} ({format_id(row.id)})"
