"""Back-off: longer after each failure, never nothing, never beyond the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.sync.backoff import RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN, Backoff
from tests.support.strategies import SOME

jitters = st.floats(0, 1, exclude_max=True)


@SOME
@given(st.lists(jitters, min_size=1, max_size=30))
def test_a_delay_is_between_half_its_ceiling_and_its_ceiling(failures: list[float]) -> None:
    backoff = Backoff()
    for number, jitter in enumerate(failures):
        ceiling = min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2**number)
        assert ceiling // 2 <= backoff.record_failure(jitter) <= ceiling


def test_the_ceiling_doubles_up_to_the_limit() -> None:
    backoff = Backoff()
    delays = [backoff.record_failure(0.0) for _ in range(9)]
    assert delays == [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]


def test_jitter_spreads_two_branches_that_fail_together() -> None:
    assert Backoff().record_failure(0.1) != Backoff().record_failure(0.9)


def test_a_success_starts_over() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.record_failure(0.0)
    backoff.record_success()
    assert backoff.record_failure(0.0) == RETRY_DELAY_MS_MIN // 2


def test_a_thousand_failures_are_as_many_as_ten() -> None:
    backoff = Backoff()
    delays = [backoff.record_failure(0.999) for _ in range(1_000)]
    assert max(delays) < RETRY_DELAY_MS_MAX
    assert delays[-1] == delays[20]
