"""The loyalty programme of the chain, what a client has by the ledger, and points whose last day is over."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.founding import read_chain
from hq_server.storage.branches import branch_names
from hq_server.storage.feed import EVERYONE
from hq_server.storage.loyalty import refresh_amounts
from hq_server.storage.merged_points import balance_of_group
from hq_server.storage.store import HqStore
from hq_server.storage.tables import budget, loyalty_program_change
from shared.clock import Ids
from shared.domain.budgets import budget_id
from shared.domain.business_time import date_from_days, days_from_date, format_us, local_moment
from shared.domain.identifiers import NIL_ID, derived_id, format_id, require_code
from shared.domain.loyalty import LoyaltyProgram, make_program, owner_of_client
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import NotFound
from shared.operations.aliases import cards_of_client
from shared.operations.loyalty import program_fields, program_of_row
from shared.storage.tables import client, employee, loyalty_entry, loyalty_program

ENTRIES_SHOWN_MAX = 100
CHANGES_SHOWN_MAX = 50


class NamedProgram(NamedTuple):
    """A programme with its name."""

    name: str
    program: LoyaltyProgram


class ProgramChange(NamedTuple):
    """What somebody made of the programme of that code; `program` is None when it was ended.

    `author` is an employee's code, `author_name` the name in reading, the code where there is none.
    """

    changed_at_us: int
    author: str
    code: str
    name: str
    program: LoyaltyProgram | None
    author_name: str = ""


def set_program(
    connection: Connection,
    ids: Ids,
    now_us: int,
    program: LoyaltyProgram,
    name: str,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> bool:
    """Makes the programme of that code, or puts these rules in the place of its rules; false when it changes nothing.

    Of several programmes the first by code counts. Raises NotPermitted, InvalidInput.
    """
    require(actor, Permission.CATALOG_EDIT)
    require_code(program.code, "The programme's code")
    program_id = _program_id(connection, program.code)
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    prepared = edit.prepare(RecordKind.LOYALTY_PROGRAM, program_id, program_fields(program, name))
    if prepared is None:
        return False
    edit.apply([prepared], {program_id: EVERYONE})
    remember_change(connection, ids, ProgramChange(now_us, actor.code, program.code, name, program))
    return True


def end_program(connection: Connection, ids: Ids, now_us: int, code: str, actor: Actor = LOCAL_ADMINISTRATOR) -> None:
    """Nothing is earned or spent by the programme any more, wherever that is known. Raises NotPermitted, NotFound."""
    require(actor, Permission.CATALOG_EDIT)
    program_id = _program_id(connection, code)
    if not any(found["code"] == code for found in list_programs(connection)):
        raise NotFound(f"There is no loyalty programme {code}.", "See: filial-hq loyalty show")
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    prepared = edit.prepare(RecordKind.LOYALTY_PROGRAM, program_id, {"archived": True})
    if prepared is not None:
        edit.apply([prepared], {program_id: EVERYONE})
        remember_change(connection, ids, ProgramChange(now_us, actor.code, code, "", None))


def current_program(connection: Connection, actor: Actor) -> NamedProgram | None:
    """The programme that counts: of several the first by code. Raises NotPermitted."""
    require(actor, Permission.CATALOG_EDIT)
    statement = select(loyalty_program).where(loyalty_program.c.archived.is_(False))
    for row in connection.execute(statement.order_by(loyalty_program.c.code, loyalty_program.c.id)):
        program = program_of_row(row._mapping)
        if program is not None:
            return NamedProgram(row.name or "", program)
    return None


def list_changes(connection: Connection, actor: Actor) -> list[ProgramChange]:
    """What was changed, the newest first; changes of releases before this one are not known. Raises NotPermitted."""
    require(actor, Permission.CATALOG_EDIT)
    newest = select(loyalty_program_change).order_by(
        loyalty_program_change.c.changed_at.desc(), loyalty_program_change.c.id.desc()
    )
    rows = connection.execute(newest.limit(CHANGES_SHOWN_MAX)).all()
    people = select(employee.c.code, employee.c.name).where(employee.c.code.in_({row.author for row in rows}))
    names = {code: name for code, name in connection.execute(people) if name}
    return [
        ProgramChange(
            row.changed_at,
            row.author,
            row.code,
            row.name,
            _program_of_json(row.code, row.rules),
            names.get(row.author, row.author),
        )
        for row in rows
    ]


def tiers_of_chain(connection: Connection) -> list[str]:
    """The tiers that clients have."""
    found = connection.execute(select(client.c.tier).distinct()).scalars()
    return sorted(tier for tier in found if tier)


def list_programs(connection: Connection) -> list[dict[str, Any]]:
    """The programmes that were not ended, the one that counts first."""
    statement = select(loyalty_program).where(loyalty_program.c.archived.is_(False))
    return [
        {
            "code": row.code,
            "name": row.name,
            "rules": (row.earn_basis_points or "").split("\n"),
            "payable_share_basis_points_max": row.payable_share_basis_points_max,
            "expires_days": row.expires_days,
            "point_value_minor": row.point_value_minor,
        }
        for row in connection.execute(statement.order_by(loyalty_program.c.code, loyalty_program.c.id))
    ]


def client_points(connection: Connection, client_id: bytes, now_us: int) -> dict[str, Any]:
    """What a client has today by the ledger, what of it may be spent now, what expired, and the newest entries.

    Points of cards that were merged into this one are the client's. What branches hold on lease is in the balance, and
    not available.
    """
    founded = read_chain(connection)
    today = days_from_date(local_moment(now_us, founded.timezone).business_date)
    cards = cards_of_client(connection, client_id)
    balance, _spent = balance_of_group(connection, cards, today)
    identity = budget_id(founded.chain_id, owner_of_client(cards[0]))
    row = connection.execute(select(budget).where(budget.c.id == identity)).one_or_none()
    return {
        "client": format_id(client_id),
        "points": balance.points,
        "points_available": max(0, row.amount - row.committed) if row else 0,
        "expired": balance.expired,
        "entries": _entries(connection, cards),
    }


def refresh_points(store: HqStore, now_us: int) -> int:
    """Sets what may be spent of every client's points to what the ledger says today; returns how many changed.

    A short transaction for some clients after the other, so that no sale waits for long.
    """
    changed, after = 0, NIL_ID
    while True:
        with store.write() as connection:
            today = days_from_date(local_moment(now_us, read_chain(connection).timezone).business_date)
            of_these, last = refresh_amounts(connection, today, now_us, after)
        changed += of_these
        if last is None:
            return changed
        after = last


def _entries(connection: Connection, cards: tuple[bytes, ...]) -> list[dict[str, Any]]:
    codes = branch_names(connection)
    statement = select(loyalty_entry).where(loyalty_entry.c.client_id.in_(cards))
    newest = statement.order_by(loyalty_entry.c.made_at.desc(), loyalty_entry.c.id.desc()).limit(ENTRIES_SHOWN_MAX)
    return [
        {
            "at": format_us(row.made_at),
            "branch": codes.get(row.branch_id),
            "kind": row.kind,
            "points": row.points,
            "expires_on": None if row.expires_on is None else date_from_days(row.expires_on).isoformat(),
        }
        for row in connection.execute(newest)
    ]


def remember_change(connection: Connection, ids: Ids, change: ProgramChange) -> None:
    """Keeps what somebody made of a programme, for the page that shows it in sentences."""
    row = change._asdict()
    del row["program"], row["changed_at_us"], row["author_name"]
    program = change.program
    rules = None
    if program is not None:
        document = {
            "rules": [":".join(map(str, rule)) for rule in program.rules],
            "payable_share_basis_points_max": program.payable_share_basis_points_max,
            "expires_days": program.expires_days,
            "point_value_minor": program.point_value_minor,
        }
        rules = json.dumps(document, ensure_ascii=False)
    values = {**row, "id": ids.new_id(), "changed_at": change.changed_at_us, "rules": rules}
    connection.execute(insert(loyalty_program_change), values)


def _program_of_json(code: str, text: str | None) -> LoyaltyProgram | None:
    return None if text is None else make_program(code, **json.loads(text))


def _program_id(connection: Connection, code: str) -> bytes:
    return derived_id("loyalty_program", read_chain(connection).chain_id, code.encode())
