"""Tasks to look at: by when they ask for attention, of a person, a team or a client; and clients without a next step.

Every list is read by an index, a page at a time from where the last one ended; counts stop at `COUNTED_MAX`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from branch_node.operations.tasks import COLUMNS, Task, read_task, task_of_row
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.masking import mask_name
from shared.domain.permissions import Actor, Permission, require
from shared.domain.positions import position_on, team_of
from shared.domain.tasks import NO_DATE_US, When, end_of_day, when_of
from shared.operations.aliases import cards_of_client
from shared.operations.people import all_employees, all_positions, day_in_zone
from shared.storage.cursor_reading import CursorReader

TASKS_SHOWN_MAX: Final = 50
COUNTED_MAX: Final = 1_000
TEAM_MEMBERS_MAX: Final = 200
CLOSED_SHOWN_MAX: Final = 5
"""Tasks of a client that are over, beside the open ones."""


class Scope(StrEnum):
    """Whose tasks are looked at."""

    MINE = "mine"
    TEAM = "team"


class Place(NamedTuple):
    """Where a page of a list ended: what the list is ordered by, and the id."""

    order: int | str
    item_id: bytes


class ShownTask(NamedTuple):
    """A task with the names of those it is about; the client's is masked for who may not see contacts."""

    task: Task
    when: When | None
    client_name: str
    assignee_name: str


class TaskPage(NamedTuple):
    """Some tasks of a list, and where the next page goes on, if there is more."""

    tasks: list[ShownTask]
    further: Place | None


class Counts(NamedTuple):
    """How many tasks each list has, and clients without a next step. COUNTED_MAX: as many or more."""

    overdue: int
    today: int
    later: int
    undated: int
    no_step: int


class StepClient(NamedTuple):
    """An active client for whom nothing is to be done, and nobody said why."""

    client_id: bytes
    name: str
    owner_name: str


class StepPage(NamedTuple):
    """Some of them, by name."""

    clients: list[StepClient]
    further: Place | None


_PREFIXED: Final = ", ".join(f"t.{name}" for name in COLUMNS.split(", "))
_NAMES: Final = "c.name, c.external_id, e.name, e.code"
_JOINS: Final = "LEFT JOIN client c ON c.id = t.client_id LEFT JOIN employee e ON e.id = t.assignee_id"
_OPEN: Final = f"""
SELECT {_PREFIXED}, {_NAMES} FROM task t {_JOINS}
WHERE t.assignee_id = ? AND (t.next_at, t.id) > (?, ?) AND t.next_at < ? ORDER BY t.next_at, t.id LIMIT ?
"""
_DONE: Final = f"""
SELECT {_PREFIXED}, {_NAMES} FROM task t {_JOINS}
WHERE t.done_by = ? AND (t.done_at, t.id) < (?, ?) AND NOT t.archived ORDER BY t.done_at DESC, t.id DESC LIMIT ?
"""
_ONE: Final = f"SELECT {_PREFIXED}, {_NAMES} FROM task t {_JOINS} WHERE t.id = ?"
_OF_CLIENT_OPEN: Final = f"""
SELECT {_PREFIXED}, {_NAMES} FROM task t {_JOINS}
WHERE t.client_id = ? AND t.next_at > 0 ORDER BY t.next_at, t.id LIMIT ?
"""
_OF_CLIENT_CLOSED: Final = f"""
SELECT {_PREFIXED}, {_NAMES} FROM task t {_JOINS}
WHERE t.client_id = ? AND t.next_at IS NULL AND NOT t.archived ORDER BY t.done_at DESC, t.id DESC LIMIT ?
"""
_COUNT: Final = """
SELECT COUNT(*) FROM (SELECT 1 FROM task WHERE assignee_id IN ({}) AND next_at >= ? AND next_at < ? LIMIT ?)
"""
_NO_STEP: Final = """
SELECT w.client_id, c.name, c.external_id, w.sort_key
FROM client_without_step w LEFT JOIN client c ON c.id = w.client_id
WHERE w.owner_id = ? AND (w.sort_key, w.client_id) > (?, ?) ORDER BY w.sort_key, w.client_id LIMIT ?
"""
_COUNT_NO_STEP: Final = "SELECT COUNT(*) FROM (SELECT 1 FROM client_without_step WHERE owner_id IN ({}) LIMIT ?)"
_LAST_ID: Final = b"\xff" * 16


