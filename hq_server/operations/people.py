"""Employees, positions, roles and passwords as the head office edits them; branches are told with the same commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.founding import read_chain
from hq_server.storage.branches import branch_by_code
from hq_server.storage.feed import EVERYONE, publish
from hq_server.storage.people import settle_everyone, settle_person
from hq_server.storage.tables import branch
from shared.clock import Ids
from shared.domain.cards import TEXTS_MAX, Value
from shared.domain.identifiers import require_code, shorten
from shared.domain.money import AMOUNT_MINOR_MAX
from shared.domain.permissions import BASIS_POINTS_WHOLE, LOCAL_ADMINISTRATOR, Actor, Permission, Role, require
from shared.domain.positions import ALL_BRANCHES, Position, closes_a_circle
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound, Refused
from shared.operations.cards import CardEdit
from shared.operations.passwords import PASSWORD_COST, HashCost, hash_password, require_password
from shared.operations.people import (
    Employee,
    all_positions,
    credential_id,
    day_in_zone,
    employee_id,
    find_employee,
    find_role,
    positions_of,
    role_id,
)

NAME_CHARACTERS_MAX = 200
LANGUAGES: Final = ("ru", "en")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an employee is put. Branches and the superior by code; days since 1970-01-01, an open end is None."""

    role_code: str
    branches: tuple[str, ...] = ()
    reports_to: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None


def make_password_hash(ids: Ids, code: str, password: str, cost: HashCost = PASSWORD_COST) -> str:
    """What is kept of a new password; slow on purpose, so before a transaction. Raises InvalidInput."""
    return hash_password(require_password(password, code), ids.new_salt(), cost)


def earliest_today(connection: Connection, now_us: int) -> int:
    """The day that it is at least everywhere in the chain: from it on holds what is to hold at once."""
    zones = {read_chain(connection).timezone, *connection.execute(select(branch.c.timezone)).scalars()}
    return min(day_in_zone(now_us, zone) for zone in zones)


def require_employee(connection: Connection, code: str) -> Employee:
    """The employee whom the head office hired under that code. Raises NotFound."""
    person = find_employee(connection, employee_id(read_chain(connection).chain_id, code))
    if person is None or not is_hired(connection, person):
        raise NotFound(f"There is no employee “{shorten(code)}”.", "See: filial-hq employee list")
    return person


def is_hired(connection: Connection, person: Employee) -> bool:
    """Whether the head office has placed the employee; else the code was only used at a till."""
    return bool(positions_of(connection, person.employee_id))


