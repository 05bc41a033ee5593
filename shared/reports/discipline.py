"""The report `discipline`: whether what was to be done was done in time, and for whom nothing is to be done.

Definitions, alike at every branch and at HQ:

    done             tasks done
    on_time          of them: done at the latest when they were due
    late             of them: done after they were due
    overdue          tasks that are open now and past the moment that they ask for: when due, or later where put off
    no_step          clients who have an owner, no open task, and no reason for that, now
    on_time_percent  on time ÷ (on time + late + overdue)

A task with a time is due at that time; one with a day alone, until that day is over in the branch where it was due.
It counts on the day when it was due; without one, on the day when it was done or to which it was put off, and then it
is neither on time nor late. It counts for who did it, and while it is open for whom it was given to; one that was
cancelled does not count. Somebody of whom a branch was never told stands there under no name. Clients count today,
for their owner, in the branch where the owner works, and in none when that is not one. Tasks and clients are looked
at as they are now, so “as known at” cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from operator import add
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, and_, case, exists, func, literal, or_, select

from shared.domain.business_time import (
    MICROSECONDS,
    SECONDS_PER_DAY,
    date_from_days,
    days_from_date,
    offset_changes,
)
from shared.domain.positions import ALL_BRANCHES, position_on
from shared.errors import InvalidInput
from shared.operations.people import all_positions
from shared.reports.fact_sums import BRANCH, BUSINESS_DATE, MONTH, Condition, Expression, answer_of
from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath, Item, Kind, page_of
from shared.reports.parameters import ReportParameters
from shared.reports.report import Derived, Report, Sums, share_basis_points
from shared.reports.result import Column
from shared.reports.work import zones_of
from shared.storage.tables import client, employee, task

NAME = "discipline"

DIMENSIONS: dict[str, Column] = {
    "branch": BRANCH,
    "employee": Column("employee", "text", "Employee"),
    "month": MONTH,
    "business_date": BUSINESS_DATE,
}

MEASURES: tuple[Column, ...] = (
    Column("done", "integer", "Tasks done"),
    Column("on_time", "integer", "Done on time"),
    Column("late", "integer", "Done late"),
    Column("overdue", "integer", "Overdue now"),
    Column("no_step", "integer", "Clients without a next step"),
)

DEFINITIONS: dict[str, str] = {
    "done": "tasks done, by the day when they were due; those without a day, by the day when they were done",
    "on_time": "tasks done at the latest when they were due: at the time, or before the day was over",
    "late": "tasks done after they were due",
    "overdue": "open tasks past the moment when they were due, or to which they were put off",
    "no_step": "clients who have an owner, no open task and no reason for that; as of today",
}


def _on_time_percent(sums: Sums) -> int | None:
    return share_basis_points(sums["on_time"], sums["on_time"] + sums["late"] + sums["overdue"])


DERIVED = (
    Derived(
        Column("on_time_percent", "percent", "On time, %"),
        "done on time ÷ (done on time + done late + overdue now)",
        _on_time_percent,
    ),
)

_DAY_US = SECONDS_PER_DAY * MICROSECONDS
_EARLIEST_US, _LATEST_US = 0, 150 * 366 * _DAY_US
"""Clocks are put forward and back between 1970 and 2120; outside of it the offset is that of the nearest moment."""


def run_discipline(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows and totals. Raises InvalidInput when it is asked for as known at a moment."""
    _require_now(parameters)
    groups: dict[tuple[Any, ...], list[int]] = {}
    places = [_Counted._fields.index(name) for name in parameters.by]
    for counted in (*_tasks(ground, parameters), *_clients(ground, parameters)):
        if not _is_within(counted, parameters):
            continue
        key = tuple([counted[place] for place in places])
        group = groups.get(key)
        if group is None:
            groups[key] = list(counted.sums)
        else:
            group[:] = map(add, group, counted.sums)
    return answer_of(groups, parameters.by, len(MEASURES))


def list_duties(ground: Ground, asked: Asked) -> Beneath:
    """The tasks behind it, and the clients without a next step."""
    parameters, team = asked.parameters, asked.team
    _require_now(parameters)
    wanted = [(_Counted._fields.index(name), values) for name, values in parameters.filters]
    items = []
    counted = [
        *_each_task(ground, parameters),
        *_clients(ground, parameters, [client.c.id]),
    ]
    for each in counted:
        if not _is_within(each, parameters) or any((each[place] or "") not in values for place, values in wanted):
            continue
        day, person = date.fromisoformat(each.business_date), each.employee or ""
        if team is not None and (person not in team or (team[person] and day not in team[person])):
            continue
        items.append(_item(each))
    return page_of(asked, items, len(MEASURES))


