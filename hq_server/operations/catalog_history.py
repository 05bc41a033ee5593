"""What imports of the catalogue replaced, and taking an import back as far as nobody has changed the same since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from hq_server.operations.editing import HqEdit
from hq_server.operations.importing import FieldChange, ImportOutcome
from hq_server.storage.feed import EVERYONE, audience_of_zone
from hq_server.storage.tables import catalog_import, catalog_import_change
from shared.clock import Ids
from shared.domain.business_time import format_us
from shared.domain.cards import CARD_FIELDS, FieldType, Value
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import NotFound, Refused
from shared.operations.cards import CardEdit, shown_fields
from shared.storage.card_rows import CardKey, load_states, lock_cards
from shared.sync.card_merge import CardState, FieldPatch
from shared.wire.cards import decode_state

IMPORTS_LISTED_MAX = 50


class KeptField(NamedTuple):
    """A field that was not taken back, because somebody changed it since; `now` is what it shows."""

    label: str
    field: str
    old: Value
    imported: Value
    now: Value


@dataclass(slots=True)
class RevertOutcome:
    """How many fields got their old values back, how many new cards were archived, and what was left alone."""

    fields: int = 0
    archived: int = 0
    kept: list[KeptField] = field(default_factory=list)


def remember_import(connection: Connection, source: str, outcome: ImportOutcome, now_us: int) -> None:
    """Keeps what an import replaced, so that it can be taken back; nothing of one that wrote nothing."""
    if outcome.import_id is None:
        return
    counts = outcome.counts() | {"refused": len(outcome.problems)}
    row = {"id": outcome.import_id, "imported_at": now_us, "source": source, **counts}
    connection.execute(insert(catalog_import), row)
    connection.execute(
        insert(catalog_import_change),
        [_change_row(outcome.import_id, change) for change in outcome.changes],
    )


def list_imports(connection: Connection, actor: Actor = LOCAL_ADMINISTRATOR) -> list[dict[str, Any]]:
    """The latest imports, the newest first."""
    require(actor, Permission.CATALOG_EDIT)
    statement = select(catalog_import).order_by(catalog_import.c.imported_at.desc()).limit(IMPORTS_LISTED_MAX)
    return [
        {
            "id": format_id(row.id),
            "imported_at": format_us(row.imported_at),
            "source": row.source,
            **{name: getattr(row, name) for name in ("added", "changed", "unchanged", "refused")},
            "reverted_at": None if row.reverted_at is None else format_us(row.reverted_at),
        }
        for row in connection.execute(statement)
    ]


def revert_import(
    connection: Connection, ids: Ids, now_us: int, import_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR
) -> RevertOutcome:
    """Gives fields their old values back, and archives the cards that the import made, where its value still stands.

    A field that shows another version than the import's is left alone and named; so is every field of a new card that
    somebody has edited. Raises NotFound, and Refused when the import was reverted before.
    """
    require(actor, Permission.CATALOG_EDIT)
    found = connection.execute(select(catalog_import).where(catalog_import.c.id == import_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such import.", "List them: filial-hq catalog imports")
    if found.reverted_at is not None:
        raise Refused("This import was reverted before.", "Import the file again to have it back.")
    statement = select(catalog_import_change).where(catalog_import_change.c.import_id == import_id)
    by_card: dict[CardKey, list[Any]] = {}
    for row in connection.execute(statement.order_by(catalog_import_change.c.kind, catalog_import_change.c.card_id)):
        by_card.setdefault((row.kind, row.card_id), []).append(row)
    lock_cards(connection, by_card)
    states = {key: decode_state(data) for key, data in load_states(connection, by_card).items()}
    outcome = RevertOutcome()
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    edits: list[CardEdit] = []
    audiences: dict[bytes, str] = {}
    for key, rows in by_card.items():
        state = states.get(key, CardState())
        patches = _patches(state, key[0], rows, import_id, outcome)
        if patches:
            edits.append(CardEdit(*key, edit.stamp, patches))
            audiences[key[1]] = _audience(key[0], state)
    edit.apply(edits, audiences)
    connection.execute(update(catalog_import).where(catalog_import.c.id == import_id).values(reverted_at=now_us))
    return outcome


def _patches(
    state: CardState, kind: int, rows: Sequence[Any], import_id: bytes, outcome: RevertOutcome
) -> tuple[FieldPatch, ...]:
    """What brings one card back to what it showed before."""
    shown = shown_fields(kind, state)
    if rows[0].created:
        if all(state.seen(name) == (import_id,) for name in state.fields):
            outcome.archived += 1
            return (FieldPatch("archived", True, state.seen("archived")),)
        outcome.kept += [_kept(row, shown) for row in rows]
        return ()
    patches = []
    for row in rows:
        if state.seen(row.field) == (import_id,):
            patches.append(FieldPatch(row.field, _from_json(kind, row.field, row.old_value), state.seen(row.field)))
        else:
            outcome.kept.append(_kept(row, shown))
    outcome.fields += len(patches)
    return tuple(patches)


def _kept(row: Any, shown: dict[str, Value]) -> KeptField:
    old, imported = (_from_json(row.kind, row.field, text) for text in (row.old_value, row.new_value))
    return KeptField(row.label, row.field, old, imported, shown.get(row.field))


def _audience(kind: int, state: CardState) -> str:
    zone = shown_fields(kind, state).get("zone")
    return audience_of_zone(zone if isinstance(zone, str) else "") if kind == RecordKind.PRICE else EVERYONE


def _change_row(import_id: bytes, change: FieldChange) -> dict[str, Any]:
    return {
        "import_id": import_id,
        "kind": int(change.kind),
        "card_id": change.card_id,
        "field": change.field,
        "created": change.created,
        "label": change.label,
        "old_value": _to_json(change.old),
        "new_value": _to_json(change.new),
    }


def _to_json(value: Value) -> str:
    return json.dumps(value.hex() if isinstance(value, bytes) else value, ensure_ascii=False)


def _from_json(kind: int, name: str, text: str) -> Value:
    value: Any = json.loads(text)
    spec = CARD_FIELDS[RecordKind(kind)][name]
    if value is not None and spec.type is FieldType.ID:
        return bytes.fromhex(value)
    found: Value = tuple(value) if isinstance(value, list) else value
    return found
