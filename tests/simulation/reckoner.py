"""What a simulated chain's own memory holds against the stores: what people typed, and what a lost head office did."""

from __future__ import annotations

import json

from sqlalchemy import select

from hq_server.storage.store import HqStore
from shared.domain.identifiers import NIL_ID
from shared.storage.tables import card_edit

FieldKey = tuple[int, bytes, str]
"""A kind of card, a card and one of its fields."""


class Reckoner:
    """The memory of one world, beside what its places remember."""

    def __init__(self) -> None:
        self._lost: set[FieldKey] = set()
        # Clients whose cards were one and are not any more: what one took from the other stays in its history.
        self.parted: set[bytes] = set()

    def before_hq_loses(self, store: HqStore) -> None:
        """The head office is about to be put back."""
        self._lost |= _edited(store)

    def edited_by_hq(self, store: HqStore) -> set[FieldKey]:
        """The fields of cards that the head office ever edited; its edits leave no entries."""
        return self._lost | _edited(store)


def _edited(store: HqStore) -> set[FieldKey]:
    with store.read() as connection:
        rows = connection.execute(select(card_edit).where(card_edit.c.branch_id == NIL_ID)).all()
    return {(row.kind, row.card_id, name) for row in rows for name in json.loads(row.changes)}
