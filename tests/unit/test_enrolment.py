"""Enrolment tokens: one line that is taken whole or not at all."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import DecodeError, TokenRefused
from shared.sync.messages import Undecodable
from shared.wire.enrolment import (
    TOKEN_CHARACTERS_MAX,
    TOKEN_PREFIX,
    EnrolReply,
    EnrolRequest,
    Token,
    decode_enrol_reply,
    decode_enrol_request,
    decode_token,
    encode_enrol_reply,
    encode_enrol_request,
    encode_token,
)
from shared.wire.generated import enrolment_pb2 as pb
from tests.support.strategies import FEW, MANY, SOME, damaged, ids, texts

parts = st.binary(max_size=60)
tokens = st.builds(Token, parts, parts, parts, parts)
requests = st.builds(EnrolRequest, parts, parts)
replies = st.builds(EnrolReply, parts, ids, texts, ids, texts, texts, texts, texts, texts)

TOKEN = Token(b"secret", b"authority", b"bootstrap", b"key")


@SOME
@given(tokens)
def test_a_token_survives_being_copied(token: Token) -> None:
    text = encode_token(token)
    assert decode_token(text) == token
    assert decode_token(f"  {text}\r\n") == token
    assert text.isascii()
    assert "\n" not in text


def test_a_token_that_a_terminal_broke_into_lines_is_whole() -> None:
    text = encode_token(TOKEN)
    assert decode_token(f"{text[:20]}\n{text[20:40]}\r\n   {text[40:]}") == TOKEN


@MANY
@given(st.text(max_size=100))
def test_any_other_text_is_no_token(text: str) -> None:
    with pytest.raises(TokenRefused):
        decode_token(text)


@MANY
@given(st.text(max_size=100) | st.text("AZaz09-_=", max_size=100))
def test_a_token_s_beginning_alone_is_no_token(text: str) -> None:
    with pytest.raises(TokenRefused):
        decode_token(TOKEN_PREFIX + text)


@MANY
@given(st.data())
def test_a_token_with_a_mistyped_character_is_damaged(data: st.DataObject) -> None:
    text = encode_token(TOKEN)
    place = data.draw(st.integers(len(TOKEN_PREFIX), len(text) - 2))
    typed = data.draw(st.characters().filter(lambda typed: typed != text[place] and not typed.isspace()))
    with suppress(TokenRefused):
        # The last bits of a group may go unused: then the very same token comes out.
        assert decode_token(text[:place] + typed + text[place + 1 :]) == TOKEN


@FEW
@given(st.integers(0, len(encode_token(TOKEN)) - 1))
def test_a_token_that_was_cut_off_is_damaged(length: int) -> None:
    with pytest.raises(TokenRefused):
        decode_token(encode_token(TOKEN)[:length])


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": b"secreT"},
        {"bootstrap_key": b""},
        {"secret": b"secretauthority", "authority_certificate": b""},
        {"checksum": b""},
    ],
    ids=str,
)
def test_a_token_whose_parts_are_not_those_of_its_checksum_is_damaged(changes: dict[str, bytes]) -> None:
    message = pb.Token.FromString(base64.urlsafe_b64decode(encode_token(TOKEN).removeprefix(TOKEN_PREFIX) + "=="))
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(TokenRefused, match="damaged"):
        decode_token(TOKEN_PREFIX + base64.urlsafe_b64encode(message.SerializeToString()).decode())


def test_a_very_long_text_is_refused_at_once() -> None:
    with pytest.raises(TokenRefused, match="not an enrolment token"):
        decode_token(TOKEN_PREFIX + "A" * TOKEN_CHARACTERS_MAX)


def test_a_refused_token_says_where_to_get_one_and_does_not_repeat_it() -> None:
    with pytest.raises(TokenRefused) as refusal:
        decode_token(encode_token(TOKEN)[:-3])
    assert "branch token" in refusal.value.hint
    assert encode_token(TOKEN)[:20] not in refusal.value.message


@SOME
@given(requests, replies)
def test_a_request_and_its_reply_are_understood(request: EnrolRequest, reply: EnrolReply) -> None:
    assert decode_enrol_request(encode_enrol_request(request)) == request
    assert decode_enrol_reply(encode_enrol_reply(reply)) == reply


@MANY
@given(st.binary(max_size=100) | damaged(requests.map(encode_enrol_request)))
def test_a_request_that_is_none_is_undecodable(data: bytes) -> None:
    decoded: Any = decode_enrol_request(data)
    assert isinstance(decoded, EnrolRequest | Undecodable)


@MANY
@given(st.binary(max_size=100) | damaged(replies.map(encode_enrol_reply)))
def test_a_reply_that_is_none_is_refused_as_undecodable(data: bytes) -> None:
    with suppress(DecodeError):
        decode_enrol_reply(data)


def test_a_reply_without_a_branch_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode_enrol_reply(b"")
