"""Who stands where in the chain, and from when: the dated tree of employees. Contains no storage.

Days are numbers of days since 1970-01-01. Of an employee's positions that cover a day the one that began last counts,
so that a new one needs no end put to the old, and a substitution of two weeks gives the old one back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

ALL_BRANCHES: Final = "*"
_ALWAYS = -(2**63)


class Position(NamedTuple):
    """One place in the tree. `reports_to` is an employee; an open end is None."""

    position_id: bytes
    employee_id: bytes
    role_code: str
    reports_to: bytes | None
    branches: tuple[str, ...]
    valid_from: int | None
    valid_to: int | None
    archived: bool = False

    def covers(self, day: int) -> bool:
        """Whether the position holds on that day; its last day belongs to it."""
        if self.archived:
            return False
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def is_at(self, branch_code: str) -> bool:
        """Whether the employee works at that branch."""
        return ALL_BRANCHES in self.branches or branch_code in self.branches


Positions = Mapping[bytes, tuple[Position, ...]]
"""All positions by employee."""


def by_employee(positions: Iterable[Position]) -> dict[bytes, tuple[Position, ...]]:
    """Positions by their employee."""
    grouped: dict[bytes, list[Position]] = {}
    for position in positions:
        grouped.setdefault(position.employee_id, []).append(position)
    return {employee_id: tuple(each) for employee_id, each in grouped.items()}


def position_on(positions: Iterable[Position], day: int) -> Position | None:
    """The one of an employee's positions that counts on a day: that which began last, of equals the newest."""
    covering = [position for position in positions if position.covers(day)]
    return max(covering, key=_order, default=None)


def positions_from(positions: Iterable[Position], day: int) -> list[Position]:
    """The positions that count on that day or on any later one."""
    known = tuple(positions)
    counting = {position_on(known, each) for each in _turning_days(known, day)}
    return sorted((position for position in counting if position is not None), key=_order)


def works_at_from(positions: Iterable[Position], branch_code: str, day: int) -> bool:
    """Whether the employee works at a branch on that day, or will."""
    return any(position.is_at(branch_code) for position in positions_from(positions, day))


def chain_above(tree: Positions, employee_id: bytes, day: int) -> list[bytes]:
    """Everybody above an employee on a day, the nearest first. A circle, should there be one, is walked once."""
    above: list[bytes] = []
    position = position_on(tree.get(employee_id, ()), day)
    while position is not None and position.reports_to is not None:
        if position.reports_to == employee_id or position.reports_to in above:
            break
        above.append(position.reports_to)
        position = position_on(tree.get(position.reports_to, ()), day)
    return above


def team_of(tree: Positions, employee_id: bytes, day: int) -> set[bytes]:
    """Everybody below an employee on a day, at any depth."""
    direct: dict[bytes, set[bytes]] = {}
    for member, positions in tree.items():
        position = position_on(positions, day)
        if position is not None and position.reports_to is not None:
            direct.setdefault(position.reports_to, set()).add(member)
    team: set[bytes] = set()
    waiting = [employee_id]
    while waiting:
        for member in direct.get(waiting.pop(), set()) - team - {employee_id}:
            team.add(member)
            waiting.append(member)
    return team


def closes_a_circle(tree: Positions, placed: Position) -> bool:
    """Whether with this position an employee would come to stand below himself on any day that it covers."""
    with_it = {**tree, placed.employee_id: (*tree.get(placed.employee_id, ()), placed)}
    everything = [position for positions in with_it.values() for position in positions]
    first = _ALWAYS if placed.valid_from is None else placed.valid_from
    return any(_returns(with_it, placed.employee_id, day) for day in _turning_days(everything, first))


def _returns(tree: Positions, employee_id: bytes, day: int) -> bool:
    seen = {employee_id}
    position = position_on(tree.get(employee_id, ()), day)
    while position is not None and position.reports_to is not None:
        if position.reports_to == employee_id:
            return True
        if position.reports_to in seen:
            return False  # somebody else's circle
        seen.add(position.reports_to)
        position = position_on(tree.get(position.reports_to, ()), day)
    return False


def _turning_days(positions: Iterable[Position], day: int) -> Iterator[int]:
    """The days from one on at which it can change which position counts."""
    turns = {day}
    for position in positions:
        if position.valid_from is not None and position.valid_from > day:
            turns.add(position.valid_from)
        if position.valid_to is not None and position.valid_to >= day:
            turns.add(position.valid_to + 1)
    return iter(sorted(turns))


def _order(position: Position) -> tuple[int, bytes]:
    return _ALWAYS if position.valid_from is None else position.valid_from, position.position_id
