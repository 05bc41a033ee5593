"""When people are told of a trouble: once when it begins, at most once a day while it lasts, and once when it is over.

A branch whose line comes and goes does not fill anybody's mailbox: a trouble is over only when it has not been seen for
a while, and one that comes back soon after its all-clear is told only once it has lasted. Contains no servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, select, update

from hq_server.operations.fleet_overview import Judged
from hq_server.operations.fleet_rules import Trouble
from hq_server.storage.fleet_tables import fleet_alert
from hq_server.storage.tables import branch
from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS
from shared.domain.permissions import Actor, Permission, require

CALM_MINUTES: Final = 15
"""So long a trouble must not be seen before it is over."""

AGAIN_HOURS: Final = 6
"""A trouble that comes back so soon after its all-clear is the same one."""

AGAIN_LASTS_MINUTES: Final = 60
"""And is told again once it has lasted so long."""

REMINDER_HOURS: Final = 24
"""While a trouble lasts, people are reminded no more often than that."""

ALERTS_KEPT_DAYS: Final = 90
"""So long an alert that is over is kept, days."""

ALERTS_SHOWN_MAX: Final = 100

_MINUTE_US: Final = 60 * MICROSECONDS
_HOUR_US: Final = 60 * _MINUTE_US


class Saying(StrEnum):
    """What people are told about an alert. The value stands in the webhook's JSON."""

    RAISED = "raised"
    REMINDER = "reminder"
    CLEARED = "cleared"


class Alert(NamedTuple):
    """One trouble of one branch; times are microseconds. See `fleet_tables.fleet_alert`."""

    alert_id: bytes
    branch_id: bytes
    kind: Trouble
    figure: int
    raised_at_us: int
    lasts_since_us: int
    calm_since_us: int | None = None
    cleared_at_us: int | None = None
    told_at_us: int | None = None
    is_told: bool = False
    delivered_at_us: int | None = None
    error: str | None = None

    @property
    def is_open(self) -> bool:
        return self.cleared_at_us is None


class Event(NamedTuple):
    """What is to be told."""

    saying: Saying
    alert: Alert


class ListedAlert(NamedTuple):
    """An alert with its branch's code, as a page lists it."""

    branch_code: str
    alert: Alert


def step(alert: Alert, figure: int | None, now_us: int, can_tell: bool = True) -> tuple[Alert, Saying | None]:
    """An alert a moment later, and what is to be told of it. `figure` is None when the trouble is not seen.

    An alert that is over is stepped only with a figure, within AGAIN_HOURS. Who cannot tell anybody has told nobody.
    """
    if figure is None:
        return _calm(alert, now_us, can_tell)
    is_pause_over = alert.calm_since_us is not None and not alert.is_open
    alert = alert._replace(
        figure=figure,
        lasts_since_us=now_us if is_pause_over else alert.lasts_since_us,
        calm_since_us=None,
        cleared_at_us=None,
    )
    if not can_tell:
        return alert, None
    if alert.told_at_us is None:
        return alert._replace(told_at_us=now_us, is_told=True), Saying.RAISED
    if not alert.is_told and now_us - alert.lasts_since_us >= AGAIN_LASTS_MINUTES * _MINUTE_US:
        return alert._replace(told_at_us=now_us, is_told=True), Saying.RAISED
    if alert.is_told and now_us - alert.told_at_us >= REMINDER_HOURS * _HOUR_US:
        return alert._replace(told_at_us=now_us), Saying.REMINDER
    return alert, None


def _calm(alert: Alert, now_us: int, can_tell: bool) -> tuple[Alert, Saying | None]:
    if alert.calm_since_us is None:
        return alert._replace(calm_since_us=now_us), None
    if now_us - alert.calm_since_us < CALM_MINUTES * _MINUTE_US:
        return alert, None
    over = alert._replace(cleared_at_us=now_us, is_told=False)
    return (over._replace(told_at_us=now_us), Saying.CLEARED) if alert.is_told and can_tell else (over, None)


