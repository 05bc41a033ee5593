"""Requests of branches about codes that they could not sell by: when one is open, and when its answer settles it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.domain.identifiers import derived_id

SETTLING_US: Final = SECONDS_PER_DAY * MICROSECONDS
"""A code that was scanned so shortly after the answer was scanned before the branch had it."""


class RequestState(StrEnum):
    """What the head office has said of a request; a card without a state is new."""

    NEW = "new"
    ANSWERED = "answered"
    DECLINED = "declined"


def product_request_id(branch_id: bytes, code: str) -> bytes:
    """The id of a branch's one request about a code."""
    return derived_id("product_request", branch_id, code.encode("utf-8", "surrogatepass"))


def is_settled(state: str | None, answered_at_us: int | None, last_seen_at_us: int | None) -> bool:
    """Whether the request waits for nobody. One that was answered is open again when the code goes on failing; one
    that was declined stays so."""
    if state == RequestState.DECLINED:
        return True
    return state == RequestState.ANSWERED and (last_seen_at_us or 0) <= (answered_at_us or 0) + SETTLING_US
