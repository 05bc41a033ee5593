"""Pairing browsers with registers: a manager makes a code, the browser trades it for a token that it keeps.

A PIN is short, so it counts only where a browser holds such a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from branch_node.storage.store import BranchStore
from branch_node.storage.tables import pairing
from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS
from shared.domain.identifiers import is_id, parse_id, require_code, shorten
from shared.domain.permissions import Actor, Permission, require
from shared.errors import NotFound, Refused, TokenRefused
from shared.operations.sessions import end_sessions_of_pairing, hash_token, new_token
from shared.storage.cursor_reading import Reader

CODE_CHARACTERS = 8
CODE_VALID_SECONDS = 600
PAIRINGS_MAX = 200
LABEL_CHARACTERS_MAX = 200

# 32 characters that nobody mistakes for one another.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_AGAIN = "Make a new one: filial-branch register pair CODE"


class PairingCode(NamedTuple):
    """A code that a browser may trade once, until it expires."""

    code: str
    register: str
    expires_at_us: int


class Pairing(NamedTuple):
    """A browser of a register. `label` is what it said it is."""

    pairing_id: bytes
    register: str
    label: str
    created_at_us: int
    paired_at_us: int


class Paired(NamedTuple):
    """What a browser gets for its code; the token is nowhere else."""

    token: str
    register: str
    pairing_id: bytes


def make_pairing_code(store: BranchStore, actor: Actor, register: str) -> PairingCode:
    """A code for one browser of a register. Raises NotPermitted, InvalidInput, Refused when there are too many."""
    require(actor, Permission.REGISTER_PAIR)
    require_code(register, "The register's code")
    now_us = store.clock.now_us()
    made = PairingCode(_new_code(store.ids), register, now_us + CODE_VALID_SECONDS * MICROSECONDS)
    with store.write() as connection:
        connection.execute(delete(pairing).where(pairing.c.paired_at.is_(None), pairing.c.code_expires_at <= now_us))
        living = select(func.count()).select_from(pairing).where(pairing.c.revoked_at.is_(None))
        if connection.execute(living).scalar_one() >= PAIRINGS_MAX:
            raise Refused(
                f"{PAIRINGS_MAX} browsers are paired already.", "Revoke some: filial-branch register list, revoke"
            )
        connection.execute(
            pairing.insert().values(
                id=store.ids.new_id(),
                register=register,
                code_hash=_hash_code(made.code),
                code_expires_at=made.expires_at_us,
                created_by=actor.employee_id,
                created_at=now_us,
            )
        )
    return made


def pair_browser(store: BranchStore, code: str, label: str = "") -> Paired:
    """Trades a code for the browser's token. Raises TokenRefused when it is unknown, used or expired."""
    now_us = store.clock.now_us()
    token = new_token(store.ids)
    with store.write() as connection:
        waiting = select(pairing.c.id, pairing.c.register).where(
            pairing.c.code_hash == _hash_code(code),
            pairing.c.paired_at.is_(None),
            pairing.c.revoked_at.is_(None),
            pairing.c.code_expires_at > now_us,
        )
        row = connection.execute(waiting).one_or_none()
        if row is None:
            raise TokenRefused("The pairing code is unknown, used or older than ten minutes.", _AGAIN)
        values = {
            "token_hash": hash_token("pairing", token),
            "label": shorten(label, LABEL_CHARACTERS_MAX),
            "paired_at": now_us,
        }
        connection.execute(update(pairing).where(pairing.c.id == row.id).values(values))
    return Paired(token, row.register, row.id)


# Built once: every request of a page asks.
_LIVING = select(pairing).where(pairing.c.paired_at.is_not(None), pairing.c.revoked_at.is_(None))
_BY_TOKEN = _LIVING.where(pairing.c.token_hash == bindparam("key"))
_BY_ID = _LIVING.where(pairing.c.id == bindparam("key"))


def find_pairing(reader: Reader, token: str) -> Pairing | None:
    """The browser that holds the token, unless its pairing was revoked."""
    return _one(reader, _BY_TOKEN, hash_token("pairing", token))


def pairing_by_id(reader: Reader, pairing_id: bytes) -> Pairing | None:
    """The pairing, unless it was revoked."""
    return _one(reader, _BY_ID, pairing_id)


def list_pairings(connection: Connection) -> list[Pairing]:
    """Browsers that are paired, by register."""
    return [_pairing(row) for row in connection.execute(_LIVING.order_by(pairing.c.register, pairing.c.paired_at))]


def revoke_pairings(store: BranchStore, actor: Actor, reference: str) -> Sequence[Pairing]:
    """Takes a browser's token away, or those of all browsers of a register, and ends what was opened on them.

    `reference` is a pairing's id or a register's code. Raises NotPermitted, NotFound.
    """
    require(actor, Permission.REGISTER_PAIR)
    identity = parse_id(reference) if is_id(reference) else None
    with store.write() as connection:
        found = [
            each for each in list_pairings(connection) if identity == each.pairing_id or reference == each.register
        ]
        if not found:
            raise NotFound(
                f"No browser is paired as “{shorten(reference)}”.", "Name a register, or an id of: register list"
            )
        for each in found:
            gone = {"revoked_at": store.clock.now_us(), "token_hash": None}
            connection.execute(update(pairing).where(pairing.c.id == each.pairing_id).values(gone))
            end_sessions_of_pairing(connection, each.pairing_id)
    return found


def forget_pairings(connection: Connection) -> None:
    """Forgets every browser: a restored backup must not bring back one that was revoked."""
    connection.execute(delete(pairing))


def _one(reader: Reader, statement: Any, key: bytes) -> Pairing | None:
    row = reader.execute(statement, {"key": key}).one_or_none()
    return None if row is None else _pairing(row)


def _pairing(row: Any) -> Pairing:
    return Pairing(row.id, row.register, row.label or "", row.created_at, row.paired_at)


def _new_code(ids: Ids) -> str:
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in ids.new_salt()[:CODE_CHARACTERS])


def _hash_code(code: str) -> bytes:
    plain = "".join(character for character in code.upper() if character.isalnum())
    return hashlib.sha256(b"filial/pairing-code/1\0" + plain.encode("utf-8", "surrogatepass")).digest()
