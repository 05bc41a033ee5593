"""Clients of the whole chain at the head office: searched and looked at, by whoever may see them. Contains no edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from hq_server.storage.branches import branch_names
from hq_server.storage.feed import index_committed
from hq_server.storage.store import HqStore
from hq_server.storage.tables import client_audience
from shared.domain.client_masking import as_seen_by, hidden_fields
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import Actor, ClientScope, Permission, require
from shared.domain.positions import ALL_BRANCHES, position_on
from shared.domain.records import RecordKind
from shared.domain.text_folding import fold
from shared.domain.visibility import EVERYBODY, Reach, Substitution, reach_of, shown_document
from shared.errors import NotPermitted
from shared.operations.cards import load_card, shown_fields
from shared.operations.client_finding import FOUND_MAX, Restriction, clients_with_number
from shared.operations.client_history import FieldChange, history_of, people_names
from shared.operations.clients import client_card, client_rows, client_summary, find_clients
from shared.operations.people import all_positions, positions_of
from shared.storage.tables import client, substitution

LOOKED_THROUGH_MAX: Final = 500
"""Of a search by somebody who sees some branches alone, so many of the best are looked through."""

EDITS_SHOWN_MAX: Final = 100


class ChainClients(NamedTuple):
    """Rows as the actor may see them."""

    rows: tuple[dict[str, Any], ...]


class PastChange(NamedTuple):
    """An edit of a card: who, in which branch, when, and what it changed of what the actor may see."""

    person: str
    branch: str
    at_us: int
    changes: tuple[FieldChange, ...]


class ChainClient(NamedTuple):
    """A client's card, read alone. `branches` are those that know it; the newest edits come first."""

    client_id: str
    document: dict[str, Any]
    fields: dict[str, Any]
    branches: tuple[str, ...]
    edits: tuple[PastChange, ...]
    owner: str


def find_in_office(store: HqStore, actor: Actor, text: str, day: int, limit: int = FOUND_MAX) -> ChainClients:
    """Clients of the chain by whatever is remembered of them. `day` is today, since 1970-01-01.

    Raises NotPermitted, InvalidInput.
    """
    require(actor, Permission.CLIENT_VIEW)
    if not fold(text):
        return ChainClients(())
    index_committed(store)
    with store.read() as connection:
        reach = _reach(connection, actor, day)
        branches = _branches_seen(connection, actor, day)
        restriction = None if reach.owners is None else Restriction(tuple(sorted(reach.owners)))
        found = find_clients(connection, text, limit if branches is None else LOOKED_THROUGH_MAX, restriction)
        if branches is not None:
            known = _known_in(connection, [parse_id(row["id"]) for row in found], branches)
            found = [row for row in found if parse_id(row["id"]) in known]
        if restriction is not None or branches is not None:
            # A full number names its client to anybody, as at a branch.
            shown = {row["id"] for row in found}
            numbered = client_rows(connection, clients_with_number(connection, text)).values()
            found = [client_summary(row) for row in numbered if format_id(row.id) not in shown] + found
    return ChainClients(tuple(shown_document(actor, row) for row in found[:limit]))


