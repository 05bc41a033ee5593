"""A client's points as this branch knows them, for whoever may see clients: balance, what may be spent, each entry."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.client_access import require_open
from branch_node.operations.loyalty import PointsHere, points_here, read_program
from branch_node.storage.store import BranchStore
from shared.domain.business_time import date_from_days, days_from_date, local_moment
from shared.domain.masking import mask_name
from shared.domain.permissions import Actor, Permission
from shared.domain.sales import format_receipt
from shared.errors import NotFound
from shared.operations.aliases import cards_of_client
from shared.storage.cursor_reading import CursorReader

ENTRIES_SHOWN_MAX = 100
_CLIENT = "SELECT name, external_id, tier FROM client WHERE id = ? AND NOT archived"
_ENTRIES = """
SELECT e.kind, e.points, e.made_at, e.expires_on, e.sale_id, e.refund_id FROM loyalty_entry e
WHERE e.client_id IN ({}) ORDER BY e.made_at DESC, e.id DESC LIMIT ?
"""
_RECEIPT = "SELECT register, receipt_number FROM {} WHERE id = ? AND branch_id = ?"


class PointsEntry(NamedTuple):
    """Points for the client (more than 0) or against him, of the sale or refund `record_id`; `receipt` is its number
    when it is of this branch, else "". `expires_on` is an ISO date, or ""."""

    kind: str
    points: int
    at_us: int
    expires_on: str
    is_over: bool
    record_id: bytes | None
    receipt: str


class ClientPoints(NamedTuple):
    """Whose points, how many count, and how they came to be. The name is masked for who may not see contacts."""

    client_id: bytes
    name: str
    tier: str
    here: PointsHere
    has_program: bool
    entries: tuple[PointsEntry, ...]


def read_client_points(store: BranchStore, actor: Actor, client_id: bytes) -> ClientPoints:
    """The newest entries of this branch, with the balance of all that it knows.

    Raises NotPermitted, NotFound for a client who is not known here.
    """
    require_open(store, actor, client_id)
    with store.look() as transaction:
        cursor, zone = transaction.cursor, transaction.node.timezone
        row = cursor.execute(_CLIENT, (client_id,)).fetchone()
        if row is None:
            raise NotFound("There is no such client here.", "Look for them by phone or name at the till.")
        name = row[0] or row[1] or ""
        today = days_from_date(local_moment(transaction.now_us, zone).business_date)
        cards = cards_of_client(CursorReader(cursor), client_id)
        statement = _ENTRIES.format(", ".join("?" * len(cards)))
        found = cursor.execute(statement, (*cards, ENTRIES_SHOWN_MAX)).fetchall()
        return ClientPoints(
            client_id,
            name if actor.may(Permission.CLIENT_CONTACTS) else mask_name(name),
            row[2] or "",
            points_here(cursor, client_id, transaction.now_us, zone),
            read_program(transaction) is not None,
            tuple([_entry(cursor, transaction.node.branch_id, each, today) for each in found]),
        )


def _entry(cursor: Any, branch_id: bytes, row: tuple[Any, ...], today: int) -> PointsEntry:
    kind, points, at_us, expires_on, sale_id, refund_id = row
    record_id, table = (refund_id, "refund") if refund_id else (sale_id, "sale")
    receipt = cursor.execute(_RECEIPT.format(table), (record_id, branch_id)).fetchone() if record_id else None
    day = "" if expires_on is None else date_from_days(expires_on).isoformat()
    is_over = expires_on is not None and expires_on < today
    return PointsEntry(kind, points, at_us, day, is_over, record_id, format_receipt(*receipt) if receipt else "")
