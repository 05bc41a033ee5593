"""Editing cards of any kind in one command, here or through the head office, and taking such a command back.

What a command changes is planned in the transaction that makes it, so that it has seen what is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from branch_node.operations.processing import begin, is_asked_of_hq
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.records import Record
from shared.errors import Refused
from shared.operations.cards import CardEdit, edit_card, load_card, merge_cards
from shared.storage.card_history import edits_of_card
from shared.storage.card_rows import CardKey
from shared.wire.cards import encode_patch


class CardChange(NamedTuple):
    """New values of some fields of one card. A card that is not there is made."""

    kind: int
    card_id: bytes
    changes: Mapping[str, Value]


Plan = Callable[[BranchTransaction], Sequence[CardChange]]
"""Looks at the store and says what changes, each card once. Raises whatever forbids it."""

CommitCards = Callable[[bytes, Plan], bytes | None]
"""Makes what a plan says, as the author; returns the command's id, None when nothing changed. Raises what the plan
does, Refused – StaleEdit when the head office has values that were not seen –, HqUnreachable, InDoubt."""


class BegunEdits(NamedTuple):
    """A command that was made here, or that the head office is to be asked about. No id: nothing changes."""

    command_id: bytes | None
    intent: Intent | None = None


def begin_edits(transaction: BranchTransaction, author: bytes, plan: Plan) -> BegunEdits:
    """Makes what a plan says here, or stores it for the head office to decide. Raises as `CommitCards`."""
    transaction.author = author
    planned = plan(transaction)
    asks = bool(planned) and is_asked_of_hq(transaction)
    command_id = transaction.ids.new_id() if asks else transaction.command_id
    stamp = transaction.stamp._replace(command_id=command_id)
    found = (edit_card(transaction.connection, kind, card_id, changes, stamp) for kind, card_id, changes in planned)
    edits = [edit for edit in found if edit is not None]
    if not edits:
        return BegunEdits(None)
    if asks:
        return BegunEdits(command_id, begin(transaction, [_record(edit) for edit in edits], command_id))
    merge_cards(transaction.connection, edits, transaction.now_us, None)
    for edit in edits:
        transaction.record(*_record(edit))
    return BegunEdits(command_id)


def changes_back(transaction: BranchTransaction, command_id: bytes, keys: Iterable[CardKey]) -> list[CardChange]:
    """What takes back a command of this branch on these cards: the values before it. A card that it made is archived.

    Raises Refused when somebody has changed one of its fields since.
    """
    return [change for key in keys for change in _back(transaction, command_id, key)]


def _record(edit: CardEdit) -> Record:
    return Record(edit.kind, edit.card_id, encode_patch(edit.patches))


def _back(transaction: BranchTransaction, command_id: bytes, key: CardKey) -> list[CardChange]:
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
        return [CardChange(*key, {"archived": True})]
    before: dict[str, Value] = {}
    for edit in edits[:place]:
        before |= read_changes(edit.changes)
    return [CardChange(*key, {name: before.get(name) for name in made})]


def _made_it(transaction: BranchTransaction, key: CardKey, made: Mapping[str, Value]) -> bool:
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
