"""When a branch's data counts as complete for a period. Watermarks decide, never the newest sale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from shared.domain.business_time import LATEST_YEAR, MICROSECONDS, require_zone, to_us
from shared.reports.result import BranchCompleteness, Completeness


@dataclass(frozen=True, slots=True)
class BranchStanding:
    """What is known of a branch's synchronisation. `waiting` are entries it is known to have and HQ has not;
    `share_basis_points` is its usual share of all sales."""

    code: str
    timezone: str
    watermark_us: int | None
    last_seen_us: int | None
    in_contact: bool
    waiting: int
    parked: int
    share_basis_points: int | None = None


def judge_completeness(
    standings: Iterable[BranchStanding], date_to: date | None, now_us: int, lag_minutes: int
) -> Completeness:
    """Judges each branch for a period that ends with `date_to`, or goes on until now.

    A period that is over is complete when the watermark has passed its end in the branch's zone. One that goes on is
    complete to now: the branch is connected, or left with both sides even, and its watermark is at most `lag_minutes`
    old. In either case nothing is known to wait, and nothing is parked.
    """
    return Completeness(
        tuple(
            BranchCompleteness(
                known.code,
                known.watermark_us,
                known.last_seen_us,
                _is_complete(known, date_to, now_us, lag_minutes),
                known.share_basis_points,
            )
            for known in standings
        )
    )


def _is_complete(known: BranchStanding, date_to: date | None, now_us: int, lag_minutes: int) -> bool:
    if known.watermark_us is None or known.waiting or known.parked:
        return False
    goes_on = date_to is None or date_to.year >= LATEST_YEAR
    end_us = now_us if goes_on or date_to is None else end_of_day_us(date_to, known.timezone)
    if end_us < now_us:
        return known.watermark_us >= end_us
    return known.in_contact and now_us - known.watermark_us <= lag_minutes * 60 * MICROSECONDS


def end_of_day_us(day: date, zone: str) -> int:
    """The first moment after that local date."""
    return to_us(datetime.combine(day + timedelta(days=1), time(), require_zone(zone)))
