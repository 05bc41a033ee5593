"""Who looks after whose clients for some days, as the cards say; alike at a branch and at the head office."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from shared.domain.business_time import date_from_days
from shared.domain.cards import Value
from shared.errors import InvalidInput, NotFound
from shared.operations.people import find_employee
from shared.storage.cursor_reading import Reader
from shared.storage.tables import substitution

SHOWN_MAX: Final = 200
DAYS_MAX: Final = 366
REASON_CHARACTERS_MAX: Final = 200


_LASTING = (
    select(substitution)
    .where(substitution.c.archived.is_(False), substitution.c.valid_to >= bindparam("day"))
    .order_by(substitution.c.valid_to, substitution.c.id)
    .limit(SHOWN_MAX)
)


class Substituting(NamedTuple):
    """One substitution; days since 1970-01-01, both included."""

    substitution_id: bytes
    employee_id: bytes
    substitute_id: bytes
    valid_from: int
    valid_to: int
    reason: str


def substitutions_from(reader: Reader, day: int) -> list[Substituting]:
    """Those that last on a day or later, the next to end first."""
    return [_of_row(row) for row in reader.execute(_LASTING, {"day": day}) if row.employee_id and row.substitute_id]


def require_substitution(
    connection: Connection, employee_id: bytes, substitute_id: bytes, first: int, last: int, reason: str
) -> dict[str, Value]:
    """The fields of a new card. Raises InvalidInput, NotFound."""
    if employee_id == substitute_id:
        raise InvalidInput("Nobody substitutes himself.", "Choose another employee.")
    for each in (employee_id, substitute_id):
        if find_employee(connection, each) is None:
            raise NotFound("There is no such employee here.", "Choose one of the list.")
    if not 0 <= last - first < DAYS_MAX:
        raise InvalidInput("A substitution lasts from a day to the same or a later one, at most a year.")
    date_from_days(first), date_from_days(last)
    if len(reason) > REASON_CHARACTERS_MAX:
        raise InvalidInput(f"The reason has at most {REASON_CHARACTERS_MAX} characters.")
    return {
        "employee_id": employee_id,
        "substitute_id": substitute_id,
        "valid_from": first,
        "valid_to": last,
        "reason": reason or None,
        "archived": False,
    }


def find_substitution(connection: Connection, substitution_id: bytes) -> Substituting:
    """One by its id. Raises NotFound."""
    row = connection.execute(select(substitution).where(substitution.c.id == substitution_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such substitution.", "Choose one of the list.")
    return _of_row(row)


def _of_row(row: Any) -> Substituting:
    return Substituting(
        row.id, row.employee_id, row.substitute_id, row.valid_from or 0, row.valid_to or 0, row.reason or ""
    )
