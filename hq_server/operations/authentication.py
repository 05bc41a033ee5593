"""Logging in at the head office, by password alone. Who is logged in is looked up at every request."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from hq_server.operations.founding import read_chain
from hq_server.operations.people import make_password_hash, set_own_password
from hq_server.settings import Settings
from hq_server.storage.feed import number_feed
from hq_server.storage.store import HqStore
from shared.clock import Clock, Ids
from shared.domain.permissions import Actor
from shared.errors import InvalidInput, LogInRefused, StoreBusy
from shared.operations.lockout import EMPLOYEE, Scope, begin_attempt, forgive
from shared.operations.passwords import PASSWORD_COST, HashCost, verify_password
from shared.operations.people import actor_on, day_in_zone, employee_id, find_credential, find_employee
from shared.operations.sessions import (
    IdleLimits,
    Method,
    end_idle_sessions,
    end_session,
    find_session,
    hash_token,
    is_touch_due,
    open_session,
    proof_of,
    touch_session,
)


class LoggedIn(NamedTuple):
    """A new session: its token is for the browser alone."""

    token: str
    actor: Actor


def log_in(
    store: HqStore,
    settings: Settings,
    clock: Clock,
    ids: Ids,
    code: str,
    password: str,
    cost: HashCost = PASSWORD_COST,
) -> LoggedIn:
    """Opens a session. Raises LogInRefused, LockedOut; it takes as long whether the code exists or not."""
    with store.read() as connection:
        identity = employee_id(read_chain(connection).chain_id, code.strip())
    scope = Scope(EMPLOYEE, identity)
    with store.write() as connection:
        begin_attempt(connection, [scope], clock.now_us())
    with store.read() as connection:
        known = find_credential(connection, identity)
    is_right = verify_password(password, known.password_hash if known else None, cost)
    now_us = clock.now_us()
    with store.write() as connection:
        actor = _actor(connection, identity, now_us)
        # Read again: while it was looked at, the password may have been changed.
        if not is_right or known is None or actor is None or find_credential(connection, identity) != known:
            raise LogInRefused("Code and password do not belong together.", "Check both, or ask for a new password.")
        forgive(connection, scope)
        end_idle_sessions(connection, idle_limits(settings), now_us)
        token = open_session(connection, ids, now_us, identity, Method.PASSWORD, known.password_hash)
    return LoggedIn(token, actor)


def current_actor(store: HqStore, settings: Settings, clock: Clock, token: str) -> Actor | None:
    """Who is logged in with that token, and may do what now; None when nobody is."""
    now_us = clock.now_us()
    with store.read() as connection:
        found = find_session(connection, token, idle_limits(settings), now_us)
        if found is None:
            return None
        known = find_credential(connection, found.employee_id)
        is_proven = known is not None and proof_of(known.password_hash) == found.proof
        actor = _actor(connection, found.employee_id, now_us) if is_proven else None
    if actor is None:
        with store.write() as connection:
            end_session(connection, found.token_hash)
        return None
    if is_touch_due(found, now_us):
        with contextlib.suppress(StoreBusy), store.write() as connection:
            touch_session(connection, found, now_us)
    return replace(actor, session_id=found.session_id)


def change_password(
    store: HqStore,
    settings: Settings,
    clock: Clock,
    ids: Ids,
    actor: Actor,
    old: str,
    new: str,
    cost: HashCost = PASSWORD_COST,
) -> LoggedIn:
    """Gives somebody another password, who knows the old one; the other sessions end, and a new one is opened.

    Guesses at the old one count as attempts to log in. Raises InvalidInput, LogInRefused, LockedOut.
    """
    scope = Scope(EMPLOYEE, actor.employee_id)
    with store.write() as connection:
        begin_attempt(connection, [scope], clock.now_us())
    with store.read() as connection:
        known = find_credential(connection, actor.employee_id)
    if known is None or not verify_password(old, known.password_hash, cost):
        raise LogInRefused("That is not your password.", "Type the one that you logged in with.")
    password_hash = make_password_hash(ids, actor.code, new, cost)
    if old == new:
        raise InvalidInput("That is the password that you have.", "Choose another one.")
    now_us = clock.now_us()
    with store.write() as connection:
        forgive(connection, scope)
        set_own_password(connection, ids, now_us, actor, password_hash)
    number_feed(store, now_us)
    return log_in(store, settings, clock, ids, actor.code, new, cost)


def log_out(store: HqStore, token: str) -> None:
    """Ends the session, if there is one."""
    with store.write() as connection:
        end_session(connection, hash_token("session", token))


def idle_limits(settings: Settings) -> IdleLimits:
    """After how long without use sessions end; a PIN opens none here."""
    return IdleLimits(settings.session_idle_minutes * 60, 0)


def _actor(connection: Connection, identity: bytes, now_us: int) -> Actor | None:
    person = find_employee(connection, identity)
    if person is None:
        return None
    actor = actor_on(connection, person, day_in_zone(now_us, read_chain(connection).timezone), None)
    known = find_credential(connection, identity)
    return None if actor is None else replace(actor, must_change_password=known is not None and known.must_change)
