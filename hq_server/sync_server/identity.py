"""Who is calling: the peer's certificate, held against HQ's table of serials at every call."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography import x509
from sqlalchemy import Connection, bindparam, select

from hq_server.storage.questions import Question
from hq_server.storage.tables import branch, certificate
from shared.certificates import ENROL_URI, branch_of_uri, uris_of
from shared.errors import FilialError, NotAuthorised
from shared.storage.dialect_functions import over_lists


class Peer(NamedTuple):
    """A certificate that our authority signed. `branch_id` is None for one that may only enrol."""

    serial: str
    branch_id: bytes | None
    may_enrol: bool


def peer_of(context: Any) -> Peer:
    """The caller. TLS has checked the signature; whether the certificate still counts, `require_branch` asks."""
    certificates = context.auth_context().get("x509_pem_cert") or ()
    if not certificates:
        raise NotAuthorised("No certificate was presented.")
    return _read(bytes(certificates[0]))


@lru_cache(maxsize=4_096)
def _read(pem: bytes) -> Peer:
    read = x509.load_pem_x509_certificate(pem)
    uris = uris_of(read)
    branch_ids = [branch_id for uri in uris if (branch_id := branch_of_uri(uri)) is not None]
    return Peer(f"{read.serial_number:x}", branch_ids[0] if branch_ids else None, ENROL_URI in uris)


# Built once: every message asks, and to build a statement takes as long as to run it.
_HOLDER = (
    select(certificate.c.branch_id, certificate.c.purpose, certificate.c.revoked_at, branch.c.revoked_at)
    .join(branch, branch.c.id == certificate.c.branch_id)
    .where(certificate.c.serial == bindparam("serial"))
)
_holders = over_lists(
    lambda among: (
        select(
            certificate.c.serial,
            certificate.c.branch_id,
            certificate.c.purpose,
            certificate.c.revoked_at,
            branch.c.revoked_at.label("branch_revoked_at"),
        )
        .join(branch, branch.c.id == certificate.c.branch_id)
        .where(among(certificate.c.serial, "serials"))
    )
)


def require_branch(connection: Connection, peer: Peer) -> bytes:
    """The branch that this certificate speaks for. Raises NotAuthorised when it is of another kind, or revoked."""
    row = connection.execute(_HOLDER, {"serial": peer.serial}).one_or_none()
    return _require_holder(peer, row)


def _require_holder(peer: Peer, row: Any) -> bytes:
    if peer.branch_id is None:
        raise NotAuthorised("This certificate may only enrol a branch.")
    if row is None or row[0] != peer.branch_id or row[1] != "branch":
        raise NotAuthorised("This certificate is not one that this head office knows.", "Enrol the branch anew.")
    if row[2] is not None or row[3] is not None:
        raise NotAuthorised("This branch's certificate was revoked.", "Ask the head office for a new enrolment.")
    return peer.branch_id


def strangers_among(peers: Iterable[Peer]) -> Question[dict[bytes, FilialError]]:
    """Of several callers those that may not speak for the branch that they name, with the reason."""
    callers = set(peers)

    def read(rows: Iterable[Any]) -> dict[bytes, FilialError]:
        holders = {row[0]: row[1:] for row in rows}
        refused: dict[bytes, FilialError] = {}
        for peer in callers:
            try:
                _require_holder(peer, holders.get(peer.serial))
            except NotAuthorised as error:
                if peer.branch_id is not None:
                    refused[peer.branch_id] = error
        return refused

    return Question(_holders, {"serials": [peer.serial for peer in callers]}, read)


def require_bootstrap(connection: Connection, peer: Peer) -> None:
    """Raises NotAuthorised unless the certificate came with a token that may still be used."""
    row = connection.execute(
        select(certificate.c.purpose, certificate.c.revoked_at).where(certificate.c.serial == peer.serial)
    ).one_or_none()
    if not peer.may_enrol or row is None or row[0] != "bootstrap" or row[1] is not None:
        raise NotAuthorised("This certificate may not enrol.", "Ask the head office for a new token.")
