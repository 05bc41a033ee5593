"""Edits, stamps and states of cards as bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.cards import LONG_TEXT_CHARACTERS_MAX, TEXTS_MAX, Value
from shared.errors import DecodeError
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldPatch, FieldState, Stamp
from shared.sync.hlc import HLC_MAX
from shared.wire.cards import (
    FIELDS_PER_PATCH_MAX,
    decode_patch,
    decode_stamp,
    decode_state,
    encode_patch,
    encode_stamp,
    encode_state,
)
from shared.wire.generated import records_pb2 as pb
from tests.support.edits import Edit, apply, causal_order, histories
from tests.support.strategies import MANY, SOME, card_states, damaged, patches, stamps, values

DECODERS: list[Callable[[bytes], object]] = [decode_patch, decode_stamp, decode_state]


@MANY
@given(patches)
def test_an_edit_is_read_as_it_was_written(edit: tuple[FieldPatch, ...]) -> None:
    assert decode_patch(encode_patch(edit)) == edit


@SOME
@given(values)
def test_a_value_keeps_its_type(value: Value) -> None:
    (patch,) = decode_patch(encode_patch([FieldPatch("field", value)]))
    assert patch.value == value
    assert type(patch.value) is type(value)


@SOME
@given(stamps)
def test_a_stamp_is_read_as_it_was_written(stamp: Stamp) -> None:
    assert decode_stamp(encode_stamp(stamp)) == stamp


@MANY
@given(card_states)
def test_a_state_is_read_as_it_was_written(state: CardState) -> None:
    assert decode_state(encode_state(state)) == state


@SOME
@given(histories(), st.randoms(use_true_random=False))
def test_equal_states_are_equal_bytes_whatever_order_they_came_from(edits: list[Edit], shuffle: object) -> None:
    one, other = apply(edits).state, apply(causal_order(edits, shuffle)).state  # type: ignore[arg-type]
    assert encode_state(one) == encode_state(other)


def test_a_stamp_made_at_head_office_costs_no_branch_id() -> None:
    from_hq = Stamp(0, 1, b"c" * 16, b"a" * 16, HQ_ORIGIN)
    assert len(encode_stamp(from_hq)) + 18 == len(encode_stamp(from_hq._replace(branch_id=b"b" * 16)))


@pytest.mark.parametrize("decode", DECODERS)
@MANY
@given(data=st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_as_undecodable(decode: Callable[[bytes], object], data: bytes) -> None:
    with suppress(DecodeError):
        decode(data)


@MANY
@given(damaged(patches.map(encode_patch)), damaged(card_states.map(encode_state)), damaged(stamps.map(encode_stamp)))
def test_damaged_bytes_are_read_or_refused_as_undecodable(patch: bytes, state: bytes, stamp: bytes) -> None:
    for decode, data in ((decode_patch, patch), (decode_state, state), (decode_stamp, stamp)):
        with suppress(DecodeError):
            decode(data)


def patch_of(value: Value) -> bytes:
    return encode_patch([FieldPatch("field", value)])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        encode_patch([FieldPatch("", "x")]),
        encode_patch([FieldPatch("x" * 65, "x")]),
        encode_patch([FieldPatch("a\0", "x")]),
        encode_patch([FieldPatch("field", "x", (b"short",))]),
        patch_of("x" * (LONG_TEXT_CHARACTERS_MAX + 1)),
        patch_of("a\0"),
        patch_of(b"x" * 15),
        patch_of(("a\0",)),
        patch_of(tuple(str(number) for number in range(TEXTS_MAX + 1))),
        encode_patch([FieldPatch(f"field{number}", 1) for number in range(FIELDS_PER_PATCH_MAX + 1)]),
    ],
)
def test_an_edit_beyond_its_limits_is_refused(payload: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_patch(payload)


def test_an_edit_at_its_limits_is_taken() -> None:
    fullest = tuple(FieldPatch(f"field{number}", "x" * 10) for number in range(FIELDS_PER_PATCH_MAX))
    assert decode_patch(encode_patch(fullest)) == fullest
    assert decode_patch(patch_of("x" * LONG_TEXT_CHARACTERS_MAX))[0].value == "x" * LONG_TEXT_CHARACTERS_MAX


def test_a_set_of_texts_is_sorted_and_without_repetition_however_it_came() -> None:
    message = pb.CardPatch(
        fields=[pb.FieldPatch(field="phones", value=pb.Value(texts=pb.Texts(texts=["b", "a", "b"])))]
    )
    assert decode_patch(message.SerializeToString())[0].value == ("a", "b")


def test_a_stamp_out_of_range_is_refused() -> None:
    stamp = Stamp(0, HLC_MAX + 1, b"c" * 16, b"a" * 16, HQ_ORIGIN)
    with pytest.raises(DecodeError, match="out of range"):
        decode_stamp(encode_stamp(stamp))


@pytest.mark.parametrize("data", [b"", pb.Stamp(command_id=b"c" * 16).SerializeToString()])
def test_a_stamp_without_its_ids_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_stamp(data)


def test_a_version_that_names_a_missing_stamp_is_refused() -> None:
    message = pb.CardState(fields=[pb.FieldState(field="name", live=[pb.FieldVersion(stamp=0)])])
    with pytest.raises(DecodeError, match="not there"):
        decode_state(message.SerializeToString())


def test_a_card_nobody_edited_is_no_bytes() -> None:
    assert encode_state(CardState()) == b""
    assert decode_state(b"") == CardState()
    assert decode_state(encode_state(CardState({"name": FieldState()}))) == CardState({"name": FieldState()})
