"""Record counters at HQ: kept in the transaction that merges, compared with a branch's in one round trip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from hq_server.storage.tables import record_counter
from shared.storage.fact_rows import Row
from shared.storage.raw_rows import raw_column
from shared.sync.counting import Counter, CounterDeltas, CounterKey


def counter_rows(branch_id: bytes, deltas: CounterDeltas) -> list[Row]:
    """What some facts of a branch count, as sums for `record_counter`."""
    return [(branch_id, kind, day, *counter) for (kind, day), counter in sorted(deltas.counters.items())]


def read_counters(connection: Connection, branch_id: bytes) -> dict[CounterKey, Counter]:
    """All counters of a branch."""
    statement = select(
        record_counter.c.kind,
        record_counter.c.business_date,
        record_counter.c.records,
        record_counter.c.fingerprint,
        record_counter.c.amount_minor,
    ).where(record_counter.c.branch_id == branch_id)
    return {(row[0], row[1]): Counter(*row[2:]) for row in connection.execute(statement)}


def read_raw_counters(connection: Connection, branch_id: bytes) -> dict[tuple[Any, Any], Row]:
    """The same as the database holds them: a date as text, whatever it says."""
    columns = [raw_column(connection, column) for column in list(record_counter.columns)[1:]]
    statement = select(*columns).where(record_counter.c.branch_id == branch_id)
    return {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(statement)}


def replace_counters(connection: Connection, branch_id: bytes, counters: Mapping[CounterKey, Counter]) -> None:
    """Writes a branch's counters anew."""
    connection.execute(record_counter.delete().where(record_counter.c.branch_id == branch_id))
    rows = [
        {"branch_id": branch_id, "kind": kind, "business_date": day, **counter._asdict()}
        for (kind, day), counter in counters.items()
    ]
    if rows:
        connection.execute(record_counter.insert(), rows)
