"""Handing clients from one employee to another at a branch, with their open tasks; and taking it back.

Many clients go in several operations of the same hand-over, so that no entry is too large and no sale waits for long:
each edits the cards and records a transfer of every client.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, select

from branch_node.operations.committing import Commit, Wanted, WantedEdit, WantedFact
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import local_moment
from shared.domain.interactions import ClientTransfer
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import NotFound
from shared.operations import hand_over as reading
from shared.operations.hand_over import CLIENTS_PER_OPERATION, TASKS_PER_OPERATION, LookedAfter, OwnedClient
from shared.operations.people import Employee, all_employees, day_in_zone, find_employee
from shared.storage.cursor_reading import CursorReader
from shared.storage.tables import client_transfer

HAND_OVERS_SHOWN_MAX: Final = 20
TRANSFERS_READ_MAX: Final = 5_000

_LATEST = (
    select(client_transfer)
    .where(client_transfer.c.branch_id == bindparam("branch"))
    .order_by(client_transfer.c.id.desc())
    .limit(TRANSFERS_READ_MAX)
    .subquery()
)
_MADE = (
    select(
        _LATEST.c.hand_over_id,
        _LATEST.c.from_employee_id,
        _LATEST.c.to_employee_id,
        func.count(),
        func.max(_LATEST.c.at),
        _LATEST.c.employee,
        _LATEST.c.reason,
        _LATEST.c.undoes_id,
    )
    .group_by(
        _LATEST.c.hand_over_id,
        _LATEST.c.from_employee_id,
        _LATEST.c.to_employee_id,
        _LATEST.c.employee,
        _LATEST.c.reason,
        _LATEST.c.undoes_id,
    )
    .order_by(func.max(_LATEST.c.id).desc())
)


class Preview(NamedTuple):
    """What would go over: everything that `predecessor` looks after, or `chosen` clients with their tasks. `clients`
    are the first of all by name."""

    predecessor: Employee
    looked_after: LookedAfter
    clients: tuple[OwnedClient, ...]
    chosen: tuple[OwnedClient, ...]
    chosen_tasks: int


class Person(NamedTuple):
    """An employee to choose, with how many clients he looks after here."""

    employee: Employee
    clients: int
    is_dismissed: bool


class HandedOver(NamedTuple):
    """What went over. `task_commands` are those of operations that moved tasks of no client."""

    hand_over_id: bytes
    clients: int
    tasks: int
    task_commands: tuple[bytes, ...] = ()


class HandOverMade(NamedTuple):
    """A hand-over of clients that was made at this branch. `author` is the code of who made it."""

    hand_over_id: bytes
    from_id: bytes | None
    to_id: bytes | None
    clients: int
    at_us: int
    author: str
    reason: str
    is_undone: bool


def people(store: BranchStore, actor: Actor) -> list[Person]:
    """Who may hand over and take over. Raises NotPermitted."""
    require(actor, Permission.CLIENT_TRANSFER)
    today = _today(store)
    with store.read_cursor() as cursor:
        reader = CursorReader(cursor)
        counts = reading.clients_by_owner(reader)
        return [
            Person(each, counts.get(each.employee_id, 0), each.is_dismissed(today))
            for each in all_employees(reader)
            if each.name or each.employee_id in counts
        ]


def preview(store: BranchStore, actor: Actor, from_id: bytes, chosen: Collection[bytes] = ()) -> Preview:
    """How much would go over. Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_TRANSFER)
    with store.read_cursor() as cursor:
        reader = CursorReader(cursor)
        predecessor = find_employee(reader, from_id)
        if predecessor is None:
            raise NotFound("There is no such employee here.", "Choose one of the list.")
        kept = reading.chosen_of(reader, from_id, chosen)
        tasks = reading.tasks_of_clients(reader, from_id, [each.client_id for each in kept])
        return Preview(
            predecessor,
            reading.looked_after(reader, from_id),
            tuple(reading.clients_of(reader, from_id, reading.CLIENTS_SHOWN_MAX)),
            tuple(kept),
            len(tasks),
        )


