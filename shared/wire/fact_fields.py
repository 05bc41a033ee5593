"""Fields that the payloads of several kinds of fact have: moments, dates, codes and texts, checked as they are read."""

from __future__ import annotations

from datetime import date

from shared.domain.business_time import (
    EARLIEST_US,
    LATEST_US,
    MICROSECONDS,
    SECONDS_PER_DAY,
    LocalMoment,
    date_from_days,
)
from shared.domain.identifiers import CODE_CHARACTERS_MAX
from shared.domain.sales import DETAIL_CHARACTERS_MAX
from shared.errors import DecodeError
from shared.wire.generated import records_pb2 as pb

DAYS_MAX = LATEST_US // MICROSECONDS // SECONDS_PER_DAY + 1
"""The last day of the era, in days since 1970-01-01."""


def encode_moment(moment: LocalMoment) -> pb.LocalMoment:
    """A moment as it is sent."""
    return pb.LocalMoment(at_us=moment.at_us, utc_offset_seconds=moment.utc_offset_seconds, zone=moment.zone)


def decode_moment(message: pb.LocalMoment) -> LocalMoment:
    """Raises DecodeError."""
    moment = LocalMoment(message.at_us, message.utc_offset_seconds, message.zone)
    read_code(moment.zone)
    if not EARLIEST_US <= moment.at_us <= LATEST_US or not -86_400 < moment.utc_offset_seconds < 86_400:
        raise DecodeError("A moment lies outside 1970–2099, or its offset outside a day.")
    return moment


def decode_date(days: int) -> date:
    """Raises DecodeError."""
    if not 0 <= days <= DAYS_MAX:
        raise DecodeError("A business date lies outside 1970–2099.")
    return date_from_days(days)


def read_code(text: str) -> str:
    """A text of 1 to 64 characters. Raises DecodeError."""
    if not 0 < len(text) <= CODE_CHARACTERS_MAX or "\0" in text:
        raise DecodeError("A code is empty, longer than allowed or holds a zero byte.")
    return text


def read_detail(text: str) -> str:
    """A text, maybe empty. Raises DecodeError."""
    if len(text) > DETAIL_CHARACTERS_MAX or "\0" in text:
        raise DecodeError("A text is longer than allowed or holds a zero byte.")
    return text


def read_within(value: int, maximum: int) -> int:
    """A number of at most `maximum`. Raises DecodeError."""
    if value > maximum:
        raise DecodeError(f"The number {value} is larger than {maximum}.")
    return value
