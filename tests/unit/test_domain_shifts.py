"""The Z-report's one calculation."""

from __future__ import annotations

from hypothesis import given

from shared.domain.shifts import ShiftClose
from tests.support.strategies import FEW, shift_closes


@FEW
@given(shift_closes)
def test_the_cash_variance_is_counted_less_expected(closed: ShiftClose) -> None:
    if closed.counted_cash_minor is None:
        assert closed.cash_variance_minor is None
    else:
        assert closed.expected_cash_minor + (closed.cash_variance_minor or 0) == closed.counted_cash_minor
