"""Parsing of protobuf bytes that came from outside."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import Message

from shared.domain.identifiers import ID_BYTES
from shared.errors import DecodeError

MessageT = TypeVar("MessageT", bound=Message)
AbsentT = TypeVar("AbsentT", bytes, None)


def parse_message(message_type: type[MessageT], data: bytes) -> MessageT:
    """The message in those bytes. Raises DecodeError."""
    try:
        return message_type.FromString(data)
    except ProtobufDecodeError:
        raise DecodeError(f"{len(data)} bytes are not a {message_type.__name__} message.") from None


def require_id(value: bytes) -> bytes:
    """16 bytes. Raises DecodeError."""
    if len(value) != ID_BYTES:
        raise DecodeError("An id does not have 16 bytes.")
    return value


def optional_id(value: bytes, absent: AbsentT) -> bytes | AbsentT:
    """16 bytes, or `absent` in place of none. Raises DecodeError."""
    return require_id(value) if value else absent
