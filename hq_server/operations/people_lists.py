"""Employees, positions and roles as people and programs read them. Contains no password, nor what is left of one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from hq_server.storage.branches import branch_names
from hq_server.storage.people import told_branches
from shared.domain.business_time import date_from_days
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, Role, require
from shared.domain.positions import Position, Positions, position_on
from shared.operations.people import Employee, all_employees, all_positions, find_credential, positions_of
from shared.storage.tables import credential


def list_employees(
    connection: Connection, day: int, everybody: bool, actor: Actor = LOCAL_ADMINISTRATOR
) -> list[dict[str, Any]]:
    """Who has a position on a day; with `everybody` also who left, is to come, or is only a code of a till."""
    require(actor, Permission.EMPLOYEE_EDIT)
    positions = all_positions(connection)
    people = all_employees(connection)
    codes = {person.employee_id: person.code for person in people}
    with_password = set(
        connection.execute(select(credential.c.employee_id).where(credential.c.archived.is_(False))).scalars()
    )
    rows = []
    for person in people:
        own = positions.get(person.employee_id, ())
        state = state_of(person, own, day)
        if everybody or state == "active":
            standing = position_on(own, day)
            rows.append(
                {
                    "code": person.code,
                    "name": person.name,
                    **_standing_document(standing, codes),
                    "state": state,
                    "password": person.employee_id in with_password,
                }
            )
    return rows


def state_of(person: Employee, positions: tuple[Position, ...], day: int) -> str:
    """A stable word: `active`, `dismissed`, `unplaced` (no position on that day), or `till code`."""
    if not positions:
        return "till code"
    if person.is_dismissed(day):
        return "dismissed"
    return "active" if position_on(positions, day) is not None else "unplaced"


def employee_document(
    connection: Connection, person: Employee, day: int, actor: Actor = LOCAL_ADMINISTRATOR
) -> dict[str, Any]:
    """One employee with every position, the newest last, and the branches that hold the password."""
    require(actor, Permission.EMPLOYEE_EDIT)
    own = positions_of(connection, person.employee_id)
    codes = {each.employee_id: each.code for each in all_employees(connection)}
    names = branch_names(connection)
    told = told_branches(connection, person.employee_id)
    ordered = sorted(
        (each for each in own if not each.archived),
        key=lambda each: (each.valid_from is not None, each.valid_from or 0, each.position_id),
    )
    return {
        "id": format_id(person.employee_id),
        "code": person.code,
        "name": person.name,
        "language": person.language,
        "state": state_of(person, own, day),
        "dismissed_on": _date(person.dismissed_on),
        **_standing_document(position_on(own, day), codes),
        "positions": [position_document(each, codes) for each in ordered],
        "password": find_credential(connection, person.employee_id) is not None,
        "password_at": sorted(names[branch_id] for branch_id, works_here in told.items() if works_here),
    }


def position_document(position: Position, codes: dict[bytes, str]) -> dict[str, Any]:
    """A position, with days as dates."""
    return {
        **_standing_document(position, codes),
        "from": _date(position.valid_from),
        "to": _date(position.valid_to),
    }


def list_tree(connection: Connection, day: int, actor: Actor = LOCAL_ADMINISTRATOR) -> list[dict[str, Any]]:
    """Everybody who has a position on a day, each after whom he reports to, with his depth."""
    require(actor, Permission.EMPLOYEE_EDIT)
    positions = all_positions(connection)
    people = {
        person.employee_id: person
        for person in all_employees(connection)
        if state_of(person, positions.get(person.employee_id, ()), day) == "active"
    }
    below: dict[bytes | None, list[Employee]] = {}
    for person in people.values():
        standing = position_on(positions[person.employee_id], day)
        superior = standing.reports_to if standing is not None and standing.reports_to in people else None
        below.setdefault(superior, []).append(person)
    rows: list[dict[str, Any]] = []
    _descend(below, positions, day, None, 0, rows)
    return rows


def _descend(
    below: dict[bytes | None, list[Employee]],
    positions: Positions,
    day: int,
    superior: Employee | None,
    depth: int,
    rows: list[dict[str, Any]],
) -> None:
    """Whoever stands in a circle has nobody above him here, and is left out."""
    for person in below.get(None if superior is None else superior.employee_id, ()):
        standing = position_on(positions[person.employee_id], day)
        rows.append(
            {
                "code": person.code,
                "name": person.name,
                "role": None if standing is None else standing.role_code,
                "branches": [] if standing is None else list(standing.branches),
                "reports_to": None if superior is None else superior.code,
                "depth": depth,
            }
        )
        _descend(below, positions, day, person, depth + 1, rows)


def role_document(role: Role, language: str = "en") -> dict[str, Any]:
    """A role with both names."""
    return {
        "code": role.code,
        "name": role.name(language),
        "name_ru": role.name_ru,
        "discount_basis_points_max": role.limits.discount_basis_points_max,
        "refund_without_receipt_minor_max": role.limits.refund_without_receipt_minor_max,
        "permissions": sorted(role.permissions),
        "client_scope": str(role.client_scope),
        "hidden_fields": sorted(role.hidden_fields),
    }


def _standing_document(standing: Position | None, codes: dict[bytes, str]) -> dict[str, Any]:
    if standing is None:
        return {"role": None, "branches": [], "reports_to": None}
    superior = None if standing.reports_to is None else codes.get(standing.reports_to)
    return {"role": standing.role_code, "branches": list(standing.branches), "reports_to": superior}


def _date(day: int | None) -> str | None:
    return None if day is None else date_from_days(day).isoformat()