def _item(counted: _Counted) -> Item:
    branch, who = counted.branch or "", counted.employee or ""
    if len(counted.of) == 1:
        (client_id,) = counted.of
        return Item(Kind.NO_STEP, branch, client_id, None, "", who, client_id, counted.sums)
    task_id, client_id, title, at_us = counted.of
    return Item(Kind.TASK, branch, task_id, int(at_us), title or "", who, client_id, counted.sums)


def _require_now(parameters: ReportParameters) -> None:
    if parameters.as_of_us is not None:
        raise InvalidInput("Of tasks only what they are now is known.", "Leave “as known at” out.")


def _is_within(counted: _Counted, parameters: ReportParameters) -> bool:
    first, last = (day.isoformat() if day else "" for day in (parameters.date_from, parameters.date_to))
    return first <= counted.business_date and (not last or counted.business_date <= last)


class _Counted(NamedTuple):
    """What counts for somebody on a day: the dimensions by their names, codes and days as texts; and the measures.
    What nobody asked for is left out. `of` says of one task or client what was asked for besides."""

    branch: str | None
    employee: str | None
    month: str
    business_date: str
    sums: tuple[int, ...]
    of: tuple[Any, ...] = ()


_moment = func.coalesce(task.c.due_at, task.c.done_at, task.c.snoozed_until)
"""By which a task counts on a day."""


def _tasks(ground: Ground, parameters: ReportParameters) -> Iterator[_Counted]:
    """By what is asked for alone: a day costs its reckoning for every task."""
    keys: dict[str, Expression] = {}
    if "branch" in parameters.by:
        keys["branch"] = task.c.branch_id
    if "employee" in parameters.by:
        keys["employee"] = employee.c.code
    if {"month", "business_date"} & set(parameters.by) or parameters.date_from or parameters.date_to:
        keys["day"] = (_moment + _offsets(ground, parameters)) // literal(_DAY_US, BigInteger)
    width = len(keys)
    for row in ground.connection.execute(_task_sums(ground, parameters, keys)).all():
        values: dict[str, Any] = dict(zip(keys, row[:width], strict=True))
        day = date_from_days(values["day"]).isoformat() if "day" in values else ""
        branch = ground.branch_codes.get(values.get("branch", b""))
        yield _Counted(branch, values.get("employee"), day[:7], day, (*map(int, row[width:]), 0))


def _each_task(ground: Ground, parameters: ReportParameters) -> Iterator[_Counted]:
    """One by one, with id, client, title and moment."""
    day = (_moment + _offsets(ground, parameters)) // literal(_DAY_US, BigInteger)
    shown = (task.c.branch_id, employee.c.code, day, task.c.id, task.c.client_id, task.c.title, _moment)
    source = task.outerjoin(employee, employee.c.id == _person())
    statement = select(*shown, *map(_flag, _measured(ground).values())).select_from(source)
    for row in ground.connection.execute(statement.where(*_conditions(ground, parameters), _counts(ground))):
        business_date = date_from_days(int(row[2])).isoformat()
        sums = (*map(int, row[len(shown) :]), 0)
        code = ground.branch_codes[row[0]]
        yield _Counted(code, row[1], business_date[:7], business_date, sums, tuple(row[3 : len(shown)]))


def _task_sums(ground: Ground, parameters: ReportParameters, keys: Mapping[str, Expression]) -> Select[Any]:
    counted = _measured(ground)
    flags = (_flag(condition).label(name) for name, condition in counted.items())
    source = task.outerjoin(employee, employee.c.id == _person()) if "employee" in keys else task
    # Keys have parameters, and PostgreSQL would take those of two places for two expressions.
    each = (
        select(*(key.label(name) for name, key in keys.items()), *flags)
        .select_from(source)
        .where(*_conditions(ground, parameters), _counts(ground))
        .subquery()
    )
    grouped = [each.c[name] for name in keys]
    statement = select(*grouped, *(func.sum(each.c[name]) for name in counted))
    return statement.group_by(*grouped) if grouped else statement.having(func.count() > 0)


_is_done = and_(task.c.state == "done", task.c.done_at.is_not(None))


def _person() -> Expression:
    """Whose a task is: who did it, or who has to."""
    return case((_is_done, task.c.done_by), else_=task.c.assignee_id)


def _measured(ground: Ground) -> dict[str, Condition]:
    """What a task counts as, by the measures' names."""
    return {
        "done": _is_done,
        "on_time": and_(_is_done, task.c.done_at <= task.c.due_at),
        "late": and_(_is_done, task.c.done_at > task.c.due_at),
        "overdue": and_(~_is_done, task.c.next_at < ground.now_us),
    }


