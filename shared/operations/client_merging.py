"""Merging clients' cards, alike at a branch and at the head office: the preview, the edits it comes to, the way back.

A merge is one operation that edits both cards: the survivor's takes what is kept, the other's says into which it was
merged. Contains no writing: whoever asks edits the cards in his own way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from shared.domain.cards import CARD_FIELDS, FieldType, Value, rule_of
from shared.domain.duplicates import Score, compare, likeness_of
from shared.domain.identifiers import format_id
from shared.domain.merging import FieldPlan, plan_merge, survivor_changes, undone_value
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, Refused, StaleEdit
from shared.operations.aliases import are_one
from shared.operations.cards import load_card, shown_fields
from shared.storage.card_history import edits_of_card
from shared.storage.cursor_reading import Reader
from shared.storage.erasing import erased_among
from shared.storage.tables import client, employee
from shared.sync.card_merge import FieldState, shown_version
from shared.sync.hlc import wall_ms

MERGES_SHOWN_MAX: Final = 50

Changes = list[tuple[bytes, dict[str, Value]]]
"""Clients, and the fields of each that are to be changed."""

_MERGED_INTO = (
    select(client.c.id, client.c.name)
    .where(client.c.merged_into == bindparam("client"))
    .order_by(client.c.id)
    .limit(MERGES_SHOWN_MAX)
)
_MERGED = (
    select(client.c.id, client.c.name, client.c.merged_into)
    .where(client.c.merged_into.is_not(None))
    .order_by(client.c.merged_into.desc(), client.c.id)
    .limit(MERGES_SHOWN_MAX)
)


class MergePreview(NamedTuple):
    """Two cards side by side: every field, what is kept of it, and how alike they are. `seen` stands for what both
    cards said: whoever merges says what he has seen."""

    survivor_id: bytes
    loser_id: bytes
    survivor: Mapping[str, Value]
    loser: Mapping[str, Value]
    plans: tuple[FieldPlan, ...]
    score: Score
    seen: str


class MergeDone(NamedTuple):
    """A merge that holds: which card went into which, by which command, whose and where. `at_ms` is UTC."""

    loser_id: bytes
    loser_name: str
    survivor_id: bytes
    command_id: bytes
    author: bytes
    branch_id: bytes
    at_ms: int


def preview_merge(
    connection: Connection, survivor_id: bytes, loser_id: bytes, chosen: Collection[str] = ()
) -> MergePreview:
    """What merging one client into another would make of the first's card.

    Raises NotFound, InvalidInput when the two are one already, Refused when the other is merged elsewhere.
    """
    survivor, loser = _fields(connection, survivor_id), _fields(connection, loser_id)
    if are_one(connection, survivor_id, loser_id):
        raise InvalidInput("These two cards are of one client already.", "Look at the card: the merge can be undone.")
    for fields in (survivor, loser):
        if isinstance(fields.get("merged_into"), bytes):
            raise Refused("This card was merged into another.", "Merge the client that it stands for.")
    return MergePreview(
        survivor_id,
        loser_id,
        survivor,
        loser,
        plan_merge(survivor, loser, chosen),
        compare(likeness_of(survivor_id, survivor), likeness_of(loser_id, loser)),
        _fingerprint(survivor, loser),
    )


def merge_changes(preview: MergePreview, seen: str | None = None) -> Changes:
    """What a merge edits, both cards in one operation. Raises StaleEdit when the cards say something else by now than
    what was `seen`."""
    if seen is not None and seen != preview.seen:
        raise StaleEdit("One of the two cards has changed in the meanwhile.", "Look at what is kept now, and merge.")
    survivor = survivor_changes(preview.survivor_id, preview.survivor, preview.loser_id, preview.loser, preview.plans)
    changes: Changes = [(preview.survivor_id, survivor)] if survivor else []
    return [*changes, (preview.loser_id, {"merged_into": preview.survivor_id})]


def undo_changes(connection: Connection, loser_id: bytes, command_id: bytes) -> Changes:
    """What takes a merge back: of both cards, the fields that it changed and that nobody changed since.

    Raises NotFound when there is no such merge, Refused when it does not hold any more or the cards' history is not
    known here as far back.
    """
    survivor_id = _survivor_of_merge(connection, loser_id, command_id)
    if survivor_id is None:
        raise NotFound("There is no such merge.", "Look at the client's card: merges that hold are listed there.")
    if erased_among(connection, [survivor_id]):
        # Or a card that holds what it took of the person would stay.
        raise Refused("The person was erased, and this card goes with it.", "Whoever is meant gets a new card.")
    changes: Changes = []
    for client_id in (survivor_id, loser_id):
        restored = _restored(connection, client_id, command_id)
        if restored:
            changes.append((client_id, restored))
    if all(client_id != loser_id for client_id, _ in changes):
        raise Refused("This merge was undone or changed already.", "Look at the client's card.")
    return changes


def command_of_merge(connection: Connection, loser_id: bytes) -> bytes:
    """The command by which a card is merged now. Raises NotFound when it is not."""
    found = _merge_done(connection, loser_id, None, b"")
    if found is None or not isinstance(_fields(connection, loser_id).get("merged_into"), bytes):
        raise NotFound("This client is not merged into another.", "Name the card that was merged, not the survivor.")
    return found.command_id


def merges_into(reader: Reader, survivor_id: bytes) -> list[MergeDone]:
    """The merges that brought other cards to this one, as they hold."""
    rows = reader.execute(_MERGED_INTO, {"client": survivor_id}).all()
    found = [_merge_done(reader, row.id, row.name, survivor_id) for row in rows]
    return sorted(filter(None, found), key=lambda merge: -merge.at_ms)


def merges_that_hold(connection: Connection) -> list[MergeDone]:
    """Merges of any clients, those into the youngest cards first; at most MERGES_SHOWN_MAX."""
    rows = connection.execute(_MERGED).all()
    found = [_merge_done(connection, row.id, row.name, row.merged_into) for row in rows]
    return sorted(filter(None, found), key=lambda merge: -merge.at_ms)


def say_different(connection: Connection, one: bytes, other: bytes) -> Changes:
    """The edit by which two clients are never proposed again. Raises NotFound."""
    fields = _fields(connection, one)
    _fields(connection, other)
    known = fields.get("not_same_as")
    texts = known if isinstance(known, tuple) else ()
    return [(one, {"not_same_as": tuple(sorted({*texts, format_id(other)}))})]


def unsay_different(connection: Connection, one: bytes, other: bytes) -> Changes:
    """The edits that take that back, on whichever card it stands."""
    changes: Changes = []
    for client_id, different in ((one, other), (other, one)):
        known = _fields(connection, client_id).get("not_same_as")
        if isinstance(known, tuple) and format_id(different) in known:
            changes.append((client_id, {"not_same_as": tuple(each for each in known if each != format_id(different))}))
    return changes


def names_of(connection: Connection, ids: Collection[bytes]) -> dict[bytes, str]:
    """What clients and employees are called, by id; those without a name are left out."""
    wanted = sorted(ids)
    found: dict[bytes, str] = {}
    for table in (client, employee):
        rows = connection.execute(select(table.c.id, table.c.name).where(table.c.id.in_(wanted))) if wanted else ()
        found |= {row.id: row.name for row in rows if row.name}
    return found


def _fields(connection: Connection, client_id: bytes) -> dict[str, Value]:
    state = load_card(connection, RecordKind.CLIENT, client_id)
    if state is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return shown_fields(RecordKind.CLIENT, state)


def _fingerprint(*cards: Mapping[str, Value]) -> str:
    return hashlib.sha256(repr([sorted(card.items()) for card in cards]).encode()).hexdigest()[:24]


def _merge_done(reader: Reader, loser_id: bytes, name: str | None, survivor_id: bytes) -> MergeDone | None:
    state = load_card(reader, RecordKind.CLIENT, loser_id)
    known = state.fields.get("merged_into") if state else None
    if known is None or not known.live:
        return None
    stamp = shown_version(known.live, rule_of(RecordKind.CLIENT, "merged_into")).stamp
    return MergeDone(
        loser_id, name or "", survivor_id, stamp.command_id, stamp.author, stamp.branch_id, wall_ms(stamp.hlc)
    )


def _survivor_of_merge(connection: Connection, loser_id: bytes, command_id: bytes) -> bytes | None:
    for row in edits_of_card(connection, RecordKind.CLIENT, loser_id):
        target = _changes_of(row).get("merged_into") if row.command_id == command_id else None
        if isinstance(target, bytes):
            return target
    return None


def _restored(connection: Connection, client_id: bytes, command_id: bytes) -> dict[str, Value]:
    """The fields of a card that still show what that command wrote, with what they said before it."""
    state = load_card(connection, RecordKind.CLIENT, client_id)
    if state is None:
        return {}
    edits = [(row, _changes_of(row)) for row in edits_of_card(connection, RecordKind.CLIENT, client_id)]
    place = next((place for place, (row, _) in enumerate(edits) if row.command_id == command_id), None)
    if place is None:
        return {}
    shown, written = shown_fields(RecordKind.CLIENT, state), edits[place][1]
    restored: dict[str, Value] = {}
    for name, added in written.items():
        known = state.fields.get(name)
        is_set = name in CARD_FIELDS[RecordKind.CLIENT] and CARD_FIELDS[RecordKind.CLIENT][name].type is FieldType.TEXTS
        if known is None or not _still_shows(known, name, command_id, is_set):
            continue
        before = _before(known, name, edits[:place], is_set)
        restored[name] = undone_value(is_set, shown.get(name), added, before)
    return restored


def _still_shows(known: FieldState, name: str, command_id: bytes, is_set: bool) -> bool:
    if is_set:
        return any(version.version_id == command_id for version in known.live)
    return bool(known.live) and shown_version(known.live, rule_of(RecordKind.CLIENT, name)).version_id == command_id


def _before(known: FieldState, name: str, edits: list[tuple[Any, dict[str, Value]]], is_set: bool) -> Value:
    """What a field said before: the last earlier edit; of a set, the last one that the merge had seen – what others
    added unseen is there beside it."""
    for row, changes in reversed(edits):
        if name in changes and (not is_set or row.command_id in known.superseded):
            before: Value = changes[name]
            return before
    if known.superseded:
        raise Refused(
            "What this client’s card said before the merge is not known here.",
            "Undo it where the clients were merged, or at the head office.",
        )
    return () if is_set else None


def _changes_of(row: Any) -> dict[str, Value]:
    return {name: _decoded(value) for name, value in json.loads(row.changes).items()}


def _decoded(value: Any) -> Value:
    if isinstance(value, dict):
        return bytes.fromhex(value["id"])
    decoded: Value = tuple(value) if isinstance(value, list) else value
    return decoded
