"""What a database raises, in our words: a lock that does not come, a server that is not there; and one moment."""

from __future__ import annotations

import socket

import pytest
from sqlalchemy import insert, select, text

from deploy.postgresql import PostgresqlServer
from hq_server.storage import postgresql_store
from hq_server.storage.postgresql_store import PostgresqlHqStore
from hq_server.storage.tables import feed_outbox
from shared.errors import StoreBusy, StoreError
from tests.support.office import Office


def test_a_server_that_is_not_there_is_told_with_a_hint() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        store = PostgresqlHqStore(f"postgresql://nobody@127.0.0.1:{probe.getsockname()[1]}/filial")
        with pytest.raises(StoreError, match="does not answer") as refused, store.read():
            pass
        store.close()
    assert refused.value.hint


def test_a_lock_that_does_not_come_is_a_busy_store(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_store, "LOCK_TIMEOUT_MS", 50)
    store = PostgresqlHqStore(postgresql.create_database("locks", "template_schema"))
    lock = text("LOCK TABLE branch_cursor")
    with store.write() as first:
        first.execute(lock)
        with pytest.raises(StoreBusy), store.write() as second:
            second.execute(lock)
    store.close()
    postgresql.drop_database("locks")


def test_a_reader_sees_one_moment(office: Office) -> None:
    with office.store.read() as snapshot:
        before = snapshot.execute(select(feed_outbox.c.id)).all()
        with office.store.write() as connection:
            connection.execute(insert(feed_outbox).values(audience="all", kind=1, record_id=b"i" * 16, data=b"x"))
        assert snapshot.execute(select(feed_outbox.c.id)).all() == before
    assert office.count(feed_outbox) == len(before) + 1


def test_a_refused_statement_is_a_store_error_and_leaves_nothing(office: Office) -> None:
    with pytest.raises(StoreError):
        _add_and_fail(office)
    assert office.count(feed_outbox) == 0


def _add_and_fail(office: Office) -> None:
    with office.store.write() as connection:
        connection.execute(insert(feed_outbox).values(audience="all", kind=1, record_id=b"i" * 16, data=b"x"))
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))
