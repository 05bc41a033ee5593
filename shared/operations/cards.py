"""Merging edits into stored cards: the one path by which a card changes, at a branch and at HQ alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from shared.domain.cards import MergeRule, Value, rule_of, rules_of
from shared.domain.records import HISTORY_KINDS
from shared.storage.card_history import add_edits, edit_row, rows_of_state
from shared.storage.card_rows import CardKey, load_states, lock_cards, save_projections, save_states
from shared.storage.conflict_rows import add_conflicts, close_conflicts
from shared.storage.cursor_reading import Reader
from shared.sync.card_merge import (
    CardState,
    Conflict,
    FieldPatch,
    Merged,
    Stamp,
    merge_patch,
    merge_states,
    shown_value,
    shown_version,
)
from shared.sync.messages import FieldLost
from shared.wire.cards import decode_state, encode_state


@dataclass(frozen=True, slots=True)
class CardEdit:
    """One edit of one card."""

    kind: int
    card_id: bytes
    stamp: Stamp
    patches: tuple[FieldPatch, ...]

    @property
    def key(self) -> CardKey:
        return self.kind, self.card_id


@dataclass(frozen=True, slots=True)
class CardReceived:
    """A full record of one card, and the same as it came: a serialised CardState."""

    kind: int
    card_id: bytes
    state: CardState
    encoded: bytes

    @property
    def key(self) -> CardKey:
        return self.kind, self.card_id


@dataclass(slots=True)
class MergedCards:
    """What merging changed: cards that exist since, fields of an edit that show another value, conflicts that arose.

    `encoded` holds the serialised states of the changed cards.
    """

    states: dict[CardKey, CardState] = field(default_factory=dict)
    encoded: dict[CardKey, bytes] = field(default_factory=dict)
    created: set[CardKey] = field(default_factory=set)
    changed: set[CardKey] = field(default_factory=set)
    fields_lost: dict[bytes, list[FieldLost]] = field(default_factory=dict)
    conflicts: list[tuple[CardKey, Conflict]] = field(default_factory=list)


def merge_cards(
    connection: Connection, arrivals: Sequence[CardEdit | CardReceived], now_us: int, received_at_us: int | None
) -> MergedCards:
    """Merges edits and full records in their order and writes cards, what they show, and conflicts.

    `fields_lost` is by command id. `received_at_us` stamps the rows; None where HQ has not seen them yet.
    """
    merged = MergedCards()
    keys = list(dict.fromkeys(arrival.key for arrival in arrivals))
    lock_cards(connection, keys)
    stored = load_states(connection, keys)
    for arrival in arrivals:
        key = arrival.key
        before = merged.states.get(key)
        if before is None and key not in stored:
            merged.created.add(key)
            if isinstance(arrival, CardReceived) and not _is_disputed(arrival.state):
                # Nothing to merge with: the bytes are the state.
                merged.states[key] = arrival.state
                merged.encoded[key] = arrival.encoded
                merged.changed.add(key)
                continue
        if before is None:
            before = decode_state(stored[key]) if key in stored else CardState()
        outcome = _merge(before, arrival)
        merged.states[key] = outcome.state
        if outcome.changed:
            merged.changed.add(key)
            merged.encoded.pop(key, None)
            _log_conflicts(connection, key, before, outcome, arrival, now_us)
            merged.conflicts += [(key, found) for found in outcome.conflicts]
        if isinstance(arrival, CardEdit):
            _note_lost_fields(merged, arrival, outcome.state)
    _save(connection, merged, received_at_us)
    _keep_history(connection, arrivals, now_us)
    return merged


def _keep_history(connection: Connection, arrivals: Sequence[CardEdit | CardReceived], now_us: int) -> None:
    """What arrivals say of edits that are kept to be shown."""
    whole: dict[Any, dict[str, Any]] = {}
    partial: list[dict[str, Any]] = []
    for arrival in arrivals:
        if arrival.kind not in HISTORY_KINDS:
            continue
        if isinstance(arrival, CardReceived):
            partial += rows_of_state(arrival.key, arrival.state, now_us)
        else:
            changes = {patch.field: patch.value for patch in arrival.patches}
            identity = *arrival.key, arrival.stamp.command_id, arrival.stamp.branch_id
            whole[identity] = edit_row(arrival.key, arrival.stamp, changes, now_us)
    add_edits(connection, list(whole.values()), partial)


def _is_disputed(state: CardState) -> bool:
    """Whether a field has several values: whoever learns of the card learns of the conflict."""
    return any(len(field.live) > 1 for field in state.fields.values())


def edit_card(
    connection: Connection,
    kind: int,
    card_id: bytes,
    changes: Mapping[str, Value],
    stamp: Stamp,
    seen: Mapping[str, tuple[bytes, ...]] | None = None,
) -> CardEdit | None:
    """An edit made here and now: it has seen every version that is there, but of the fields in `seen` those given.

    None when it would change nothing.
    """
    lock_cards(connection, [(kind, card_id)])
    stored = load_states(connection, [(kind, card_id)])
    state = decode_state(stored[kind, card_id]) if stored else CardState()
    patches = tuple(
        FieldPatch(name, value, (seen or {}).get(name, state.seen(name)))
        for name, value in changes.items()
        if _differs(kind, state, name, value)
    )
    return CardEdit(kind, card_id, stamp, patches) if patches else None


def shown_fields(kind: int, state: CardState) -> dict[str, Value]:
    """What each field of a card folds to."""
    rules = rules_of(kind)
    return {name: shown_value(known.live, rules.get(name, MergeRule.LATEST)) for name, known in state.fields.items()}


def load_card(reader: Reader, kind: int, card_id: bytes) -> CardState | None:
    """A card's state, or None."""
    stored = load_states(reader, [(kind, card_id)])
    return decode_state(stored[kind, card_id]) if stored else None


