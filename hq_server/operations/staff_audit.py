"""Acts of employees that had no right to them: after a dismissal, at another branch, beyond the role of that day.

Nothing that a branch did is refused when it arrives: it is taken, and listed here. Only employees whom the head office
has placed are looked at, and of theirs only what came after their first position began: a code that was used freely
before is no offence. Contains no storage of its own: the list follows from facts and positions as they are now.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, bindparam, func, select, true

from hq_server.operations.people import earliest_today
from hq_server.operations.verdicts import Subject, SubjectKind
from hq_server.storage.tables import branch
from shared.domain.business_time import days_from_date
from shared.domain.cards import rule_of
from shared.domain.identifiers import derived_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, Role, require
from shared.domain.positions import Position, position_on
from shared.domain.records import RecordKind
from shared.operations.cards import load_card
from shared.operations.people import Employee, all_employees, all_positions, all_roles
from shared.storage.tables import cash_movement, refund, sale, shift_close, shift_open
from shared.sync.card_merge import shown_version
from shared.sync.hlc import wall_ms

ACTS_LISTED_MAX = 10_000
_CODES_PER_QUERY_MAX = 500


class _Kind(NamedTuple):
    """A kind of fact that somebody did."""

    name: str
    table: Table
    done_at: ColumnElement[int]
    permission: Permission
    only: ColumnElement[bool] | None = None


class Fault(StrEnum):
    """Why somebody had no right to an act."""

    AFTER_DISMISSAL = "after dismissal"
    NO_POSITION = "no position on that day"
    OTHER_BRANCH = "other branch"
    ROLE_LACKS = "role lacks"


class Reason(NamedTuple):
    """Why, and of which role and permission."""

    fault: Fault
    branch_code: str = ""
    role_code: str = ""
    permission: str = ""

    def __str__(self) -> str:
        if self.fault is Fault.OTHER_BRANCH:
            return f"does not work at {self.branch_code} on that day"
        if self.fault is Fault.ROLE_LACKS:
            return f"the role {self.role_code} lacks {self.permission}"
        return self.fault.value


class Act(NamedTuple):
    """What one employee did at one branch on one day without the right to it, and why not."""

    kind: str
    employee_code: str
    branch_code: str
    business_date: date
    acts: int
    first_at_us: int
    last_at_us: int
    why: Reason

    @property
    def reason(self) -> str:
        """Why not, in words."""
        return str(self.why)

    @property
    def subject(self) -> Subject:
        """What is judged: when more of the kind arrives of that day, it is open again."""
        parts = (self.kind, self.employee_code, self.branch_code, self.business_date, self.why.fault, self.acts)
        text = "/".join(map(str, parts))
        return Subject(SubjectKind.STAFF_ACT, record_id=derived_id("staff act", text.encode()))


NO_REASON = Reason(Fault.NO_POSITION)
"""Until it is known."""


class _Person(NamedTuple):
    """An employee as the audit sees one. `dismissed_at_us` is when HQ wrote it down, of a dismissal at once."""

    card: Employee
    positions: tuple[Position, ...]
    first_day: int | None
    dismissed_at_us: int | None


_KINDS = (
    _Kind("sale", sale, sale.c.sold_at, Permission.SALE_MAKE),
    # An implicit shift was opened by the till, not by a person.
    _Kind("shift_open", shift_open, shift_open.c.opened_at, Permission.SHIFT_OPEN, shift_open.c.implicit.is_(False)),
    _Kind("shift_close", shift_close, shift_close.c.closed_at, Permission.SHIFT_CLOSE),
    _Kind("refund", refund, refund.c.refunded_at, Permission.REFUND_BY_RECEIPT, refund.c.sale_receipt.is_not(None)),
    _Kind(
        "refund without receipt",
        refund,
        refund.c.refunded_at,
        Permission.REFUND_WITHOUT_RECEIPT,
        # Where somebody else allowed it, it was not the cashier's to have.
        refund.c.sale_receipt.is_(None) & refund.c.authorised_by.is_(None),
    ),
    _Kind("cash_movement", cash_movement, cash_movement.c.moved_at, Permission.CASH_MOVE),
)


def audit_staff(
    connection: Connection,
    first: date | None = None,
    last: date | None = None,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> list[Act]:
    """The acts on these business dates, at most ACTS_LISTED_MAX of them, by day, branch and employee."""
    require(actor, Permission.AUDIT_VIEW)
    people = _people(connection)
    roles = {role.code: role for role in all_roles(connection)}
    acts: list[Act] = []
    codes = sorted(people)
    for start in range(0, len(codes), _CODES_PER_QUERY_MAX):
        for kind in _KINDS:
            for row in _days(connection, kind, codes[start : start + _CODES_PER_QUERY_MAX], first, last):
                acts += _judge(connection, kind, row, people[row.cashier], roles)
    acts.sort(key=lambda act: (act.business_date, act.branch_code, act.employee_code, act.kind))
    return acts[:ACTS_LISTED_MAX]


def _days(
    connection: Connection, kind: _Kind, codes: list[str], first: date | None, last: date | None
) -> Iterator[Any]:
    """By branch, employee and day: how many facts there are, and from when to when."""
    table = kind.table
    statement = (
        select(
            table.c.branch_id,
            branch.c.code,
            table.c.cashier,
            table.c.business_date,
            func.count().label("acts"),
            func.min(kind.done_at).label("first_at"),
            func.max(kind.done_at).label("last_at"),
        )
        .join(branch, branch.c.id == table.c.branch_id)
        .where(table.c.cashier.in_(bindparam("codes", codes, expanding=True)))
        .group_by(table.c.branch_id, branch.c.code, table.c.cashier, table.c.business_date)
    )
    if kind.only is not None:
        statement = statement.where(kind.only)
    if first is not None:
        statement = statement.where(table.c.business_date >= first)
    if last is not None:
        statement = statement.where(table.c.business_date <= last)
    return iter(connection.execute(statement))


def _judge(connection: Connection, kind: _Kind, row: Any, person: _Person, roles: dict[str, Role]) -> Iterator[Act]:
    """What is wrong with an employee's facts of one day, if anything is."""
    day = days_from_date(row.business_date)
    if person.first_day is not None and day < person.first_day:
        return
    act = Act(kind.name, row.cashier, row.code, row.business_date, row.acts, row.first_at, row.last_at, NO_REASON)
    dismissed_on = person.card.dismissed_on
    if dismissed_on is not None and day >= dismissed_on:
        after = _after_dismissal(connection, kind, row, person)
        if after is not None:
            yield act._replace(why=Reason(Fault.AFTER_DISMISSAL), acts=after.acts, first_at_us=after.first_at)
            if after.acts == row.acts:
                return
            act = act._replace(acts=row.acts - after.acts, last_at_us=after.first_at)
    reason = _lacking(kind, row.code, position_on(person.positions, day), roles)
    if reason is not None:
        yield act._replace(why=reason)


