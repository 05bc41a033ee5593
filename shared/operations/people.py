"""Employees as their cards show them, at a branch and at the head office alike: who one is, and may do what on a day.

The predefined roles hold until a role's card takes their place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from shared.domain.business_time import days_from_date, local_moment
from shared.domain.identifiers import derived_id
from shared.domain.permissions import HIDEABLE_FIELDS, ROLES, Actor, Limits, Role, parse_permissions, parse_scope
from shared.domain.positions import Position, by_employee, position_on
from shared.storage.cursor_reading import Reader
from shared.storage.tables import credential, employee, position, role


def employee_id(chain_id: bytes, code: str) -> bytes:
    """The id of the employee with that code: the same in every branch, so that a code is one person in the chain."""
    return derived_id("employee", chain_id, code.encode("utf-8", "surrogatepass"))


def credential_id(of_employee: bytes) -> bytes:
    """The id of an employee's one credential."""
    return derived_id("credential", of_employee)


def role_id(chain_id: bytes, code: str) -> bytes:
    """The id of the role with that code."""
    return derived_id("role", chain_id, code.encode())


class Employee(NamedTuple):
    """An employee's card. `dismissed_on` is the first day without access, in days since 1970-01-01."""

    employee_id: bytes
    code: str
    name: str
    archived: bool
    dismissed_on: int | None
    language: str | None

    def is_dismissed(self, day: int) -> bool:
        """Whether the employee has no access on that day, wherever he stands."""
        return self.archived or (self.dismissed_on is not None and self.dismissed_on <= day)


class Credential(NamedTuple):
    """What an employee logs in with."""

    password_hash: str
    must_change: bool


def day_in_zone(now_us: int, zone: str) -> int:
    """Today there, in days since 1970-01-01."""
    return days_from_date(local_moment(now_us, zone).business_date)


# Built once: every request of a page asks.
_EMPLOYEE = select(employee).where(employee.c.id == bindparam("id"))
_EMPLOYEES = select(employee).order_by(employee.c.code, employee.c.id)
_POSITIONS = select(position).where(position.c.employee_id == bindparam("id"))
_ALL_POSITIONS = select(position).where(position.c.employee_id.is_not(None))
_CREDENTIAL = select(credential.c.password_hash, credential.c.must_change).where(
    credential.c.employee_id == bindparam("id"), credential.c.archived.is_(False)
)
_ROLE = select(role).where(role.c.code == bindparam("code")).order_by(role.c.id)


def find_employee(reader: Reader, identity: bytes) -> Employee | None:
    """The employee's card, if there is one."""
    row = reader.execute(_EMPLOYEE, {"id": identity}).one_or_none()
    return None if row is None else _employee(row)


def all_employees(reader: Reader) -> list[Employee]:
    """By code."""
    return [_employee(row) for row in reader.execute(_EMPLOYEES)]


def positions_of(reader: Reader, identity: bytes) -> tuple[Position, ...]:
    """All positions of an employee."""
    return tuple(_position(row) for row in reader.execute(_POSITIONS, {"id": identity}))


def all_positions(reader: Reader) -> dict[bytes, tuple[Position, ...]]:
    """All positions by employee."""
    rows = reader.execute(_ALL_POSITIONS)
    return by_employee(_position(row) for row in rows)


def find_credential(reader: Reader, identity: bytes) -> Credential | None:
    """What the employee logs in with, if this node knows it."""
    row = reader.execute(_CREDENTIAL, {"id": identity}).one_or_none()
    return None if row is None or row.password_hash is None else Credential(row.password_hash, row.must_change)


def find_role(reader: Reader, code: str, with_archived: bool = False) -> Role | None:
    """The role of that code: its card, else the predefined one. None for an archived or an unknown role."""
    row = reader.execute(_ROLE, {"code": code}).first()
    if row is None:
        return ROLES.get(code)
    return None if row.archived and not with_archived else _role(row)


def all_roles(connection: Connection) -> list[Role]:
    """Every role that can be given, by code."""
    rows = connection.execute(select(role).where(role.c.code.is_not(None))).all()
    cards = {row.code: _role(row) for row in rows}
    archived = {row.code for row in rows if row.archived}
    roles = {**ROLES, **cards}
    return [roles[code] for code in sorted(roles.keys() - archived)]


def actor_on(reader: Reader, person: Employee, day: int, branch_code: str | None) -> Actor | None:
    """What an employee is and may on a day, at a branch or, without one, at the head office. None without access."""
    if person.is_dismissed(day):
        return None
    standing = position_on(positions_of(reader, person.employee_id), day)
    if standing is None or (branch_code is not None and not standing.is_at(branch_code)):
        return None
    held = find_role(reader, standing.role_code)
    if held is None:
        return None
    return Actor(
        person.employee_id,
        person.code,
        person.name,
        held.code,
        held.permissions,
        held.limits,
        held.client_scope,
        held.hidden_fields,
        language=person.language,
    )


def _employee(row: Any) -> Employee:
    return Employee(row.id, row.code or "", row.name or "", row.archived, row.dismissed_on, row.language)


def _position(row: Any) -> Position:
    return Position(
        row.id,
        row.employee_id,
        row.role_code or "",
        row.reports_to,
        tuple((row.branches or "").split("\n")) if row.branches else (),
        row.valid_from,
        row.valid_to,
        row.archived,
    )


def _role(row: Any) -> Role:
    predefined = ROLES.get(row.code)
    name_ru = row.name or (predefined.name_ru if predefined else row.code)
    name_en = row.name or (predefined.name_en if predefined else row.code)
    permissions = parse_permissions(tuple((row.permissions or "").split("\n")))
    limits = Limits(row.discount_basis_points_max or 0, row.refund_without_receipt_minor_max or 0)
    hidden = frozenset((row.hidden_fields or "").split("\n")) & HIDEABLE_FIELDS
    return Role(row.code, name_ru, name_en, permissions, limits, parse_scope(row.client_scope), hidden)