def _merge(before: CardState, arrival: CardEdit | CardReceived) -> Merged:
    rules = rules_of(arrival.kind)
    if isinstance(arrival, CardEdit):
        return merge_patch(before, arrival.stamp, arrival.patches, rules)
    return merge_states(before, arrival.state, rules)


def _differs(kind: int, state: CardState, name: str, value: Value) -> bool:
    known = state.fields.get(name)
    if known is None:
        return value is not None
    return len(known.live) > 1 or shown_value(known.live, rule_of(kind, name)) != value


def _log_conflicts(
    connection: Connection,
    key: CardKey,
    before: CardState,
    outcome: Merged,
    arrival: CardEdit | CardReceived,
    now_us: int,
) -> None:
    if outcome.conflicts:
        add_conflicts(connection, key, outcome.conflicts, outcome.state, now_us)
    for name in outcome.changed:
        known = before.fields.get(name)
        if known and len(known.live) > 1:
            after = outcome.state.fields[name]
            gone = frozenset(version.version_id for version in known.live) & after.superseded
            if gone:
                closed_by = arrival.stamp.command_id if isinstance(arrival, CardEdit) else after.live[-1].version_id
                close_conflicts(connection, key, name, gone, closed_by, now_us)


def _note_lost_fields(merged: MergedCards, edit: CardEdit, state: CardState) -> None:
    for patch in edit.patches:
        live = state.fields[patch.field].live
        if len(live) < 2:
            continue
        rule = rule_of(edit.kind, patch.field)
        if all(version.version_id != edit.stamp.command_id for version in live):
            continue  # a later edit has seen it
        if rule is not MergeRule.UNION and shown_value(live, rule) != patch.value:
            winner = shown_version(live, rule)
            lost = FieldLost(edit.kind, edit.card_id, patch.field, winner.version_id)
            merged.fields_lost.setdefault(edit.stamp.command_id, []).append(lost)


def _save(connection: Connection, merged: MergedCards, received_at_us: int | None) -> None:
    by_kind: dict[int, dict[bytes, dict[str, Value]]] = {}
    rows = []
    for kind, card_id in merged.changed:
        state = merged.states[kind, card_id]
        encoded = merged.encoded.get((kind, card_id)) or encode_state(state)
        merged.encoded[kind, card_id] = encoded
        rows.append((kind, card_id, encoded, received_at_us))
        by_kind.setdefault(kind, {})[card_id] = shown_fields(kind, state)
    save_states(connection, rows)
    for kind, shown in by_kind.items():
        save_projections(connection, kind, shown, received_at_us)
