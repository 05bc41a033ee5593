"""Moments, zones and business dates. A moment is microseconds of UTC; a branch fixes its zone and business date."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

MICROSECONDS = 1_000_000
SECONDS_PER_DAY = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

FUTURE_SECONDS_MAX = 300
"""How far ahead of the clock a sale may claim to be."""

EARLIEST_US = 0
"""Nothing was sold before 1970."""

EARLIEST_YEAR, LATEST_YEAR = 1969, 2100
"""Years that may hold such a moment in some zone."""

LATEST_US = 4_102_444_800 * MICROSECONDS
"""Nor will it be after 2099: a later moment is a broken clock or a broken message."""


class LocalMoment(NamedTuple):
    """A moment as a branch lived it."""

    at_us: int
    utc_offset_seconds: int
    zone: str

    @property
    def business_date(self) -> date:
        """The local calendar date."""
        return date.fromordinal(self.local_seconds // SECONDS_PER_DAY + EPOCH_ORDINAL)

    @property
    def hour(self) -> int:
        """The local hour, 0–23."""
        return self.local_seconds % SECONDS_PER_DAY // 3_600

    @property
    def local_seconds(self) -> int:
        return self.at_us // MICROSECONDS + self.utc_offset_seconds


@lru_cache(maxsize=1_024)
def require_zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises InvalidInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"“{shorten(name)}” is not a time zone.", "Use an IANA name such as Europe/Moscow."
        ) from None


def to_us(moment: datetime) -> int:
    """An aware datetime as microseconds of UTC, exactly."""
    delta = moment - EPOCH
    return (delta.days * SECONDS_PER_DAY + delta.seconds) * MICROSECONDS + delta.microseconds


def from_us(moment_us: int) -> datetime:
    """Microseconds as an aware UTC datetime, exactly."""
    return EPOCH + timedelta(microseconds=moment_us)


def format_us(moment_us: int) -> str:
    """ISO 8601 in UTC with a trailing Z."""
    return from_us(moment_us).isoformat().replace("+00:00", "Z")


def local_moment(moment_us: int, zone: str) -> LocalMoment:
    """The moment in the zone."""
    offset = from_us(moment_us).astimezone(require_zone(zone)).utcoffset()
    assert offset is not None
    return LocalMoment(moment_us, offset.days * SECONDS_PER_DAY + offset.seconds, zone)


def offset_changes(zone: str, since_us: int, until_us: int) -> list[tuple[int, int]]:
    """The zone's offsets in that time: from which moment each holds, and the offset, both in microseconds; in order,
    the first from the beginning on. Raises InvalidInput."""
    found = [(since_us, _offset_us(since_us, zone))]
    for day_us in range(since_us, until_us, SECONDS_PER_DAY * MICROSECONDS):
        before_us, after_us = day_us, min(day_us + SECONDS_PER_DAY * MICROSECONDS, until_us)
        offset_us = _offset_us(after_us, zone)
        if offset_us != found[-1][1]:
            while after_us - before_us > 1:
                middle_us = (before_us + after_us) // 2
                if _offset_us(middle_us, zone) == offset_us:
                    after_us = middle_us
                else:
                    before_us = middle_us
            found.append((after_us, offset_us))
    return found


def _offset_us(moment_us: int, zone: str) -> int:
    return local_moment(moment_us, zone).utc_offset_seconds * MICROSECONDS


def parse_local(text: object, zone: str, what: str) -> LocalMoment:
    """An ISO 8601 moment; without an offset it is the zone's local time.

    A local time that a clock change repeats is taken as its first occurrence; one that it skips counts with the offset
    before the change, and keeps its local date (PEP 495, fold 0). Raises InvalidInput.
    """
    if not isinstance(text, str) or len(text) > 40:
        raise InvalidInput(f"{what} must be a time such as 2017-01-01T11:53:26.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{what} “{shorten(text)}” is not a time.", "Write it as 2017-01-01T11:53:26.") from None
    if moment.year < EARLIEST_YEAR or moment.year > LATEST_YEAR:
        raise InvalidInput(f"{what} “{shorten(text)}” lies outside {EARLIEST_YEAR + 1}–{LATEST_YEAR - 1}.")
    if moment.tzinfo is not None:
        return local_moment(_within_era(to_us(moment), text, what), zone)
    moment = moment.replace(tzinfo=require_zone(zone))
    offset = moment.utcoffset()
    assert offset is not None
    return LocalMoment(_within_era(to_us(moment), text, what), offset.days * SECONDS_PER_DAY + offset.seconds, zone)


def _within_era(moment_us: int, text: str, what: str) -> int:
    if not EARLIEST_US <= moment_us <= LATEST_US:
        raise InvalidInput(f"{what} “{shorten(text)}” lies outside {EARLIEST_YEAR + 1}–{LATEST_YEAR - 1}.")
    return moment_us


def parse_date(text: str, what: str) -> date:
    """`YYYY-MM-DD`. Raises InvalidInput."""
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{what} “{shorten(text)}” is not a date.", "Write it as 2017-01-31.") from None


def date_from_days(days: int) -> date:
    """A date from its number of days since 1970-01-01. Raises ValueError or OverflowError outside years 1–9999."""
    return date.fromordinal(days + EPOCH_ORDINAL)


def days_from_date(day: date) -> int:
    """The number of days since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL
