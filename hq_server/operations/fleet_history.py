"""How branches stood over time: a sample of each now and then, thinned as it grows old; Z-reports counted beside it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, func, select

from hq_server.operations.fleet_overview import FleetBranch, ShiftStanding
from hq_server.operations.shift_audit import audit_shifts
from hq_server.storage.fleet_tables import fleet_sample, fleet_shift_audit
from shared.domain.business_time import MICROSECONDS, date_from_days
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.operations.people import day_in_zone
from shared.storage.card_rows import upsert

EVERY_SAMPLE_DAYS: Final = 2
"""So long every sample is kept, days."""

HOURLY_SAMPLE_DAYS: Final = 31
"""So long one sample an hour is kept, days."""

SHIFT_AUDIT_DAYS: Final = 31
"""How far back Z-reports are held against the receipts for the fleet's page, days."""

BRANCHES_AUDITED_PER_PASS_MAX: Final = 100
"""Branches whose Z-reports one pass looks at anew; those that were looked at longest ago come first."""

SAMPLES_READ_MAX: Final = 2_000
"""Samples of one branch that a page reads."""

_HOUR_US: Final = 3_600 * MICROSECONDS
_DAY_US: Final = 24 * _HOUR_US


class Sample(NamedTuple):
    """How a branch stood at a moment; times are microseconds."""

    sampled_at_us: int
    connected: bool
    waiting: int
    watermark_us: int | None
    skew_ms: int | None
    parked: int
    feed_lag: int

    @property
    def watermark_age_us(self) -> int | None:
        """How far behind the watermark was."""
        return None if self.watermark_us is None else max(0, self.sampled_at_us - self.watermark_us)


def take_samples(connection: Connection, fleet: list[FleetBranch], now_us: int) -> int:
    """Writes one sample of every branch that has ever connected and is not revoked; returns how many."""
    newest = connection.execute(select(func.max(fleet_sample.c.sampled_at))).scalar_one_or_none()
    if newest is not None and newest >= now_us:
        # The clock was set back: a moment is sampled once.
        return 0
    is_hourly = newest is None or newest // _HOUR_US != now_us // _HOUR_US
    rows = [
        {
            "branch_id": each.row.id,
            "sampled_at": now_us,
            "connected": each.connected,
            "waiting": each.waiting,
            "watermark": each.watermark_us,
            "skew_ms": each.skew_ms,
            "parked": each.parked,
            "feed_lag": each.feed_lag,
            "is_hourly": is_hourly,
        }
        for each in fleet
        if each.is_known and not each.is_revoked
    ]
    if rows:
        connection.execute(fleet_sample.insert(), rows)
    return len(rows)


def thin_samples(connection: Connection, now_us: int) -> int:
    """Forgets what is older than it is kept; returns how many."""
    forgotten = 0
    for is_hourly, days in ((False, EVERY_SAMPLE_DAYS), (True, HOURLY_SAMPLE_DAYS)):
        old = (fleet_sample.c.is_hourly == is_hourly) & (fleet_sample.c.sampled_at < now_us - days * _DAY_US)
        forgotten += connection.execute(delete(fleet_sample).where(old)).rowcount
    return forgotten


def read_samples(connection: Connection, actor: Actor, branch_id: bytes, since_us: int) -> list[Sample]:
    """The samples of a branch, the oldest first; at most the newest SAMPLES_READ_MAX. Raises NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    rows = connection.execute(
        select(fleet_sample)
        .where(fleet_sample.c.branch_id == branch_id, fleet_sample.c.sampled_at >= since_us)
        .order_by(fleet_sample.c.sampled_at.desc())
        .limit(SAMPLES_READ_MAX)
    )
    return [
        Sample(
            row.sampled_at, bool(row.connected), int(row.waiting), row.watermark, row.skew_ms, int(row.parked),
            int(row.feed_lag),
        )
        for row in rows
    ][::-1]  # fmt: skip


def branches_to_audit(connection: Connection, fleet: list[FleetBranch], now_us: int) -> list[FleetBranch]:
    """Whose Z-reports are to be counted anew: HQ holds other entries than then, or it was on another day."""
    then = {row.branch_id: row for row in connection.execute(select(fleet_shift_audit))}
    stale = [
        each
        for each in fleet
        if each.entries
        and (
            each.row.id not in then
            or then[each.row.id].entries != each.entries
            or then[each.row.id].audited_at // _DAY_US != now_us // _DAY_US
        )
    ]
    stale.sort(key=lambda each: then[each.row.id].audited_at if each.row.id in then else 0)
    return stale[:BRANCHES_AUDITED_PER_PASS_MAX]


def count_shifts(connection: Connection, branch_id: bytes, zone: str, now_us: int) -> ShiftStanding:
    """Z-reports of a branch's last SHIFT_AUDIT_DAYS, and how many do not hold."""
    first = date_from_days(day_in_zone(now_us, zone)) - timedelta(days=SHIFT_AUDIT_DAYS - 1)
    audits = audit_shifts(connection, [branch_id], first, None, LOCAL_ADMINISTRATOR)
    return ShiftStanding(now_us, len(audits), sum(each.is_suspicious for each in audits))


def save_shifts(connection: Connection, branch: FleetBranch, counted: ShiftStanding) -> None:
    """Remembers the count, and of how many entries it is."""
    row = {
        "branch_id": branch.row.id,
        "audited_at": counted.audited_at_us,
        "entries": branch.entries,
        "reports": counted.reports,
        "differing": counted.differing,
    }
    connection.execute(upsert(fleet_shift_audit, connection), row)