def _after_dismissal(connection: Connection, kind: _Kind, row: Any, person: _Person) -> Any:
    """How many of a day's facts came after the dismissal, and the first of them; None when there are none."""
    if person.dismissed_at_us is None or row.first_at > person.dismissed_at_us:
        return row
    if row.last_at <= person.dismissed_at_us:
        return None
    table = kind.table
    statement = select(func.count().label("acts"), func.min(kind.done_at).label("first_at")).where(
        kind.only if kind.only is not None else true(),
        table.c.branch_id == row.branch_id,
        table.c.cashier == row.cashier,
        table.c.business_date == row.business_date,
        kind.done_at > person.dismissed_at_us,
    )
    return connection.execute(statement).one()


def _lacking(kind: _Kind, branch_code: str, standing: Position | None, roles: dict[str, Role]) -> Reason | None:
    """Why the position of that day did not allow it; None when it did."""
    if standing is None:
        return Reason(Fault.NO_POSITION)
    if not standing.is_at(branch_code):
        return Reason(Fault.OTHER_BRANCH, branch_code)
    role = roles.get(standing.role_code)
    if role is None or kind.permission not in role.permissions:
        return Reason(Fault.ROLE_LACKS, branch_code, standing.role_code, str(kind.permission))
    return None


def _people(connection: Connection) -> dict[str, _Person]:
    """The employees who have positions, by code."""
    positions = all_positions(connection)
    return {
        person.code: _Person(
            person,
            positions[person.employee_id],
            _first_day(positions[person.employee_id]),
            _dismissed_at(connection, person),
        )
        for person in all_employees(connection)
        if person.employee_id in positions
    }


def _first_day(positions: tuple[Position, ...]) -> int | None:
    """When the first position began; None for one that always held."""
    begins = [position.valid_from for position in positions if not position.archived]
    return None if None in begins or not begins else min(day for day in begins if day is not None)


def _dismissed_at(connection: Connection, person: Employee) -> int | None:
    """The moment of a dismissal that held at once: what was done earlier on that day was done rightly."""
    state = None
    if person.dismissed_on is not None:
        state = load_card(connection, RecordKind.EMPLOYEE, person.employee_id)
    if state is None or "dismissed_on" not in state.fields:
        return None
    live = state.fields["dismissed_on"].live
    version = shown_version(live, rule_of(RecordKind.EMPLOYEE, "dismissed_on"))
    moment_us = wall_ms(version.stamp.hlc) * 1_000
    return moment_us if earliest_today(connection, moment_us) == person.dismissed_on else None
