"""Whose team did something: the tree of employees as it stood on the day when it was done."""

from __future__ import annotations

from sqlalchemy import Connection

from shared.domain.positions import chain_above
from shared.errors import NotFound
from shared.operations.people import all_employees, all_positions


class Teams:
    """Rolls people up to the level below `top`, an employee's code; without one, to the tree's roots.

    What `top` did himself stands under his own code. Somebody whom the tree does not know stands under no code, and
    not below any `top`. Raises NotFound when there is no employee of that code.
    """

    def __init__(self, connection: Connection, top: str) -> None:
        people = all_employees(connection)
        self._codes = {person.employee_id: person.code for person in people}
        self._ids = {person.code: person.employee_id for person in people}
        self._tree = all_positions(connection)
        self._top = self._ids.get(top)
        if top and self._top is None:
            raise NotFound(f"There is no employee “{top}”.", "Name one by his code.")
        self._known: dict[tuple[str, int], str | None] = {}

    def of(self, code: str, day: int) -> str | None:
        """The code of the member of the level below `top` whose team an employee was in on a day, in days since
        1970-01-01; None when he was not below it."""
        key = (code, day)
        if key not in self._known:
            self._known[key] = self._find(code, day)
        return self._known[key]

    def _find(self, code: str, day: int) -> str | None:
        identity = self._ids.get(code)
        if identity is None:
            return None if self._top is not None else ""
        line = [identity, *chain_above(self._tree, identity, day)]
        if self._top is None:
            return self._codes.get(line[-1], "")
        if self._top not in line:
            return None
        return self._codes.get(line[max(0, line.index(self._top) - 1)], "")
