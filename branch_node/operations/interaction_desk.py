"""What somebody needs to see who logs a conversation: the client, the chain's words, the tasks that it may be about."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from branch_node.operations.contacting import ContactedClient, read_contacted
from branch_node.storage.store import BranchStore
from shared.domain.dictionaries import Dictionaries
from shared.domain.interactions import Interaction
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.domain.tasks import TaskState
from shared.domain.timeline import TimelineEntry
from shared.errors import NotFound
from shared.operations.aliases import read_card_group
from shared.operations.client_facts import read_interaction
from shared.operations.client_timeline import read_cards, read_timeline
from shared.operations.dictionaries import read_dictionaries
from shared.storage.tables import interaction, neighbour_fact, task
from shared.wire.payloads import decode_branch_fact

OPEN_TASKS_SHOWN_MAX = 10
LAST_SHOWN_MAX = 5
_OPEN = tuple(str(state) for state in TaskState if not state.is_closed)


class OpenTask(NamedTuple):
    """A task of the client that waits. `due_at_us` may be None."""

    task_id: bytes
    type: str
    title: str
    due_at_us: int | None
    due_has_time: bool


class Desk(NamedTuple):
    """For the page on which a conversation is logged; `last` is what took place before, newest first."""

    client: ContactedClient
    words: Dictionaries
    tasks: tuple[OpenTask, ...]
    corrected: Interaction | None
    zone: str
    last: tuple[TimelineEntry, ...] = ()


def read_desk(store: BranchStore, actor: Actor, client_id: bytes, corrects_id: bytes | None = None) -> Desk:
    """Raises NotPermitted, NotFound."""
    require(actor, Permission.INTERACTION_LOG)
    with store.look() as transaction:
        connection = transaction.connection
        found = read_contacted(connection, actor, client_id)
        members = read_card_group(connection, client_id).members
        corrected = None
        if corrects_id is not None:
            corrected = _corrected(connection, transaction.node.branch_id, members, corrects_id)
        return Desk(
            found,
            read_dictionaries(connection),
            open_tasks(connection, members),
            corrected,
            transaction.node.timezone,
            _last(connection, client_id),
        )


def open_tasks(connection: Connection, members: tuple[bytes, ...]) -> tuple[OpenTask, ...]:
    """The tasks of a client's cards that wait, those that are due first at the head."""
    statement = (
        select(task.c.id, task.c.type, task.c.title, task.c.due_at, task.c.due_has_time)
        .where(task.c.client_id.in_(members), task.c.state.in_(_OPEN), task.c.archived.is_(False))
        .order_by(task.c.due_at.is_(None), task.c.due_at, task.c.id)
        .limit(OPEN_TASKS_SHOWN_MAX)
    )
    rows = connection.execute(statement)
    return tuple(OpenTask(row.id, row.type or "", row.title or "", row.due_at, bool(row.due_has_time)) for row in rows)


def _last(connection: Connection, client_id: bytes) -> tuple[TimelineEntry, ...]:
    cards = read_cards(connection, client_id)
    return read_timeline(connection, cards, lambda _branch_id: "", entries_max=LAST_SHOWN_MAX).entries


def _corrected(connection: Connection, branch_id: bytes, members: tuple[bytes, ...], identity: bytes) -> Interaction:
    own = select(interaction.c.id).where(
        interaction.c.branch_id == branch_id, interaction.c.id == identity, interaction.c.client_id.in_(members)
    )
    if connection.execute(own).one_or_none() is not None:
        return read_interaction(connection, branch_id, identity)
    elsewhere = select(neighbour_fact.c.payload).where(
        neighbour_fact.c.client_id.in_(members),
        neighbour_fact.c.kind == RecordKind.INTERACTION,
        neighbour_fact.c.id == identity,
    )
    for payload in connection.execute(elsewhere).scalars():
        known = decode_branch_fact(RecordKind.INTERACTION, payload)
        assert isinstance(known, Interaction)
        return known
    raise NotFound("There is no such record of this client to correct.", "Load the page anew.")
