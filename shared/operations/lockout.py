"""Lockout: after five failed attempts nobody is let try for a minute, then for two, up to an hour.

An attempt counts as failed before it is looked at and is forgiven once it has succeeded: so neither many attempts at
once nor a process that dies amid one are free. It is kept by what was named, whether that exists or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from shared.domain.business_time import MICROSECONDS
from shared.errors import LockedOut
from shared.storage.card_rows import insert_missing, upsert
from shared.storage.session_tables import log_in_failure

FAILURES_MAX = 5
LOCK_SECONDS_MIN = 60
LOCK_SECONDS_MAX = 3_600
FORGOTTEN_AFTER_SECONDS = 86_400
FAILURE_ROWS_MAX = 10_000
"""Whoever tries ever new codes does not fill the store; the oldest go first."""

EMPLOYEE = "employee"
PAIRING = "pairing"


class Scope(NamedTuple):
    """What failures are counted for: a kind, and the id of what was named."""

    kind: str
    identity: bytes


def begin_attempt(connection: Connection, scopes: Sequence[Scope], now_us: int) -> None:
    """Counts an attempt as failed. Raises LockedOut when one of the scopes is locked; then nothing is counted.

    The caller commits before it looks at the attempt.
    """
    for scope in scopes:
        # The row is there before it is read, so that of two attempts at once neither is overlooked.
        nothing = {
            "scope": scope.kind,
            "id": scope.identity,
            "failures": 0,
            "last_failed_at": now_us,
            "locked_until": 0,
        }
        connection.execute(insert_missing(log_in_failure, connection), nothing)
    rows = {scope: _row(connection, scope) for scope in scopes}
    locked_until_us = max((row.locked_until for row in rows.values() if row is not None), default=0)
    # Of a clock that was set back nobody shall wait for longer than any lock lasts.
    remaining_us = min(locked_until_us - now_us, LOCK_SECONDS_MAX * MICROSECONDS)
    if remaining_us > 0:
        raise LockedOut(int(-(-remaining_us // MICROSECONDS)))
    for scope, row in rows.items():
        is_recent = row is not None and now_us - row.last_failed_at < FORGOTTEN_AFTER_SECONDS * MICROSECONDS
        _write(connection, scope, (row.failures if row is not None and is_recent else 0) + 1, now_us)
    _prune(connection)


def forgive(connection: Connection, employee: Scope, others: Sequence[Scope] = ()) -> None:
    """The attempt succeeded: the employee's failures are forgotten, and taken off what else they were counted for.

    Others' failures on the same register stay: nobody buys guesses at a colleague's PIN with one's own.
    """
    row = _row(connection, employee)
    if row is None:
        return
    connection.execute(delete(log_in_failure).where(*_is(employee)))
    for scope in others:
        known = _row(connection, scope)
        if known is None:
            continue
        left = max(0, known.failures - row.failures)
        values = {"failures": left, "locked_until": known.locked_until if left >= FAILURES_MAX else 0}
        connection.execute(update(log_in_failure).where(*_is(scope)).values(values))


def _write(connection: Connection, scope: Scope, failures: int, now_us: int) -> None:
    row = {
        "scope": scope.kind,
        "id": scope.identity,
        "failures": failures,
        "last_failed_at": now_us,
        "locked_until": now_us + lock_seconds(failures) * MICROSECONDS if failures >= FAILURES_MAX else 0,
    }
    connection.execute(upsert(log_in_failure, connection), row)


def lock_seconds(failures: int) -> int:
    """For how long nobody may try after that many failures."""
    if failures < FAILURES_MAX:
        return 0
    doublings = min(failures - FAILURES_MAX, LOCK_SECONDS_MAX.bit_length())
    return min(LOCK_SECONDS_MIN << doublings, LOCK_SECONDS_MAX)


def _row(connection: Connection, scope: Scope) -> Any:
    return connection.execute(select(log_in_failure).where(*_is(scope)).with_for_update()).one_or_none()


def _is(scope: Scope) -> tuple[Any, Any]:
    return log_in_failure.c.scope == scope.kind, log_in_failure.c.id == scope.identity


def _prune(connection: Connection) -> None:
    count = connection.execute(select(func.count()).select_from(log_in_failure)).scalar_one()
    if count <= FAILURE_ROWS_MAX:
        return
    oldest = select(log_in_failure.c.last_failed_at).order_by(log_in_failure.c.last_failed_at)
    until = connection.execute(oldest.offset(count - FAILURE_ROWS_MAX - 1).limit(1)).scalar_one()
    connection.execute(delete(log_in_failure).where(log_in_failure.c.last_failed_at <= until))
