"""Column types: the domain's own values in Python, each database's best type underneath."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from sqlalchemy import Column, Integer, MetaData, Table, make_url, select, text

from hq_server.storage.store import HqStore
from shared.domain.business_time import LATEST_US
from shared.storage.column_types import Id, UtcTime
from tests.support.clock import START_US
from tests.support.strategies import SOME, ids, moments

POSTGRESQL, SQLITE = (make_url(url).get_dialect()() for url in ("postgresql+psycopg://", "sqlite://"))

kept = Table("kept", MetaData(), Column("number", Integer, primary_key=True), Column("id", Id), Column("at", UtcTime))

ROWS = [
    (1, b"\0" * 16, 0),
    (2, b"\xff" * 16, LATEST_US),
    (3, bytes(range(16)), START_US + 1),
    (4, None, None),
]


@pytest.fixture
def store(either_store: HqStore) -> Iterator[HqStore]:
    """Either database with some rows in it."""
    with either_store.write() as connection:
        kept.create(connection)
        connection.execute(kept.insert(), [dict(zip(("number", "id", "at"), row, strict=True)) for row in ROWS])
    yield either_store
    with either_store.write() as connection:
        kept.drop(connection)


def test_values_come_back_as_they_went_in(store: HqStore) -> None:
    with store.read() as connection:
        assert [tuple(row) for row in connection.execute(select(kept).order_by(kept.c.number))] == ROWS


def test_rows_are_found_and_ordered_by_them(store: HqStore) -> None:
    with store.read() as connection:
        found = connection.execute(select(kept.c.number).where(kept.c.id == b"\xff" * 16, kept.c.at >= LATEST_US))
        assert found.scalars().all() == [2]
        ordered = select(kept.c.number).where(kept.c.at.is_not(None)).order_by(kept.c.at)
        assert connection.execute(ordered).scalars().all() == [1, 3, 2]


def test_ids_are_compared_byte_by_byte_on_both(store: HqStore) -> None:
    with store.read() as connection:
        ordered = select(kept.c.number).where(kept.c.id.is_not(None)).order_by(kept.c.id)
        assert connection.execute(ordered).scalars().all() == [1, 3, 2]


RAW = {
    "sqlite": ("SELECT typeof(id), typeof(at) FROM kept WHERE number = 3", ("blob", "integer")),
    "postgresql": (
        "SELECT id::text, at AT TIME ZONE 'UTC' FROM kept WHERE number = 3",
        (str(uuid.UUID(bytes=bytes(range(16)))), datetime(2026, 11, 23, 16, 0, 0, 1)),
    ),
}


def test_sqlite_keeps_bytes_and_integers_and_postgresql_what_people_read(store: HqStore) -> None:
    statement, expected = RAW[store.dialect]
    with store.read() as connection:
        assert connection.execute(text(statement)).one() == expected


@SOME
@given(ids)
def test_an_id_survives_both_dialects(identity: bytes) -> None:
    column = Id()
    bound = column.process_bind_param(identity, POSTGRESQL)
    assert isinstance(bound, uuid.UUID)
    assert column.process_result_value(bound, POSTGRESQL) == identity
    assert column.process_result_value(column.process_bind_param(identity, SQLITE), SQLITE) == identity


@SOME
@given(moments)
def test_a_moment_survives_both_dialects(moment_us: int) -> None:
    column = UtcTime()
    bound = column.process_bind_param(moment_us, POSTGRESQL)
    assert bound.tzinfo is UTC
    assert column.process_result_value(bound, POSTGRESQL) == moment_us
    assert column.process_result_value(column.process_bind_param(moment_us, SQLITE), SQLITE) == moment_us
