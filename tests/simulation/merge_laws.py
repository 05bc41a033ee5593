"""What taking a merge back must make of the two cards, told from what both showed at each moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shared.domain.cards import Value, rule_of
from shared.domain.records import RecordKind
from shared.operations.cards import load_card
from shared.sync.card_merge import shown_value, shown_version
from tests.simulation.places import Place

TEXTS = ("name", "note", "address", "preferences")
"""Fields of one text: what a set goes back to depends on what others added beside it."""

ShownFields = Mapping[str, tuple[Value, bytes]]
"""What each field of a card shows, and by which command."""


class UndoBroken(AssertionError):
    """Taking a merge back did not give both cards back."""


class Shown(NamedTuple):
    """What the two cards of a merge show at one moment."""

    survivor: ShownFields
    loser: ShownFields


def shown_at(place: Place, client_id: bytes) -> ShownFields:
    """What a card shows at a place; nothing when it is not there."""
    with place.store.read() as connection:
        state = load_card(connection, RecordKind.CLIENT, client_id)
    found: dict[str, tuple[Value, bytes]] = {}
    for name, field in state.fields.items() if state else ():
        if field.live:
            rule = rule_of(RecordKind.CLIENT, name)
            found[name] = shown_value(field.live, rule), shown_version(field.live, rule).version_id
    return found


def beside_at(place: Place, client_id: bytes) -> dict[str, set[Value]]:
    """What edits say of each field of a card that no other edit has seen, shown or not."""
    with place.store.read() as connection:
        state = load_card(connection, RecordKind.CLIENT, client_id)
    return {name: {v.value for v in field.live} for name, field in state.fields.items()} if state else {}


def require_both_back(
    merging: Shown, merged: Shown, parting: Shown, parted: Shown, beside: Mapping[str, Mapping[str, set[Value]]]
) -> None:
    """Both cards as before the merge, but for what was edited after it: that stays. What others had typed unseen when
    it was taken back, `beside` by card and field, may come to light. Raises UndoBroken."""
    for card in ("survivor", "loser"):
        was, made, before, after = (getattr(each, card) for each in (merging, merged, parting, parted))
        for name in TEXTS:
            is_untouched = made.get(name) == before.get(name)
            was_written = was.get(name) != made.get(name)
            wanted = _value(was, name) if is_untouched and was_written else _value(before, name)
            unseen = beside[card].get(name, set()) if is_untouched and was_written else set()
            if _value(after, name) != wanted and _value(after, name) not in unseen - {_value(before, name)}:
                raise UndoBroken(f"the {card}'s {name} is {_value(after, name)!r} after the undo, not {wanted!r}")


def _value(fields: ShownFields, name: str) -> Value:
    return fields.get(name, (None, b""))[0]
