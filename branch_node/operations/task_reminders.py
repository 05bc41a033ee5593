"""Reminders whose time has come, for whoever the task is of, until he says that he saw them.

That a reminder was seen is this branch's own business: it is in no journal.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import delete

from branch_node.operations.task_lists import seen_name
from branch_node.operations.tasks import COLUMNS, Task, task_of_row
from branch_node.storage.store import BranchStore
from branch_node.storage.task_tables import task_reminder
from shared.domain.permissions import Actor, Permission, require
from shared.domain.tasks import MINUTE_US, REMIND_MINUTES_MAX, remind_at_us
from shared.storage.card_rows import upsert

REMINDERS_SHOWN_MAX: Final = 3
CANDIDATES_MAX: Final = 300
LATE_US: Final = 24 * 60 * MINUTE_US
"""Of how long ago a reminder is still shown: whoever was away yesterday sees the list instead."""

SEEN_KEPT_US: Final = 30 * 24 * 60 * MINUTE_US
_AHEAD_US: Final = (REMIND_MINUTES_MAX + 24 * 60) * MINUTE_US
_CANDIDATES: Final = f"""
SELECT {", ".join(f"t.{name}" for name in COLUMNS.split(", "))}, c.name, c.external_id, r.seen_at FROM task t
LEFT JOIN client c ON c.id = t.client_id
LEFT JOIN task_reminder r ON r.employee_id = ? AND r.task_id = t.id
WHERE t.assignee_id = ? AND t.next_at > ? AND t.next_at < ? AND (t.remind_minutes >= 0 OR t.snoozed_until > 0)
ORDER BY t.next_at, t.id LIMIT ?
"""


class Reminder(NamedTuple):
    """A task whose reminder's time came at `at_us`."""

    task: Task
    client_name: str
    at_us: int


def due_reminders(store: BranchStore, actor: Actor) -> list[Reminder]:
    """Reminders of the actor's open tasks that he has not seen, the oldest first. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    own = actor.employee_id
    with store.look() as look:
        now_us, zone = look.now_us, look.node.timezone
        asked = (own, own, now_us - LATE_US, now_us + _AHEAD_US, CANDIDATES_MAX)
        rows = look.cursor.execute(_CANDIDATES, asked).fetchall()
    found = []
    for *columns, name, external_id, seen_us in rows:
        task = task_of_row(columns, zone)
        at_us = remind_at_us(task.due, task.remind_minutes, task.snoozed_until_us, task.zone)
        if at_us is not None and now_us - LATE_US < at_us <= now_us and (seen_us is None or seen_us < at_us):
            found.append(Reminder(task, seen_name(actor, name or external_id), at_us))
    return sorted(found, key=lambda each: (each.at_us, each.task.task_id))[:REMINDERS_SHOWN_MAX]


def see_reminder(store: BranchStore, actor: Actor, task_id: bytes) -> None:
    """The actor has seen what a task reminded of so far; what was seen long ago is forgotten. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    now_us = store.clock.now_us()
    with store.write() as connection:
        connection.execute(delete(task_reminder).where(task_reminder.c.seen_at < now_us - SEEN_KEPT_US))
        row = {"employee_id": actor.employee_id, "task_id": task_id, "seen_at": now_us}
        connection.execute(upsert(task_reminder, connection), row)
