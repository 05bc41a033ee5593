"""What a simulated chain says of persons, and how it forgets them: calls, tasks, words at the till, orders to erase.

Only in every sixth world from seed 302 on: the worlds before them stay what the table of ablations and the tests know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select

from branch_node.operations.clients import edit_client
from branch_node.storage.transaction import BranchTransaction
from hq_server.operations.erasing import order_erasure
from hq_server.storage.feed import number_feed
from shared.domain.branch_facts import AuditEntry, BranchFact
from shared.domain.business_time import LocalMoment
from shared.domain.cards import Value
from shared.domain.interactions import Channel, Direction, Interaction
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.errors import NotFound
from shared.operations.cards import edit_card, merge_cards
from shared.storage.fact_rows import add_branch_fact_rows, new_rows
from shared.storage.tables import client, task
from shared.wire.cards import encode_patch
from shared.wire.payloads import encode_branch_fact
from tests.simulation.places import Place

if TYPE_CHECKING:
    from tests.simulation.world import World

ERASURES_FROM, ERASURES_EVERY = 302, 6


def has_erasures(seed: int) -> bool:
    """Whether persons are erased in a world."""
    return seed >= ERASURES_FROM and seed % ERASURES_EVERY == ERASURES_FROM % ERASURES_EVERY


def secret_of(client_id: bytes) -> str:
    """The phone of a simulated client: whatever is said of the client names it."""
    return f"+7{int.from_bytes(client_id[6:], 'big') % 10**10:010}"


def erasure_actions(world: World) -> list[tuple[Callable[[], None], float]]:
    """The actions, with their weights beside those of `World`."""

    def _speak() -> None:
        """Somebody speaks with a client, gives him a phone, a task, or writes of him at the till."""
        place = world.pick_place()
        with place.store.operation() as transaction:
            known = list(transaction.connection.execute(select(client.c.id).order_by(client.c.id)).scalars())
            if not known:
                return
            client_id = world.random.choice(known)
            match world.random.randrange(5):
                case 0:
                    edit_client(transaction, client_id, {"phones": (secret_of(client_id),)})
                case 1 | 2:
                    _record(world, place, transaction, RecordKind.INTERACTION, _call(world, client_id))
                case 3:
                    _edit_task(world, transaction, client_id)
                case _:
                    words = AuditEntry("opened", "1", "vera", None, 7, f"by {secret_of(client_id)}", _now(world))
                    # With the call that it was about: words alone, sent after the order and before it is heard, HQ
                    # could not tell to be of the person.
                    _record(world, place, transaction, RecordKind.INTERACTION, _call(world, client_id))
                    _record(world, place, transaction, RecordKind.AUDIT_ENTRY, words)
        world.grew(place)

    def _erase() -> None:
        """The head office erases one of the clients whom it knows."""
        with world.hq.store.read() as connection:
            known = list(connection.execute(select(client.c.id).order_by(client.c.id)).scalars())
        if known:
            erase(world, world.random.choice(known))

    return [(_speak, 40), (_erase, 4)]


def erase(world: World, client_id: bytes) -> None:
    """The head office gives the order."""
    now_us = world.clock.now_us()
    with world.hq.store.write() as connection:
        try:
            order_erasure(connection, world.hq.ids, now_us, LOCAL_ADMINISTRATOR, client_id, "asked")
        except NotFound as error:
            world.note(error.reason)
            return
    world.erased[client_id] = world.hq_restores
    world.tell_feed(number_feed(world.hq.store, world.clock.now_us()).position)


def _now(world: World) -> LocalMoment:
    return LocalMoment(world.clock.now_us(), 10_800, "Europe/Moscow")


def _call(world: World, client_id: bytes) -> Interaction:
    secret = secret_of(client_id)
    return Interaction(client_id, Channel.CALL, Direction.OUT, "vera", _now(world), secret, True, body=f"of {secret}")


def _record(world: World, place: Place, transaction: BranchTransaction, kind: RecordKind, fact: BranchFact) -> None:
    rows, fact_id = new_rows(), transaction.ids.new_id()
    add_branch_fact_rows(rows, place.row.id, fact_id, transaction.command_id, fact, None)
    transaction.insert_all(rows)
    transaction.record(kind, fact_id, encode_branch_fact(fact))


def _edit_task(world: World, transaction: BranchTransaction, client_id: bytes) -> None:
    """A new task, or another word in one of the client's."""
    connection = transaction.connection
    there = list(connection.execute(select(task.c.id).where(task.c.client_id == client_id)).scalars())
    changes: dict[str, Value] = {"title": f"call {secret_of(client_id)} {world.random.randrange(1_000)}"}
    new = not there or world.random.random() < 0.5
    task_id = transaction.ids.new_id() if new else world.random.choice(sorted(there))
    values: dict[str, Value] = {"client_id": client_id, **changes} if new else changes
    edit = edit_card(connection, RecordKind.TASK, task_id, values, transaction.stamp)
    if edit is not None:
        merge_cards(connection, [edit], transaction.now_us, None)
        transaction.record(RecordKind.TASK, task_id, encode_patch(edit.patches))
