"""The promise of the client base, as checks over a healed world. Each raises Broken with one sentence."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from hq_server.storage.tables import central_commit, client_audience, journal_entry, parked_entry
from shared.domain.cards import MergeRule, rule_of
from shared.domain.records import CLIENT_KINDS, HISTORY_KINDS, RecordKind
from shared.storage.tables import (
    attachment,
    card,
    card_edit,
    client,
    client_transfer,
    conflict,
    interaction,
    mail,
    neighbour_fact,
    refund,
    sale,
    task,
)
from shared.wire.cards import decode_patch, decode_state
from shared.wire.entries import open_entry
from tests.simulation.ledger_checkers import is_shared

if TYPE_CHECKING:
    from tests.simulation.world import World

_BELONGING = {int(RecordKind.TASK): task, int(RecordKind.ATTACHMENT): attachment, int(RecordKind.MAIL): mail}
_FACTS = {
    int(RecordKind.SALE): sale,
    int(RecordKind.REFUND): refund,
    int(RecordKind.INTERACTION): interaction,
    int(RecordKind.CLIENT_TRANSFER): client_transfer,
}


class ClientBaseBroken(AssertionError):
    """A promise of the client base was broken."""


def check_facts_of_clients(world: World) -> None:
    """What was recorded of a client on a store that survives is at HQ, once."""
    with world.hq.store.read() as connection:
        held = {table.name: _ids(connection, table) for table in (interaction, client_transfer)}
    for place in world.places:
        with place.store.read() as local:
            for table in (interaction, client_transfer):
                lost = _ids(local, table) - held[table.name]
                if lost:
                    raise ClientBaseBroken(f"{len(lost)} of table {table.name} of {place.name} are not at HQ")


def check_circles(world: World) -> None:
    """A branch that knows a client has the card, whatever belongs to it, and what the other branches did."""
    with world.hq.store.read() as connection:
        members = defaultdict(set)
        for client_id, branch_id in connection.execute(
            select(client_audience.c.client_id, client_audience.c.branch_id)
        ):
            members[branch_id].add(client_id)
        cards = {
            (row[0], row[1]) for row in connection.execute(select(card.c.kind, card.c.id).where(card.c.state != b""))
        }
        belonging = {kind: dict(_owners(connection, table)) for kind, table in _BELONGING.items()}
        # Who takes an erased client's number is not told of what the erased one bought under it.
        facts = list(_facts(connection, with_numbers=not world.kinds.has_persons))
    for place in world.places:
        if is_shared(world, place.row.id):
            continue
        known = members[place.row.id]
        wanted = {(int(RecordKind.CLIENT), client_id) for client_id in known} & cards
        wanted |= {
            (kind, card_id) for kind, owners in belonging.items() for card_id, owner in owners.items() if owner in known
        }
        with place.store.read() as local:
            mine = {(row[0], row[1]) for row in local.execute(select(card.c.kind, card.c.id))}
            keys = neighbour_fact.c.branch_id, neighbour_fact.c.kind, neighbour_fact.c.id
            heard = {tuple(row) for row in local.execute(select(*keys))}
        lacking = wanted - mine
        if lacking:
            kind = RecordKind(min(lacking)[0]).name
            raise ClientBaseBroken(f"{place.name} lacks {len(lacking)} cards of its clients, such as a {kind}")
        unheard = {key for key, owner in facts if owner in known and key[0] != place.row.id and key not in heard}
        if unheard:
            kind = RecordKind(min(unheard)[1]).name
            raise ClientBaseBroken(f"{place.name} was not told {len(unheard)} facts of others, such as a {kind}")


def check_nothing_typed_is_lost(world: World) -> None:
    """Of every edit at HQ it is known who made it, and a value that gave way unseen is in the conflict log."""
    with world.hq.store.read() as connection:
        parked = set(connection.execute(select(parked_entry.c.command_id)).scalars())
        kept = {
            (row.kind, row.card_id, row.command_id): json.loads(row.changes)
            for row in connection.execute(select(card_edit))
        }
        met = {
            (row.kind, row.card_id, row.field, side)
            for row in connection.execute(select(conflict))
            for side in (row.older_command_id, row.newer_command_id)
        }
        states = {
            (row.kind, row.id): decode_state(row.state)
            for row in connection.execute(select(card).where(card.c.kind.in_(HISTORY_KINDS | CLIENT_KINDS)))
            if row.state
        }
        for (data,) in connection.execute(select(journal_entry.c.data)):
            opened = open_entry(data)
            if opened.header.command_id in parked:
                continue
            for record in opened.records:
                if record.kind in HISTORY_KINDS:
                    _require_kept(opened.header.command_id, record.kind, record.record_id, record.payload, kept)
    seen_by, commands = _seen(world)
    # The head office's own edits see what is there, and leave no entry.
    edited_by_hq = world.reckoner.edited_by_hq(world.hq.store)
    for (kind, card_id), state in states.items():
        for name, field in state.fields.items():
            if rule_of(kind, name) is MergeRule.UNION:
                continue
            shown = field.live[-1].version_id if field.live else None
            for version in field.live[:-1]:
                differs = version.value != field.live[-1].value
                if differs and (kind, card_id, name, version.version_id) not in met:
                    raise ClientBaseBroken(f"a value of {RecordKind(kind).name}.{name} gave way and is in no conflict")
            for gone in field.superseded:
                was_seen = (kind, card_id, name, gone) in seen_by or (kind, card_id, name) in edited_by_hq
                # The entry is lost with its store and HQ's disk, and the edit came back with the card: who can tell?
                was_seen |= shown is not None and shown not in commands
                if not was_seen and gone != shown:
                    raise ClientBaseBroken(f"a value of {RecordKind(kind).name}.{name} is gone, and nobody had seen it")


def _require_kept(command_id: bytes, kind: int, card_id: bytes, payload: bytes, kept: dict[Any, Any]) -> None:
    changes = kept.get((kind, card_id, command_id))
    fields = {patch.field for patch in decode_patch(payload)}
    if not isinstance(changes, dict) or not fields <= changes.keys():
        raise ClientBaseBroken(f"nobody can be told who changed {sorted(fields)} of a {RecordKind(kind).name}")


def _seen(world: World) -> tuple[set[tuple[int, bytes, str, bytes]], set[bytes]]:
    """Which versions an edit that HQ holds says it saw – HQ's own edits see what is there –, and all its commands."""
    seen: set[tuple[int, bytes, str, bytes]] = set()
    commands: set[bytes] = set()
    with world.hq.store.read() as connection:
        # What was committed at once is no entry of a journal before the branch has sent it: a lost store never will.
        decided = select(central_commit.c.data).where(central_commit.c.data.is_not(None))
        for (data,) in connection.execute(select(journal_entry.c.data).union_all(decided)):
            if not data:
                continue
            opened = open_entry(data)
            commands.add(opened.header.command_id)
            for record in opened.records:
                if record.kind in HISTORY_KINDS | CLIENT_KINDS:
                    for patch in decode_patch(record.payload):
                        seen |= {(record.kind, record.record_id, patch.field, version) for version in patch.seen}
    return seen, commands


def _ids(connection: Connection, table: object) -> set[bytes]:
    return set(connection.execute(select(table.c.id)).scalars())  # type: ignore[attr-defined]


def _owners(connection: Connection, table: object) -> list[tuple[bytes, bytes]]:
    columns = table.c.id, table.c.client_id  # type: ignore[attr-defined]
    return [(row[0], row[1]) for row in connection.execute(select(*columns)) if row[1] is not None]


def _facts(connection: Connection, with_numbers: bool) -> list[tuple[tuple[bytes, int, bytes], bytes]]:
    """Facts by branch, kind and id, with the client they are of."""
    named = {row.external_id: row.id for row in connection.execute(select(client).order_by(client.c.id.desc()))}
    found = []
    for kind, table in _FACTS.items():
        for row in connection.execute(select(table)):
            owner = row.client_id
            if owner is None and with_numbers and kind in (RecordKind.SALE, RecordKind.REFUND):
                owner = named.get(row.client)
            if owner is not None:
                found.append(((row.branch_id, kind, row.id), owner))
    return found


CLIENT_CHECKS = (check_facts_of_clients, check_circles, check_nothing_typed_is_lost)