def whose(store: BranchStore, actor: Actor, scope: Scope) -> list[bytes]:
    """The employees whose tasks a scope shows: oneself, or everybody below. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    if scope is Scope.MINE:
        return [actor.employee_id]
    require(actor, Permission.TEAM_VIEW)
    node, _ = store.node()
    with store.read_cursor() as cursor:
        positions = all_positions(CursorReader(cursor))
    return sorted(team_of(positions, actor.employee_id, day_in_zone(store.clock.now_us(), node.timezone)))[
        :TEAM_MEMBERS_MAX
    ]


def list_open(
    store: BranchStore, actor: Actor, people: Sequence[bytes], when: When, after: Place | None = None
) -> TaskPage:
    """Open tasks of some people that stand in one list, the earliest first. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    with store.look() as look:
        since, until = _range(when, look.now_us, look.node.timezone)
        start = (after.order, after.item_id) if after else (since, b"")
        limit = TASKS_SHOWN_MAX + 1
        found = [look.cursor.execute(_OPEN, (each, *start, until, limit)).fetchall() for each in people]
        merged = heapq.merge(*found, key=lambda row: (row[_NEXT_AT], row[0]))
        rows = [row for _, row in zip(range(limit), merged, strict=False)]
        page = rows[:TASKS_SHOWN_MAX]
        further = Place(page[-1][_NEXT_AT], page[-1][0]) if len(rows) > len(page) else None
        return TaskPage([_shown(look, actor, row) for row in page], further)


def list_done(store: BranchStore, actor: Actor, people: Sequence[bytes], after: Place | None = None) -> TaskPage:
    """What some people finished or cancelled, the latest first. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    with store.look() as look:
        start = (after.order, after.item_id) if after else (NO_DATE_US, _LAST_ID)
        limit = TASKS_SHOWN_MAX + 1
        found = [look.cursor.execute(_DONE, (each, *start, limit)).fetchall() for each in people]
        merged = heapq.merge(*found, key=lambda row: (row[_DONE_AT] or 0, row[0]), reverse=True)
        rows = [row for _, row in zip(range(limit), merged, strict=False)]
        page = rows[:TASKS_SHOWN_MAX]
        further = Place(page[-1][_DONE_AT], page[-1][0]) if len(rows) > len(page) else None
        return TaskPage([_shown(look, actor, row) for row in page], further)


def show_task(store: BranchStore, actor: Actor, task_id: bytes) -> ShownTask:
    """One task, also one that was taken back. Raises NotPermitted, NotFound."""
    require(actor, Permission.TASK_EDIT)
    with store.look() as look:
        read_task(look.cursor, task_id, look.node.timezone)
        return _shown(look, actor, look.cursor.execute(_ONE, (task_id,)).fetchone())


def tasks_of_client(store: BranchStore, actor: Actor, client_id: bytes) -> tuple[list[ShownTask], list[ShownTask]]:
    """A client's open tasks, of every card that is the client's, and the last that are over. Raises NotPermitted."""
    require(actor, Permission.CLIENT_VIEW)
    with store.look() as look:
        cards = cards_of_client(look.reader, client_id)

        def tasks(statement: str, tasks_max: int) -> list[Any]:
            return [row for card in cards for row in look.cursor.execute(statement, (card, tasks_max)).fetchall()]

        found = sorted(tasks(_OF_CLIENT_OPEN, TASKS_SHOWN_MAX), key=lambda row: (row[_NEXT_AT], row[0]))
        closed = sorted(
            tasks(_OF_CLIENT_CLOSED, CLOSED_SHOWN_MAX), key=lambda row: (row[_DONE_AT] or 0, row[0]), reverse=True
        )
        found, closed = found[:TASKS_SHOWN_MAX], closed[:CLOSED_SHOWN_MAX]
        return [_shown(look, actor, row) for row in found], [_shown(look, actor, row) for row in closed]


def count_tasks(store: BranchStore, actor: Actor, people: Sequence[bytes]) -> Counts:
    """How many tasks some people have in each list. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    with store.look() as look:
        marks, zone = ", ".join("?" * len(people)), look.node.timezone

        def count(statement: str, *values: int) -> int:
            return int(look.cursor.execute(statement.format(marks), (*people, *values, COUNTED_MAX)).fetchone()[0])

        overdue, today, later, undated = (count(_COUNT, *_range(when, look.now_us, zone)) for when in When)
        return Counts(overdue, today, later, undated, count(_COUNT_NO_STEP))