def made_here(store: BranchStore, actor: Actor) -> list[HandOverMade]:
    """The latest hand-overs of this branch, the last first: HAND_OVERS_SHOWN_MAX, of the latest TRANSFERS_READ_MAX
    clients. One that moved tasks alone is not among them: see the tasks. Raises NotPermitted."""
    require(actor, Permission.CLIENT_TRANSFER)
    with store.read_cursor() as cursor:
        rows = CursorReader(cursor).execute(_MADE, {"branch": store.screen_nodes.read(cursor)[0].branch_id}).all()
    undone = {row.undoes_id for row in rows}
    made = [HandOverMade._make((*row[:7], row.hand_over_id in undone)) for row in rows if row.undoes_id is None]
    return made[:HAND_OVERS_SHOWN_MAX]


def owner_of(store: BranchStore, actor: Actor, client_id: bytes) -> bytes | None:
    """Who looks after a client. Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_TRANSFER)
    with store.read() as connection:
        return reading.owner_of(connection, client_id)


def hand_over(
    store: BranchStore,
    commit: Commit,
    actor: Actor,
    from_id: bytes,
    to_id: bytes,
    chosen: Collection[bytes] | None = None,
    reason: str = "",
) -> HandedOver:
    """Hands over all of an employee's clients and open tasks, or the chosen clients with theirs.

    Raises NotPermitted, InvalidInput, NotFound, and what `commit` does: what went over until then stays, and the same
    asked again goes on.
    """
    require(actor, Permission.CLIENT_TRANSFER)
    with store.read() as connection:
        reading.require_hand_over(connection, from_id, to_id, _today(store), reason)
    step = _Step(actor, from_id, to_id, store.ids.new_id(), reason)
    clients = tasks = 0
    left = None if chosen is None else sorted(chosen)
    while left is None or left:
        batch = None if left is None else left[:CLIENTS_PER_OPERATION]
        left = None if left is None else left[CLIENTS_PER_OPERATION:]
        if not commit(lambda transaction, batch=batch: step.clients(transaction, batch)) and left is None:  # type: ignore[misc]
            break
        clients, tasks = clients + step.moved_clients, tasks + step.moved_tasks
    commands: list[bytes] = []
    while chosen is None and commit(step.tasks):
        tasks += step.moved_tasks
        with store.read() as connection:
            command = reading.command_of_field(connection, RecordKind.TASK, step.last_task, "assignee_id")
        commands += [command] if command else []
    return HandedOver(step.hand_over_id, clients, tasks, tuple(commands))


def take_back(
    store: BranchStore,
    commit: Commit,
    actor: Actor,
    hand_over_id: bytes,
    parties: Collection[tuple[bytes, bytes]] = (),
    task_commands: Collection[bytes] = (),
) -> HandedOver:
    """Gives everything back that still stands where a hand-over put it. `parties` – who handed over to whom – and
    `task_commands` are told of one that moved tasks of no client. Raises NotPermitted, NotFound, and what
    `commit` does."""
    require(actor, Permission.CLIENT_TRANSFER)
    of_it = client_transfer.c.hand_over_id == hand_over_id
    with store.read() as connection:
        rows = connection.execute(select(client_transfer).where(of_it).order_by(client_transfer.c.id)).all()
    if not rows and not task_commands:
        raise NotFound("There is no such hand-over here.", "Look at the client's timeline.")
    moved = {(row.from_employee_id, row.to_employee_id) for row in rows if row.from_employee_id and row.to_employee_id}
    parties = set(parties)
    undo = _Undo(actor, store.ids.new_id(), hand_over_id, frozenset(task_commands) | {row.command_id for row in rows})
    clients = tasks = 0
    for start in range(0, len(rows), CLIENTS_PER_OPERATION):
        batch = rows[start : start + CLIENTS_PER_OPERATION]
        commit(lambda transaction, batch=batch: undo.clients(transaction, batch))  # type: ignore[misc]
        clients += undo.moved_clients
    for from_id, to_id in sorted(parties | moved):
        while commit(lambda transaction, a=from_id, b=to_id: undo.tasks(transaction, a, b)):  # type: ignore[misc]
            tasks += undo.moved_tasks
    return HandedOver(undo.undo_id, clients, tasks)


class _Step:
    """One operation after the other of a hand-over; each reads what is left to do."""

    def __init__(self, actor: Actor, from_id: bytes, to_id: bytes, hand_over_id: bytes, reason: str) -> None:
        self._actor, self._from, self._to, self._reason = actor, from_id, to_id, reason
        self.hand_over_id = hand_over_id
        self.moved_clients = self.moved_tasks = 0
        self.last_task = b""

    def clients(self, transaction: BranchTransaction, batch: Sequence[bytes] | None) -> Wanted:
        """The next clients, with their tasks; with the last of all go the other tasks, as far as they have room."""
        connection, room = transaction.connection, 0
        if batch is None:
            found = reading.clients_of(connection, self._from, CLIENTS_PER_OPERATION + 1)
            room = TASKS_PER_OPERATION if 0 < len(found) <= CLIENTS_PER_OPERATION else 0
            found = found[:CLIENTS_PER_OPERATION]
        else:
            found = reading.chosen_of(connection, self._from, batch)
        ids = [each.client_id for each in found]
        tasks = reading.tasks_of_clients(connection, self._from, ids)
        if len(tasks) < room:
            known = set(tasks)
            others = [each for each in reading.open_tasks(connection, self._from, room) if each not in known]
            tasks += others[: room - len(tasks)]
        self.moved_clients, self.moved_tasks = len(ids), len(tasks)
        at = local_moment(transaction.now_us, transaction.node.timezone)
        code = self._actor.code
        facts = [ClientTransfer(each, self._from, self._to, self.hand_over_id, code, at, self._reason) for each in ids]
        edits = [WantedEdit(RecordKind.CLIENT, each, {"owner_id": self._to}) for each in ids]
        edits += [WantedEdit(RecordKind.TASK, each, {"assignee_id": self._to}) for each in tasks]
        wanted = [WantedFact(transaction.ids.new_id(), fact) for fact in facts]
        return Wanted(self._actor.employee_id, tuple(edits), tuple(wanted))

    def tasks(self, transaction: BranchTransaction) -> Wanted:
        """The next tasks of nobody's, or of clients whom others look after."""
        tasks = reading.open_tasks(transaction.connection, self._from, TASKS_PER_OPERATION)
        self.moved_tasks, self.last_task = len(tasks), tasks[0] if tasks else b""
        edits = [WantedEdit(RecordKind.TASK, each, {"assignee_id": self._to}) for each in tasks]
        return Wanted(self._actor.employee_id, tuple(edits))


