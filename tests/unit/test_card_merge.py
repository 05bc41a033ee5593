"""Concurrent edits of a card: the laws of the merge, and what each rule shows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.cards import MergeRule, Value
from shared.domain.identifiers import NIL_ID
from shared.sync.card_merge import (
    HQ_ORIGIN,
    CardState,
    FieldPatch,
    FieldState,
    FieldVersion,
    Stamp,
    merge_patch,
    merge_states,
    shown_value,
    shown_version,
)
from tests.support.edits import RULES, Edit, apply, by_name, causal_order, causal_part, histories
from tests.support.strategies import MANY, SOME

shuffles = st.integers(0, 2**32).map(random.Random)


def stamp(hlc: int, command: str, branch_id: bytes = b"1" * 16, epoch: int = 0) -> Stamp:
    return Stamp(epoch, hlc, command.encode().ljust(16, b"-"), NIL_ID, branch_id)


def version(hlc: int, value: Value, branch_id: bytes = b"1" * 16, epoch: int = 0) -> FieldVersion:
    return FieldVersion(stamp(hlc, f"v{epoch}{hlc}", branch_id, epoch), value)


def edit(state: CardState, hlc: int, value: Value, *seen: bytes, field: str = "latest") -> CardState:
    return merge_patch(state, stamp(hlc, f"e{hlc}"), [FieldPatch(field, value, seen)], RULES).state


# The laws.


@MANY
@given(histories(), shuffles)
def test_every_causal_order_leads_to_the_same_state(edits: list[Edit], shuffle: random.Random) -> None:
    assert by_name(apply(causal_order(edits, shuffle)).state) == by_name(apply(edits).state)


@MANY
@given(histories(), shuffles)
def test_repetition_changes_nothing(edits: list[Edit], shuffle: random.Random) -> None:
    order = causal_order(edits, shuffle, repeats=5)
    assert by_name(apply(order).state) == by_name(apply(edits).state)


@SOME
@given(histories())
def test_an_edit_that_is_known_is_reported_as_no_change(edits: list[Edit]) -> None:
    again = apply(edits, apply(edits).state)
    assert (again.changed, again.conflicts) == ((), ())


@MANY
@given(histories(), shuffles)
def test_every_order_shows_the_same_values(edits: list[Edit], shuffle: random.Random) -> None:
    one, other = apply(edits).state, apply(causal_order(edits, shuffle)).state
    for name, rule in RULES.items():
        if name in one.fields:
            assert shown_value(one.fields[name].live, rule) == shown_value(other.fields[name].live, rule)


@MANY
@given(histories(), shuffles)
def test_whole_states_merge_to_what_their_edits_would_one_by_one(edits: list[Edit], shuffle: random.Random) -> None:
    ours, theirs = causal_part(edits, shuffle), causal_part(edits, shuffle)
    both = [known for known in edits if known in ours or known in theirs]
    merged = merge_states(apply(ours).state, apply(theirs).state, RULES)
    assert by_name(merged.state) == by_name(apply(both).state)
    assert set(merged.changed) == {
        name for name, field in merged.state.fields.items() if field != apply(ours).state.fields.get(name)
    }


@SOME
@given(histories(), shuffles)
def test_merging_whole_states_is_symmetric_and_repeatable(edits: list[Edit], shuffle: random.Random) -> None:
    ours, theirs = apply(causal_part(edits, shuffle)).state, apply(causal_part(edits, shuffle)).state
    merged = merge_states(ours, theirs, RULES).state
    assert by_name(merged) == by_name(merge_states(theirs, ours, RULES).state)
    assert merge_states(merged, theirs, RULES).changed == ()
    assert merge_states(merged, ours, RULES).conflicts == ()


@MANY
@given(histories(), shuffles)
def test_no_value_is_lost_silently(edits: list[Edit], shuffle: random.Random) -> None:
    merged = apply(causal_order(edits, shuffle))
    in_conflict = {(c.field, side.version_id) for c in merged.conflicts for side in (c.older, c.newer)}
    for known in edits:
        for name, value, _ in known.patches:
            field = merged.state.fields[name]
            is_shown = shown_value(field.live, RULES[name]) == value
            assert is_shown or known.command_id in field.superseded or (name, known.command_id) in in_conflict


@MANY
@given(histories(), shuffles)
def test_every_pair_of_values_that_nobody_settled_is_a_conflict(edits: list[Edit], shuffle: random.Random) -> None:
    merged = apply(causal_order(edits, shuffle))
    reported = {(c.field, c.older, c.newer, c.rule) for c in merged.conflicts}
    for name, field in merged.state.fields.items():
        pairs = [(one, two) for place, one in enumerate(field.live) for two in field.live[place + 1 :]]
        for older, newer in pairs:
            assert older.stamp < newer.stamp
            assert ((name, older, newer, RULES[name]) in reported) == (older.value != newer.value)


@SOME
@given(histories(), shuffles)
def test_merging_states_reports_the_conflicts_that_their_edits_have_between_them(
    edits: list[Edit], shuffle: random.Random
) -> None:
    ours, theirs = apply(causal_part(edits, shuffle)), apply(causal_part(edits, shuffle))
    merged = merge_states(ours.state, theirs.state, RULES)
    assert len(set(merged.conflicts)) == len(merged.conflicts)
    for name, field in merged.state.fields.items():
        known = {*(ours.state.fields[name].live if name in ours.state.fields else ())}
        new = set(field.live) - known
        expected = {frozenset((a, b)) for a in new for b in field.live if a.value != b.value}
        assert {frozenset((c.older, c.newer)) for c in merged.conflicts if c.field == name} == expected


# One edit.


def test_an_edit_replaces_exactly_what_it_saw() -> None:
    state = edit(edit(CardState(), 1, "one"), 2, "two")
    state = edit(state, 3, "three", stamp(1, "e1").command_id)
    assert [known.value for known in state.fields["latest"].live] == ["two", "three"]


def test_an_edit_that_saw_everything_leaves_one_version_and_no_conflict() -> None:
    state = edit(edit(CardState(), 1, "one"), 2, "two")
    merged = merge_patch(state, stamp(3, "e3"), [FieldPatch("latest", "three", state.seen("latest"))], RULES)
    assert [known.value for known in merged.state.fields["latest"].live] == ["three"]
    assert merged.conflicts == ()
    assert merged.changed == ("latest",)


def test_an_edit_that_saw_nothing_meets_what_is_there_as_a_conflict() -> None:
    merged = merge_patch(edit(CardState(), 2, "two"), stamp(1, "e1"), [FieldPatch("latest", "one")], RULES)
    (conflict,) = merged.conflicts
    assert (conflict.older.value, conflict.newer.value) == ("one", "two")
    assert (conflict.field, conflict.rule) == ("latest", MergeRule.LATEST)


def test_equal_values_are_no_conflict() -> None:
    merged = merge_patch(edit(CardState(), 2, "same"), stamp(1, "e1"), [FieldPatch("latest", "same")], RULES)
    assert merged.conflicts == ()
    assert len(merged.state.fields["latest"].live) == 2


def test_fields_of_one_card_do_not_meet() -> None:
    state = edit(CardState(), 1, "one", field="latest")
    merged = merge_patch(state, stamp(2, "e2"), [FieldPatch("manual", "two")], RULES)
    assert merged.conflicts == ()
    assert merged.state.seen("latest") == (stamp(1, "e1").command_id,)
    assert merged.state.seen("unheard of") == ()


def test_an_edit_that_a_later_one_saw_does_not_come_back() -> None:
    first = stamp(1, "e1").command_id
    state = edit(edit(CardState(), 1, "one"), 2, "two", first)
    assert edit(state, 1, "one") == state


def test_a_field_without_a_rule_is_folded_by_latest() -> None:
    merged = merge_patch(edit(CardState(), 1, 5, field="new"), stamp(2, "e2"), [FieldPatch("new", 7)], {})
    assert merged.conflicts[0].rule is MergeRule.LATEST


def test_an_edit_that_claims_to_have_seen_itself_is_as_good_once_as_twice() -> None:
    own = stamp(1, "e1")
    once = merge_patch(CardState(), own, [FieldPatch("latest", "one", (own.command_id,))], RULES).state
    assert merge_patch(once, own, [FieldPatch("latest", "one", (own.command_id,))], RULES).state == once


# What is shown.


def shown(rule: MergeRule, *live: FieldVersion) -> Value:
    return shown_value(tuple(sorted(live)), rule)


def test_nothing_is_shown_of_a_field_without_versions() -> None:
    for rule in MergeRule:
        assert shown_value((), rule) is None


@pytest.mark.parametrize("rule", MergeRule)
def test_a_single_version_is_shown_whatever_the_rule(rule: MergeRule) -> None:
    value: Value = ("x",) if rule is MergeRule.UNION else "x"
    assert shown(rule, version(1, value)) == value


def test_latest_shows_the_newest_by_epoch_then_clock_then_command() -> None:
    assert shown(MergeRule.LATEST, version(1, "old"), version(2, "new")) == "new"
    assert shown(MergeRule.LATEST, version(9, "wild clock"), version(1, "new epoch", epoch=1)) == "new epoch"
    tied = FieldVersion(stamp(1, "a"), "a"), FieldVersion(stamp(1, "b"), "b")
    assert shown(MergeRule.LATEST, *tied) == "b"


def test_head_office_wins_over_newer_edits_of_branches() -> None:
    from_hq = version(1, "hq", HQ_ORIGIN), version(2, "hq later", HQ_ORIGIN)
    assert shown(MergeRule.HQ_WINS, *from_hq, version(3, "branch")) == "hq later"
    assert shown(MergeRule.HQ_WINS, version(1, "one"), version(2, "two")) == "two"


def test_a_union_shows_every_text_once_in_order() -> None:
    assert shown(MergeRule.UNION, version(1, ("b", "c")), version(2, ("a", "b"))) == ("a", "b", "c")
    assert shown(MergeRule.UNION, version(1, ("b",)), version(2, None)) == ("b",)


def test_max_shows_yes_over_no_and_anything_over_nothing() -> None:
    assert shown(MergeRule.MAX, version(1, True), version(2, False)) is True
    assert shown(MergeRule.MAX, version(1, False), version(2, None)) is False
    assert shown(MergeRule.MAX, version(1, 3), version(2, 7), version(3, 5)) == 7


def test_a_withdrawal_wins_over_a_newer_consent() -> None:
    assert shown(MergeRule.WITHDRAWAL_WINS, version(1, False), version(2, True)) is False
    assert shown(MergeRule.WITHDRAWAL_WINS, version(1, None), version(2, True)) is None


def test_manual_keeps_showing_the_older_until_someone_decides() -> None:
    assert shown(MergeRule.MANUAL, version(1, "old"), version(2, "new")) == "old"


@MANY
@given(histories())
def test_the_version_shown_has_the_value_shown(edits: list[Edit]) -> None:
    for name, field in apply(edits).state.fields.items():
        chosen = shown_version(field.live, RULES[name])
        assert chosen in field.live
        if RULES[name] is not MergeRule.UNION:
            assert chosen.value == shown_value(field.live, RULES[name])


def test_the_version_shown_of_a_union_is_the_one_that_says_it_all_or_the_newest() -> None:
    whole, part, other = version(1, ("a", "b")), version(2, ("a",)), version(3, ("c",))
    assert shown_version((whole, part), MergeRule.UNION) == whole
    assert shown_version((whole, part, other), MergeRule.UNION) == other


def test_a_state_from_nowhere_knows_nothing() -> None:
    assert CardState().fields == {}
    assert FieldState().live == ()
    assert merge_states(CardState(), CardState(), RULES).changed == ()
