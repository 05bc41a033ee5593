"""Logging in at a branch, offline: by password, by PIN on a paired register; a manager's override for one operation.

Whoever is logged in is looked up at every request, so that a dismissal, a position that ended, a password that was
changed or a browser that is paired no more ends the session there and then.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from sqlalchemy import Connection

from branch_node.operations.credentials import standing_credential
from branch_node.operations.pairing import Pairing, find_pairing, pairing_by_id
from branch_node.operations.pins import find_pin, load_pepper
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import Node, read_node
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.domain.permissions import Actor, Permission, limited, require
from shared.errors import LogInRefused, StoreBusy
from shared.operations.lockout import EMPLOYEE, PAIRING, Scope, begin_attempt, forgive
from shared.operations.passwords import PASSWORD_COST, PIN_COST, HashCost, verify_password, verify_pin
from shared.operations.people import Credential, actor_on, day_in_zone, employee_id, find_employee
from shared.operations.sessions import (
    IdleLimits,
    Method,
    Session,
    end_idle_sessions,
    end_session,
    find_session,
    hash_token,
    is_touch_due,
    open_session,
    proof_of,
    touch_session,
)
from shared.storage.cursor_reading import CursorReader, Reader


class _Unread(Enum):
    """What was not looked up before."""

    YET = 1


class LoggedIn(NamedTuple):
    """A new session: its token is for the browser alone."""

    token: str
    actor: Actor


def log_in(
    store: BranchStore, settings: Settings, code: str, password: str, cost: HashCost = PASSWORD_COST
) -> LoggedIn:
    """Opens a session. Raises LogInRefused, LockedOut.

    It takes as long, and says the same, whether the code does not exist, the password is wrong or the employee does not
    work here; `cost` is that of passwords that are not there.
    """
    identity = _identity(store, code)
    scope = Scope(EMPLOYEE, identity)
    with store.write() as connection:
        begin_attempt(connection, [scope], store.clock.now_us())
    with store.read() as connection:
        known = standing_credential(connection, identity)
    stored = known.password_hash if known else None
    is_right = verify_password(password, stored, cost)
    now_us = store.clock.now_us()
    with store.write() as connection:
        reader = _reader(connection)
        actor = _actor(reader, read_node(reader.cursor)[0], settings, identity, now_us)
        # Read again: while it was looked at, the credential may have gone or changed.
        if not is_right or stored is None or actor is None or _stored(connection, identity, Method.PASSWORD) != stored:
            raise _refused()
        forgive(connection, scope)
        end_idle_sessions(connection, idle_limits(settings), now_us)
        token = open_session(connection, store.ids, now_us, identity, Method.PASSWORD, stored)
    return LoggedIn(token, actor)


def log_in_by_pin(
    store: BranchStore, settings: Settings, pairing_token: str, code: str, pin: str, cost: HashCost = PIN_COST
) -> LoggedIn:
    """Opens a session on a paired register. Raises LogInRefused, LockedOut."""
    paired, identity, stored = _verify_pin(store, settings, pairing_token, code, pin, cost)
    now_us = store.clock.now_us()
    with store.write() as connection:
        actor = _require_pin_holder(connection, settings, paired, identity, stored, now_us)
        end_idle_sessions(connection, idle_limits(settings), now_us)
        token = open_session(connection, store.ids, now_us, identity, Method.PIN, stored, paired.pairing_id)
    return LoggedIn(token, actor)


def override(
    store: BranchStore,
    settings: Settings,
    pairing_token: str,
    permission: Permission,
    code: str,
    pin: str,
    cost: HashCost = PIN_COST,
) -> Actor:
    """The manager who allows one operation on a paired register; nobody is logged in or out by it.

    Raises LogInRefused, LockedOut, NotPermitted when he may not give overrides or lacks the permission himself.
    """
    paired, identity, stored = _verify_pin(store, settings, pairing_token, code, pin, cost)
    with store.write() as connection:
        actor = _require_pin_holder(connection, settings, paired, identity, stored, store.clock.now_us())
    require(actor, Permission.OVERRIDE_GIVE)
    require(actor, permission)
    return actor


def current_actor(store: BranchStore, settings: Settings, token: str, is_use: bool = True) -> Actor | None:
    """Who is logged in with that token, and may do what now; None when nobody is.

    A page that asks by itself is no use of the session (`is_use`): left open, it does not keep it from ending.
    """
    now_us = store.clock.now_us()
    with store.read_cursor() as cursor:
        reader = CursorReader(cursor)
        found = find_session(reader, token, idle_limits(settings), now_us)
        if found is None:
            return None
        node = store.screen_nodes.read(cursor)[0]
        actor = _holder(reader, node, settings, found, now_us)
    if actor is None:
        with store.write() as connection:
            end_session(connection, found.token_hash)
    elif is_use and is_touch_due(found, now_us):
        # That others write for long is no reason to turn a cashier away.
        with contextlib.suppress(StoreBusy), store.write(waits_for_disk=False) as connection:
            touch_session(connection, found, now_us)
    return actor


def log_out(store: BranchStore, token: str) -> None:
    """Ends the session, if there is one."""
    with store.write() as connection:
        end_session(connection, hash_token("session", token))


def idle_limits(settings: Settings) -> IdleLimits:
    """After how long without use sessions end here."""
    return IdleLimits(settings.session_idle_minutes * 60, settings.pin_session_idle_minutes * 60)


def limited_since(reader: CursorReader, unheard_days: int, now_us: int) -> int | None:
    """Since when the branch has been unheard for too long, microseconds; None while it is heard.

    A store that never heard of the head office counts from when it was made.
    """
    heard = "SELECT COALESCE((SELECT last_sync_at FROM sync_state), (SELECT MIN(created_at) FROM incarnation), 0)"
    last_us: int = reader.cursor.execute(heard).fetchone()[0]
    since_us = last_us + unheard_days * SECONDS_PER_DAY * MICROSECONDS
    return since_us if now_us >= since_us else None


def _verify_pin(
    store: BranchStore, settings: Settings, pairing_token: str, code: str, pin: str, cost: HashCost
) -> tuple[Pairing, bytes, str]:
    """The browser, the employee and the stored PIN that was given rightly. Raises LogInRefused, LockedOut."""
    pepper = load_pepper(settings.pepper_path, store.ids)
    identity = _identity(store, code)
    with store.write() as connection:
        paired = find_pairing(connection, pairing_token)
        if paired is None:
            raise LogInRefused(
                "This browser is not paired with a register.",
                "Log in with the password, or let a manager pair it: filial-branch register pair CODE",
            )
        begin_attempt(connection, _scopes(paired, identity), store.clock.now_us())
    with store.read() as connection:
        stored = find_pin(connection, identity)
    if not verify_pin(pin, pepper, stored, cost) or stored is None:
        raise _pin_refused()
    return paired, identity, stored


def _require_pin_holder(
    connection: Connection, settings: Settings, paired: Pairing, identity: bytes, stored: str, now_us: int
) -> Actor:
    """The attempt has succeeded, unless meanwhile something changed. Raises LogInRefused."""
    reader = _reader(connection)
    actor = _actor(reader, read_node(reader.cursor)[0], settings, identity, now_us)
    is_paired = pairing_by_id(connection, paired.pairing_id) is not None
    if actor is None or not is_paired or find_pin(connection, identity) != stored:
        raise _pin_refused()
    employee, *others = _scopes(paired, identity)
    forgive(connection, employee, others)
    return replace(actor, register=paired.register)


def _scopes(paired: Pairing, identity: bytes) -> list[Scope]:
    return [Scope(EMPLOYEE, identity), Scope(PAIRING, paired.pairing_id)]


def _reader(connection: Connection) -> CursorReader:
    """Reads within the connection's own transaction."""
    return CursorReader(connection.connection.cursor())