class Personnel:
    """One change of the head office to its people inside the caller's transaction, by somebody who may make it."""

    def __init__(self, connection: Connection, ids: Ids, now_us: int, actor: Actor = LOCAL_ADMINISTRATOR) -> None:
        """Raises NotPermitted."""
        require(actor, Permission.EMPLOYEE_EDIT)
        self._connection = connection
        self._ids = ids
        self._now_us = now_us
        self._edit = HqEdit(connection, ids, now_us, actor.employee_id)
        self._chain_id = read_chain(connection).chain_id

    def hire(
        self,
        code: str,
        name: str,
        placement: Placement,
        language: str | None = None,
        password_hash: str | None = None,
        must_change: bool = False,
    ) -> bytes:
        """A new employee, or one who comes back; returns the id. A code that a till used before becomes his.

        Raises InvalidInput, NotFound, AlreadyExists.
        """
        identity = employee_id(self._chain_id, require_code(code, "The employee's code"))
        known = find_employee(self._connection, identity)
        if known is not None and is_hired(self._connection, known) and not self._has_left(known):
            raise AlreadyExists(f"There is an employee {code} already.", "See: filial-hq employee show CODE")
        fields: dict[str, Value] = {"code": code, "name": _require_name(name), "archived": False, "dismissed_on": None}
        if language is not None:
            fields["language"] = _require_language(language)
        edits = [self._edit.prepare(RecordKind.EMPLOYEE, identity, fields), self._position(identity, placement)]
        if password_hash is not None:
            edits.append(self._password(identity, password_hash, must_change))
        self._apply(identity, edits)
        return identity

    def rename(self, code: str, name: str | None = None, language: str | None = None) -> bool:
        """Another name or language; whether anything changed. Raises InvalidInput, NotFound."""
        person = require_employee(self._connection, code)
        fields: dict[str, Value] = {}
        if name is not None:
            fields["name"] = _require_name(name)
        if language is not None:
            fields["language"] = _require_language(language)
        if not fields:
            raise InvalidInput("Nothing was given to change.", "See: filial-hq employee edit --help")
        return self._apply(person.employee_id, [self._edit.prepare(RecordKind.EMPLOYEE, person.employee_id, fields)])

    def place(self, code: str, placement: Placement) -> None:
        """One more position, which counts instead of earlier ones while it lasts. Raises InvalidInput, NotFound,
        Refused when the employee was dismissed."""
        person = require_employee(self._connection, code)
        if self._has_left(person):
            raise Refused(f"{code} was dismissed.", "Take the employee back: filial-hq employee add")
        self._apply(person.employee_id, [self._position(person.employee_id, placement)])

    def dismiss(self, code: str, day: int | None = None) -> int:
        """Ends an employee's access from a day on, or at once; returns the day. Raises NotFound, Refused."""
        person = require_employee(self._connection, code)
        first = earliest_today(self._connection, self._now_us) if day is None else day
        if person.dismissed_on is not None and person.dismissed_on <= first:
            raise Refused(f"{code} was dismissed already.", "See: filial-hq employee show CODE")
        edit = self._edit.prepare(RecordKind.EMPLOYEE, person.employee_id, {"dismissed_on": first})
        self._apply(person.employee_id, [edit])
        return first

    def set_password(self, code: str, password_hash: str, must_change: bool = False) -> None:
        """Another password: what was opened with the old one ends. Raises NotFound."""
        person = require_employee(self._connection, code)
        self._apply(person.employee_id, [self._password(person.employee_id, password_hash, must_change)])

    def set_role(self, role: Role, name: str | None = None, archived: bool = False) -> bool:
        """Makes a role, or changes one, for everyone who has it; whether anything changed. Raises InvalidInput.

        `name` is what the chain calls it, in every language; without one the predefined names or the code stay.
        """
        limits = role.limits
        if not 0 <= limits.discount_basis_points_max <= BASIS_POINTS_WHOLE:
            raise InvalidInput("The largest discount is between 0 and 100 %.")
        if not 0 <= limits.refund_without_receipt_minor_max <= AMOUNT_MINOR_MAX:
            raise InvalidInput("The largest refund without a receipt is negative or too large.")
        require_code(role.code, "The role's code")
        fields = {**role_fields(role), "archived": archived}
        if name is not None:
            fields["name"] = _require_name(name)
        identity = role_id(self._chain_id, role.code)
        edit = self._edit.prepare(RecordKind.ROLE, identity, fields)
        return self._edit.apply([edit], {identity: EVERYONE}) > 0 if edit else False

    def _has_left(self, person: Employee) -> bool:
        return person.is_dismissed(earliest_today(self._connection, self._now_us))

    def _position(self, identity: bytes, placement: Placement) -> CardEdit | None:
        position = self._checked(identity, placement)
        fields: dict[str, Value] = {
            "employee_id": identity,
            "role_code": position.role_code,
            "reports_to": position.reports_to,
            "branches": position.branches,
            "valid_from": position.valid_from,
            "valid_to": position.valid_to,
            "archived": False,
        }
        return self._edit.prepare(RecordKind.POSITION, position.position_id, fields)

    def _checked(self, identity: bytes, placement: Placement) -> Position:
        """The placement as a position. Raises InvalidInput, NotFound."""
        connection = self._connection
        if find_role(connection, placement.role_code) is None:
            raise NotFound(f"There is no role “{shorten(placement.role_code)}”.", "See: filial-hq role list")
        first, last = placement.valid_from, placement.valid_to
        if first is not None and last is not None and last < first:
            raise InvalidInput("The position would end before it begins.")
        superior = None
        if placement.reports_to is not None:
            superior = require_employee(connection, placement.reports_to).employee_id
        branches = _require_branches(connection, placement.branches)
        new_id = self._ids.new_id()
        position = Position(new_id, identity, placement.role_code, superior, branches, first, last)
        if closes_a_circle(all_positions(connection), position):
            raise InvalidInput(
                "The employee would stand below himself.", "See who reports to whom: filial-hq employee tree"
            )
        return position

    def _password(self, identity: bytes, password_hash: str, must_change: bool) -> CardEdit | None:
        fields: dict[str, Value] = {
            "employee_id": identity,
            "password_hash": password_hash,
            "must_change": must_change,
            "archived": False,
        }
        return self._edit.prepare(RecordKind.CREDENTIAL, credential_id(identity), fields)

    def _apply(self, identity: bytes, edits: list[CardEdit | None]) -> bool:
        """Tells the branches that know the employee first, then those that begin or cease to."""
        changed = self._edit.apply([edit for edit in edits if edit is not None])
        publish(self._connection, settle_person(self._connection, identity, self._now_us))
        return changed > 0


def role_fields(role: Role) -> dict[str, Value]:
    """What a role's card says of it, without the name that a chain may give it."""
    return {
        "code": role.code,
        "permissions": tuple(sorted(map(str, role.permissions))),
        "discount_basis_points_max": role.limits.discount_basis_points_max,
        "refund_without_receipt_minor_max": role.limits.refund_without_receipt_minor_max,
        "client_scope": str(role.client_scope),
        "hidden_fields": tuple(sorted(role.hidden_fields)),
    }


def set_own_password(connection: Connection, ids: Ids, now_us: int, actor: Actor, password_hash: str) -> None:
    """Another password for oneself, which needs no permission: whoever asks has proven the old one."""
    itself = replace(actor, permissions=actor.permissions | {Permission.EMPLOYEE_EDIT})
    Personnel(connection, ids, now_us, itself).set_password(actor.code, password_hash)


def refresh_audiences(connection: Connection, ids: Ids, now_us: int) -> int:
    """Takes credentials from branches whose positions ended as days went by; returns how many records are told."""
    HqEdit(connection, ids, now_us)  # the chain's clock is what this waits for
    return publish(connection, settle_everyone(connection, now_us))


def _require_branches(connection: Connection, codes: tuple[str, ...]) -> tuple[str, ...]:
    if ALL_BRANCHES in codes:
        return (ALL_BRANCHES,)
    for code in codes:
        branch_by_code(connection, code)
    if len(set(codes)) > TEXTS_MAX:
        raise InvalidInput(f"A position names at most {TEXTS_MAX} branches.", "Name * for all of them.")
    return tuple(sorted(set(codes)))


def _require_name(name: str) -> str:
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidInput(f"A name must have 1 to {NAME_CHARACTERS_MAX} printable characters.")
    return name.strip()


def _require_language(language: str) -> str:
    if language not in LANGUAGES:
        raise InvalidInput(f"“{shorten(language)}” is not a language of the pages.", f"Use {' or '.join(LANGUAGES)}.")
    return language
