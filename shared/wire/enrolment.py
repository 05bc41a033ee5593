"""Enrolment tokens as text, and the messages of the service Enrolment."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

from shared.errors import DecodeError, TokenRefused
from shared.sync.messages import Undecodable
from shared.wire.generated import enrolment_pb2 as pb
from shared.wire.parsing import parse_message, require_id

TOKEN_PREFIX = "filial1."  # noqa: S105 - the visible beginning of every token, no secret
TOKEN_CHARACTERS_MAX = 8_192
_CHECKSUM_BYTES = 8


class Token(NamedTuple):
    """What a branch needs to ask for its certificate. Certificates and key are DER."""

    secret: bytes
    authority_certificate: bytes
    bootstrap_certificate: bytes
    bootstrap_key: bytes


class EnrolRequest(NamedTuple):
    """A token's secret and a DER certificate request. `replace`: this store takes the place of a lost one."""

    secret: bytes
    certificate_request: bytes
    replace: bool = False


class EnrolReply(NamedTuple):
    """A branch's DER certificate, and who it is."""

    certificate: bytes
    chain_id: bytes
    chain_name: str
    branch_id: bytes
    branch_code: str
    branch_name: str
    timezone: str
    currency: str
    price_zone: str


def encode_token(token: Token) -> str:
    """One line of text."""
    message = pb.Token(**token._asdict(), checksum=_checksum(token))
    return TOKEN_PREFIX + base64.urlsafe_b64encode(message.SerializeToString()).decode().rstrip("=")


def decode_token(text: str) -> Token:
    """Raises TokenRefused when it is not a whole token."""
    body = "".join(text.split()).removeprefix(TOKEN_PREFIX)
    hint = "Copy the whole line that `filial-hq branch token CODE` prints."
    if len(text) > TOKEN_CHARACTERS_MAX or not "".join(text.split()).startswith(TOKEN_PREFIX):
        raise TokenRefused("This is not an enrolment token.", hint)
    try:
        message = parse_message(pb.Token, base64.b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, DecodeError):
        raise TokenRefused("The enrolment token is damaged.", hint) from None
    token = Token(message.secret, message.authority_certificate, message.bootstrap_certificate, message.bootstrap_key)
    if _checksum(token) != message.checksum:
        raise TokenRefused("The enrolment token is damaged.", hint)
    return token


def encode_enrol_request(request: EnrolRequest) -> bytes:
    return pb.EnrolRequest(**request._asdict()).SerializeToString()


def decode_enrol_request(data: bytes) -> EnrolRequest | Undecodable:
    try:
        message = parse_message(pb.EnrolRequest, data)
    except DecodeError as error:
        return Undecodable(error.message)
    return EnrolRequest(message.secret, message.certificate_request, message.replace)


def encode_enrol_reply(reply: EnrolReply) -> bytes:
    return pb.EnrolResponse(**reply._asdict()).SerializeToString()


def decode_enrol_reply(data: bytes) -> EnrolReply:
    """Raises DecodeError."""
    message = parse_message(pb.EnrolResponse, data)
    return EnrolReply(
        certificate=message.certificate,
        chain_id=require_id(message.chain_id),
        chain_name=message.chain_name,
        branch_id=require_id(message.branch_id),
        branch_code=message.branch_code,
        branch_name=message.branch_name,
        timezone=message.timezone,
        currency=message.currency,
        price_zone=message.price_zone,
    )


def _checksum(token: Token) -> bytes:
    digest = hashlib.sha256()
    for part in token:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()[:_CHECKSUM_BYTES]
