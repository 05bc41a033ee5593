"""Taking back a command that edited cards: what these fields held before it, unless somebody has changed them since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from branch_node.operations.committing import WantedEdit
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.records import RecordKind
from shared.errors import Refused
from shared.operations.cards import load_card
from shared.storage.card_history import edits_of_card

CardOfKind = tuple[RecordKind, bytes]


def edits_back(transaction: BranchTransaction, command_id: bytes, keys: Iterable[CardOfKind]) -> list[WantedEdit]:
    """What takes back a command of this branch on these cards: the values before it. A card that it made is archived.

    Raises Refused when somebody has changed one of its fields since.
    """
    return [change for key in keys for change in _back(transaction, command_id, key)]


def _back(transaction: BranchTransaction, command_id: bytes, key: CardOfKind) -> list[WantedEdit]:
    edits = edits_of_card(transaction.connection, *key)
    places = [place for place, edit in enumerate(edits) if edit.command_id == command_id]
    if not places:
        return []
    place = places[0]
    made = read_changes(edits[place].changes)
    later: set[str] = set().union(*(read_changes(edit.changes) for edit in edits[place + 1 :]))
    if later & made.keys():
        raise Refused("Somebody has changed this since.", "Look at what is there now, and change it by hand.")
    if place == 0 and _made_it(transaction, key, made):
        return [WantedEdit(*key, {"archived": True})]
    before: dict[str, Value] = {}
    for edit in edits[:place]:
        before |= read_changes(edit.changes)
    return [WantedEdit(*key, {name: before.get(name) for name in made})]


def _made_it(transaction: BranchTransaction, key: CardOfKind, made: Mapping[str, Value]) -> bool:
    """Whether the first edit known of a card is what made it: some cards are older than what is kept of them."""
    state = load_card(transaction.connection, *key)
    return state is not None and state.fields.keys() <= made.keys()


def read_changes(text: str) -> dict[str, Value]:
    """The new value of each field, as the history of a card keeps them."""
    return {name: _value(held) for name, held in json.loads(text).items()}


def _value(held: Any) -> Value:
    if isinstance(held, dict):
        return bytes.fromhex(held["id"])
    return tuple(held) if isinstance(held, list) else held
