"""Record counters: the order of facts does not matter, a changed one shows."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from shared.sync.counting import Counter, CounterDeltas, FactFigure, digest_counters, fingerprint

DAY = date(2026, 11, 24)
FIGURES = st.lists(
    st.builds(
        FactFigure,
        st.integers(1, 3),
        st.binary(min_size=16, max_size=16),
        st.binary(max_size=8),
        st.dates(date(2026, 1, 1), date(2026, 1, 3)),
        st.integers(-100, 100),
    ),
    max_size=12,
)


def counted(figures: list[FactFigure]) -> CounterDeltas:
    deltas = CounterDeltas()
    deltas.add(figures)
    return deltas


@given(FIGURES, st.randoms())
def test_the_order_of_facts_does_not_matter(figures: list[FactFigure], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(figures)
    random.shuffle(shuffled)
    assert counted(figures).counters == counted(shuffled).counters
    assert digest_counters(counted(figures).counters) == digest_counters(counted(shuffled).counters)


@given(FIGURES)
def test_counters_add_up(figures: list[FactFigure]) -> None:
    counters = counted(figures).counters.values()
    assert sum(counter.records for counter in counters) == len(figures)
    assert sum(counter.amount_minor for counter in counters) == sum(figure.amount_minor for figure in figures)


def test_another_payload_has_another_fingerprint_and_a_day_s_sum_fits_64_bits() -> None:
    assert fingerprint(1, b"i" * 16, b"a") != fingerprint(1, b"i" * 16, b"b")
    assert fingerprint(1, b"i" * 16, b"a") * 8_000_000 < 2**63


def test_a_counter_that_came_to_nothing_does_not_change_the_digest() -> None:
    assert digest_counters({(1, DAY): Counter()}) == digest_counters({})
    assert digest_counters({(1, DAY): Counter(1, 5, 9)}) != digest_counters({(1, DAY): Counter(1, 5, 8)})
