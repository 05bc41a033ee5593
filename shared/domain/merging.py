"""What becomes of every field when two clients' cards are merged: the survivor's, filled and united from the other's.

And what a field goes back to when the merge is undone. Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.cards import CARD_FIELDS, TEXTS_MAX, FieldType, Value
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind

UNTOUCHED: Final = frozenset({"merged_into", "not_same_as", "archived"})
"""Fields that a merge decides by itself, and nobody chooses."""

_CONSENTS: Final = ("consent_data", "consent_advertising")
_CONTACT: Final = ("do_not_contact", "do_not_contact_reason")


class Kept(StrEnum):
    """Why the survivor's card says what it will."""

    SAME = "same"
    OWN = "own"
    FILLED = "filled"
    UNITED = "united"
    CHOSEN = "chosen"
    STRICTER = "stricter"


class FieldPlan(NamedTuple):
    """A field of both cards, what is kept, and why. `can_choose` when the other's value may be kept instead."""

    field: str
    own: Value
    other: Value
    kept: Value
    why: Kept

    @property
    def can_choose(self) -> bool:
        return self.why in (Kept.OWN, Kept.CHOSEN)

    @property
    def is_empty(self) -> bool:
        return is_empty(self.own) and is_empty(self.other)


def is_empty(value: Value) -> bool:
    """Whether a field says nothing; a flag that is not set says nothing."""
    return value in (None, "", ()) or value is False


def plan_merge(
    own: Mapping[str, Value], other: Mapping[str, Value], chosen: Collection[str] = ()
) -> tuple[FieldPlan, ...]:
    """Every field of the two cards in the order of the cards' fields; `chosen` are fields of which the other's value
    is kept though the survivor has one."""
    decided = _contact(own, other)
    for consent in _CONSENTS:
        decided |= _consent(own, other, consent)
    return tuple(
        decided.get(field) or _plan(field, own.get(field), other.get(field), field in chosen)
        for field in CARD_FIELDS[RecordKind.CLIENT]
        if field not in UNTOUCHED
    )


def survivor_changes(
    own_id: bytes, own: Mapping[str, Value], other_id: bytes, other: Mapping[str, Value], plans: Iterable[FieldPlan]
) -> dict[str, Value]:
    """What the survivor's card is changed to: what is planned, and what somebody said of clients who are different."""
    changes = {plan.field: plan.kept for plan in plans if plan.kept != plan.own}
    if own.get("archived") and not other.get("archived"):
        changes["archived"] = False
    theirs = {*_texts(own.get("not_same_as")), *_texts(other.get("not_same_as"))}
    different = tuple(sorted(theirs - {format_id(own_id), format_id(other_id)}))[:TEXTS_MAX]
    if different != _texts(own.get("not_same_as")):
        changes["not_same_as"] = different
    return changes


def undone_value(is_set: bool, shown: Value, added: Value, before: Value) -> Value:
    """What a field goes back to that a merge brought from `before` to `added` and that shows `shown` now: of a set,
    only what the merge added goes away."""
    if not is_set:
        return before
    return tuple(sorted(set(_texts(shown)) - (set(_texts(added)) - set(_texts(before)))))


def _plan(field: str, own: Value, other: Value, is_chosen: bool) -> FieldPlan:
    if CARD_FIELDS[RecordKind.CLIENT][field].type is FieldType.TEXTS:
        united = tuple(sorted({*_texts(own), *_texts(other)}))[:TEXTS_MAX]
        why = Kept.SAME if united == _texts(own) else Kept.FILLED if is_empty(own) else Kept.UNITED
        return FieldPlan(field, own, other, united if united else own, why)
    if own == other or is_empty(other):
        return FieldPlan(field, own, other, own, Kept.SAME)
    if is_empty(own):
        return FieldPlan(field, own, other, other, Kept.FILLED)
    return FieldPlan(field, own, other, other if is_chosen else own, Kept.CHOSEN if is_chosen else Kept.OWN)


def _contact(own: Mapping[str, Value], other: Mapping[str, Value]) -> dict[str, FieldPlan]:
    """Whoever wants no contact on one of the cards wants none, for the reason that is given there."""
    if own.get("do_not_contact") or not other.get("do_not_contact"):
        return {}
    return {
        field: FieldPlan(field, own.get(field), other.get(field), other.get(field), Kept.STRICTER) for field in _CONTACT
    }


def _consent(own: Mapping[str, Value], other: Mapping[str, Value], consent: str) -> dict[str, FieldPlan]:
    """A consent goes with its source and moment. One that was withdrawn on either card is withdrawn; else the one that
    was given counts, of two the later."""
    fields = (consent, f"{consent}_source", f"{consent}_at")
    ours, theirs = _said(own, consent), _said(other, consent)
    takes_theirs = theirs is not None and (ours is None or theirs < ours)
    why = Kept.SAME if not takes_theirs else Kept.FILLED if ours is None else Kept.STRICTER
    source = other if takes_theirs else own
    return {field: FieldPlan(field, own.get(field), other.get(field), source.get(field), why) for field in fields}


def _said(card: Mapping[str, Value], consent: str) -> tuple[bool, int] | None:
    """What a card says of a consent, in the order in which it counts: withdrawn first, then the later."""
    given, at = card.get(consent), card.get(f"{consent}_at")
    if given is None or (given is False and at is None):
        return None
    return bool(given), -at if isinstance(at, int) else 0


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
