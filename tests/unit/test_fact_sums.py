"""Groups put together: rows in their order, those without a value last, and totals over all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.reports.fact_sums import answer_of


def test_rows_are_sorted_and_those_without_a_value_stand_last() -> None:
    rows, totals = answer_of({("b",): [1, 2], (None,): [3, 4], ("a",): [5, 6]}, ("cashier",), 2)
    assert rows == [("a", 5, 6), ("b", 1, 2), (None, 3, 4)]
    assert totals == (9, 12)


def test_nothing_is_one_row_of_zeros_or_none_where_it_is_grouped() -> None:
    assert answer_of({}, (), 3) == ([(0, 0, 0)], (0, 0, 0))
    assert answer_of({}, ("cashier",), 3) == ([], (0, 0, 0))


@given(st.dictionaries(st.tuples(st.none() | st.text(max_size=3)), st.lists(st.integers(), min_size=2, max_size=2)))
def test_the_totals_are_what_the_rows_add_up_to(groups: dict[tuple[str | None], list[int]]) -> None:
    rows, totals = answer_of(groups, ("cashier",), 2)
    assert len(rows) == len(groups)
    assert totals == (sum(row[1] for row in rows), sum(row[2] for row in rows))
