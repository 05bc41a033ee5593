"""Enrolling a branch: one-use tokens, and the certificates they are traded for."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, select, update

from hq_server.operations.authority import Authority
from hq_server.operations.founding import read_chain
from hq_server.storage.branches import branch_by_code, branch_by_id, read_cursor
from hq_server.storage.lives import expect_replacement
from hq_server.storage.tables import certificate, enrolment_token
from shared.certificates import key_to_der, new_key, public_key_hash, read_request
from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS
from shared.domain.identifiers import NIL_ID
from shared.errors import Refused, TokenRefused
from shared.wire.enrolment import EnrolReply, EnrolRequest, Token, encode_token

_AGAIN = "Ask the head office for a new one: filial-hq branch token CODE"


def issue_token(
    connection: Connection, authority: Authority, ids: Ids, code: str, now_us: int, valid_hours: int
) -> str:
    """A new one-use token for a branch, as text. Raises NotFound, Refused when the branch was revoked."""
    row = branch_by_code(connection, code)
    if row.revoked_at_us is not None:
        raise Refused(f"Branch {code} was revoked.", "Add a branch with another code.")
    secret = ids.new_salt() + ids.new_salt()
    bootstrap_key = new_key()
    bootstrap = authority.issue_bootstrap(bootstrap_key.public_key())
    connection.execute(
        enrolment_token.insert().values(
            secret_hash=_hash(secret),
            branch_id=row.id,
            created_at=now_us,
            expires_at=now_us + valid_hours * 3_600 * MICROSECONDS,
        )
    )
    connection.execute(
        certificate.insert().values(serial=bootstrap.serial, branch_id=row.id, purpose="bootstrap", issued_at=now_us)
    )
    return encode_token(Token(secret, authority.der, bootstrap.certificate, key_to_der(bootstrap_key)))


def enrol(connection: Connection, authority: Authority, request: EnrolRequest, now_us: int) -> EnrolReply:
    """Trades a token for a certificate. The same token with the same key gets the same certificate again.

    Raises TokenRefused when the token is unknown, used with another key, or expired; InvalidInput for a bad request.
    """
    key = read_request(request.certificate_request)
    row = connection.execute(
        select(enrolment_token).where(enrolment_token.c.secret_hash == _hash(request.secret)).with_for_update()
    ).one_or_none()
    if row is None:
        raise TokenRefused("The enrolment token is not known.", _AGAIN)
    if row.used_at is not None:
        if row.public_key_hash != public_key_hash(key):
            raise TokenRefused("The enrolment token was used already.", _AGAIN)
        return _reply(connection, row, row.certificate)
    if row.expires_at <= now_us:
        raise TokenRefused("The enrolment token has expired.", _AGAIN)
    owner = branch_by_id(connection, row.branch_id)
    if request.replace:
        expect_replacement(connection, owner.id)
    elif read_cursor(connection, owner.id).incarnation != NIL_ID:
        raise TokenRefused(
            f"Branch {owner.code} has synchronised before, from a store that this one would stand beside.",
            "If that store is lost, enrol with --replace: its history comes back. Otherwise restore a backup of it.",
        )
    issued = authority.issue_branch(key, row.branch_id, owner.code)
    # A branch has one certificate at a time: whoever held the old one has been replaced.
    connection.execute(
        update(certificate)
        .where(
            certificate.c.branch_id == row.branch_id,
            certificate.c.purpose == "branch",
            certificate.c.revoked_at.is_(None),
        )
        .values(revoked_at=now_us)
    )
    connection.execute(
        certificate.insert().values(serial=issued.serial, branch_id=row.branch_id, purpose="branch", issued_at=now_us)
    )
    connection.execute(
        update(enrolment_token)
        .where(enrolment_token.c.secret_hash == row.secret_hash)
        .values(used_at=now_us, public_key_hash=public_key_hash(key), certificate=issued.certificate)
    )
    return _reply(connection, row, issued.certificate)


def _reply(connection: Connection, row: Any, der: bytes) -> EnrolReply:
    owner = branch_by_id(connection, row.branch_id)
    if owner.revoked_at_us is not None:
        raise TokenRefused("The branch was revoked.", _AGAIN)
    founded = read_chain(connection)
    return EnrolReply(
        certificate=der,
        chain_id=founded.chain_id,
        chain_name=founded.name,
        branch_id=owner.id,
        branch_code=owner.code,
        branch_name=owner.name,
        timezone=owner.timezone,
        currency=founded.currency,
        price_zone=owner.price_zone,
    )


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(b"filial/token/1\0" + secret).digest()
