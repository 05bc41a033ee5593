"""What an employee looks after – clients and open tasks – as a hand-over reads it; alike at a branch and at HQ."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound
from shared.operations.cards import load_card
from shared.operations.people import Employee, find_employee
from shared.storage.card_rows import load_states
from shared.storage.cursor_reading import Reader
from shared.storage.tables import client, task
from shared.sync.card_merge import CardState
from shared.wire.cards import decode_state

CLIENTS_PER_OPERATION: Final = 100
TASKS_PER_OPERATION: Final = 300
CLIENTS_SHOWN_MAX: Final = 200
REASON_CHARACTERS_MAX: Final = 200
CLOSED: Final = ("done", "cancelled")
"""States of a task in which nothing is left to do: see shared.domain.tasks."""

_IS_OPEN = task.c.archived.is_(False) & (task.c.state.is_(None) | task.c.state.not_in(CLOSED))
_COUNT_CLIENTS = select(func.count()).where(client.c.owner_id == bindparam("owner"))
_COUNT_TASKS = (
    select(task.c.branch_id, func.count().label("tasks"))
    .where(task.c.assignee_id == bindparam("owner"), _IS_OPEN)
    .group_by(task.c.branch_id)
)
_CLIENTS = (
    select(client.c.id, client.c.name)
    .where(client.c.owner_id == bindparam("owner"))
    .order_by(client.c.sort_key, client.c.id)
    .limit(bindparam("most"))
)
_OF_THESE = select(client.c.id, client.c.name).where(
    client.c.id.in_(bindparam("clients", expanding=True)), client.c.owner_id == bindparam("owner")
)
_TASKS = select(task.c.id).where(task.c.assignee_id == bindparam("owner"), _IS_OPEN).order_by(task.c.id)
_TASKS_OF = (
    select(task.c.id)
    .where(task.c.client_id.in_(bindparam("clients", expanding=True)), task.c.assignee_id == bindparam("owner"))
    .where(_IS_OPEN)
)
_OWNERS = select(client.c.owner_id, func.count()).where(client.c.owner_id.is_not(None)).group_by(client.c.owner_id)


class LookedAfter(NamedTuple):
    """How much an employee looks after: clients, and open tasks by the branch where they are due (None: nowhere)."""

    clients: int
    tasks_by_branch: dict[bytes | None, int]

    @property
    def tasks(self) -> int:
        return sum(self.tasks_by_branch.values())


class OwnedClient(NamedTuple):
    """A client whom an employee looks after."""

    client_id: bytes
    name: str


def looked_after(reader: Reader, employee_id: bytes) -> LookedAfter:
    """How much somebody looks after, as far as it is known here."""
    clients = reader.execute(_COUNT_CLIENTS, {"owner": employee_id}).scalar_one_or_none() or 0
    tasks = reader.execute(_COUNT_TASKS, {"owner": employee_id})
    return LookedAfter(clients, {row.branch_id: row.tasks for row in tasks})


def clients_by_owner(reader: Reader) -> dict[bytes, int]:
    """How many clients everybody looks after who looks after some."""
    rows = reader.execute(_OWNERS).all()
    return {row[0]: row[1] for row in rows}


def clients_of(reader: Reader, employee_id: bytes, most: int) -> list[OwnedClient]:
    """The first of an employee's clients by name."""
    rows = reader.execute(_CLIENTS, {"owner": employee_id, "most": most})
    return [OwnedClient(row.id, row.name or "") for row in rows]


def chosen_of(reader: Reader, employee_id: bytes, client_ids: Collection[bytes]) -> list[OwnedClient]:
    """Those of the clients whom the employee looks after."""
    rows = reader.execute(_OF_THESE, {"owner": employee_id, "clients": sorted(client_ids)}) if client_ids else ()
    return [OwnedClient(row.id, row.name or "") for row in rows]


def tasks_of_clients(reader: Reader, employee_id: bytes, client_ids: Collection[bytes]) -> list[bytes]:
    """The employee's open tasks about these clients."""
    if not client_ids:
        return []
    rows = reader.execute(_TASKS_OF, {"owner": employee_id, "clients": sorted(client_ids)})
    return list(rows.scalars())


def open_tasks(connection: Connection, employee_id: bytes, most: int | None = None) -> list[bytes]:
    """The employee's open tasks; at most so many."""
    return list(connection.execute(_TASKS.limit(most), {"owner": employee_id}).scalars())


def owner_of(connection: Connection, client_id: bytes) -> bytes | None:
    """Who looks after a client. Raises NotFound."""
    row = connection.execute(select(client.c.owner_id).where(client.c.id == client_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    owner: bytes | None = row.owner_id
    return owner


def require_hand_over(connection: Connection, from_id: bytes, to_id: bytes, today: int, reason: str) -> Employee:
    """Whoever takes over. Raises InvalidInput, NotFound."""
    if from_id == to_id:
        raise InvalidInput("Both are the same employee.", "Choose who takes over.")
    if len(reason) > REASON_CHARACTERS_MAX or not (reason.isprintable() or not reason):
        raise InvalidInput(f"The reason has at most {REASON_CHARACTERS_MAX} printable characters.")
    successor = find_employee(connection, to_id)
    if from_id == NIL_ID or find_employee(connection, from_id) is None or successor is None:
        raise NotFound("There is no such employee here.", "Choose one of the list.")
    if successor.is_dismissed(today):
        raise InvalidInput("Whoever takes over was dismissed.", "Choose somebody who works.")
    return successor


def still_by(connection: Connection, kind: RecordKind, card_ids: Sequence[bytes], field: str) -> dict[bytes, bytes]:
    """By which command a field of each card shows what it shows; cards that lack it are left out."""
    found: dict[bytes, bytes] = {}
    states = load_states(connection, [(int(kind), each) for each in card_ids])
    for (_, card_id), encoded in states.items():
        known = decode_state(encoded).fields.get(field)
        if known is not None and known.live:
            found[card_id] = known.live[-1].version_id
    return found


def command_of_field(connection: Connection, kind: RecordKind, card_id: bytes, field: str) -> bytes | None:
    """The same of one card."""
    state: CardState | None = load_card(connection, kind, card_id)
    known = state.fields.get(field) if state else None
    return known.live[-1].version_id if known and known.live else None


def owner_change(kind: RecordKind, employee_id: bytes | None) -> dict[str, Value]:
    """What an edit says of whoever looks after a client or a task from now on."""
    return {"owner_id" if kind is RecordKind.CLIENT else "assignee_id": employee_id}
