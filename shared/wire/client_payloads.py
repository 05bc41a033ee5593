"""The payloads of facts about clients: what took place with them, and into whose hands they came."""

from __future__ import annotations

from shared.domain.identifiers import CODE_CHARACTERS_MAX
from shared.domain.interactions import (
    BODY_CHARACTERS_MAX,
    DURATION_SECONDS_MAX,
    KEY_POINTS_MAX,
    QUOTE_CHARACTERS_MAX,
    SUBJECT_CHARACTERS_MAX,
    Channel,
    ClientTransfer,
    Direction,
    Interaction,
    KeyPoint,
    Sentiment,
)
from shared.errors import DecodeError
from shared.wire.fact_fields import decode_moment, encode_moment, read_code, read_detail, read_within
from shared.wire.generated import records_pb2 as pb
from shared.wire.parsing import optional_id, parse_message, require_id

_CHANNELS = frozenset(map(str, Channel))
_DIRECTIONS = frozenset(map(str, Direction))
_SENTIMENTS = frozenset(map(str, Sentiment))


def encode_interaction(fact: Interaction) -> pb.Interaction:
    """The message of an interaction."""
    message = pb.Interaction(
        client_id=fact.client_id,
        channel=fact.channel,
        direction=fact.direction,
        employee=fact.employee,
        at=encode_moment(fact.at),
        contact=fact.contact,
        reached=fact.reached,
        outcome=fact.outcome,
        duration_seconds=fact.duration_seconds,
        subject=fact.subject,
        body=fact.body,
        told=fact.told,
        task_id=fact.task_id or b"",
        next_task_id=fact.next_task_id or b"",
        corrects_id=fact.corrects_id or b"",
        withdrawn=fact.withdrawn,
    )
    for theme, competitor, sentiment, quote in fact.points:
        message.points.add(theme=theme, competitor=competitor, sentiment=sentiment, quote=quote)
    return message


def decode_interaction(payload: bytes) -> Interaction:
    """Raises DecodeError."""
    message = parse_message(pb.Interaction, payload)
    if message.channel not in _CHANNELS or message.direction not in _DIRECTIONS:
        raise DecodeError("A client was spoken with in a way of another release.")
    if len(message.points) > KEY_POINTS_MAX:
        raise DecodeError(f"An interaction has more than {KEY_POINTS_MAX} key points.")
    return Interaction(
        require_id(message.client_id),
        message.channel,
        message.direction,
        read_code(message.employee),
        decode_moment(message.at),
        _text(message.contact, SUBJECT_CHARACTERS_MAX),
        message.reached if message.HasField("reached") else None,
        _text(message.outcome, CODE_CHARACTERS_MAX),
        read_within(message.duration_seconds, DURATION_SECONDS_MAX),
        _text(message.subject, SUBJECT_CHARACTERS_MAX),
        _text(message.body, BODY_CHARACTERS_MAX),
        _text(message.told, BODY_CHARACTERS_MAX),
        tuple([_point(point) for point in message.points]),
        optional_id(message.task_id, None),
        optional_id(message.next_task_id, None),
        optional_id(message.corrects_id, None),
        message.withdrawn,
    )


def _point(message: pb.KeyPoint) -> KeyPoint:
    if message.sentiment not in _SENTIMENTS:
        raise DecodeError("A key point has a sentiment of another release.")
    return KeyPoint(
        _text(message.theme, CODE_CHARACTERS_MAX),
        _text(message.competitor, CODE_CHARACTERS_MAX),
        message.sentiment,
        _text(message.quote, QUOTE_CHARACTERS_MAX),
    )


def encode_client_transfer(fact: ClientTransfer) -> pb.ClientTransfer:
    """The message of a client's transfer."""
    return pb.ClientTransfer(
        client_id=fact.client_id,
        from_employee_id=fact.from_employee_id or b"",
        to_employee_id=fact.to_employee_id or b"",
        hand_over_id=fact.hand_over_id,
        employee=fact.employee,
        at=encode_moment(fact.at),
        reason=fact.reason,
        undoes_id=fact.undoes_id or b"",
    )


def decode_client_transfer(payload: bytes) -> ClientTransfer:
    """Raises DecodeError."""
    message = parse_message(pb.ClientTransfer, payload)
    return ClientTransfer(
        require_id(message.client_id),
        optional_id(message.from_employee_id, None),
        optional_id(message.to_employee_id, None),
        require_id(message.hand_over_id),
        read_code(message.employee),
        decode_moment(message.at),
        read_detail(message.reason),
        optional_id(message.undoes_id, None),
    )


def _text(text: str, characters_max: int) -> str:
    if len(text) > characters_max or "\0" in text:
        raise DecodeError("A text is longer than allowed or holds a zero byte.")
    return text
