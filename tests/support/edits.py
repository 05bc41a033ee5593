"""Histories of one card that several nodes edit: every edit has seen exactly what its node held."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from shared.domain.cards import MergeRule, Value
from shared.domain.identifiers import NIL_ID
from shared.sync.card_merge import HQ_ORIGIN, CardState, Conflict, FieldPatch, FieldState, Merged, Stamp, merge_patch

FIELD_VALUES: dict[MergeRule, Sequence[Value]] = {
    MergeRule.LATEST: ("a", "b", "c", None),
    MergeRule.HQ_WINS: ("a", "b", "c", None),
    MergeRule.UNION: ((), ("x",), ("x", "y"), ("z",)),
    MergeRule.MAX: (False, True, None),
    MergeRule.WITHDRAWAL_WINS: (False, True, None),
    MergeRule.MANUAL: ("a", "b", "c"),
}
RULES = {str(rule): rule for rule in FIELD_VALUES}
"""A card with one field of every rule, named after it."""


@dataclass(frozen=True)
class Edit:
    """One edit, and the edits its node had taken before it."""

    stamp: Stamp
    patches: tuple[FieldPatch, ...]
    known: frozenset[bytes]

    @property
    def command_id(self) -> bytes:
        return self.stamp.command_id


def apply(edits: Iterable[Edit], state: CardState | None = None) -> Merged:
    """The state after edits in this order, with every conflict and change that was reported on the way."""
    conflicts: list[Conflict] = []
    changed: list[str] = []
    merged = Merged(state or CardState(), (), ())
    for edit in edits:
        merged = merge_patch(merged.state, edit.stamp, edit.patches, RULES)
        conflicts += merged.conflicts
        changed += merged.changed
    return Merged(merged.state, tuple(conflicts), tuple(changed))


@st.composite
def histories(draw: st.DrawFn, edits_max: int = 8) -> list[Edit]:
    """Edits by head office and two branches that now and then tell each other all they know."""
    known: dict[bytes, list[Edit]] = {HQ_ORIGIN: [], b"1" * 16: [], b"2" * 16: []}
    nodes = st.sampled_from(sorted(known))
    made: list[Edit] = []
    while len(made) < edits_max and draw(st.integers(0, 9)) > 0:
        node, other = draw(nodes), draw(nodes)
        known[node] += [edit for edit in known[other] if edit not in known[node]]
        edit = _edit(draw, node, known[node], len(made))
        known[node].append(edit)
        made.append(edit)
    return made


def _edit(draw: st.DrawFn, node: bytes, taken: Sequence[Edit], number: int) -> Edit:
    state = apply(taken).state
    names = draw(st.lists(st.sampled_from(sorted(RULES)), min_size=1, max_size=3, unique=True))
    patches = tuple(
        FieldPatch(name, draw(st.sampled_from(FIELD_VALUES[RULES[name]])), state.seen(name)) for name in names
    )
    stamp = Stamp(draw(st.integers(0, 1)), draw(st.integers(0, 3)), b"%016d" % number, NIL_ID, node)
    return Edit(stamp, patches, frozenset(edit.command_id for edit in taken))


def causal_order(edits: Sequence[Edit], shuffle: random.Random, repeats: int = 0) -> list[Edit]:
    """A random order in which no edit comes before one that it has seen; some come again later."""
    waiting, order = list(edits), list[Edit]()
    arrived: set[bytes] = set()
    while waiting:
        ready = [edit for edit in waiting if edit.known <= arrived]
        chosen = shuffle.choice(ready)
        waiting.remove(chosen)
        arrived.add(chosen.command_id)
        order.append(chosen)
    for _ in range(repeats if order else 0):
        place = shuffle.randrange(len(order))
        order.insert(shuffle.randint(place + 1, len(order)), order[place])
    return order


def causal_part(edits: Sequence[Edit], shuffle: random.Random) -> list[Edit]:
    """Some of the edits, with everything they have seen."""
    order = causal_order(edits, shuffle)
    kept: set[bytes] = set()
    part = []
    for edit in order:
        if edit.known <= kept and shuffle.random() < 0.7:
            part.append(edit)
            kept.add(edit.command_id)
    return part


def by_name(state: CardState) -> dict[str, FieldState]:
    """A state's fields, comparable whatever order they came in."""
    return dict(sorted(state.fields.items()))
