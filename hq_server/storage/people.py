"""Which branches are told of which employee, and what they are told when that changes.

A branch that was told of an employee is told of card and positions for good, so that it learns that the employee has
gone. The credential goes only where he works or will work, and is forgotten where he does not any more. Whoever changes
this holds the chain's clock (`next_hlc`), so that a new branch and a new employee cannot miss each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, select

from hq_server.storage.branches import BranchRow, all_branches
from hq_server.storage.feed import Publication, audience_of_branch
from hq_server.storage.tables import employee_audience
from shared.domain.positions import ALL_BRANCHES, Position, positions_from
from shared.domain.records import RecordKind
from shared.operations.cards import CardEdit, MergedCards, shown_fields
from shared.operations.people import (
    Employee,
    all_employees,
    all_positions,
    credential_id,
    day_in_zone,
    find_employee,
    positions_of,
)
from shared.storage.card_rows import CardKey, load_states, upsert
from shared.sync.card_merge import HQ_ORIGIN, CardState
from shared.sync.messages import CardChange, CardForgotten, CardFull, FeedRecord

Calendar = Sequence[tuple[BranchRow, int]]
"""Every branch, and which day it is there."""

PEOPLE_KINDS = frozenset({int(RecordKind.EMPLOYEE), int(RecordKind.POSITION), int(RecordKind.CREDENTIAL)})


def told_branches(connection: Connection, employee_id: bytes) -> dict[bytes, bool]:
    """The branches that were told of an employee, and whether he works there, now or later."""
    statement = select(employee_audience.c.branch_id, employee_audience.c.works_here).where(
        employee_audience.c.employee_id == employee_id
    )
    return {row.branch_id: row.works_here for row in connection.execute(statement)}


def audiences_of_person(connection: Connection, kind: int, card_id: bytes, state: CardState) -> list[str]:
    """Who receives an employee's card, position or credential."""
    employee_id = _employee_of(kind, card_id, state)
    told = {} if employee_id is None else told_branches(connection, employee_id)
    is_secret = kind == RecordKind.CREDENTIAL
    return [audience_of_branch(branch_id) for branch_id in sorted(told) if told[branch_id] or not is_secret]


def publications_of_people(
    connection: Connection, edits: Iterable[CardEdit], merged: MergedCards
) -> Iterator[Publication]:
    """What branches are told of edits that the head office made: a new card whole, else the edit."""
    for edit in edits:
        if edit.kind not in PEOPLE_KINDS or edit.stamp.branch_id != HQ_ORIGIN or edit.key not in merged.changed:
            continue
        record: FeedRecord = CardChange(edit.kind, edit.card_id, edit.stamp, edit.patches)
        if edit.key in merged.created:
            record = CardFull(edit.kind, edit.card_id, merged.encoded[edit.key])
        for audience in audiences_of_person(connection, edit.kind, edit.card_id, merged.states[edit.key]):
            yield Publication(audience, record)


def settle_person(connection: Connection, employee_id: bytes, now_us: int) -> list[Publication]:
    """Brings an employee's audience in line with his positions; returns what branches are told by that."""
    person = find_employee(connection, employee_id)
    if person is None:
        return []
    told = told_branches(connection, employee_id)
    return _settle(
        connection, person, positions_of(connection, employee_id), told, _calendar(connection, now_us), now_us
    )


def settle_everyone(connection: Connection, now_us: int) -> list[Publication]:
    """The same for all: after a branch was added, and as days go by."""
    positions, calendar = all_positions(connection), _calendar(connection, now_us)
    told: dict[bytes, dict[bytes, bool]] = {}
    for row in connection.execute(select(employee_audience)):
        told.setdefault(row.employee_id, {})[row.branch_id] = row.works_here
    publications: list[Publication] = []
    for person in all_employees(connection):
        own = positions.get(person.employee_id)
        if own:
            known = told.get(person.employee_id, {})
            publications += _settle(connection, person, own, known, calendar, now_us)
    return publications


def _settle(
    connection: Connection,
    person: Employee,
    positions: Collection[Position],
    told: Mapping[bytes, bool],
    calendar: Calendar,
    now_us: int,
) -> list[Publication]:
    working = _working_at(person, positions, calendar)
    publications: list[Publication] = []
    for branch, _ in calendar:
        works_here = branch.id in working
        if told.get(branch.id, False) == works_here:
            continue
        audience = audience_of_branch(branch.id)
        if not works_here:
            forgotten = CardForgotten(RecordKind.CREDENTIAL, credential_id(person.employee_id))
            publications.append(Publication(audience, forgotten))
        else:
            keys = _cards_of(person, positions) if branch.id not in told else []
            keys.append((int(RecordKind.CREDENTIAL), credential_id(person.employee_id)))
            publications += [Publication(audience, record) for record in _whole(connection, keys)]
        row = {"employee_id": person.employee_id, "branch_id": branch.id, "since": now_us, "works_here": works_here}
        connection.execute(upsert(employee_audience, connection), row)
    return publications


def _working_at(person: Employee, positions: Collection[Position], calendar: Calendar) -> set[bytes]:
    """The branches, each by its own calendar, where an employee works or will."""
    places_by_day: dict[int, set[str]] = {}
    for day in {day for _, day in calendar}:
        counting = [] if person.is_dismissed(day) else positions_from(positions, day)
        places_by_day[day] = {code for position in counting for code in position.branches}
    return {
        branch.id
        for branch, day in calendar
        if branch.revoked_at_us is None and places_by_day[day] & {ALL_BRANCHES, branch.code}
    }


def _calendar(connection: Connection, now_us: int) -> Calendar:
    return [(branch, day_in_zone(now_us, branch.timezone)) for branch in all_branches(connection)]


def _cards_of(person: Employee, positions: Collection[Position]) -> list[CardKey]:
    """The employee's card first, then the positions."""
    keys = [(int(RecordKind.EMPLOYEE), person.employee_id)]
    return keys + [(int(RecordKind.POSITION), each.position_id) for each in positions]


def _whole(connection: Connection, keys: list[CardKey]) -> Iterator[CardFull]:
    states = load_states(connection, keys)
    for key in keys:
        if key in states:
            yield CardFull(*key, states[key])


def _employee_of(kind: int, card_id: bytes, state: CardState) -> bytes | None:
    if kind == RecordKind.EMPLOYEE:
        return card_id
    employee_id = shown_fields(kind, state).get("employee_id")
    return employee_id if isinstance(employee_id, bytes) else None
