"""The head office on PostgreSQL: its connections, and errors in our words."""

from __future__ import annotations

import logging
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError

from hq_server.storage.postgresql_bulk import PostgresqlBulkWriter
from shared.errors import StoreBusy, StoreError, StoreFull

CONNECTIONS_MAX = 20
LOCK_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_SECONDS = 10

# Where persons' data lies, and where entries and the feed speak of them.
_TABLES_OF_PERSONS = (
    "journal_entry",
    "central_commit",
    "feed",
    "feed_outbox",
    "proposal",
    "parked_entry",
    "client_reference",
    "client",
    "card",
    "card_edit",
    "conflict",
    "task",
    "attachment",
    "mail",
    "interaction",
    "interaction_point",
    "client_transfer",
    "neighbour_fact",
    "sale",
    "refund",
    "audit_entry",
    "cash_movement",
    "stock_movement",
    "receipt_void",
    "loyalty_entry",
)

# psycopg warns of a pipeline that an error ended; the error itself is raised, and said in our words.
logging.getLogger("psycopg").setLevel(logging.ERROR)


class PostgresqlHqStore:
    """See hq_server.storage.store.HqStore."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.bulk = PostgresqlBulkWriter()
        scheme, _, rest = url.partition("://")
        assert scheme
        self.engine = create_engine(
            f"postgresql+psycopg://{rest}",
            pool_size=CONNECTIONS_MAX // 2,
            max_overflow=CONNECTIONS_MAX - CONNECTIONS_MAX // 2,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC",
            },
        )
        event.listen(self.engine, "checkout", _require_silent)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _our_errors(), self.engine.connect() as connection:
            snapshot = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with snapshot.begin():
                yield snapshot

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with _our_errors(), self.engine.begin() as connection:
            yield connection

    def scour(self, thoroughly: bool = False) -> bool:
        """VACUUM makes the room of deleted rows free; `thoroughly`, VACUUM FULL writes the tables anew without them."""
        command = "VACUUM (FULL)" if thoroughly else "VACUUM"
        with _our_errors(), self.engine.connect() as connection:
            outside = connection.execution_options(isolation_level="AUTOCOMMIT")
            for name in _TABLES_OF_PERSONS:
                outside.exec_driver_sql(f"{command} {name}")
            outside.exec_driver_sql("CHECKPOINT" if thoroughly else "SELECT 1")
        return True

    def close(self) -> None:
        self.engine.dispose()


def _require_silent(connection: Any, *_: object) -> None:
    """After a restart of PostgreSQL the first branch must not pay for a dead connection: whatever PostgreSQL says on
    an idle one is its farewell. To listen costs no round trip, as a ping would."""
    if connection.closed:
        raise DisconnectionError
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _translate(error) from error


def _translate(error: DBAPIError) -> StoreError:
    cause = error.orig
    if isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return StoreBusy("PostgreSQL could not order two transactions.", "Try again.")
    if isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
        return StoreBusy(f"PostgreSQL gave no lock within {LOCK_TIMEOUT_MS // 1_000} seconds.", "Try again.")
    if isinstance(cause, psycopg.errors.DiskFull):
        return StoreFull("PostgreSQL's disk is full.", "Free some space; nothing was recorded by half.")
    reason = " ".join(str(cause).split())[:200]
    if isinstance(error, OperationalError):
        return StoreError(f"PostgreSQL does not answer: {reason}", "Check that it runs and that the URL is right.")
    return StoreError(f"PostgreSQL refused: {reason}")