def read_in_office(store: HqStore, actor: Actor, client_id: bytes, day: int, number: str = "") -> ChainClient:
    """A client's card with what changed on it. `number` is the full phone or card number by which somebody opens a
    client whom the lists do not show. Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_VIEW)
    with store.read() as connection:
        names = branch_names(connection)
        document = client_card(connection, client_id, names)
        # The document has the owner's name.
        owner_id = connection.execute(select(client.c.owner_id).where(client.c.id == client_id)).scalar()
        _require_seen(connection, actor, client_id, owner_id, day, number)
        state = load_card(connection, RecordKind.CLIENT, client_id)
        assert state is not None
        hidden = hidden_fields(actor)
        shown = shown_fields(RecordKind.CLIENT, state).items()
        fields = {name: as_seen_by(actor, name, value) for name, value in shown if name not in hidden}
        history = history_of(connection, RecordKind.CLIENT, client_id)[::-1][:EDITS_SHOWN_MAX]
        owners = [] if owner_id is None else [owner_id]
        people = people_names(connection, [*(each.author for each in history), *owners])
        edits = tuple(
            PastChange(
                people.get(each.author, ""),
                names.get(each.branch_id, ""),
                each.at_us,
                tuple(_seen_change(actor, change) for change in each.changes if change.field not in hidden),
            )
            for each in history
        )
        knowing = connection.execute(
            select(client_audience.c.branch_id).where(client_audience.c.client_id == client_id)
        ).scalars()
        branches = tuple(sorted(names.get(branch_id, "") for branch_id in knowing))
    name = "" if owner_id is None else people.get(owner_id, "")
    return ChainClient(format_id(client_id), shown_document(actor, document), fields, branches, edits, name)


def seen_names(connection: Connection, actor: Actor, client_ids: Sequence[bytes], day: int) -> dict[bytes, str]:
    """What these clients are called, as the actor may see it, of those whom the actor's lists show. Raises
    NotPermitted."""
    require(actor, Permission.CLIENT_VIEW)
    reach, branches = _reach(connection, actor, day), _branches_seen(connection, actor, day)
    known = set(client_ids) if branches is None else _known_in(connection, list(client_ids), branches)
    rows = client_rows(connection, client_ids)
    return {
        client_id: str(as_seen_by(actor, "name", row.name) or "")
        for client_id, row in rows.items()
        if client_id in known and reach.shows(row.owner_id)
    }


def sees_everybody(connection: Connection, actor: Actor, day: int) -> bool:
    """Whether the actor's lists show every client of the chain."""
    is_everybody = _reach(connection, actor, day).owners is None
    return is_everybody and _branches_seen(connection, actor, day) is None


def _seen_change(actor: Actor, change: FieldChange) -> FieldChange:
    before, after = (as_seen_by(actor, change.field, value) for value in (change.before, change.after))
    return change._replace(before=before, after=after)


def _require_seen(
    connection: Connection, actor: Actor, client_id: bytes, owner_id: bytes | None, day: int, number: str
) -> None:
    branches = _branches_seen(connection, actor, day)
    is_shown = _reach(connection, actor, day).shows(owner_id)
    if is_shown and (branches is None or client_id in _known_in(connection, [client_id], branches)):
        return
    if number and client_id in clients_with_number(connection, number):
        return
    raise NotPermitted("This client is looked after by somebody else.", "Find them by the full phone or card number.")


def _reach(connection: Connection, actor: Actor, day: int) -> Reach:
    if actor.client_scope in (ClientScope.BRANCH, ClientScope.CHAIN):
        return EVERYBODY
    columns = [substitution.c[name] for name in Substitution._fields]
    rows = connection.execute(select(*columns).where(substitution.c.substitute_id == actor.employee_id))
    known = [Substitution(*row) for row in rows if row.employee_id is not None]
    return reach_of(actor.employee_id, actor.client_scope, all_positions(connection), known, day)


def _branches_seen(connection: Connection, actor: Actor, day: int) -> set[bytes] | None:
    """The branches whose clients somebody of the scope `branch` sees: where one works today; None for all."""
    if actor.client_scope is not ClientScope.BRANCH:
        return None
    standing = position_on(positions_of(connection, actor.employee_id), day)
    codes = () if standing is None else standing.branches
    if ALL_BRANCHES in codes:
        return None
    return {branch_id for branch_id, code in branch_names(connection).items() if code in codes}


def _known_in(connection: Connection, client_ids: list[bytes], branches: set[bytes]) -> set[bytes]:
    statement = select(client_audience.c.client_id).where(
        client_audience.c.client_id.in_(client_ids), client_audience.c.branch_id.in_(branches)
    )
    return set(connection.execute(statement).scalars())
