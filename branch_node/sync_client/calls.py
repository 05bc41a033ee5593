"""The calls that are not the stream: enrolment, and asking HQ what it holds."""

from __future__ import annotations

import asyncio

import grpc

from branch_node.sync_client.channel import Identity, open_channel, translate
from shared.certificates import certificate_to_pem, key_der_to_pem
from shared.sync.messages import VerifyReply, VerifyRequest
from shared.wire.enrolment import EnrolReply, EnrolRequest, Token, decode_enrol_reply, encode_enrol_request
from shared.wire.methods import ENROL, VERIFY
from shared.wire.verification import decode_verify_reply, encode_verify_request

CALL_SECONDS_MAX = 30.0


def call_enrol(address: str, token: Token, certificate_request: bytes, replace: bool = False) -> EnrolReply:
    """Trades the token. Raises TokenRefused, HqUnreachable, NotAuthorised."""
    identity = Identity(
        certificate_to_pem(token.authority_certificate),
        certificate_to_pem(token.bootstrap_certificate),
        key_der_to_pem(token.bootstrap_key),
    )
    return asyncio.run(_enrol(address, identity, EnrolRequest(token.secret, certificate_request, replace)))


def call_verify(address: str, identity: Identity, request: VerifyRequest) -> VerifyReply:
    """What HQ holds of this branch. Raises HqUnreachable, NotAuthorised."""
    return asyncio.run(_verify(address, identity, request))


async def _enrol(address: str, identity: Identity, request: EnrolRequest) -> EnrolReply:
    async with open_channel(address, identity) as channel:
        call = channel.unary_unary(ENROL, encode_enrol_request, decode_enrol_reply)
        try:
            reply: EnrolReply = await call(request, timeout=CALL_SECONDS_MAX)
        except grpc.aio.AioRpcError as error:
            raise translate(error, address) from error
    return reply


async def _verify(address: str, identity: Identity, request: VerifyRequest) -> VerifyReply:
    async with open_channel(address, identity) as channel:
        call = channel.unary_unary(VERIFY, encode_verify_request, decode_verify_reply)
        try:
            reply: VerifyReply = await call(request, timeout=CALL_SECONDS_MAX)
        except grpc.aio.AioRpcError as error:
            raise translate(error, address) from error
    return reply
