"""Lockout and sessions as such, on both databases: what is counted, for how long, and that neither grows for ever."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from shared.domain.business_time import MICROSECONDS
from shared.errors import LockedOut
from shared.operations import lockout, sessions
from shared.operations.lockout import EMPLOYEE, PAIRING, Scope, begin_attempt, forgive, lock_seconds
from shared.operations.sessions import IdleLimits, Method, find_session, hash_token, new_token, open_session
from shared.storage.session_tables import log_in_failure, session
from tests.support.clock import START_US
from tests.support.office import Office

ANNA, TILL = Scope(EMPLOYEE, b"a" * 16), Scope(PAIRING, b"t" * 16)
IDLE = IdleLimits(100, 10)


def attempt(office: Office, *scopes: Scope) -> None:
    with office.store.write() as connection:
        begin_attempt(connection, scopes, office.clock.now_us())


def test_a_lock_doubles_from_a_minute_to_an_hour() -> None:
    assert [lock_seconds(failures) for failures in (0, 4, 5, 6, 7, 10, 11, 12, 10**6)] == [
        0,
        0,
        60,
        120,
        240,
        1_920,
        3_600,
        3_600,
        3_600,
    ]


def test_what_failed_long_ago_is_forgotten(office: Office) -> None:
    for _ in range(4):
        attempt(office, ANNA)
    office.clock.advance(86_400)
    for _ in range(5):
        attempt(office, ANNA)
    with pytest.raises(LockedOut):
        attempt(office, ANNA)


def test_a_refused_attempt_makes_no_lock_longer(office: Office) -> None:
    for _ in range(5):
        attempt(office, ANNA)
    for _ in range(20):
        with pytest.raises(LockedOut):
            attempt(office, ANNA)
    office.clock.advance(60)
    attempt(office, ANNA)


def test_a_clock_that_was_set_back_locks_nobody_for_longer_than_an_hour(office: Office) -> None:
    for _ in range(5):
        attempt(office, ANNA)
    office.clock.set(START_US - 10**6 * MICROSECONDS)
    with pytest.raises(LockedOut) as locked:
        attempt(office, ANNA)
    assert locked.value.seconds == 3_600


def test_of_two_scopes_each_locks_by_itself(office: Office) -> None:
    for letter in (b"b", b"c", b"d", b"e", b"f"):
        attempt(office, Scope(EMPLOYEE, letter * 16), TILL)
    with pytest.raises(LockedOut):
        attempt(office, ANNA, TILL)
    attempt(office, ANNA)


def test_success_takes_ones_own_failures_off_and_no_others(office: Office) -> None:
    victim = Scope(EMPLOYEE, b"v" * 16)
    for _ in range(3):
        attempt(office, victim, TILL)
    attempt(office, ANNA, TILL)
    attempt(office, ANNA, TILL)
    with office.store.write() as connection:
        forgive(connection, ANNA, [TILL])
    rows = dict(office.rows(select(log_in_failure.c.scope, log_in_failure.c.failures)))
    assert rows == {EMPLOYEE: 3, PAIRING: 3}


def test_ever_new_names_do_not_fill_the_store(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "FAILURE_ROWS_MAX", 10)
    for number in range(30):
        office.clock.advance(1)
        attempt(office, Scope(EMPLOYEE, b"%016d" % number))
    assert office.count(log_in_failure) == 10
    kept = [row.id for row in office.rows(select(log_in_failure.c.id))]
    assert sorted(kept) == [b"%016d" % number for number in range(20, 30)]


def test_a_token_is_unguessable_and_only_its_hash_is_known(office: Office) -> None:
    token = new_token(office.ids)
    assert len(token) == 43
    assert hash_token("session", token) != hash_token("pairing", token)
    for other in ("", "x", token[:-1], f"{token}=", f" {token}", "ё" * 43, "\ud800"):
        assert hash_token("session", other) == b"", other


def opened(office: Office, method: Method = Method.PASSWORD, who: bytes = b"a" * 16) -> str:
    with office.store.write() as connection:
        return open_session(connection, office.ids, office.clock.now_us(), who, method, "stored")


def test_a_session_ends_by_idleness_of_its_own_kind(office: Office) -> None:
    by_password, by_pin = opened(office), opened(office, Method.PIN)
    office.clock.advance(10)
    with office.store.write() as connection:
        now_us = office.clock.now_us()
        assert find_session(connection, by_password, IDLE, now_us) is not None
        assert find_session(connection, by_pin, IDLE, now_us) is None
        sessions.end_idle_sessions(connection, IDLE, now_us)
    assert office.count(session) == 1


def test_of_too_many_sessions_of_one_employee_the_longest_unused_ends(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_PER_EMPLOYEE_MAX", 3)
    other = opened(office, who=b"b" * 16)
    tokens = []
    for _ in range(5):
        office.clock.advance(1)
        tokens.append(opened(office))
    with office.store.read() as connection:
        now_us = office.clock.now_us()
        living = [find_session(connection, token, IDLE, now_us) is not None for token in (other, *tokens)]
    assert living == [True, False, False, True, True, True]


def test_a_touch_moves_the_end(office: Office) -> None:
    token = opened(office)
    office.clock.advance(99)
    with office.store.write() as connection:
        found = find_session(connection, token, IDLE, office.clock.now_us())
        assert found is not None
        assert sessions.is_touch_due(found, office.clock.now_us())
        sessions.touch_session(connection, found, office.clock.now_us())
    office.clock.advance(99)
    with office.store.write() as connection:
        found = find_session(connection, token, IDLE, office.clock.now_us())
        assert found is not None
        sessions.end_all_sessions(connection)
    assert office.count(session) == 0


def test_of_many_attempts_at_once_only_five_are_looked_at(office: Office) -> None:
    outcomes: list[str] = []

    def try_once() -> None:
        try:
            attempt(office, ANNA)
        except LockedOut:
            outcomes.append("locked")
        else:
            outcomes.append("looked at")

    threads = [threading.Thread(target=try_once) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["locked"] * 7 + ["looked at"] * 5
