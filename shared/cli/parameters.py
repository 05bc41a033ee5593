"""What the command lines take besides text: days, and hours of a day."""

from __future__ import annotations

import re

from shared.domain.business_time import days_from_date, parse_date
from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

_HOURS = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})", re.ASCII)


def parse_day(text: str | None, what: str) -> int | None:
    """`2026-12-31` as days since 1970-01-01; None stays None. Raises InvalidInput."""
    return None if text is None else days_from_date(parse_date(text, what))


def parse_hours(text: str | None) -> tuple[int | None, int | None]:
    """`10:00-14:30` as minutes since midnight; `22:00-06:00` goes over it. Raises InvalidInput."""
    if text is None:
        return None, None
    found = _HOURS.fullmatch(text)
    numbers = [int(digits) for digits in found.groups()] if found else [99] * 4
    start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if numbers[1] > 59 or numbers[3] > 59 or max(start, end) > 1_440 or start == end:
        raise InvalidInput(f"“{shorten(text)}” are no hours of a day.", "Write 10:00-14:30.")
    return start, end
