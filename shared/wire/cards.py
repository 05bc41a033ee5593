"""Edits of cards and whole cards as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.domain.cards import LONG_TEXT_CHARACTERS_MAX, TEXT_CHARACTERS_MAX, TEXTS_MAX, Value
from shared.domain.identifiers import CODE_CHARACTERS_MAX
from shared.errors import DecodeError
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldPatch, FieldState, FieldVersion, Stamp
from shared.sync.hlc import HLC_MAX
from shared.wire.generated import records_pb2 as pb
from shared.wire.parsing import optional_id, parse_message, require_id

FIELDS_PER_PATCH_MAX = 100


def encode_patch(patches: Iterable[FieldPatch]) -> bytes:
    """The payload of a card's edit."""
    message = pb.CardPatch()
    for patch in patches:
        target = message.fields.add(field=patch.field, seen=patch.seen)
        _encode_value(target, patch.value)
    return message.SerializeToString()


def decode_patch(payload: bytes) -> tuple[FieldPatch, ...]:
    """Raises DecodeError."""
    message = parse_message(pb.CardPatch, payload)
    if not 0 < len(message.fields) <= FIELDS_PER_PATCH_MAX:
        raise DecodeError("An edit names no field, or too many.")
    return tuple(
        FieldPatch(_field_name(field.field), _decode_value(field), tuple(require_id(seen) for seen in field.seen))
        for field in message.fields
    )


def encode_stamp(stamp: Stamp) -> bytes:
    """A stamp by itself."""
    return _stamp_message(stamp).SerializeToString()


def decode_stamp(data: bytes) -> Stamp:
    """Raises DecodeError."""
    return _stamp(parse_message(pb.Stamp, data))


def encode_state(state: CardState) -> bytes:
    """Everything known of a card; deterministic, so that equal states are equal bytes."""
    stamps: dict[Stamp, int] = {}
    message = pb.CardState()
    for name in sorted(state.fields):
        field = state.fields[name]
        target = message.fields.add(field=name, superseded=sorted(field.superseded))
        for version in field.live:
            index = stamps.setdefault(version.stamp, len(stamps))
            _encode_value(target.live.add(stamp=index), version.value)
    message.stamps.extend(_stamp_message(stamp) for stamp in stamps)
    return message.SerializeToString()


def decode_state(data: bytes) -> CardState:
    """Raises DecodeError."""
    message = parse_message(pb.CardState, data)
    stamps = [_stamp(stamp) for stamp in message.stamps]
    return CardState({_field_name(field.field): _field_state(field, stamps) for field in message.fields})


def _field_state(field: pb.FieldState, stamps: Sequence[Stamp]) -> FieldState:
    if any(version.stamp >= len(stamps) for version in field.live):
        raise DecodeError("A version names a stamp that is not there.")
    return FieldState(
        tuple(FieldVersion(stamps[version.stamp], _decode_value(version)) for version in field.live),
        frozenset(require_id(seen) for seen in field.superseded),
    )


def _stamp_message(stamp: Stamp) -> pb.Stamp:
    return pb.Stamp(
        hlc_epoch=stamp.hlc_epoch,
        hlc=stamp.hlc,
        command_id=stamp.command_id,
        author=stamp.author,
        branch_id=b"" if stamp.branch_id == HQ_ORIGIN else stamp.branch_id,
    )


def _stamp(message: pb.Stamp) -> Stamp:
    if message.hlc > HLC_MAX:
        raise DecodeError("A stamp's clock is out of range.")
    return Stamp(
        message.hlc_epoch,
        message.hlc,
        require_id(message.command_id),
        require_id(message.author),
        optional_id(message.branch_id, HQ_ORIGIN),
    )


def _encode_value(target: pb.FieldPatch | pb.FieldVersion, value: Value) -> None:
    match value:
        case None:
            return
        case bool():
            target.value.flag = value
        case int():
            target.value.integer = value
        case str():
            target.value.text = value
        case bytes():
            target.value.id = value
        case tuple():
            target.value.texts.SetInParent()
            target.value.texts.texts.extend(value)


def _decode_value(source: pb.FieldPatch | pb.FieldVersion) -> Value:
    if not source.HasField("value"):
        return None
    value = source.value
    match value.WhichOneof("value"):
        case "text":
            return _text(value.text, LONG_TEXT_CHARACTERS_MAX)
        case "integer":
            return value.integer
        case "flag":
            return value.flag
        case "id":
            return require_id(value.id)
        case "texts":
            if len(value.texts.texts) > TEXTS_MAX:
                raise DecodeError("A set of texts is too large.")
            return tuple(sorted({_text(text) for text in value.texts.texts}))
        case _:
            return None


def _text(text: str, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    if len(text) > characters_max or "\0" in text:
        raise DecodeError("A text is longer than allowed or holds a zero byte.")
    return text


def _field_name(name: str) -> str:
    if not 0 < len(name) <= CODE_CHARACTERS_MAX or "\0" in name:
        raise DecodeError("A field has no usable name.")
    return name
