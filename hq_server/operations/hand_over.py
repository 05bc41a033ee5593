"""Handing a whole employee over at the head office, which alone knows all clients; the way back; what still may arrive.

Each step is a transaction of its own, so that no branch waits for long. What arrives later of the predecessor follows
(hq_server.storage.late_work) until the hand-over is ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, func, select, update

from hq_server.operations.editing import HqEdit
from hq_server.operations.people import earliest_today
from hq_server.storage.branches import all_branches
from hq_server.storage.hand_over_tables import hand_over, hand_over_card
from hq_server.storage.late_work import OWNER_FIELDS
from hq_server.storage.people import told_branches
from hq_server.storage.tables import branch_cursor
from shared.clock import Ids
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import NotFound, Refused
from shared.operations import hand_over as reading
from shared.operations.hand_over import CLIENTS_PER_OPERATION, TASKS_PER_OPERATION, LookedAfter
from shared.operations.people import find_employee
from shared.storage.card_rows import upsert_rows

ResultT = TypeVar("ResultT")

UNHEARD_US: Final = 15 * 60 * 1_000_000
"""A branch that was not in contact for so long may hold work of which the head office does not know."""
LISTED_MAX: Final = 50
NEEDED: Final = (Permission.CLIENT_TRANSFER, Permission.REPORT_CHAIN)


class Change(Protocol):
    """One operation in a transaction of its own, told its moment; what branches are to know is numbered after."""

    def __call__(self, act: Callable[[Connection, int], ResultT], /) -> ResultT: ...


class Unheard(NamedTuple):
    """A branch whose late work may still arrive. `since_us` is None when it was never in contact."""

    code: str
    name: str
    since_us: int | None


class Preview(NamedTuple):
    """What would go over, where its tasks are due (by the branch's code; "" nowhere), and who was not heard."""

    looked_after: LookedAfter
    tasks_by_code: dict[str, int]
    unheard: tuple[Unheard, ...]


class HandOver(NamedTuple):
    """A hand-over of the list. `ended_at_us` is None while late work follows; `late` is how much did."""

    hand_over_id: bytes
    from_id: bytes
    to_id: bytes
    reason: str
    began_at_us: int
    ended_at_us: int | None
    is_undone: bool
    clients: int
    tasks: int
    late: int
    unheard: tuple[Unheard, ...]


class Moved(NamedTuple):
    """How many cards went over, or back."""

    hand_over_id: bytes
    clients: int
    tasks: int


def preview(connection: Connection, actor: Actor, now_us: int, from_id: bytes) -> Preview:
    """How much would go over. Raises NotPermitted, NotFound."""
    _require(actor)
    if find_employee(connection, from_id) is None:
        raise NotFound("There is no such employee here.", "Choose one of the list.")
    found = reading.looked_after(connection, from_id)
    codes = {row.id: row.code for row in all_branches(connection)}
    tasks: dict[str, int] = {}
    for branch_id, count in found.tasks_by_branch.items():
        code = codes.get(branch_id, "") if branch_id else ""
        tasks[code] = tasks.get(code, 0) + count
    return Preview(found, tasks, unheard_branches(connection, from_id, now_us - UNHEARD_US))


def unheard_branches(connection: Connection, employee_id: bytes, since_us: int) -> tuple[Unheard, ...]:
    """The branches that know an employee and were not in contact since a moment, by code."""
    told = told_branches(connection, employee_id)
    seen: dict[bytes, int | None] = {
        row.branch_id: row.last_seen_at
        for row in connection.execute(select(branch_cursor.c.branch_id, branch_cursor.c.last_seen_at))
    }
    return tuple(
        Unheard(row.code, row.name, seen.get(row.id))
        for row in all_branches(connection)
        if row.id in told and row.revoked_at_us is None and (seen.get(row.id) or 0) < since_us
    )


def hand_over_employee(
    change: Change, ids: Ids, from_id: bytes, to_id: bytes, reason: str = "", actor: Actor = LOCAL_ADMINISTRATOR
) -> Moved:
    """Hands over everything that an employee looks after in the chain, and what arrives later: what fits one operation
    with the hand-over itself or not at all, the rest in parts. Where these were cut short, handing over again goes on.

    Raises NotPermitted, InvalidInput, NotFound, Refused when whoever takes over is being handed over himself.
    """
    _require(actor)
    hand_over_id = ids.new_id()
    moved = {RecordKind.CLIENT: 0, RecordKind.TASK: 0}

    def begin(connection: Connection, now_us: int) -> None:
        reading.require_hand_over(connection, from_id, to_id, earliest_today(connection, now_us), reason)
        holding = (
            connection.execute(
                select(hand_over.c.from_employee_id).where(
                    hand_over.c.ended_at.is_(None), hand_over.c.from_employee_id.in_((from_id, to_id))
                )
            )
            .scalars()
            .all()
        )
        if to_id in holding:
            raise Refused("Whoever takes over is handed over himself.", "End that hand-over first.")
        connection.execute(
            update(hand_over)
            .where(hand_over.c.from_employee_id == from_id, hand_over.c.ended_at.is_(None))
            .values(ended_at=now_us)
        )
        connection.execute(
            hand_over.insert().values(
                id=hand_over_id,
                from_employee_id=from_id,
                to_employee_id=to_id,
                author=actor.employee_id,
                reason=reason,
                began_at=now_us,
                ended_at=None,
                is_undone=False,
            )
        )
        moved.update({kind: _move_some(connection, ids, now_us, actor, hand_over_id, kind) for kind in moved})

    change(begin)
    for kind in moved:
        while count := change(
            lambda connection, now_us, kind=kind: _move_some(connection, ids, now_us, actor, hand_over_id, kind)  # type: ignore[misc]
        ):
            moved[kind] += count
    return Moved(hand_over_id, moved[RecordKind.CLIENT], moved[RecordKind.TASK])


def take_back(change: Change, ids: Ids, hand_over_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR) -> Moved:
    """Gives back what still stands where the hand-over put it, late work as well; it follows no more.

    Raises NotPermitted, NotFound, Refused when it was taken back before.
    """
    _require(actor)

    def begin(connection: Connection, now_us: int) -> list[Any]:
        row = _row(connection, hand_over_id)
        if row.is_undone:
            raise Refused("This hand-over was taken back already.", "Look at the list of hand-overs.")
        ended = row.ended_at if row.ended_at is not None else now_us
        connection.execute(
            update(hand_over).where(hand_over.c.id == hand_over_id).values(is_undone=True, ended_at=ended)
        )
        cards = select(hand_over_card).where(hand_over_card.c.hand_over_id == hand_over_id)
        return list(connection.execute(cards.order_by(hand_over_card.c.kind, hand_over_card.c.card_id)))

    rows = change(begin)
    moved = {int(RecordKind.CLIENT): 0, int(RecordKind.TASK): 0}
    for start in range(0, len(rows), CLIENTS_PER_OPERATION):
        batch = rows[start : start + CLIENTS_PER_OPERATION]
        for kind, count in change(
            lambda connection, now_us, batch=batch: _give_back(connection, ids, now_us, actor, hand_over_id, batch)  # type: ignore[misc]
        ).items():
            moved[kind] += count
    return Moved(hand_over_id, moved[int(RecordKind.CLIENT)], moved[int(RecordKind.TASK)])


def end_hand_over(connection: Connection, now_us: int, hand_over_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR) -> None:
    """What arrives of the predecessor stays his from now on. Raises NotPermitted, NotFound."""
    _require(actor)
    _row(connection, hand_over_id)
    connection.execute(
        update(hand_over).where(hand_over.c.id == hand_over_id, hand_over.c.ended_at.is_(None)).values(ended_at=now_us)
    )


def list_hand_overs(connection: Connection, actor: Actor = LOCAL_ADMINISTRATOR) -> list[HandOver]:
    """The newest hand-overs, with the branches that were not heard since. Raises NotPermitted."""
    _require(actor)
    newest = select(hand_over).order_by(hand_over.c.began_at.desc(), hand_over.c.id.desc()).limit(LISTED_MAX)
    rows = connection.execute(newest).all()
    counts = _counts(connection, [row.id for row in rows])
    return [
        HandOver(
            row.id,
            row.from_employee_id,
            row.to_employee_id,
            row.reason,
            row.began_at,
            row.ended_at,
            row.is_undone,
            *counts.get(row.id, (0, 0, 0)),
            unheard_branches(connection, row.from_employee_id, row.began_at) if row.ended_at is None else (),
        )
        for row in rows
    ]


def _counts(connection: Connection, ids: list[bytes]) -> dict[bytes, tuple[int, int, int]]:
    if not ids:
        return {}
    columns = (hand_over_card.c.hand_over_id, hand_over_card.c.kind, hand_over_card.c.is_late)
    statement = select(*columns, func.count().label("cards")).where(hand_over_card.c.hand_over_id.in_(ids))
    counts: dict[bytes, tuple[int, int, int]] = {}
    for row in connection.execute(statement.group_by(*columns)):
        clients, tasks, late = counts.get(row.hand_over_id, (0, 0, 0))
        is_client = row.kind == RecordKind.CLIENT
        counts[row.hand_over_id] = (
            clients + row.cards * is_client,
            tasks + row.cards * (not is_client),
            late + row.cards * row.is_late,
        )
    return counts


def _move_some(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, hand_over_id: bytes, kind: RecordKind
) -> int:
    row = _row(connection, hand_over_id)
    if kind is RecordKind.CLIENT:
        found = reading.clients_of(connection, row.from_employee_id, CLIENTS_PER_OPERATION)
        cards = [each.client_id for each in found]
    else:
        cards = reading.open_tasks(connection, row.from_employee_id, TASKS_PER_OPERATION)
    return _assign(connection, ids, now_us, actor, hand_over_id, {(kind, each): row.to_employee_id for each in cards})


def _give_back(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, hand_over_id: bytes, batch: list[Any]
) -> dict[int, int]:
    predecessor = _row(connection, hand_over_id).from_employee_id
    moved: dict[int, int] = {}
    for kind in (RecordKind.CLIENT, RecordKind.TASK):
        of_kind = {row.card_id: row.command_id for row in batch if row.kind == kind}
        shown_by = reading.still_by(connection, kind, list(of_kind), OWNER_FIELDS[int(kind)])
        back = {(kind, each): predecessor for each, command in of_kind.items() if shown_by.get(each) == command}
        moved[int(kind)] = _assign(connection, ids, now_us, actor, None, back)
    return moved


def _assign(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    hand_over_id: bytes | None,
    wanted: dict[tuple[RecordKind, bytes], bytes],
) -> int:
    """Gives cards to employees in one operation; notes them as of a hand-over. Returns how many changed."""
    if not wanted:
        return 0
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    prepared = [
        edit.prepare(kind, card_id, reading.owner_change(kind, owner))
        for (kind, card_id), owner in sorted(wanted.items())
    ]
    made = [each for each in prepared if each is not None]
    edit.apply(made)
    if hand_over_id is not None:
        rows = [(hand_over_id, each.kind, each.card_id, edit.stamp.command_id, False) for each in made]
        upsert_rows(connection, hand_over_card, rows)
    return len(made)


def _row(connection: Connection, hand_over_id: bytes) -> Any:
    row = connection.execute(select(hand_over).where(hand_over.c.id == hand_over_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such hand-over.", "See: filial-hq employee hand-over --list")
    return row


def _require(actor: Actor) -> None:
    for permission in NEEDED:
        require(actor, permission)
