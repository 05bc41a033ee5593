"""A Z-report read back from its row, at a branch and at the head office alike: as it was signed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.domain.business_time import LocalMoment
from shared.domain.shifts import Denomination, MethodTotal, ShiftClose

# Columns that a report has under the same name.
_PLAIN = (
    *("shift_id", "register", "cashier", "business_date", "currency", "receipts", "first_receipt", "last_receipt"),
    *("gross_minor", "discounts_minor", "net_minor", "float_minor", "expected_cash_minor", "counted_cash_minor"),
    *("refunds", "returns_minor", "cash_in_minor", "cash_out_minor", "rounding_minor", "late_minor", "signature"),
)


def report_of_row(row: Any, methods: Iterable[MethodTotal]) -> ShiftClose:
    """The report of a row of `shift_close`, and its rows of `shift_close_method`."""
    counted = [pair.split(":") for pair in row.denominations.split(",") if pair]
    return ShiftClose(
        closed_at=LocalMoment(row.closed_at, row.utc_offset_seconds, row.zone),
        methods=tuple(methods),
        undecided=receipt_numbers(row.undecided),
        late=receipt_numbers(row.late),
        denominations=tuple(Denomination(int(value), int(pieces)) for value, pieces in counted),
        **{name: getattr(row, name) for name in _PLAIN},
    )


def receipt_numbers(text: str) -> tuple[int, ...]:
    """Receipt numbers as a column keeps them, with commas between them."""
    return tuple(int(number) for number in text.split(",") if number)