def list_without_step(
    store: BranchStore, actor: Actor, people: Sequence[bytes], after: Place | None = None
) -> StepPage:
    """Active clients of some people for whom nothing is to be done, by name. Raises NotPermitted."""
    require(actor, Permission.TASK_EDIT)
    with store.look() as look:
        start, limit = (after.order, after.item_id) if after else ("", b""), TASKS_SHOWN_MAX + 1
        names = names_of(look, people)
        found = [
            [(*row, names[each]) for row in look.cursor.execute(_NO_STEP, (each, *start, limit)).fetchall()]
            for each in people
        ]
        rows = [
            row for _, row in zip(range(limit), heapq.merge(*found, key=lambda row: (row[3], row[0])), strict=False)
        ]
        page = rows[:TASKS_SHOWN_MAX]
        further = Place(page[-1][3], page[-1][0]) if len(rows) > len(page) else None
        clients = [StepClient(row[0], seen_name(actor, row[1] or row[2]), row[4]) for row in page]
        return StepPage(clients, further)


def count_due(store: BranchStore, actor: Actor) -> int:
    """How many tasks of the actor ask for attention until the end of today; for every page's header."""
    with store.read_cursor() as cursor:
        zone = store.screen_nodes.read(cursor)[0].timezone
        asked = (actor.employee_id, 0, end_of_day(store.clock.now_us(), zone), COUNTED_MAX)
        return int(cursor.execute(_COUNT.format("?"), asked).fetchone()[0])


def list_assignees(store: BranchStore) -> list[tuple[bytes, str]]:
    """Who may be given a task: everybody who works here today, by name."""
    node, _ = store.node()
    day = day_in_zone(store.clock.now_us(), node.timezone)
    with store.read() as connection:
        positions = all_positions(connection)
        people = [each for each in all_employees(connection) if not each.is_dismissed(day)]
    here = [each for each in people if _stands_here(positions.get(each.employee_id, ()), day, node.code)]
    return [
        (each.employee_id, each.name or each.code) for each in sorted(here, key=lambda each: each.name or each.code)
    ]


def names_of(look: BranchTransaction, people: Iterable[bytes]) -> dict[bytes, str]:
    """Employees' names, else their codes."""
    statement = "SELECT name, code FROM employee WHERE id = ?"
    found = {each: look.cursor.execute(statement, (each,)).fetchone() or ("", "") for each in people}
    return {each: row[0] or row[1] or "" for each, row in found.items()}


def seen_name(actor: Actor, name: str | None) -> str:
    """A client's name as the actor may see it."""
    return (name or "") if actor.may(Permission.CLIENT_CONTACTS) else mask_name(name or "")


_NEXT_AT: Final = COLUMNS.split(", ").index("next_at")
_DONE_AT: Final = COLUMNS.split(", ").index("done_at")
_WIDTH: Final = len(COLUMNS.split(", "))


def _range(when: When, now_us: int, zone: str) -> tuple[int, int]:
    """Since and until when a list's tasks ask for attention."""
    tomorrow = end_of_day(now_us, zone)
    match when:
        case When.OVERDUE:
            return 0, now_us
        case When.TODAY:
            return now_us, tomorrow
        case When.LATER:
            return tomorrow, NO_DATE_US
        case When.UNDATED:
            return NO_DATE_US, NO_DATE_US + 1


def _shown(look: BranchTransaction, actor: Actor, row: Sequence[Any]) -> ShownTask:
    zone = look.node.timezone
    task = task_of_row(row[:_WIDTH], zone)
    client, external_id, name, code = row[_WIDTH:]
    when = None if task.next_us is None else when_of(task.next_us, look.now_us, zone)
    return ShownTask(task, when, seen_name(actor, client or external_id), name or code or "")


def _stands_here(positions: Sequence[Any], day: int, branch_code: str) -> bool:
    standing = position_on(positions, day)
    return standing is not None and standing.is_at(branch_code)
