"""How concurrent edits of a card meet (DESIGN §4, rule 6). Pure: states and patches in, states and conflicts out.

A field keeps every version that no later edit saw, usually one. An edit names the versions it saw and replaces exactly
them. What is shown is the field's rule folded over the versions that remain. Since the surviving versions are
`all versions − everything any edit saw`, neither the order of causally delivered edits nor their repetition matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.domain.cards import MergeRule, Value
from shared.domain.identifiers import NIL_ID

HQ_ORIGIN = NIL_ID
"""The `branch_id` of an edit made at the head office."""


class Stamp(NamedTuple):
    """Who edited, and when. The command id is the version's identity; (epoch, hlc, command id) its order."""

    hlc_epoch: int
    hlc: int
    command_id: bytes
    author: bytes
    branch_id: bytes


class FieldVersion(NamedTuple):
    """One value and the edit it came from. Versions sort by their stamp."""

    stamp: Stamp
    value: Value

    @property
    def version_id(self) -> bytes:
        return self.stamp.command_id

    @property
    def identity(self) -> tuple[bytes, bytes]:
        """The edit and where it was made: nobody takes another's version away by using its command id."""
        return self.stamp.command_id, self.stamp.branch_id


class FieldPatch(NamedTuple):
    """The new value of one field, and the versions its editor saw."""

    field: str
    value: Value
    seen: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldState:
    """The versions that no edit saw, oldest first, and the ids of those that one did."""

    live: tuple[FieldVersion, ...] = ()
    superseded: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class CardState:
    """Everything a node knows of a card."""

    fields: Mapping[str, FieldState] = field(default_factory=dict)

    def seen(self, name: str) -> tuple[bytes, ...]:
        """What an edit of that field made here and now has seen."""
        state = self.fields.get(name)
        return tuple(version.version_id for version in state.live) if state else ()


class Conflict(NamedTuple):
    """Two versions of a field that met unseen, older first."""

    field: str
    older: FieldVersion
    newer: FieldVersion
    rule: MergeRule


class Merged(NamedTuple):
    """The outcome: the new state, the conflicts that arose, and the fields whose versions changed."""

    state: CardState
    conflicts: tuple[Conflict, ...]
    changed: tuple[str, ...]


Rules = Mapping[str, MergeRule]
"""The rule of each field; a field that is not there is folded by `latest`."""

_NOTHING = FieldState()


def merge_patch(state: CardState, stamp: Stamp, patches: Iterable[FieldPatch], rules: Rules) -> Merged:
    """Merges one edit into a card."""
    fields = dict(state.fields)
    conflicts: list[Conflict] = []
    changed: list[str] = []
    for name, value, seen in patches:
        version = FieldVersion(stamp, value)
        if stamp.command_id in seen:
            seen = tuple(known for known in seen if known != stamp.command_id)  # nobody has seen his own edit
        before = fields.get(name)
        if before is None:
            fields[name] = FieldState((version,), frozenset(seen))
            changed.append(name)
            continue
        after = _merge_field(before, version, seen)
        if after == before:
            continue
        fields[name] = after
        changed.append(name)
        if version in after.live:
            conflicts += _conflicts(name, after.live, version, rules)
    return Merged(CardState(fields), tuple(conflicts), tuple(changed))


def merge_states(ours: CardState, theirs: CardState, rules: Rules) -> Merged:
    """Merges a full record into what is known here, as if every edit behind it had come one by one."""
    fields = dict(ours.fields)
    conflicts: list[Conflict] = []
    changed: list[str] = []
    for name, incoming in theirs.fields.items():
        before = fields.get(name, _NOTHING)
        superseded = before.superseded | incoming.superseded
        live = _live({*before.live, *incoming.live}, superseded)
        after = FieldState(live, superseded)
        if after == before:
            continue
        fields[name] = after
        changed.append(name)
        for version in set(live) - set(before.live):
            conflicts += [c for c in _conflicts(name, live, version, rules) if c not in conflicts]
    return Merged(CardState(fields), tuple(conflicts), tuple(changed))


def _merge_field(before: FieldState, version: FieldVersion, seen: tuple[bytes, ...]) -> FieldState:
    superseded = before.superseded.union(seen)
    return FieldState(_live((*before.live, version), superseded), superseded)


def _live(versions: Iterable[FieldVersion], superseded: frozenset[bytes]) -> tuple[FieldVersion, ...]:
    """The versions that no edit saw, oldest first. Of one that HQ has re-stamped, the earlier stamp holds."""
    by_id: dict[tuple[bytes, bytes], FieldVersion] = {}
    for version in versions:
        known = by_id.get(version.identity)
        if version.version_id not in superseded and (known is None or version.stamp < known.stamp):
            by_id[version.identity] = version
    return tuple(sorted(by_id.values(), key=_stamp))


def _conflicts(name: str, live: tuple[FieldVersion, ...], version: FieldVersion, rules: Rules) -> list[Conflict]:
    rule = rules.get(name, MergeRule.LATEST)
    return [
        Conflict(name, min(met, version, key=_stamp), max(met, version, key=_stamp), rule)
        for met in live
        if met.identity != version.identity and met.value != version.value
    ]


def shown_value(live: tuple[FieldVersion, ...], rule: MergeRule) -> Value:
    """The rule's fold over the versions that no edit saw; None when there is none."""
    if not live:
        return None
    if len(live) == 1 and rule is not MergeRule.UNION:
        return live[0].value
    match rule:
        case MergeRule.LATEST:
            return live[-1].value
        case MergeRule.MANUAL:
            return live[0].value
        case MergeRule.HQ_WINS:
            from_hq = [version for version in live if version.stamp.branch_id == HQ_ORIGIN]
            return (from_hq or live)[-1].value
        case MergeRule.UNION:
            return tuple(sorted({text for version in live for text in _texts(version.value)}))
        case MergeRule.MAX:
            return max(live, key=lambda version: (_number(version.value), version.stamp)).value
        case MergeRule.WITHDRAWAL_WINS:
            return min(live, key=lambda version: (_number(version.value), version.stamp)).value


def shown_version(live: tuple[FieldVersion, ...], rule: MergeRule) -> FieldVersion:
    """The version whose value is shown; for a union, the newest that takes part. `live` is not empty."""
    value = shown_value(live, rule)
    for version in reversed(live):
        if version.value == value:
            return version
    return live[-1]


def _stamp(version: FieldVersion) -> Stamp:
    return version.stamp


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _number(value: Value) -> int:
    return int(value) if isinstance(value, int) else -1
