"""Hybrid clocks: every stamp is later than the last, and a wild clock elsewhere cannot drag ours along."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.sync.hlc import COUNTER_BITS, HLC_MAX, SKEW_MS_MAX, from_wall, is_plausible, next_stamp, observe, wall_ms
from tests.support.clock import START_US
from tests.support.strategies import MANY, SOME, moments

hlcs = st.integers(0, HLC_MAX)


@MANY
@given(hlcs, moments)
def test_every_stamp_is_after_the_last_and_at_or_after_the_wall(last: int, now_us: int) -> None:
    stamp = next_stamp(last, now_us)
    assert stamp > last
    assert wall_ms(stamp) >= now_us // 1_000


@SOME
@given(st.lists(moments, min_size=2, max_size=20))
def test_stamps_grow_even_when_the_wall_clock_runs_backwards(walls: list[int]) -> None:
    stamps = [0]
    for now_us in walls:
        stamps.append(next_stamp(stamps[-1], now_us))
    assert stamps == sorted(set(stamps))


def test_a_stamp_is_no_further_ahead_of_the_wall_than_it_must_be() -> None:
    assert next_stamp(0, START_US) == from_wall(START_US)
    assert next_stamp(from_wall(START_US), START_US) == from_wall(START_US) + 1


@MANY
@given(hlcs, hlcs, moments)
def test_observing_never_turns_our_clock_back(last: int, remote: int, now_us: int) -> None:
    after = observe(last, remote, now_us)
    assert after >= last
    assert after in (last, remote)


@SOME
@given(hlcs, st.integers(1, 10**9), moments)
def test_a_stamp_too_far_ahead_does_not_move_our_clock(last: int, ahead_ms: int, now_us: int) -> None:
    remote = (now_us // 1_000 + SKEW_MS_MAX + ahead_ms) << COUNTER_BITS
    assert not is_plausible(remote, now_us)
    assert observe(last, remote, now_us) == last


def test_a_stamp_just_within_the_skew_moves_our_clock() -> None:
    remote = from_wall(START_US + SKEW_MS_MAX * 1_000) + 5
    assert observe(from_wall(START_US), remote, START_US) == remote
    assert next_stamp(observe(0, remote, START_US), START_US) == remote + 1


def test_an_implausible_negative_stamp_is_refused() -> None:
    assert not is_plausible(-1, START_US)


@SOME
@given(moments)
def test_the_milliseconds_inside_a_stamp_are_the_walls(now_us: int) -> None:
    assert wall_ms(from_wall(now_us)) == now_us // 1_000
    assert from_wall(now_us) <= HLC_MAX