def _holder(reader: CursorReader, node: Node, settings: Settings, found: Session, now_us: int) -> Actor | None:
    """Whose session it is; None when it is nobody's any more."""
    known = standing_credential(reader, found.employee_id)
    stored = find_pin(reader, found.employee_id) if found.method is Method.PIN else known and known.password_hash
    if stored is None or proof_of(stored) != found.proof:
        return None
    register = None
    if found.pairing_id is not None:
        paired = pairing_by_id(reader, found.pairing_id)
        if paired is None:
            return None
        register = paired.register
    actor = _actor(reader, node, settings, found.employee_id, now_us, known)
    return None if actor is None else replace(actor, register=register, session_id=found.session_id)


def _actor(
    reader: CursorReader,
    node: Node,
    settings: Settings,
    identity: bytes,
    now_us: int,
    known: Credential | _Unread | None = _Unread.YET,
) -> Actor | None:
    """Who an employee is here and now; None without access. `known` is the standing credential where it was read."""
    person = find_employee(reader, identity)
    if person is None:
        return None
    actor = actor_on(reader, person, day_in_zone(now_us, node.timezone), node.code)
    if actor is None:
        return None
    if known is _Unread.YET:
        known = standing_credential(reader, identity)
    actor = replace(actor, must_change_password=known is not None and known.must_change)
    return limited(actor, limited_since(reader, settings.unheard_days, now_us))


def _stored(reader: Reader, identity: bytes, method: Method) -> str | None:
    if method is Method.PIN:
        return find_pin(reader, identity)
    known = standing_credential(reader, identity)
    return known.password_hash if known else None


def _identity(store: BranchStore, code: str) -> bytes:
    """The id that an employee with this code has, whether there is one or not."""
    return employee_id(store.node()[0].chain_id, code.strip())


def _refused() -> LogInRefused:
    return LogInRefused(
        "Code and password do not belong together.",
        "Check both; the head office gives new passwords, a manager new PINs.",
    )


def _pin_refused() -> LogInRefused:
    return LogInRefused(
        "Code and PIN do not belong together.",
        "Check both; the head office gives new passwords, a manager new PINs.",
    )
