"""Rows written together, a few or many: what comes back is what was given, and what cannot be is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from hq_server.storage.effects import REFUSALS
from hq_server.storage.postgresql_bulk import ROWS_TOGETHER_MAX
from hq_server.storage.tables import central_commit, client_reference, record_counter
from shared.domain.business_time import EARLIEST_US, LATEST_US
from shared.storage.rollup_tables import sales_by_day
from tests.support.office import Office

FEW, MANY = 2, ROWS_TOGETHER_MAX + 1
BRANCH = b"\x00\xff" * 8
MOMENTS = (EARLIEST_US, LATEST_US, -1, 0, 1, 1_795_000_000_123_457)
TEXTS = ("", "Анна «ё» \\ ' \" %s", "\U0001f9fe\u2028\x01", "null")


def commit_row(number: int, at_us: int, text: str | None, data: bytes | None) -> tuple[Any, ...]:
    return (BRANCH, number.to_bytes(16), number % 2 == 0, at_us, "reason", text, None, b"\x00hash\xff", data, None)


def written(office: Office, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with office.store.write() as connection:
        office.store.bulk.write(connection, {central_commit: rows, client_reference: []}, {})
    return [tuple(row) for row in office.rows(select(central_commit).order_by(central_commit.c.command_id))]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_what_was_written_comes_back(office: Office, count: int) -> None:
    values = [(at_us, text, data) for at_us in MOMENTS for text in (*TEXTS, None) for data in (None, b"", b"\x00\xff")]
    rows = [commit_row(number, *values[number % len(values)]) for number in range(max(count, len(values)))]
    for start in range(0, len(rows), count):
        with office.store.write() as connection:
            office.store.bulk.write(connection, {central_commit: rows[start : start + count]}, {})
    assert written(office, []) == rows


@pytest.mark.parametrize("count", [FEW, MANY])
def test_sums_are_added_to_what_is_there(office: Office, count: int) -> None:
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + number) for number in range(count)]
    by_day = [(BRANCH, day, 1, 2_000, 300, 40, 0, 260) for day in days]
    counted = [(BRANCH, 1, day, 1, -(2**62), 260) for day in days]
    for _ in range(2):
        with office.store.write() as connection:
            office.store.bulk.write(connection, {}, {sales_by_day: by_day, record_counter: counted})
    assert [tuple(row) for row in office.rows(select(sales_by_day).order_by(sales_by_day.c.business_date))] == [
        (*row[:2], *(2 * value for value in row[2:])) for row in by_day
    ]
    assert [row.fingerprint for row in office.rows(select(record_counter))] == [-(2**63)] * count


def is_taken(office: Office, inserts: dict[Any, Any], sums: dict[Any, Any]) -> bool:
    """Whether the store takes all of it; what it raises must be one of those that a merge expects."""
    try:
        with office.store.write() as connection:
            with expected_refusals():
                office.store.bulk.write(connection, inserts, sums)
    except _RefusedError:
        return False
    return True


class _RefusedError(Exception):
    """The store refused."""


@contextmanager
def expected_refusals() -> Iterator[None]:
    try:
        yield
    except REFUSALS as error:
        raise _RefusedError from error


@pytest.mark.parametrize("count", [FEW, MANY])
def test_a_key_that_is_taken_refuses_all_of_them(office: Office, count: int) -> None:
    rows = [commit_row(number, 0, None, None) for number in range(count)]
    assert is_taken(office, {central_commit: rows[-1:]}, {})
    assert not is_taken(office, {central_commit: rows}, {})
    assert written(office, []) == rows[-1:]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_a_text_or_a_sum_that_no_column_holds_is_refused(office: Office, count: int) -> None:
    counted = [(BRANCH, number, date(2026, 1, 1), 1, 2**62, 0) for number in range(count)]
    assert is_taken(office, {}, {record_counter: counted[:1]})
    assert not is_taken(office, {}, {record_counter: counted})
    assert office.count(record_counter) == 1
    if office.store.dialect == "postgresql":
        rows = [commit_row(number, 0, "a\0b", None) for number in range(count)]
        assert not is_taken(office, {central_commit: rows}, {})
