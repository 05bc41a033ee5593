"""The messages of Sync.Verify: bytes ↔ the values of shared.sync.messages."""

from __future__ import annotations

from datetime import date

from shared.errors import DecodeError
from shared.sync.counting import Counter
from shared.sync.messages import Undecodable, VerifyReply, VerifyRequest
from shared.wire.exchange import decode_head, encode_head
from shared.wire.generated import sync_pb2 as pb
from shared.wire.parsing import parse_message, require_id, require_storable


def encode_verify_request(request: VerifyRequest) -> bytes:
    """What a branch asks."""
    message = pb.VerifyRequest(
        incarnation=request.incarnation, head=encode_head(request.head), counters_digest=request.counters_digest
    )
    return message.SerializeToString()


def decode_verify_request(data: bytes) -> VerifyRequest | Undecodable:
    """What HQ is asked."""
    try:
        message = parse_message(pb.VerifyRequest, data)
        require_storable(message)
        return VerifyRequest(require_id(message.incarnation), decode_head(message.head), message.counters_digest)
    except DecodeError as error:
        return Undecodable(error.message)


def encode_verify_reply(reply: VerifyReply) -> bytes:
    """What HQ answers."""
    message = pb.VerifyResponse(
        entries=reply.entries,
        incarnation=reply.incarnation,
        acknowledged=encode_head(reply.acknowledged),
        parked=reply.parked,
        counters_differ=reply.counters is not None,
    )
    for (kind, day), counter in (reply.counters or {}).items():
        message.counters.add(kind=kind, business_date=day.isoformat(), **counter._asdict())
    return message.SerializeToString()


def decode_verify_reply(data: bytes) -> VerifyReply:
    """Raises DecodeError."""
    message = parse_message(pb.VerifyResponse, data)
    try:
        counters = {
            (row.kind, date.fromisoformat(row.business_date)): Counter(row.records, row.fingerprint, row.amount_minor)
            for row in message.counters
        }
    except ValueError:
        raise DecodeError("A record counter names no date.") from None
    return VerifyReply(
        message.entries,
        require_id(message.incarnation),
        decode_head(message.acknowledged),
        message.parked,
        counters if message.counters_differ else None,
    )
