"""The first administrator: `init` prints a link that works once, for a day; there is no default password."""

from __future__ import annotations

from sqlalchemy import Connection, Select, select, update

from hq_server.operations.people import Personnel, Placement, make_password_hash
from hq_server.storage.tables import first_log_in
from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS
from shared.domain.positions import ALL_BRANCHES
from shared.errors import TokenRefused
from shared.operations.passwords import PASSWORD_COST, HashCost
from shared.operations.sessions import hash_token, new_token

FIRST_LOG_IN_HOURS = 24
ADMINISTRATOR = "administrator"

_AGAIN = f"On the head office's machine: filial-hq employee add CODE --name NAME --role {ADMINISTRATOR} --password -"


def issue_first_log_in(connection: Connection, ids: Ids, now_us: int) -> str:
    """A token that makes one administrator; only its hash stays here."""
    token = new_token(ids)
    connection.execute(
        first_log_in.insert().values(
            token_hash=hash_token("first", token),
            created_at=now_us,
            expires_at=now_us + FIRST_LOG_IN_HOURS * 3_600 * MICROSECONDS,
        )
    )
    return token


def first_log_in_path(token: str) -> str:
    """Where the head office's web page takes the token."""
    return f"/first?token={token}"


def is_first_log_in(connection: Connection, token: str, now_us: int) -> bool:
    """Whether the token would make an administrator now."""
    return connection.execute(_usable(token, now_us)).first() is not None


def require_first_log_in(connection: Connection, token: str, now_us: int) -> None:
    """Raises TokenRefused unless the token would make an administrator now."""
    if not is_first_log_in(connection, token, now_us):
        raise TokenRefused("This link is unknown, used or older than a day.", _AGAIN)


def found_administrator(
    connection: Connection,
    ids: Ids,
    now_us: int,
    token: str,
    code: str,
    name: str,
    password: str,
    cost: HashCost = PASSWORD_COST,
) -> bytes:
    """Makes the first administrator, who works at every branch; returns the id, and uses the token up.

    Raises TokenRefused when it is unknown, used or expired; InvalidInput, AlreadyExists.
    """
    row = connection.execute(_usable(token, now_us).with_for_update()).one_or_none()
    if row is None:
        raise TokenRefused("This link is unknown, used or older than a day.", _AGAIN)
    password_hash = make_password_hash(ids, code, password, cost)
    used = update(first_log_in).where(first_log_in.c.token_hash == row.token_hash).values(used_at=now_us)
    connection.execute(used)
    placement = Placement(ADMINISTRATOR, (ALL_BRANCHES,))
    return Personnel(connection, ids, now_us).hire(code, name, placement, password_hash=password_hash)


def _usable(token: str, now_us: int) -> Select[tuple[bytes]]:
    return select(first_log_in.c.token_hash).where(
        first_log_in.c.token_hash == hash_token("first", token),
        first_log_in.c.used_at.is_(None),
        first_log_in.c.expires_at > now_us,
    )
