"""Parsing of protobuf bytes that came from outside."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import Message

from shared.domain.identifiers import ID_BYTES
from shared.errors import DecodeError

NUMBER_MAX = 2**62
"""The largest position, count or clock in a message: a column takes 2^63 − 1, and HQ adds to some of them."""

MessageT = TypeVar("MessageT", bound=Message)
AbsentT = TypeVar("AbsentT", bytes, None)


def parse_message(message_type: type[MessageT], data: bytes) -> MessageT:
    """The message in those bytes. Raises DecodeError."""
    try:
        return message_type.FromString(data)
    except ProtobufDecodeError:
        raise DecodeError(f"{len(data)} bytes are not a {message_type.__name__} message.") from None


def require_storable(message: Message) -> None:
    """Every number in a message fits where it is kept, with room to count on. Raises DecodeError."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                require_storable(each)
        elif field.type == FieldDescriptor.TYPE_UINT64 and value > NUMBER_MAX:
            raise DecodeError(f"The number {value} in {field.name} is larger than {NUMBER_MAX}.")


def require_id(value: bytes) -> bytes:
    """16 bytes. Raises DecodeError."""
    if len(value) != ID_BYTES:
        raise DecodeError("An id does not have 16 bytes.")
    return value


def optional_id(value: bytes, absent: AbsentT) -> bytes | AbsentT:
    """16 bytes, or `absent` in place of none. Raises DecodeError."""
    return require_id(value) if value else absent
