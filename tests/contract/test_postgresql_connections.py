"""Connections to PostgreSQL that it closed while nobody used them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.exc import DataError

from deploy.postgresql import PostgresqlServer
from hq_server.storage.postgresql_errors import sqlalchemy_errors
from hq_server.storage.questions import Question, ask_together
from hq_server.storage.store import HqStore, connect_store
from shared.errors import StoreError
from tests.support.clock import FakeClock
from tests.support.deadlines import wait_until


@pytest.fixture
def store(postgresql: PostgresqlServer) -> Iterator[HqStore]:
    store = connect_store(postgresql.url("postgres"), Path(), FakeClock())
    yield store
    store.close()


def backend_of(store: HqStore) -> int:
    with store.write() as connection:
        backend: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        return backend


def test_nobody_meets_a_connection_that_postgresql_has_closed(store: HqStore, postgresql: PostgresqlServer) -> None:
    backend = backend_of(store)
    assert backend_of(store) == backend
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (backend,))
        running = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: other.execute(running, (backend,)).fetchone() == (0,), "the backend ended")
    assert backend_of(store) != backend


def test_a_connection_that_ends_amid_questions_is_replaced(store: HqStore, postgresql: PostgresqlServer) -> None:
    question = Question(lambda _: select(literal(1).label("one")), {}, list)
    backends = []

    def ask_of_an_ended_backend() -> None:
        with store.write() as connection, psycopg.connect(postgresql.url("postgres"), autocommit=True) as other:
            assert ask_together(connection, [question, question]) == [[(1,)]] * 2
            backends.append(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
            other.execute("SELECT pg_terminate_backend(%s)", backends)
            ask_together(connection, [question, question])

    with pytest.raises(StoreError):
        ask_of_an_ended_backend()
    assert backend_of(store) not in backends


def test_what_the_driver_raises_is_what_sqlalchemy_would(store: HqStore) -> None:
    with store.write() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with pytest.raises(DataError), sqlalchemy_errors():
            driver.execute("SELECT 'x'::int")
