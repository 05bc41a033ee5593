"""An employee's open tasks as a calendar that Google, Apple and others subscribe to: RFC 5545, by a secret address.

The address leaves the shop, so the calendar says what is to be done and when, and of a client no more than is needed to
tell two apart. The store keeps the hash of the secret alone; a new one ends the old.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from branch_node.operations.task_lists import seen_name
from branch_node.operations.tasks import COLUMNS, Task, task_of_row
from branch_node.storage.store import BranchStore
from branch_node.storage.task_tables import task_calendar
from shared.domain.business_time import from_us
from shared.domain.identifiers import format_id
from shared.domain.masking import mask_name
from shared.domain.permissions import Actor, Permission, require
from shared.domain.tasks import NO_DATE_US, local_day
from shared.errors import NotPermitted
from shared.operations.people import actor_on, day_in_zone, find_employee
from shared.operations.sessions import hash_token, new_token
from shared.storage.card_rows import upsert

if TYPE_CHECKING:
    from icalendar import Event

CALENDAR_TASKS_MAX: Final = 500
PURPOSE: Final = "task-calendar"
EVENT_MINUTES: Final = 30
"""How long a task with a time takes up in a calendar."""

REFRESHED_EVERY: Final = timedelta(minutes=15)
_TASKS: Final = f"""
SELECT {", ".join(f"t.{name}" for name in COLUMNS.split(", "))}, c.name, c.external_id FROM task t
LEFT JOIN client c ON c.id = t.client_id
WHERE t.assignee_id = ? AND t.next_at >= 0 AND t.next_at < ? ORDER BY t.next_at, t.id LIMIT ?
"""


def renew_calendar(store: BranchStore, actor: Actor) -> str:
    """A new secret for the actor's calendar; the old address ends. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    token = new_token(store.ids)
    row = {
        "employee_id": actor.employee_id,
        "token_hash": hash_token(PURPOSE, token),
        "created_at": store.clock.now_us(),
    }
    with store.write() as connection:
        connection.execute(upsert(task_calendar, connection), row)
    return token


def end_calendar(store: BranchStore, actor: Actor) -> None:
    """The actor's calendar has no address any more. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    with store.write() as connection:
        connection.execute(delete(task_calendar).where(task_calendar.c.employee_id == actor.employee_id))


def has_calendar(store: BranchStore, actor: Actor) -> bool:
    """Whether there is an address."""
    with store.read() as connection:
        own = select(task_calendar.c.employee_id).where(task_calendar.c.employee_id == actor.employee_id)
        return connection.execute(own).first() is not None


def write_calendar(store: BranchStore, token: str, address_of: Callable[[str], str]) -> bytes:
    """The calendar of whoever holds the secret, if he may still work here. `address_of` gives the page of a task's id.

    Raises NotPermitted.
    """
    actor = _whose(store, token)
    with store.look() as look:
        zone, name = look.node.timezone, look.node.name or look.node.code
        rows = look.cursor.execute(_TASKS, (actor.employee_id, NO_DATE_US, CALENDAR_TASKS_MAX)).fetchall()
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//Filial//Tasks//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"{name}: {actor.name or actor.code}")
    calendar.add("refresh-interval", REFRESHED_EVERY)
    calendar.add("x-published-ttl", "PT15M")
    for *columns, client, external_id in rows:
        task = task_of_row(columns, zone)
        if task.due is not None or task.snoozed_until_us is not None:
            about = mask_name(seen_name(actor, client or external_id))
            calendar.add_component(_event(task, about, address_of(format_id(task.task_id)), store.clock.now_us()))
    written: bytes = calendar.to_ical()
    return written


def _whose(store: BranchStore, token: str) -> Actor:
    node, _ = store.node()
    hashed = hash_token(PURPOSE, token)
    with store.read() as connection:
        held = select(task_calendar.c.employee_id).where(task_calendar.c.token_hash == hashed)
        identity = connection.execute(held).scalar_one_or_none() if hashed else None
        person = None if identity is None else find_employee(connection, identity)
        if person is None:
            raise _refused()
        actor = actor_on(connection, person, day_in_zone(store.clock.now_us(), node.timezone), node.code)
    if actor is None or not actor.may(Permission.TASK_EDIT):
        raise _refused()
    return actor


def _refused() -> NotPermitted:
    return NotPermitted("This calendar’s address holds no longer.", "Make a new one on the page of your tasks.")


def _event(task: Task, about: str, address: str, now_us: int) -> Event:
    from icalendar import Alarm, Event

    event = Event()
    event.add("uid", format_id(task.task_id))
    event.add("dtstamp", from_us(now_us))
    event.add("summary", f"{task.title} – {about}" if about else task.title)
    event.add("url", address)
    event.add("categories", [task.type])
    event.add("transp", "TRANSPARENT")
    for name, moment in _times(task).items():
        event.add(name, moment)
    if task.remind_minutes is not None and task.due is not None and task.due.has_time:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", task.title)
        alarm.add("trigger", timedelta(minutes=-task.remind_minutes))
        event.add_component(alarm)
    return event


def _times(task: Task) -> dict[str, Any]:
    """A task stands where it asks for attention: when it was put off to, else when it is due; a day alone is a day."""
    due, next_us = task.due, task.next_us
    assert next_us is not None
    if due is not None and not due.has_time and next_us == due.at_us:
        day = local_day(due.at_us, task.zone)
        return {"dtstart": day, "dtend": day + timedelta(days=1)}
    # Moments without their parts of a second: calendars have none.
    start = from_us(next_us).replace(microsecond=0)
    return {"dtstart": start, "dtend": start + timedelta(minutes=EVENT_MINUTES)}
