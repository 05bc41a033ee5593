"""Sessions: a random token with the browser, its hash in the store, and what it was opened with.

Who the session belongs to and what that one may do is looked up at every request, never kept in it. Contains no
passwords and no permissions.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS
from shared.storage.cursor_reading import Reader
from shared.storage.session_tables import session

TOKEN_BYTES = 32
TOUCHED_EVERY_SECONDS = 30
"""A session in use is written to no more often than this."""

SESSIONS_PER_EMPLOYEE_MAX = 20
"""Of one employee at once; the one that was used longest ago ends."""


class Method(StrEnum):
    """How a session was opened."""

    PASSWORD = "password"  # noqa: S105 - the word, not one
    PIN = "pin"


class IdleLimits(NamedTuple):
    """After how long without a request a session ends."""

    password_seconds: int
    pin_seconds: int

    def of(self, method: Method) -> int:
        return self.pin_seconds if method is Method.PIN else self.password_seconds


class Session(NamedTuple):
    """A session that has not been idle for too long."""

    session_id: bytes
    token_hash: bytes
    employee_id: bytes
    method: Method
    proof: bytes
    pairing_id: bytes | None
    created_at_us: int
    last_used_at_us: int


def new_token(ids: Ids) -> str:
    """43 characters that fit into a URL and a cookie: 32 unpredictable bytes."""
    return base64.urlsafe_b64encode(ids.new_salt() + ids.new_salt()).rstrip(b"=").decode()


def hash_token(purpose: str, token: str) -> bytes:
    """What the store keeps of a token. Anything that is none hashes to what no token does."""
    try:
        secret = base64.b64decode(token.encode("ascii") + b"=", altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        secret = b""
    if len(secret) != TOKEN_BYTES:
        return b""
    return hashlib.sha256(f"filial/{purpose}/1\0".encode() + secret).digest()


def proof_of(stored: str) -> bytes:
    """What a session remembers of the stored password or PIN."""
    return hashlib.sha256(b"filial/proof/1\0" + stored.encode()).digest()


def open_session(
    connection: Connection,
    ids: Ids,
    now_us: int,
    employee_id: bytes,
    method: Method,
    stored: str,
    pairing_id: bytes | None = None,
) -> str:
    """Opens a session and returns its token. `stored` is the hash that was verified."""
    own = (
        select(session.c.token_hash)
        .where(session.c.employee_id == employee_id)
        .order_by(session.c.last_used_at.desc(), session.c.token_hash)
        .offset(SESSIONS_PER_EMPLOYEE_MAX - 1)
    )
    for token_hash in connection.execute(own).scalars().all():
        end_session(connection, token_hash)
    token = new_token(ids)
    connection.execute(
        session.insert().values(
            token_hash=hash_token("session", token),
            id=ids.new_id(),
            employee_id=employee_id,
            method=method.value,
            proof=proof_of(stored),
            pairing_id=pairing_id,
            created_at=now_us,
            last_used_at=now_us,
        )
    )
    return token


# Built once: every request of a page asks.
_SESSION = select(session).where(session.c.token_hash == bindparam("token_hash"))


def find_session(reader: Reader, token: str, idle: IdleLimits, now_us: int) -> Session | None:
    """The token's session, unless it was idle for too long."""
    row = reader.execute(_SESSION, {"token_hash": hash_token("session", token)}).one_or_none()
    if row is None:
        return None
    found = Session(
        row.id,
        row.token_hash,
        row.employee_id,
        Method(row.method),
        row.proof,
        row.pairing_id,
        row.created_at,
        row.last_used_at,
    )
    is_idle = now_us - found.last_used_at_us >= idle.of(found.method) * MICROSECONDS
    return None if is_idle else found


def is_touch_due(found: Session, now_us: int) -> bool:
    """Whether the session's last use is to be written down."""
    return now_us - found.last_used_at_us >= TOUCHED_EVERY_SECONDS * MICROSECONDS


def touch_session(connection: Connection, found: Session, now_us: int) -> None:
    """The session was used now."""
    this = session.c.token_hash == found.token_hash
    connection.execute(update(session).where(this).values(last_used_at=now_us))


def end_session(connection: Connection, token_hash: bytes) -> None:
    """Ends a session."""
    connection.execute(delete(session).where(session.c.token_hash == token_hash))


def end_sessions_of_pairing(connection: Connection, pairing_id: bytes) -> None:
    """Ends what was opened on a paired browser."""
    connection.execute(delete(session).where(session.c.pairing_id == pairing_id))


def end_sessions_of_employee(connection: Connection, employee_id: bytes) -> None:
    """Ends whatever is open of somebody."""
    connection.execute(delete(session).where(session.c.employee_id == employee_id))


def end_all_sessions(connection: Connection) -> None:
    """Ends every session: a restored backup must not bring one back."""
    connection.execute(delete(session))


def end_idle_sessions(connection: Connection, idle: IdleLimits, now_us: int) -> None:
    """Forgets those that were idle for too long."""
    for method in Method:
        before_us = now_us - idle.of(method) * MICROSECONDS
        connection.execute(delete(session).where(session.c.method == method.value, session.c.last_used_at <= before_us))