def _counts(ground: Ground) -> Condition:
    return or_(_is_done, task.c.next_at < ground.now_us)


def _flag(condition: Condition) -> Expression:
    return case((condition, 1), else_=0)


def _conditions(ground: Ground, parameters: ReportParameters) -> list[Condition]:
    """A day of a zone begins and ends within a day of that of UTC."""
    conditions: list[Condition] = [task.c.branch_id.in_(list(ground.branch_codes)), ~task.c.archived]
    if parameters.date_from:
        conditions.append(_moment >= (days_from_date(parameters.date_from) - 1) * _DAY_US)
    if parameters.date_to:
        conditions.append(_moment < (days_from_date(parameters.date_to) + 2) * _DAY_US)
    return conditions


def _offsets(ground: Ground, parameters: ReportParameters) -> Expression:
    """By how much the clocks of a task's zone were before UTC at its moment; a zone changes twice a year at most, and
    tasks are of few zones. Without a zone of its own a task is in its branch's."""
    bounds = select(task.c.zone, func.min(_moment), func.max(_moment)).where(*_conditions(ground, parameters))
    times = {row[0]: (row[1], row[2]) for row in ground.connection.execute(bounds.group_by(task.c.zone)) if row[1]}
    ways: list[Any] = [(task.c.zone == zone, _offset(zone, times[zone])) for zone in times if zone]
    if None in times or "" in times:
        known = [times[zone] for zone in (None, "") if zone in times]
        whole = (min(first for first, _ in known), max(last for _, last in known))
        zones = zones_of(ground.connection, list(ground.branch_codes))
        for zone in set(zones.values()):
            at = task.c.branch_id.in_([branch_id for branch_id, own in zones.items() if own == zone])
            ways.append((and_(func.coalesce(task.c.zone, "") == "", at), _offset(zone, whole)))
    return case(*ways, else_=literal(0, BigInteger)) if ways else literal(0, BigInteger)


def _offset(zone: str, times: tuple[int, int]) -> Expression:
    since_us, until_us = (min(max(moment, _EARLIEST_US), _LATEST_US) for moment in times)
    (_, first), *later = offset_changes(zone, since_us, until_us)
    whole: Expression = literal(first, BigInteger)
    changed: list[Any] = [(_moment >= literal(at_us, BigInteger), literal(us, BigInteger)) for at_us, us in later]
    return case(*reversed(changed), else_=whole) if changed else whole


def _clients(ground: Ground, parameters: ReportParameters, besides: Sequence[Any] = ()) -> Iterator[_Counted]:
    """By the client's owner, today."""
    has_step = exists(select(literal(1)).where(task.c.client_id == client.c.id, task.c.next_at > 0))
    statement = (
        select(client.c.owner_id, employee.c.code, func.count(), *besides)
        .select_from(client.outerjoin(employee, employee.c.id == client.c.owner_id))
        .where(
            client.c.owner_id.is_not(None),
            ~client.c.archived,
            client.c.merged_into.is_(None),
            client.c.no_next_step.is_(None),
            ~has_step,
        )
        .group_by(client.c.owner_id, employee.c.code, *besides)
    )
    places, today = _places(ground), ground.today.isoformat()
    included: set[str | None] = set(ground.branch_codes.values())
    # A branch counts its own alone; the head office, asked for all, also those that are of none.
    if ground.has_rollups and not parameters.branches:
        included.add(None)
    for owner_id, code, count, *of in ground.connection.execute(statement):
        branch = places.get(owner_id)
        if branch in included:
            yield _Counted(branch, code, today[:7], today, (0, 0, 0, 0, int(count)), tuple(of))


def _places(ground: Ground) -> dict[bytes, str]:
    """The one branch where each employee works today, by his id; who works in several or all is not there."""
    today = days_from_date(ground.today)
    places = {}
    for person, positions in all_positions(ground.connection).items():
        position = position_on(positions, today)
        if position is not None and len(position.branches) == 1 and ALL_BRANCHES not in position.branches:
            places[person] = position.branches[0]
    return places


REPORT = Report(
    name=NAME,
    title="Discipline",
    summary="Tasks done on time and late, overdue tasks, clients without a next step.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_discipline,
    derived=DERIVED,
    is_additive=True,
    person="employee",
    first_by=("employee",),
    notes=(
        "A task counts on the day when it was due.",
        "Overdue tasks and clients without a next step are those of now.",
    ),
)
