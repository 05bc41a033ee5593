"""Laws of aliases: whoever knows the same merges names the same client, whatever rings they make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aliases import alias_group, survivor_of
from shared.domain.cards import MergeRule
from shared.sync.card_merge import CardState, FieldPatch, Stamp, merge_patch, shown_value

IDS = [bytes([number]) * 16 for number in range(1, 9)]
A, B, C, D = IDS[:4]
MERGES = st.dictionaries(st.sampled_from(IDS), st.sampled_from(IDS))


def test_a_card_that_was_never_merged_stands_for_itself() -> None:
    assert survivor_of(A, {}) == A
    assert alias_group(A, {}) == {A}


def test_a_chain_of_merges_ends_at_its_last_card() -> None:
    chain = {A: B, B: C, C: D}
    assert {survivor_of(each, chain) for each in (A, B, C, D)} == {D}
    assert alias_group(B, chain) == {A, B, C, D}


def test_of_two_cards_merged_into_each_other_the_smallest_survives() -> None:
    assert survivor_of(A, {A: B, B: A}) == survivor_of(B, {A: B, B: A}) == A


def test_of_a_longer_ring_with_a_tail_the_smallest_of_the_ring_survives() -> None:
    ring = {B: C, C: D, D: B, A: C}
    assert {survivor_of(each, ring) for each in (A, B, C, D)} == {B}
    assert alias_group(A, ring) == {A, B, C, D}


def test_a_card_merged_into_itself_is_only_itself() -> None:
    assert survivor_of(A, {A: A}) == A


@given(MERGES, st.sampled_from(IDS))
def test_every_member_of_a_group_has_the_same_survivor_and_the_same_group(
    merged_into: dict[bytes, bytes], client_id: bytes
) -> None:
    survivor, group = survivor_of(client_id, merged_into), alias_group(client_id, merged_into)
    assert survivor in group
    assert {survivor_of(each, merged_into) for each in group} == {survivor}
    assert {alias_group(each, merged_into) for each in group} == {group}
    assert all(survivor_of(each, merged_into) != survivor for each in set(IDS) - group)


@given(MERGES)
def test_a_survivor_is_not_merged_unless_it_is_the_smallest_of_a_ring(merged_into: dict[bytes, bytes]) -> None:
    for client_id in IDS:
        survivor = survivor_of(client_id, merged_into)
        target = merged_into.get(survivor)
        assert target is None or survivor_of(target, merged_into) == survivor


EDITS = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), max_size=8).flatmap(
    lambda edits: st.tuples(st.just(edits), st.permutations(range(len(edits))))
)


@given(EDITS)
def test_the_order_in_which_concurrent_merges_arrive_does_not_matter(
    given_edits: tuple[list[tuple[bytes, bytes]], list[int]],
) -> None:
    edits, order = given_edits

    def heard(sequence: list[int]) -> dict[bytes, bytes]:
        states: dict[bytes, CardState] = {}
        for number in sequence:
            loser, target = edits[number]
            stamp = Stamp(0, number + 1, bytes([number]) * 16, bytes(16), bytes([number]) * 16)
            patch = FieldPatch("merged_into", target)
            states[loser] = merge_patch(states.get(loser, CardState()), stamp, [patch], {}).state
        shown = {
            each: shown_value(state.fields["merged_into"].live, MergeRule.LATEST) for each, state in states.items()
        }
        return {each: value for each, value in shown.items() if isinstance(value, bytes)}

    in_order, shuffled = heard(list(range(len(edits)))), heard(order)
    assert {each: survivor_of(each, in_order) for each in IDS} == {each: survivor_of(each, shuffled) for each in IDS}
