"""The promise to people who look after clients, in worlds where these are merged, parted, handed over and erased."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, or_, select

from hq_server.storage.hand_over_tables import hand_over
from shared.domain.records import RecordKind
from shared.operations.aliases import find_survivor
from shared.operations.client_timeline import read_cards, read_timeline
from shared.operations.hand_over import CLOSED
from shared.storage.card_rows import load_states
from shared.storage.tables import (
    card_edit,
    client,
    client_transfer,
    conflict,
    erasure,
    interaction,
    neighbour_fact,
    task,
)
from shared.wire.cards import decode_state
from tests.simulation.ledger_checkers import is_shared
from tests.simulation.places import Typed

if TYPE_CHECKING:
    from tests.simulation.world import World

TIMELINE_ENTRIES = 10_000


class PersonsBroken(AssertionError):
    """A promise to people who look after clients was broken."""


def check_typed(world: World) -> None:
    """Whatever somebody typed, and was told that the store has, is shown, or was replaced by somebody who had seen it,
    or stands in the conflict log; of the erased nothing is left."""
    typed = {each for place in world.places for each in place.typed}
    with world.hq.store.read() as connection:
        erased = set(connection.execute(select(erasure.c.id)).scalars())
        commands = _commands_of_texts(connection)
        met = {
            (row.card_id, row.field, side)
            for row in connection.execute(select(conflict).where(conflict.c.kind == int(RecordKind.CLIENT)))
            for side in (row.older_command_id, row.newer_command_id)
        }
        keys = sorted({(int(RecordKind.CLIENT), each.client_id) for each in typed})
        states = {key[1]: decode_state(state) for key, state in load_states(connection, keys).items()}
    for each in sorted(typed):
        if each.client_id in erased:
            continue
        known = commands.get(each, set())
        field = states[each.client_id].fields.get(each.field) if each.client_id in states else None
        if not known or field is None:
            raise PersonsBroken(f"{each.text!r} was typed into a {each.field} and is nowhere")
        is_shown = bool(field.live) and field.live[-1].value == each.text
        if not is_shown and not any(c in field.superseded or (*each[:2], c) in met for c in known):
            raise PersonsBroken(f"{each.text!r} was typed into a {each.field} and gave way without a word")


def _commands_of_texts(connection: Connection) -> dict[Typed, set[bytes]]:
    """By which commands texts were typed, as the cards' histories say."""
    found: dict[Typed, set[bytes]] = defaultdict(set)
    for row in connection.execute(select(card_edit).where(card_edit.c.kind == int(RecordKind.CLIENT))):
        for name, value in json.loads(row.changes).items():
            if isinstance(value, str):
                found[Typed(row.card_id, name, value)].add(row.command_id)
    return found


def check_aliases(world: World) -> None:
    """Every node that knows a client names the same survivor, and shows the calls and transfers of all his cards."""
    with world.hq.store.read() as connection:
        survivors = {
            each: find_survivor(connection, each) for each in connection.execute(select(client.c.id)).scalars()
        }
        groups = set(survivors.values())
        timelines = {survivor: _timeline(connection, survivor) for survivor in sorted(groups)}
    never_were = _committed_and_lost(world)
    for place in world.places:
        if is_shared(world, place.row.id):
            continue
        with place.store.read() as local:
            known = set(local.execute(select(client.c.id)).scalars()) & survivors.keys()
            for client_id in sorted(known):
                if find_survivor(local, client_id) != survivors[client_id]:
                    raise PersonsBroken(f"{place.name} takes another card for a client than HQ does")
            for survivor in sorted({survivors[client_id] for client_id in known}):
                differing = len((_timeline(local, survivor) ^ timelines[survivor]) - never_were)
                if differing:
                    raise PersonsBroken(
                        f"{differing} entries of a client's timeline differ between {place.name} and HQ"
                    )


def _committed_and_lost(world: World) -> set[bytes]:
    """What a head office committed at once, told others of, and lost before the branch that had asked heard of it: it
    is nowhere but with those others."""
    if not world.hq_restores:
        return set()
    told, recorded = set[bytes](), set[bytes]()
    for place in world.places:
        with place.store.read() as local:
            told |= set(local.execute(select(neighbour_fact.c.id)).scalars())
            recorded |= _recorded(local)
    with world.hq.store.read() as connection:
        return told - recorded - _recorded(connection)


def _recorded(connection: Connection) -> set[bytes]:
    tables = (interaction, client_transfer)
    return {each for table in tables for each in connection.execute(select(table.c.id)).scalars()}


def _timeline(connection: Connection, client_id: bytes) -> set[bytes]:
    """The calls and transfers on a client's timeline."""
    page = read_timeline(connection, read_cards(connection, client_id), lambda _: "", entries_max=TIMELINE_ENTRIES)
    said = {type(entry.what).__name__: set[bytes]() for entry in page.entries}
    for entry in page.entries:
        said[type(entry.what).__name__].add(entry.key.id)
    return said.get("SpokenEntry", set()) | said.get("TransferEntry", set())


def check_timelines_are_whole(world: World) -> None:
    """The timeline of a client holds whatever HQ holds of any of his cards."""
    with world.hq.store.read() as connection:
        facts: dict[bytes, set[bytes]] = defaultdict(set)
        for table in (interaction, client_transfer):
            for row in connection.execute(select(table.c.id, table.c.client_id)):
                facts[find_survivor(connection, row.client_id)].add(row.id)
        for survivor, wanted in facts.items():
            lacking = wanted - _timeline(connection, survivor)
            if lacking:
                raise PersonsBroken(f"{len(lacking)} facts of a client's cards are not on his timeline")


def check_late_work(world: World) -> None:
    """While an employee is handed over, nothing is left with him, whenever it arrived."""
    with world.hq.store.read() as connection:
        holding = set(
            connection.execute(select(hand_over.c.from_employee_id).where(hand_over.c.ended_at.is_(None))).scalars()
        )
        clients = connection.execute(select(client.c.id).where(client.c.owner_id.in_(holding))).scalars().all()
        is_open = or_(task.c.state.is_(None), task.c.state.not_in(CLOSED))
        open_tasks = select(task.c.id).where(task.c.assignee_id.in_(holding), is_open, task.c.archived.is_(False))
        tasks = set(connection.execute(open_tasks).scalars()) - _once_closed(connection)
    if clients or tasks:
        raise PersonsBroken(f"{len(clients)} clients and {len(tasks)} tasks are left with who was handed over")


def _once_closed(connection: Connection) -> set[bytes]:
    """Tasks that were done before somebody took them up again: a hand-over had left them where they were."""
    rows = connection.execute(select(card_edit).where(card_edit.c.kind == int(RecordKind.TASK)))
    return {row.card_id for row in rows if json.loads(row.changes).get("state") in CLOSED}


def check_no_twins(world: World) -> None:
    """No card is left of which it is said that it is an erased person's."""
    with world.hq.store.read() as connection:
        erased = select(erasure.c.id)
        twins = connection.execute(select(client.c.id).where(client.c.merged_into.in_(erased))).scalars().all()
    if twins:
        raise PersonsBroken(f"{len(twins)} cards are said to be of erased persons, and are there")


PERSON_CHECKS: tuple[Callable[[World], None], ...] = (
    check_typed,
    check_aliases,
    check_timelines_are_whole,
    check_late_work,
    check_no_twins,
)
