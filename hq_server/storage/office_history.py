"""The head office's own edits of cards that only it edits, kept to be shown and taken back. Contains no merge rules.

Branches keep no history of such cards: a catalogue of 100 000 products would double there for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from shared.domain.cards import Value
from shared.domain.records import OFFICE_HISTORY_KINDS
from shared.operations.cards import CardEdit
from shared.storage.card_history import add_edits, edit_row, rows_of_state
from shared.storage.card_rows import CardKey, load_states
from shared.storage.tables import card_edit
from shared.sync.card_merge import Stamp
from shared.wire.cards import decode_state

_CARDS_PER_QUERY_MAX = 500


def keep_office_edits(connection: Connection, edits: Sequence[CardEdit], now_us: int) -> None:
    """Keeps edits that are about to be merged. The caller holds the cards.

    What a card was before the first edit that is kept, made by an older release or by a branch, is kept as well: its
    state says who made each value, so that what the edit changed can be shown and restored.
    """
    kept = [edit for edit in edits if edit.kind in OFFICE_HISTORY_KINDS]
    if not kept:
        return
    states = load_states(connection, _without_history(connection, {edit.key for edit in kept}))
    earlier = [row for key, data in states.items() for row in rows_of_state(key, decode_state(data), now_us)]
    # An operation may edit a card twice: it is one edit to whoever reads of it.
    changes: dict[tuple[CardKey, Stamp], dict[str, Value]] = {}
    for edit in kept:
        changes.setdefault((edit.key, edit.stamp), {}).update({patch.field: patch.value for patch in edit.patches})
    whole = [edit_row(key, stamp, changed, now_us) for (key, stamp), changed in changes.items()]
    add_edits(connection, whole, earlier)


def edits_of_cards(connection: Connection, keys: Iterable[CardKey], edits_max: int) -> list[Any]:
    """The rows of the cards' edits, the newest first, at most so many."""
    by_kind: dict[int, list[bytes]] = {}
    for kind, card_id in sorted(keys):
        by_kind.setdefault(kind, []).append(card_id)
    found: list[Any] = []
    for kind, card_ids in by_kind.items():
        for start in range(0, len(card_ids), _CARDS_PER_QUERY_MAX):
            chunk = card_ids[start : start + _CARDS_PER_QUERY_MAX]
            statement = select(card_edit).where(card_edit.c.kind == kind, card_edit.c.card_id.in_(chunk))
            newest = statement.order_by(
                card_edit.c.hlc_epoch.desc(), card_edit.c.hlc.desc(), card_edit.c.command_id.desc()
            )
            found += connection.execute(newest.limit(edits_max)).all()
    found.sort(key=lambda row: (row.hlc_epoch, row.hlc, row.command_id, row.kind, row.card_id), reverse=True)
    return found[:edits_max]


def _without_history(connection: Connection, keys: set[CardKey]) -> list[CardKey]:
    known: set[CardKey] = set()
    by_kind: dict[int, list[bytes]] = {}
    for kind, card_id in sorted(keys):
        by_kind.setdefault(kind, []).append(card_id)
    for kind, card_ids in by_kind.items():
        for start in range(0, len(card_ids), _CARDS_PER_QUERY_MAX):
            chunk = card_ids[start : start + _CARDS_PER_QUERY_MAX]
            statement = select(card_edit.c.card_id).where(card_edit.c.kind == kind, card_edit.c.card_id.in_(chunk))
            known |= {(kind, card_id) for card_id in connection.execute(statement.distinct()).scalars()}
    return sorted(keys - known)
