"""The branches that know a client: what is theirs to be told when one of them begins to, and of what the others do.

A branch that begins to know a client is told of everything that belongs to the card – tasks, files, letters – and of
what took place with the client in other branches within the last two years. From then on it is told of each such fact
as it arrives. Both happen under the card's lock, so that a fact and a newcomer cannot miss each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from hq_server.storage.branches import branch_names
from hq_server.storage.feed import Publication, audience_of_branch
from hq_server.storage.tables import client_audience
from shared.domain.identifiers import format_id
from shared.domain.records import CLIENT_KINDS, RecordKind
from shared.operations.cards import CardEdit
from shared.operations.client_facts import facts_of_client, payload_of
from shared.storage.card_rows import load_states
from shared.storage.dialect_functions import over_lists
from shared.storage.tables import attachment, card, client, client_transfer, interaction, mail, task
from shared.sync.messages import CardFull, NeighbourFact

PAST_TOLD_US = 731 * 24 * 60 * 60 * 1_000_000
"""24 months and a day: how much of what took place elsewhere a newcomer is told."""

PAST_FACTS_MAX = 2_000
_CLIENTS_PER_QUERY_MAX = 500

_BELONGING = {
    int(RecordKind.TASK): select(task.c.id).where(task.c.client_id == bindparam("client")),
    int(RecordKind.ATTACHMENT): select(attachment.c.id).where(attachment.c.client_id == bindparam("client")),
    int(RecordKind.MAIL): select(mail.c.id).where(mail.c.client_id == bindparam("client")),
}
_NAMING = [
    select(table.c.client_id).where(table.c.client_id.in_(bindparam("clients", expanding=True))).distinct()
    for table in (task, attachment, mail, interaction, client_transfer)
]
_DUE = (
    select(task.c.branch_id, task.c.client_id)
    .where(task.c.client_id.in_(bindparam("clients", expanding=True)), task.c.branch_id.is_not(None))
    .distinct()
)
_CLIENTS_OF = {
    int(kind): select(table.c.client_id).where(table.c.id.in_(bindparam("cards", expanding=True)))
    for kind, table in ((RecordKind.TASK, task), (RecordKind.ATTACHMENT, attachment), (RecordKind.MAIL, mail))
}
_EXTERNAL_ID = select(client.c.external_id).where(client.c.id == bindparam("client"))
_called = over_lists(
    lambda among: select(client.c.id, client.c.external_id).where(among(client.c.external_id, "names"))
)
_LOCK = (
    select(card.c.id)
    .where(card.c.kind == int(RecordKind.CLIENT), card.c.id.in_(bindparam("clients", expanding=True)))
    .order_by(card.c.id)
    .with_for_update()
)
_MEMBERSHIPS = select(client_audience.c.client_id, client_audience.c.branch_id).where(
    client_audience.c.client_id.in_(bindparam("clients", expanding=True))
)


class ServedClient(NamedTuple):
    """A fact of a client on its way into the store. `name` is what a sale called a client without naming the card."""

    branch_id: bytes
    kind: int
    fact_id: bytes
    client_id: bytes | None
    name: str | None
    payload: bytes


def everything_of(connection: Connection, client_id: bytes, branch_id: bytes, now_us: int) -> list[Publication]:
    """What a branch is told of a client beside the card, when it begins to know it."""
    audience = audience_of_branch(branch_id)
    keys = [
        (kind, card_id)
        for kind, statement in _BELONGING.items()
        for card_id in connection.execute(statement, {"client": client_id}).scalars()
    ]
    states = load_states(connection, keys)
    publications = [Publication(audience, CardFull(*key, states[key])) for key in keys if key in states]
    return publications + list(_past(connection, client_id, branch_id, now_us))


def known_before(connection: Connection, client_ids: Sequence[bytes]) -> list[bytes]:
    """Those of whom something was here before their cards, and nobody could be told. A restored head office, or one
    that is asked to commit at once, hears of a client's task before the client."""
    among = {"clients": list(client_ids)}
    return sorted({each for statement in _NAMING for each in connection.execute(statement, among).scalars()})