def step_alerts(connection: Connection, ids: Ids, judged: Iterable[Judged], now_us: int, can_tell: bool) -> list[Event]:
    """Brings every alert up to what is seen now; returns what is to be told, by branch and kind."""
    seen = {(each.branch.row.id, found.trouble): found.figure for each in judged for found in each.findings}
    known = _current(connection, now_us)
    events = []
    for key in sorted({*seen, *(key for key, alert in known.items() if alert.is_open)}):
        before = known.get(key)
        figure = seen.get(key)
        if before is None:
            assert figure is not None, "only what is seen or open is looked at"
            before = Alert(ids.new_id(), key[0], key[1], figure, now_us, now_us)
        after, saying = step(before, figure, now_us, can_tell)
        if after != known.get(key):
            _save(connection, after, is_new=key not in known)
        if saying is not None:
            events.append(Event(saying, after))
    return events


def forget_old(connection: Connection, now_us: int) -> None:
    """Alerts that were over long ago."""
    old = fleet_alert.c.cleared_at < now_us - ALERTS_KEPT_DAYS * 24 * _HOUR_US
    connection.execute(delete(fleet_alert).where(old))


def list_alerts(
    connection: Connection, actor: Actor, branch_id: bytes | None = None, limit: int = ALERTS_SHOWN_MAX
) -> list[ListedAlert]:
    """The open ones first, then by when they were raised, the newest first. Raises NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    statement = select(fleet_alert, branch.c.code).join(branch, branch.c.id == fleet_alert.c.branch_id)
    if branch_id is not None:
        statement = statement.where(fleet_alert.c.branch_id == branch_id)
    order = (fleet_alert.c.cleared_at.is_(None).desc(), fleet_alert.c.raised_at.desc(), branch.c.code)
    rows = connection.execute(statement.order_by(*order).limit(limit)).all()
    return [ListedAlert(row.code, found) for row in rows if (found := _alert(row)) is not None]


def note_delivery(connection: Connection, alert_ids: list[bytes], now_us: int, error: str | None) -> None:
    """What became of a message about these alerts: it arrived, or why not."""
    changes: dict[str, Any] = {"error": error} if error else {"error": None, "delivered_at": now_us}
    connection.execute(update(fleet_alert).where(fleet_alert.c.id.in_(alert_ids)).values(changes))


def _current(connection: Connection, now_us: int) -> dict[tuple[bytes, Trouble], Alert]:
    """Of every branch and kind the alert that is open, or was over so lately that it may come back."""
    lately = fleet_alert.c.cleared_at >= now_us - AGAIN_HOURS * _HOUR_US
    rows = connection.execute(
        select(fleet_alert).where(fleet_alert.c.cleared_at.is_(None) | lately).order_by(fleet_alert.c.raised_at)
    )
    return {(alert.branch_id, alert.kind): alert for row in rows if (alert := _alert(row)) is not None}


def _alert(row: Any) -> Alert | None:
    """None for a kind of a newer release."""
    if row.kind not in frozenset(map(str, Trouble)):
        return None
    return Alert(
        row.id, row.branch_id, Trouble(row.kind), int(row.figure), row.raised_at, row.lasts_since, row.calm_since,
        row.cleared_at, row.told_at, bool(row.is_told), row.delivered_at, row.error,
    )  # fmt: skip


def _save(connection: Connection, alert: Alert, is_new: bool) -> None:
    changes = {
        "figure": alert.figure,
        "lasts_since": alert.lasts_since_us,
        "calm_since": alert.calm_since_us,
        "cleared_at": alert.cleared_at_us,
        "told_at": alert.told_at_us,
        "is_told": alert.is_told,
    }
    if is_new:
        fixed = {"id": alert.alert_id, "branch_id": alert.branch_id, "kind": alert.kind.value}
        connection.execute(fleet_alert.insert().values(fixed | changes | {"raised_at": alert.raised_at_us}))
    else:
        connection.execute(update(fleet_alert).where(fleet_alert.c.id == alert.alert_id).values(changes))
