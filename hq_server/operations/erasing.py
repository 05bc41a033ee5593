"""Erasing a person at the head office's order: what goes and what stays, the order itself, and who has carried it out.

The order is a card, so that the feed, a branch's store and what branches hand back carry it as any other. The person
goes here in the same transaction; branches follow as they take the feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.erasure_file import OrderLine, keep_orders, missing_orders
from hq_server.storage.branches import branch_names
from hq_server.storage.erasing import OFFICE_ROWS, Erased, cards_of_person, erase_persons, hold_everything
from hq_server.storage.feed import EVERYONE
from hq_server.storage.store import HqStore
from hq_server.storage.tables import branch, branch_cursor, client_audience, feed
from shared.clock import Ids
from shared.domain.erasing import Erasing, require_reason
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound
from shared.operations.erasing import find_person
from shared.storage.erasing import count_personal_rows, is_scouring_due, note_scoured
from shared.storage.tables import client, employee, erasure, erasure_work, refund, sale

ORDERS_SHOWN_MAX = 200


class Preview(NamedTuple):
    """A person as shown before an erasure: what goes, in rows, and what stays – sales without a name, and their sum.

    `cards` is how many cards of the person there are, with those that were merged into it; `external_id` and `name`
    are what it is called.
    """

    client_id: bytes
    name: str
    external_id: str | None
    cards: int
    tasks: int
    files: int
    letters: int
    interactions: int
    transfers: int
    edits: int
    sales: int
    net_minor: int
    refunds: int
    branches: tuple[str, ...]

    @property
    def word(self) -> str:
        """What is typed to confirm: the name, else the number, else what the person has not."""
        return self.name.strip() or self.external_id or "—"


class Order(NamedTuple):
    """An order that was given. `waiting` are the codes of branches that have not carried it out yet."""

    client_id: bytes
    reason: str
    ordered_at_us: int
    ordered_by: str
    applied_at_us: int | None
    is_scoured: bool
    done: tuple[str, ...]
    waiting: tuple[str, ...]


def preview(connection: Connection, actor: Actor, client_id: bytes) -> Preview:
    """Raises NotAuthorised, NotFound."""
    require(actor, Permission.CLIENT_ERASE)
    row = _client(connection, client_id)
    erasing = find_person(connection, cards_of_person(connection, client_id))
    counted = count_personal_rows(connection, erasing, OFFICE_ROWS)
    ids = sorted(erasing.clients)
    sales, net_minor = connection.execute(
        select(func.count(), func.coalesce(func.sum(sale.c.net_minor), 0)).where(sale.c.client_id.in_(ids))
    ).one()
    refunds = connection.execute(select(func.count()).where(refund.c.client_id.in_(ids))).scalar_one()
    names = branch_names(connection)
    members = select(client_audience.c.branch_id).where(client_audience.c.client_id.in_(ids)).distinct()
    return Preview(
        client_id,
        row.name or "",
        row.external_id,
        len(ids),
        _of_kind(erasing, RecordKind.TASK),
        _of_kind(erasing, RecordKind.ATTACHMENT),
        _of_kind(erasing, RecordKind.MAIL),
        counted["interaction"],
        counted["client_transfer"],
        counted["card_edit"],
        int(sales),
        int(net_minor),
        int(refunds),
        tuple(sorted(names[branch_id] for branch_id in connection.execute(members).scalars())),
    )


def order_erasure(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, client_id: bytes, reason: str, typed: str | None = None
) -> Erased:
    """Erases a person, with every card that was merged into it. `typed` is what a page asked to confirm with.

    In the caller's transaction, which holds up every branch's merges. The files keep traces until `scour_if_due`.
    Raises NotAuthorised, NotFound, InvalidInput.
    """
    require(actor, Permission.CLIENT_ERASE)
    hold_everything(connection)
    _client(connection, client_id)
    persons = cards_of_person(connection, client_id)
    kept_reason = require_reason(reason, find_person(connection, persons).texts)
    if typed is not None and typed.strip() != preview(connection, actor, client_id).word:
        raise InvalidInput("What was typed is not the person’s name.", "Type it exactly as it is shown.")
    order = OrderLine(kept_reason, now_us, actor.employee_id)
    return _carry_out(connection, ids, now_us, dict.fromkeys(persons, order))


def repeat_orders(connection: Connection, ids: Ids, now_us: int, orders: Mapping[bytes, OrderLine]) -> int:
    """Carries out again what a store that was put back from a backup does not know; returns how many orders."""
    hold_everything(connection)
    missing = missing_orders(connection, orders)
    if missing:
        _carry_out(connection, ids, now_us, missing)
    return len(missing)


def _carry_out(connection: Connection, ids: Ids, now_us: int, orders: Mapping[bytes, OrderLine]) -> Erased:
    """Gives the orders, for every branch to hear, and erases the persons here."""
    edit = HqEdit(connection, ids, now_us, next(iter(orders.values())).ordered_by)
    prepared = [
        edit.prepare(
            RecordKind.ERASURE,
            client_id,
            {"reason": order.reason, "ordered_at": order.ordered_at_us, "ordered_by": order.ordered_by},
        )
        for client_id, order in sorted(orders.items())
    ]
    edit.apply([each for each in prepared if each is not None], dict.fromkeys(orders, EVERYONE))
    return erase_persons(connection, orders.keys(), now_us)


def list_orders(connection: Connection, actor: Actor) -> list[Order]:
    """The newest orders and where they are carried out. Raises NotAuthorised."""
    require(actor, Permission.CLIENT_ERASE)
    rows = connection.execute(
        select(erasure, erasure_work.c.applied_at, erasure_work.c.scoured_at, employee.c.name, employee.c.code)
        .outerjoin(erasure_work, erasure_work.c.client_id == erasure.c.id)
        .outerjoin(employee, employee.c.id == erasure.c.ordered_by)
        .order_by(erasure.c.ordered_at.desc(), erasure.c.id)
        .limit(ORDERS_SHOWN_MAX)
    ).all()
    told = _told_at(connection, [row.id for row in rows])
    cursors = connection.execute(
        select(branch.c.code, branch_cursor.c.feed_position)
        .join(branch_cursor, branch_cursor.c.branch_id == branch.c.id)
        .where(branch.c.revoked_at.is_(None))
        .order_by(branch.c.code)
    ).all()
    orders = []
    for row in rows:
        at = told.get(row.id)
        done = tuple(code for code, position in cursors if at is not None and position >= at)
        orders.append(
            Order(
                row.id,
                row.reason or "",
                row.ordered_at or 0,
                row.name or row.code or "",
                row.applied_at,
                row.scoured_at is not None,
                done,
                tuple(code for code, _ in cursors if code not in done),
            )
        )
    return orders


def settle_order(store: HqStore, path: Path, now_us: int) -> bool:
    """After an order is committed: it is noted in the file beside the store, and traces leave the files."""
    with store.read() as connection:
        keep_orders(connection, path)
    return scour_if_due(store, now_us)


def scour_if_due(store: HqStore, now_us: int, thoroughly: bool = False) -> bool:
    """Takes traces of erased persons out of the store's files; true when there are none, or none are left."""
    with store.read() as connection:
        due = is_scouring_due(connection)
    if not due and not thoroughly:
        return True
    if not store.scour(thoroughly):
        return False
    with store.write() as connection:
        note_scoured(connection, now_us)
    return True


def _told_at(connection: Connection, client_ids: list[bytes]) -> dict[bytes, int]:
    """Where the feed first told everyone of each order."""
    statement = (
        select(feed.c.record_id, func.max(feed.c.position))
        .where(
            feed.c.audience == EVERYONE,
            feed.c.kind == int(RecordKind.ERASURE),
            feed.c.record_id.in_(client_ids),
        )
        .group_by(feed.c.record_id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(statement)}


def _client(connection: Connection, client_id: bytes) -> Any:
    row = connection.execute(select(client).where(client.c.id == client_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such client.", "Whoever was erased already is in the list of orders.")
    return row


def _of_kind(erasing: Erasing, kind: RecordKind) -> int:
    return sum(1 for each, _ in erasing.cards if each == kind)
