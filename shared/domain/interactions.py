"""What was said to a client and by him: one template for calls, letters, messages, visits and requests, as facts.

A planned call is a task (shared.domain.tasks); an interaction is what took place. A wrong one is corrected by another
that takes its place; one that did not take place is withdrawn by another, which names it and says nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.business_time import LocalMoment
from shared.domain.identifiers import CODE_CHARACTERS_MAX, is_encodable, shorten
from shared.errors import InvalidInput

KEY_POINTS_MAX: Final = 20
QUOTE_CHARACTERS_MAX: Final = 1_000
SUBJECT_CHARACTERS_MAX: Final = 200
BODY_CHARACTERS_MAX: Final = 10_000
DURATION_SECONDS_MAX: Final = 24 * 60 * 60

_CLOCK: Final = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)", re.ASCII)
_MINUTES: Final = re.compile(r"\d{1,4}(\.\d{0,2})?", re.ASCII)


class Channel(StrEnum):
    """By what way a client was spoken with."""

    CALL = "call"
    EMAIL = "email"
    MESSAGE = "message"
    VISIT = "visit"
    SERVICE_REQUEST = "service_request"
    NOTE = "note"


class Direction(StrEnum):
    """Who began."""

    IN = "in"
    OUT = "out"
    NONE = ""


class Sentiment(StrEnum):
    """How the client spoke of it."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    NONE = ""


class KeyPoint(NamedTuple):
    """One thing that was said: codes of a theme and a competitor (may be empty), how, and in which words."""

    theme: str = ""
    competitor: str = ""
    sentiment: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Interaction:
    """What took place with a client. `reached` is None where nobody was to be reached; `outcome` is a code or empty.

    `body` is what was talked about, `told` what the client has been told; `corrects_id` is the interaction that this
    one takes the place of, or takes back when it is `withdrawn`.
    """

    client_id: bytes
    channel: str
    direction: str
    employee: str
    at: LocalMoment
    contact: str = ""
    reached: bool | None = None
    outcome: str = ""
    duration_seconds: int = 0
    subject: str = ""
    body: str = ""
    told: str = ""
    points: tuple[KeyPoint, ...] = ()
    task_id: bytes | None = None
    next_task_id: bytes | None = None
    corrects_id: bytes | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class ClientTransfer:
    """A client was handed from one employee to another, alone or with others of the same hand-over.

    `employee` is the code of who did it; `undoes_id` is the hand-over that this one takes back.
    """

    client_id: bytes
    from_employee_id: bytes | None
    to_employee_id: bytes | None
    hand_over_id: bytes
    employee: str
    at: LocalMoment
    reason: str = ""
    undoes_id: bytes | None = None


def parse_duration(text: str) -> int:
    """What people type – minutes as `3` or `2,5`, `3:20`, `1:05:00` – in seconds; nothing is 0. Raises InvalidInput."""
    cleaned = text.strip().replace(",", ".")
    if not cleaned:
        return 0
    found = _CLOCK.fullmatch(cleaned)
    if found:
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        total = hours * 3_600 + minutes * 60 + seconds
    elif _MINUTES.fullmatch(cleaned):
        whole, _, part = cleaned.partition(".")
        total = int(whole) * 60 + int((part or "0")[:1]) * 6
    else:
        raise InvalidInput(
            f"“{shorten(text)}” is no length of a call.", "Write minutes, or minutes and seconds as 3:20."
        )
    if total > DURATION_SECONDS_MAX:
        raise InvalidInput("An interaction lasts at most a day.", "Give its length in minutes.")
    return total


def format_duration(seconds: int) -> str:
    """`200` as `3:20`, `3900` as `1:05:00`; nothing for none."""
    if not seconds:
        return ""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def require_interaction(fact: Interaction) -> Interaction:
    """The interaction, checked against its limits. Raises InvalidInput."""
    if fact.channel not in frozenset(map(str, Channel)):
        raise InvalidInput(
            f"“{shorten(fact.channel)}” is no way to speak with a client.", f"Ways: {', '.join(Channel)}."
        )
    if fact.direction not in frozenset(map(str, Direction)):
        raise InvalidInput("An interaction goes in or out.")
    if not 0 <= fact.duration_seconds <= DURATION_SECONDS_MAX:
        raise InvalidInput("An interaction lasts at most a day.", "Give its length in minutes.")
    _require_text(fact.subject, SUBJECT_CHARACTERS_MAX, "The subject")
    _require_text(fact.body, BODY_CHARACTERS_MAX, "The text")
    _require_text(fact.told, BODY_CHARACTERS_MAX, "What the client was told")
    _require_text(fact.contact, SUBJECT_CHARACTERS_MAX, "The phone or address")
    _require_text(fact.outcome, CODE_CHARACTERS_MAX, "The outcome")
    _require_points(fact.points)
    return fact


def _require_points(points: Sequence[KeyPoint]) -> None:
    if len(points) > KEY_POINTS_MAX:
        raise InvalidInput(f"An interaction has at most {KEY_POINTS_MAX} key points.")
    for point in points:
        if not any(point):
            raise InvalidInput("A key point says nothing.", "Choose a theme or a competitor, or write a quote.")
        if point.sentiment not in frozenset(map(str, Sentiment)):
            raise InvalidInput("A key point is positive, neutral or negative.")
        _require_text(point.theme, CODE_CHARACTERS_MAX, "The theme")
        _require_text(point.competitor, CODE_CHARACTERS_MAX, "The competitor")
        _require_text(point.quote, QUOTE_CHARACTERS_MAX, "The quote")


def _require_text(text: str, characters_max: int, name: str) -> None:
    if len(text) > characters_max:
        raise InvalidInput(f"{name} has more than {characters_max} characters.")
    if "\0" in text or not is_encodable(text):
        raise InvalidInput(f"{name} holds a character that cannot be kept.")
