"""What somebody at the head office looks at first: today against a week ago, who is missing, cash that differs.

Each part is there for whoever may see it, and None for others. It reads rollups and closed shifts, never receipts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, case, func, select

from hq_server.operations.reporting import read_standings
from hq_server.storage.branches import BranchRow, all_branches
from shared.domain.business_time import local_moment
from shared.domain.permissions import Actor, Permission
from shared.reports.completeness import judge_completeness
from shared.reports.report import share_basis_points
from shared.reports.result import BranchCompleteness, Completeness
from shared.storage.rollup_tables import sales_by_hour
from shared.storage.tables import shift_close

CASH_DAYS = 7
CASH_SHOWN_MAX = 5
MISSING_SHOWN_MAX = 8
_WEEK = timedelta(days=7)


class Hour(NamedTuple):
    """An hour of the day in each branch's own zone: net sales of today and of a week ago, minor units."""

    hour: int
    net_minor: int
    net_before_minor: int


@dataclass(frozen=True, slots=True)
class Today:
    """Today so far, and its whole hours against the same hours a week ago. `net_minor` counts the running hour too;
    minor units."""

    net_minor: int
    receipts: int
    whole_hours_minor: int
    before_minor: int
    hours: tuple[Hour, ...]

    @property
    def change_basis_points(self) -> int | None:
        """How much more the whole hours sold than a week ago; None when nothing was sold then."""
        return share_basis_points(self.whole_hours_minor - self.before_minor, self.before_minor)


class CashDifference(NamedTuple):
    """A shift that was counted and did not have what it should; minor units, less than 0 is short."""

    branch_code: str
    register: str
    cashier: str
    business_date: date
    variance_minor: int


@dataclass(frozen=True, slots=True)
class Cash:
    """Shifts closed within CASH_DAYS: how many, how many differ, what is short and over in all, the largest."""

    shifts: int
    differing: int
    short_minor: int
    over_minor: int
    largest: tuple[CashDifference, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`missing` are the branches not complete to now, those with the largest share of sales first."""

    today: Today | None
    completeness: Completeness | None
    missing: tuple[BranchCompleteness, ...]
    cash: Cash | None


def read_dashboard(connection: Connection, actor: Actor, zone: str, now_us: int, lag_minutes: int) -> Dashboard:
    """In a read of one moment. `zone` is the chain's."""
    sees_sales, sees_audit = actor.may(Permission.REPORT_CHAIN), actor.may(Permission.AUDIT_VIEW)
    if not (sees_sales or sees_audit):
        return Dashboard(None, None, (), None)
    branches = [row for row in all_branches(connection) if row.revoked_at_us is None]
    today = local_moment(now_us, zone).business_date
    completeness = judge_completeness(read_standings(connection, branches, today), None, now_us, lag_minutes)
    missing = sorted(completeness.missing, key=lambda each: (-(each.share_basis_points or 0), each.branch))
    return Dashboard(
        _today(connection, branches, now_us) if sees_sales else None,
        completeness,
        tuple(missing),
        _cash(connection, branches, today) if sees_audit else None,
    )


def _today(connection: Connection, branches: Sequence[BranchRow], now_us: int) -> Today:
    """Each branch has its own day and hour; branches of one zone are read at once."""
    zones: dict[str, list[bytes]] = defaultdict(list)
    for row in branches:
        zones[row.timezone].append(row.id)
    net: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    receipts = whole = before = 0
    for zone, branch_ids in zones.items():
        moment = local_moment(now_us, zone)
        for day, hour, amount, count in connection.execute(_hours(branch_ids, moment.business_date)):
            is_today = day == moment.business_date
            net[hour][0 if is_today else 1] += int(amount)
            receipts += int(count) if is_today else 0
            if hour < moment.hour:
                whole += int(amount) if is_today else 0
                before += 0 if is_today else int(amount)
    hours = tuple(Hour(hour, *net[hour]) for hour in sorted(net))
    return Today(sum(each.net_minor for each in hours), receipts, whole, before, hours)


def _hours(branch_ids: Sequence[bytes], today: date) -> Select[Any]:
    keys = (sales_by_hour.c.business_date, sales_by_hour.c.hour)
    sums = (func.sum(sales_by_hour.c.net_minor), func.sum(sales_by_hour.c.receipts))
    days = sales_by_hour.c.business_date.in_([today, today - _WEEK])
    return select(*keys, *sums).where(sales_by_hour.c.branch_id.in_(branch_ids), days).group_by(*keys)


def _cash(connection: Connection, branches: Sequence[BranchRow], today: date) -> Cash:
    variance = shift_close.c.counted_cash_minor - shift_close.c.expected_cash_minor
    codes = {row.id: row.code for row in branches}
    recent = (
        shift_close.c.branch_id.in_(list(codes)),
        shift_close.c.business_date > today - timedelta(days=CASH_DAYS),
        shift_close.c.counted_cash_minor.is_not(None),
    )
    differs = func.sum(case((variance != 0, 1), else_=0))
    short, over = (func.sum(case((is_so, variance), else_=0)) for is_so in (variance < 0, variance > 0))
    shifts, differing, short_minor, over_minor = connection.execute(
        select(func.count(), differs, short, over).where(*recent)
    ).one()
    largest = connection.execute(
        select(
            shift_close.c.branch_id,
            shift_close.c.register,
            shift_close.c.cashier,
            shift_close.c.business_date,
            variance.label("variance"),
        )
        .where(*recent, variance != 0)
        .order_by(func.abs(variance).desc(), shift_close.c.closed_at.desc())
        .limit(CASH_SHOWN_MAX)
    )
    rows = tuple(CashDifference(codes[row[0]], *row[1:4], int(row[4])) for row in largest)
    return Cash(shifts, int(differing or 0), int(short_minor or 0), int(over_minor or 0), rows)
