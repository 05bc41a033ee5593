"""Identities: 16 bytes, their text, and the ones that every node computes alike."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.identifiers import derived_id, format_id, is_id, parse_id, require_code, shorten
from shared.errors import InvalidInput
from tests.support.strategies import MANY, SOME, ids, texts


@SOME
@given(ids)
def test_an_id_survives_being_text(identity: bytes) -> None:
    assert parse_id(format_id(identity)) == identity
    assert is_id(format_id(identity))
    assert format_id(identity) == str(uuid.UUID(bytes=identity))


@pytest.mark.parametrize("text", ["", "900", "0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8", "g" * 36, "x" * 10_000])
def test_what_is_no_id_is_refused_in_a_short_message(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(InvalidInput) as refusal:
        parse_id(text)
    assert len(refusal.value.message) < 100


def test_the_short_form_of_a_uuid_may_be_typed_but_is_taken_for_an_external_id() -> None:
    assert parse_id("0190a5d47c3e7d1f9b2a3c4d5e6f7a8b") == parse_id("0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b")
    assert not is_id("0190a5d47c3e7d1f9b2a3c4d5e6f7a8b")


@pytest.mark.parametrize(
    "text",
    [
        "0190a5d47c3e7d1f9b2a3c4d5e6f7a8b----",
        "{0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b}",
        "0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b0",
        "0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b\n",
        "٠190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b",
    ],
)
def test_only_the_usual_form_is_taken_for_an_id(text: str) -> None:
    assert not is_id(text)


def test_a_derived_id_never_changes() -> None:
    assert derived_id("employee", b"chain", b"anna").hex() == "113104b085d98ac3a3f3bfb5388090b4"


@MANY
@given(texts, st.lists(st.binary(max_size=5), max_size=3))
def test_a_derived_id_is_a_uuid_of_version_8(purpose: str, parts: list[bytes]) -> None:
    identity = uuid.UUID(bytes=derived_id(purpose, *parts))
    assert (identity.version, identity.variant) == (8, uuid.RFC_4122)


@MANY
@given(st.lists(st.binary(max_size=3), max_size=3), st.lists(st.binary(max_size=3), max_size=3))
def test_other_parts_are_another_derived_id(parts: list[bytes], others: list[bytes]) -> None:
    assert (derived_id("employee", *parts) == derived_id("employee", *others)) == (parts == others)
    assert derived_id("employee", *parts) != derived_id("price", *parts)


@pytest.mark.parametrize("code", ["1", "касса №2", "a b", "x" * 64, "🛒"])
def test_a_code_is_any_short_printable_text(code: str) -> None:
    assert require_code(code, "register") == code


@pytest.mark.parametrize("code", [None, 7, "", " a", "a ", "a\nb", "a\0", "\u200b", "\ud800", "x" * 65, ["a"], b"a"])
def test_any_other_code_is_refused(code: object) -> None:
    with pytest.raises(InvalidInput, match=r"^register ") as refusal:
        require_code(code, "register")
    assert refusal.value.message.isprintable()


@MANY
@given(st.text(max_size=100), st.integers(1, 80))
def test_a_shortened_text_is_printable_and_not_longer_than_allowed(text: str, limit: int) -> None:
    shown = shorten(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    if text.isprintable() and len(text) <= limit:
        assert shown == text
