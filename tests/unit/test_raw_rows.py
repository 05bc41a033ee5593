"""Rows as the database holds them, and digests that no two of them share."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from shared.operations.record_check import digest_row
from shared.storage.raw_rows import as_raw, raw_places
from shared.storage.tables import payment, shift_open

values = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
rows = st.lists(values).map(tuple)


def test_a_date_is_its_text_and_a_truth_value_a_number() -> None:
    places = raw_places(shift_open)
    names = [column.name for column in shift_open.columns]
    row = tuple(date(2026, 11, 23) if name == "business_date" else name == "implicit" for name in names)
    raw = dict(zip(names, as_raw(row, places), strict=True))
    assert (raw["business_date"], raw["implicit"], raw["zone"]) == ("2026-11-23", 1, False)
    assert type(raw["implicit"]) is int


def test_a_row_without_such_columns_stays_as_it_is() -> None:
    row = (b"b", b"s", 1, "card", 100)
    assert as_raw(row, raw_places(payment)) is row


@given(rows, rows)
def test_rows_share_a_digest_only_when_they_are_equal(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert (digest_row("sale", one) == digest_row("sale", other)) == (one == other)


def test_numbers_that_python_hashes_alike_have_different_digests() -> None:
    assert digest_row("sale", (1,)) != digest_row("sale", (1 + 2**61 - 1,))