def branches_due(connection: Connection, client_ids: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """The branches where tasks about these clients are due, each with the client."""
    return sorted((row.branch_id, row.client_id) for row in connection.execute(_DUE, {"clients": list(client_ids)}))


def _past(connection: Connection, client_id: bytes, branch_id: bytes, now_us: int) -> Iterator[Publication]:
    external_id = connection.execute(_EXTERNAL_ID, {"client": client_id}).scalar_one_or_none()
    names = [format_id(client_id)] + ([external_id] if external_id else [])
    codes = branch_names(connection)
    audience = audience_of_branch(branch_id)
    for fact in facts_of_client(connection, client_id, names, now_us - PAST_TOLD_US, PAST_FACTS_MAX):
        if fact.branch_id != branch_id:
            told = NeighbourFact(
                fact.kind, fact.fact_id, fact.branch_id, codes[fact.branch_id], client_id, payload_of(connection, fact)
            )
            yield Publication(audience, told)


def hold_clients(
    connection: Connection, served: Sequence[ServedClient], edited: Collection[bytes] = ()
) -> dict[bytes, set[bytes]]:
    """The clients of these facts, and those that will be edited, with the branches that know them.

    They are held until the transaction ends, all at once and in one order, so that merges never deadlock.
    """
    named = _clients_called(connection, {each.name for each in served if each.client_id is None and each.name})
    ids = sorted({each.client_id for each in served if each.client_id is not None} | set(named.values()) | set(edited))
    members: dict[bytes, set[bytes]] = {client_id: set() for client_id in ids}
    for start in range(0, len(ids), _CLIENTS_PER_QUERY_MAX):
        chunk = {"clients": ids[start : start + _CLIENTS_PER_QUERY_MAX]}
        if connection.dialect.name == "postgresql":
            connection.execute(_LOCK, chunk).all()
        for client_id, branch_id in connection.execute(_MEMBERSHIPS, chunk):
            members[client_id].add(branch_id)
    return members


def clients_edited(connection: Connection, edits: Iterable[CardEdit]) -> set[bytes]:
    """The clients that these edits concern: by their own card, or by one that belongs or will belong to them."""
    clients: set[bytes] = set()
    belonging: dict[int, list[bytes]] = {}
    for edit in edits:
        if edit.kind == RecordKind.CLIENT:
            clients.add(edit.card_id)
        elif edit.kind in CLIENT_KINDS:
            belonging.setdefault(edit.kind, []).append(edit.card_id)
            clients |= {p.value for p in edit.patches if p.field == "client_id" and isinstance(p.value, bytes)}
    for kind, card_ids in belonging.items():
        for start in range(0, len(card_ids), _CLIENTS_PER_QUERY_MAX):
            among = {"cards": card_ids[start : start + _CLIENTS_PER_QUERY_MAX]}
            clients.update(filter(None, connection.execute(_CLIENTS_OF[kind], among).scalars()))
    return clients


def publications_of_facts(
    connection: Connection, served: Sequence[ServedClient], members: dict[bytes, set[bytes]]
) -> list[Publication]:
    """What the other branches that know these clients are told of the facts."""
    unnamed = [each for each in served if each.client_id is None and each.name]
    named = _clients_called(connection, {each.name or "" for each in unnamed}) if unnamed else {}
    codes: dict[bytes, str] = {}
    publications = []
    for each in served:
        client_id = each.client_id or named.get(each.name or "")
        others = members.get(client_id, set()) - {each.branch_id} if client_id else set()
        if client_id is None or not others:
            continue
        codes = codes or branch_names(connection)
        told = NeighbourFact(each.kind, each.fact_id, each.branch_id, codes[each.branch_id], client_id, each.payload)
        publications += [Publication(audience_of_branch(other), told) for other in sorted(others)]
    return publications


def _clients_called(connection: Connection, names: Collection[str]) -> dict[str, bytes]:
    """Clients by external id; of several the oldest card."""
    ordered = sorted(names)
    found: dict[str, bytes] = {}
    for start in range(0, len(ordered), _CLIENTS_PER_QUERY_MAX):
        chunk = {"names": ordered[start : start + _CLIENTS_PER_QUERY_MAX]}
        for client_id, external_id in connection.execute(_called(connection), chunk):
            found[external_id] = min(found.get(external_id, client_id), client_id)
    return found
