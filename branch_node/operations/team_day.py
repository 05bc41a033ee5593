"""The supervisor's day: what the people of this branch did with clients today or within the last hours.

Nobody writes a report: it is measured from calls, tasks and sales as they were recorded (shared.reports.work).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select

from branch_node.storage.store import BranchStore
from shared.domain.business_time import local_moment
from shared.domain.permissions import Actor, Permission, require
from shared.errors import InvalidInput
from shared.operations.people import all_employees
from shared.reports.work import Window, Work, measure_work, outcomes_of_calls
from shared.storage.cursor_reading import CursorReader, Reader
from shared.storage.tables import dictionary_term, task

HOURS_MAX: Final = 24
HOUR_US: Final = 3_600_000_000
_OPEN_STATES: Final = ("open", "in_progress", "waiting")

_TERMS: Final = select(dictionary_term).where(dictionary_term.c.dictionary == "outcome")

_OVERDUE: Final = (
    select(task.c.assignee_id, func.count())
    .where(
        task.c.state.in_(_OPEN_STATES),
        task.c.due_at < bindparam("now"),
        task.c.branch_id == bindparam("branch"),
        task.c.archived.is_(False),
    )
    .group_by(task.c.assignee_id)
)
"""Tasks of this branch whose time has passed, by whoever they wait for."""


class Outcome(NamedTuple):
    """How often calls came out so. `name` in both languages; `code` None where nobody said."""

    code: str | None
    name: str
    name_en: str
    is_target: bool
    calls: int


@dataclass(slots=True)
class PersonDay:
    """What one employee did, and how many of the tasks that wait for him are overdue."""

    code: str
    name: str
    work: Work = field(default_factory=Work)
    overdue: int = 0


@dataclass(slots=True)
class TeamDay:
    """The branch's work: by employee, by hour of the branch's day, what calls came to, and all together.

    `since_us` is None for the whole of `day`; `until_us` is the moment as of which it is told.
    """

    day: date
    since_us: int | None
    until_us: int
    zone: str
    currency: str
    people: list[PersonDay]
    hours: list[tuple[int, Work]]
    outcomes: list[Outcome]
    total: Work


def read_team_day(store: BranchStore, actor: Actor, hours: int | None = None, day: date | None = None) -> TeamDay:
    """A day, today by default, or the last hours. Raises NotPermitted, InvalidInput."""
    require(actor, Permission.TEAM_VIEW)
    if hours is not None and not 1 <= hours <= HOURS_MAX:
        raise InvalidInput(f"The last hours are 1 to {HOURS_MAX}.")
    now_us = store.clock.now_us()
    node, _ = store.node()
    shown = day or local_moment(now_us, node.timezone).business_date
    since_us = None if hours is None else now_us - hours * HOUR_US
    window = Window(shown, shown) if since_us is None else _last_hours(since_us, now_us, node.timezone)
    with store.read_cursor() as cursor:
        reader = CursorReader(cursor)
        measured = measure_work(reader, window, [node.branch_id])
        employees = all_employees(reader)
        people = {person.code: PersonDay(person.code, person.name) for person in employees}
        by_hour: dict[int, Work] = {}
        total = Work()
        for key, work in measured.items():
            people.setdefault(key.employee, PersonDay(key.employee, "")).work.add(work)
            by_hour.setdefault(key.hour, Work()).add(work)
            total.add(work)
        codes = {person.employee_id: person.code for person in employees}
        for assignee, count in reader.execute(_OVERDUE, {"now": now_us, "branch": node.branch_id}):
            if assignee in codes:
                people[codes[assignee]].overdue = count
        outcomes = _outcomes(reader, window, node.branch_id)
    active = [person for person in people.values() if person.overdue or any(person.work.as_row())]
    active.sort(key=lambda person: (-person.work.calls - person.work.receipts, person.name or person.code))
    return TeamDay(
        shown, since_us, now_us, node.timezone, node.currency, active, sorted(by_hour.items()), outcomes, total
    )


def _last_hours(since_us: int, now_us: int, zone: str) -> Window:
    # Their days as well, a day wider: facts are found by their days, and by their moments only among all of years.
    first, last = (local_moment(moment_us, zone).business_date for moment_us in (since_us, now_us))
    return Window(first - timedelta(days=1), last + timedelta(days=1), since_us, now_us)


def _outcomes(reader: Reader, window: Window, branch_id: bytes) -> list[Outcome]:
    terms = {row.code: row for row in reader.execute(_TERMS)}
    found = []
    for code, calls in outcomes_of_calls(reader, window, [branch_id]):
        term = terms.get(code)
        name = (term.name if term else None) or code or ""
        name_en = (term.name_en if term else None) or name
        found.append(Outcome(code, name, name_en, bool(term and term.is_target), calls))
    return sorted(found, key=lambda each: (-each.calls, each.code or ""))