class _Undo:
    """One operation after the other of taking a hand-over back: only what still shows what the hand-over wrote."""

    def __init__(self, actor: Actor, undo_id: bytes, undone_id: bytes, commands: frozenset[bytes]) -> None:
        self._actor, self._undone_id, self._commands = actor, undone_id, commands
        self.undo_id = undo_id
        self.moved_clients = self.moved_tasks = 0

    def clients(self, transaction: BranchTransaction, rows: Sequence[Any]) -> Wanted:
        """The clients of these transfers."""
        ids = [row.client_id for row in rows]
        shown_by = reading.still_by(transaction.connection, RecordKind.CLIENT, ids, "owner_id")
        back = [row for row in rows if shown_by.get(row.client_id) == row.command_id]
        self.moved_clients = len(back)
        at = local_moment(transaction.now_us, transaction.node.timezone)
        edits, facts = [], []
        for row in back:
            edits.append(WantedEdit(RecordKind.CLIENT, row.client_id, {"owner_id": row.from_employee_id}))
            fact = ClientTransfer(
                row.client_id, row.to_employee_id, row.from_employee_id, self.undo_id, self._actor.code, at,
                undoes_id=self._undone_id,
            )  # fmt: skip
            facts.append(WantedFact(transaction.ids.new_id(), fact))
        return Wanted(self._actor.employee_id, tuple(edits), tuple(facts))

    def tasks(self, transaction: BranchTransaction, from_id: bytes | None, to_id: bytes) -> Wanted:
        """The next tasks that the successor has by that hand-over."""
        mine = reading.open_tasks(transaction.connection, to_id)
        shown_by = reading.still_by(transaction.connection, RecordKind.TASK, mine, "assignee_id")
        back = [each for each in mine if shown_by.get(each) in self._commands][:TASKS_PER_OPERATION]
        self.moved_tasks = len(back)
        edits = [WantedEdit(RecordKind.TASK, each, {"assignee_id": from_id}) for each in back]
        return Wanted(self._actor.employee_id, tuple(edits))


def _today(store: BranchStore) -> int:
    return day_in_zone(store.clock.now_us(), store.node()[0].timezone)
