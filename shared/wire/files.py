"""The messages of the service Files: bytes ↔ the values of shared.sync.files."""

from __future__ import annotations

from shared.domain.attachments import CHUNK_BYTES, CHUNKS_MAX
from shared.errors import DecodeError
from shared.sync.files import FILES_PER_QUESTION_MAX, FileMissing, GetRequest, MissingRequest, PutRequest
from shared.sync.messages import Undecodable
from shared.wire.generated import files_pb2 as pb
from shared.wire.parsing import parse_message, require_id


def encode_missing_request(request: MissingRequest) -> bytes:
    """What a branch asks."""
    return pb.MissingRequest(attachment_ids=request.attachment_ids).SerializeToString()


def decode_missing_request(data: bytes) -> MissingRequest | Undecodable:
    """What HQ is asked."""
    try:
        message = parse_message(pb.MissingRequest, data)
        if not 0 < len(message.attachment_ids) <= FILES_PER_QUESTION_MAX:
            return Undecodable(f"A question is about 1 to {FILES_PER_QUESTION_MAX} files.")
        return MissingRequest(tuple(require_id(each) for each in message.attachment_ids))
    except DecodeError as error:
        return Undecodable(error.message)


def encode_missing(files: tuple[FileMissing, ...]) -> bytes:
    """What HQ answers."""
    found = [pb.FileMissing(known=each.known, indexes=each.indexes) for each in files]
    return pb.MissingResponse(files=found).SerializeToString()


def decode_missing(data: bytes) -> tuple[FileMissing, ...]:
    """Raises DecodeError."""
    message = parse_message(pb.MissingResponse, data)
    if len(message.files) > FILES_PER_QUESTION_MAX or any(len(each.indexes) > CHUNKS_MAX for each in message.files):
        raise DecodeError("HQ says more of files than was asked.")
    return tuple(FileMissing(each.known, tuple(each.indexes)) for each in message.files)


def encode_put_request(request: PutRequest) -> bytes:
    """What a branch brings."""
    return pb.PutRequest(
        attachment_id=request.attachment_id, index=request.place, data=request.data
    ).SerializeToString()


def decode_put_request(data: bytes) -> PutRequest | Undecodable:
    """What HQ is brought."""
    try:
        message = parse_message(pb.PutRequest, data)
        if not 0 < len(message.data) <= CHUNK_BYTES:
            return Undecodable(f"A chunk has 1 to {CHUNK_BYTES} bytes.")
        return PutRequest(require_id(message.attachment_id), message.index, message.data)
    except DecodeError as error:
        return Undecodable(error.message)


def encode_put(is_whole: bool) -> bytes:
    """What HQ answers."""
    return pb.PutResponse(whole=is_whole).SerializeToString()


def decode_put(data: bytes) -> bool:
    """Raises DecodeError."""
    return parse_message(pb.PutResponse, data).whole


def encode_get_request(request: GetRequest) -> bytes:
    """What a branch asks."""
    return pb.GetRequest(attachment_id=request.attachment_id, index=request.place).SerializeToString()


def decode_get_request(data: bytes) -> GetRequest | Undecodable:
    """What HQ is asked."""
    try:
        message = parse_message(pb.GetRequest, data)
        return GetRequest(require_id(message.attachment_id), message.index)
    except DecodeError as error:
        return Undecodable(error.message)


def encode_get(data: bytes) -> bytes:
    """What HQ answers."""
    return pb.GetResponse(data=data).SerializeToString()


def decode_get(data: bytes) -> bytes:
    """Raises DecodeError."""
    return parse_message(pb.GetResponse, data).data
