"""Parsing protobuf from outside: one error, whatever is wrong."""

from __future__ import annotations

import pytest

from shared.errors import DecodeError
from shared.wire.generated import sync_pb2 as pb
from shared.wire.parsing import optional_id, parse_message, require_id


def test_a_message_is_parsed() -> None:
    assert parse_message(pb.Head, pb.Head(seq=3).SerializeToString()).seq == 3


@pytest.mark.parametrize("data", [b"\xff", b"\x12\x05ab", b"\x08"])
def test_bytes_that_are_no_message_are_named_with_their_length_and_type(data: bytes) -> None:
    with pytest.raises(DecodeError, match=f"{len(data)} bytes are not a Head"):
        parse_message(pb.Head, data)


def test_a_text_that_is_not_utf_8_makes_no_message() -> None:
    with pytest.raises(DecodeError):
        parse_message(pb.Drain, b"\x12\x01\xff")


@pytest.mark.parametrize("value", [b"", b"x" * 15, b"x" * 17])
def test_an_id_has_16_bytes(value: bytes) -> None:
    with pytest.raises(DecodeError):
        require_id(value)
    assert require_id(b"x" * 16) == b"x" * 16


def test_an_absent_id_is_replaced_and_a_short_one_refused() -> None:
    assert optional_id(b"", b"n" * 16) == b"n" * 16
    assert optional_id(b"x" * 16, b"n" * 16) == b"x" * 16
    with pytest.raises(DecodeError):
        optional_id(b"x", b"n" * 16)
