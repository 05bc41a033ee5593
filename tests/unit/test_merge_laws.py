"""The merge laws as a state machine: replicas edit, deliver in any causal order, repeat, and agree in the end."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.domain.cards import MergeRule
from shared.sync.card_merge import CardState, FieldPatch, Stamp, merge_patch, merge_states, shown_value

REPLICAS = 3
RULES = {"latest": MergeRule.LATEST, "max": MergeRule.MAX, "hq": MergeRule.HQ_WINS, "manual": MergeRule.MANUAL}
replicas = st.integers(0, REPLICAS - 1)


class Replicas(RuleBasedStateMachine):
    """Each replica has a card and the edits it has seen, as indexes into all edits there are."""

    def __init__(self) -> None:
        super().__init__()
        self.cards = [CardState() for _ in range(REPLICAS)]
        self.seen: list[set[int]] = [set() for _ in range(REPLICAS)]
        self.edits: list[tuple[Stamp, FieldPatch, frozenset[int]]] = []

    @rule(replica=replicas, field=st.sampled_from(sorted(RULES)), value=st.integers(0, 3), hlc=st.integers(1, 6))
    def edit(self, replica: int, field: str, value: int, hlc: int) -> None:
        number = len(self.edits)
        stamp = Stamp(0, hlc, b"%016d" % number, b"a" * 16, bytes([replica]) * 16)
        patch = FieldPatch(field, value, self.cards[replica].seen(field))
        self.edits.append((stamp, patch, frozenset(self.seen[replica])))
        self._apply(replica, number)

    @precondition(lambda self: self.edits)
    @rule(replica=replicas, choice=st.integers(0, 10**6))
    def deliver(self, replica: int, choice: int) -> None:
        """Any edit whose causes are here, be it for the second time."""
        ready = [n for n, (_, _, causes) in enumerate(self.edits) if causes <= self.seen[replica]]
        self._apply(replica, ready[choice % len(ready)])

    @rule(source=replicas, into=replicas)
    def deliver_whole(self, source: int, into: int) -> None:
        """The full card, as a newcomer gets it."""
        self.cards[into] = merge_states(self.cards[into], self.cards[source], RULES).state
        self.seen[into] |= self.seen[source]

    @invariant()
    def the_same_edits_make_the_same_card(self) -> None:
        for one in range(REPLICAS):
            for other in range(one):
                if self.seen[one] == self.seen[other]:
                    assert self.cards[one] == self.cards[other]

    @invariant()
    def nothing_that_nobody_saw_is_gone(self) -> None:
        for card, seen in zip(self.cards, self.seen, strict=True):
            replaced = {command for number in seen for command in self.edits[number][1].seen}
            for number in seen:
                stamp, patch, _ = self.edits[number]
                live = {version.version_id for version in card.fields[patch.field].live}
                assert (stamp.command_id in live) == (stamp.command_id not in replaced)

    def teardown(self) -> None:
        """Everybody hears everything: all show the same."""
        for replica in range(REPLICAS):
            for number in range(len(self.edits)):
                self._apply(replica, number)
        for name, merge_rule in RULES.items():
            shown = [shown_value(c.fields[name].live, merge_rule) if name in c.fields else None for c in self.cards]
            assert len(set(shown)) == 1

    def _apply(self, replica: int, number: int) -> None:
        stamp, patch, _ = self.edits[number]
        self.cards[replica] = merge_patch(self.cards[replica], stamp, [patch], RULES).state
        self.seen[replica].add(number)


Replicas.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestMergeLaws = Replicas.TestCase
