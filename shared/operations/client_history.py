"""What changed on a card: each edit with what every field was before it, and where two edits did not see each other.

Alike at a branch and at the head office. What a field was before an edit is what the edits before it said, in the order
of their stamps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from shared.domain.business_time import format_us
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.storage.card_history import edits_of_card
from shared.storage.cursor_reading import Reader
from shared.storage.tables import conflict, employee
from shared.sync.hlc import wall_ms

PEOPLE_PER_QUERY_MAX = 500


_PEOPLE = select(employee.c.id, employee.c.name, employee.c.code).where(
    employee.c.id.in_(bindparam("ids", expanding=True, type_=employee.c.id.type))
)
_CONFLICTS = select(
    conflict.c.field, conflict.c.older_command_id, conflict.c.newer_command_id, conflict.c.closed_at
).where(conflict.c.kind == bindparam("kind"), conflict.c.card_id == bindparam("card"))


class Dispute(StrEnum):
    """Whether an edit of a field met another unseen, and whether somebody has decided since."""

    NONE = ""
    OPEN = "open"
    SETTLED = "settled"


class FieldChange(NamedTuple):
    """One field before and after an edit."""

    field: str
    before: Value
    after: Value
    dispute: Dispute


class PastEdit(NamedTuple):
    """One edit: who, where, when by the editor's clock; `seen_at_us` is when this store heard. Microseconds, UTC."""

    command_id: bytes
    branch_id: bytes
    author: bytes
    at_us: int
    seen_at_us: int
    changes: tuple[FieldChange, ...]


def history_of(reader: Reader, kind: int, card_id: bytes) -> list[PastEdit]:
    """Every edit of a card that is known here, oldest first."""
    disputes = _disputes(reader, kind, card_id)
    values: dict[str, Value] = {}
    found = []
    for row in edits_of_card(reader, kind, card_id):
        changes = []
        for field, encoded in json.loads(row.changes).items():
            after = decode_value(encoded)
            dispute = disputes.get((field, row.command_id), Dispute.NONE)
            changes.append(FieldChange(field, values.get(field), after, dispute))
            values[field] = after
        at_us = wall_ms(row.hlc) * 1_000
        found.append(PastEdit(row.command_id, row.branch_id, row.author, at_us, row.seen_at, tuple(changes)))
    return found


def decode_value(encoded: Any) -> Value:
    """A field's value from what `shared.storage.conflict_rows.encode_value` made of it, read as JSON."""
    match encoded:
        case {"id": str(text)}:
            return bytes.fromhex(text)
        case list():
            return tuple(map(str, encoded))
        case str() | bool() | int() | None:
            return encoded
    return str(encoded)


def people_names(reader: Reader, employee_ids: Iterable[bytes]) -> dict[bytes, str]:
    """The names of those employees who are known here; the code of one without a name."""
    ids = list(dict.fromkeys(employee_ids))
    names: dict[bytes, str] = {}
    for start in range(0, len(ids), PEOPLE_PER_QUERY_MAX):
        rows = reader.execute(_PEOPLE, {"ids": ids[start : start + PEOPLE_PER_QUERY_MAX]})
        names |= {row.id: row.name or row.code or "" for row in rows}
    return names


def find_employee_id(connection: Connection, code: str) -> bytes | None:
    """The employee with that code, as far as known here."""
    return connection.execute(select(employee.c.id).where(employee.c.code == code).limit(1)).scalar_one_or_none()


def history_document(
    connection: Connection, kind: int, card_id: bytes, branch_names: Mapping[bytes, str]
) -> list[dict[str, Any]]:
    """The same for command lines, newest first. `branch_names` are the branches known here, by id."""
    edits = history_of(connection, kind, card_id)
    names = people_names(connection, (edit.author for edit in edits))
    return [
        {
            "edit": format_id(edit.command_id),
            "at": format_us(edit.at_us),
            "who": names.get(edit.author),
            "branch": branch_names.get(edit.branch_id, "another branch"),
            "changes": [
                {
                    "field": change.field,
                    "before": _plain(change.before),
                    "after": _plain(change.after),
                    "conflict": str(change.dispute) or None,
                }
                for change in edit.changes
            ],
        }
        for edit in reversed(edits)
    ]


def _plain(value: Value) -> Any:
    return format_id(value) if isinstance(value, bytes) else list(value) if isinstance(value, tuple) else value


def _disputes(reader: Reader, kind: int, card_id: bytes) -> dict[tuple[str, bytes], Dispute]:
    """By field and edit; one that is open counts for more."""
    found: dict[tuple[str, bytes], Dispute] = {}
    for field, older, newer, closed_at in reader.execute(_CONFLICTS, {"kind": kind, "card": card_id}):
        for command_id in (older, newer):
            if found.get((field, command_id)) is not Dispute.OPEN:
                found[field, command_id] = Dispute.OPEN if closed_at is None else Dispute.SETTLED
    return found
