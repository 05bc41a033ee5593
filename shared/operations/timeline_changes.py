"""Consents, wishes not to be contacted and merges on a client's timeline, out of the edits of the client's cards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select

from shared.domain.cards import Value
from shared.domain.records import RecordKind
from shared.domain.timeline import CHANGES_SHOWN, ChangeEntry, FieldChange
from shared.storage.cursor_reading import Reader
from shared.storage.tables import card_edit

EDITS_READ_MAX: Final = 1_000
"""Edits of a client's cards that are looked through, the oldest first."""

_NAMES_ONLY: Final = frozenset({"consent_data_source", "consent_advertising_source", "do_not_contact_reason"})
"""Fields that say how; by themselves they change nothing that is to be shown."""


_EDITS = (
    select(card_edit.c.card_id, card_edit.c.command_id, card_edit.c.branch_id, card_edit.c.author, card_edit.c.changes)
    .where(
        card_edit.c.kind == int(RecordKind.CLIENT),
        card_edit.c.card_id.in_(bindparam("members", expanding=True, type_=card_edit.c.card_id.type)),
    )
    .order_by(card_edit.c.hlc_epoch, card_edit.c.hlc, card_edit.c.command_id)
    .limit(EDITS_READ_MAX)
)


class Change(NamedTuple):
    """What an edit changed, and the employee who made it."""

    author: bytes
    entry: ChangeEntry


def read_changes(reader: Reader, members: Sequence[bytes]) -> dict[tuple[bytes, bytes], Change]:
    """By command and branch what it changed; edits that change nothing of this are not in it."""
    before: dict[tuple[bytes, str], Value] = {}
    found: dict[tuple[bytes, bytes], Change] = {}
    for row in reader.execute(_EDITS, {"members": members}):
        changes = _changes(row, before)
        if not any(change.field not in _NAMES_ONLY for change in changes):
            continue
        key = (row.command_id, row.branch_id)
        known = found.get(key)
        both = changes if known is None else (*known.entry.changes, *changes)
        found[key] = Change(row.author, ChangeEntry(both))
    return found


def _changes(row: Any, before: dict[tuple[bytes, str], Value]) -> tuple[FieldChange, ...]:
    changes = []
    for field, value in json.loads(row.changes).items():
        if field not in CHANGES_SHOWN:
            continue
        was = before.get((row.card_id, field))
        before[row.card_id, field] = value
        # Nothing and “no” are the same but for a consent, which may be refused.
        is_same = was == value or (not was and not value and not field.startswith("consent"))
        if not is_same:
            changes.append(FieldChange(field, was, value))
    return tuple(changes)
