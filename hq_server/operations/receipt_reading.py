"""One receipt or return as the head office holds it, with its place in the branch's journal. Contains no sums."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Select, select

from hq_server.storage.branches import BranchRow, branch_by_code
from hq_server.storage.tables import journal_entry
from shared.domain.client_masking import as_seen_by
from shared.domain.permissions import Actor, Permission, require
from shared.domain.sales import Refund, Sale
from shared.errors import NotFound
from shared.operations.receipts import read_refund, read_sale
from shared.storage.tables import client, refund, sale


class JournalPlace(NamedTuple):
    """Where the entry stands: its number in the branch's chain, its hash, when the head office took it."""

    seq: int
    entry_hash: bytes
    received_at_us: int


class ReceiptRead(NamedTuple):
    """`client` is as the actor may see it: a name, the number that was given, or ""; `client_id` where a card may be
    opened."""

    branch: BranchRow
    fact: Sale | Refund
    client: str
    client_id: bytes | None
    place: JournalPlace | None


def read_receipt(connection: Connection, actor: Actor, branch_code: str, record_id: bytes) -> ReceiptRead:
    """Raises NotPermitted, NotFound."""
    require(actor, Permission.REPORT_CHAIN)
    branch = branch_by_code(connection, branch_code)
    key = (branch.id, record_id)
    for table, read in ((sale, read_sale), (refund, read_refund)):
        row = connection.execute(
            select(table.c.command_id).where(table.c.branch_id == branch.id, table.c.id == record_id)
        ).one_or_none()
        if row is not None:
            fact: Sale | Refund = read(connection, key)
            shown, client_id = _client(connection, actor, fact)
            return ReceiptRead(branch, fact, shown, client_id, _place(connection, branch.id, row.command_id))
    raise NotFound("There is no such receipt.", "Choose one in the list.")


def _client(connection: Connection, actor: Actor, fact: Sale | Refund) -> tuple[str, bytes | None]:
    number = str(as_seen_by(actor, "external_id", fact.client) or "") if fact.client else ""
    if fact.client_id is None or not actor.may(Permission.CLIENT_VIEW):
        return number, None
    name = connection.execute(select(client.c.name).where(client.c.id == fact.client_id)).scalar()
    return str(as_seen_by(actor, "name", name) or "") if name else number, fact.client_id


def _place(connection: Connection, branch_id: bytes, command_id: bytes) -> JournalPlace | None:
    row = connection.execute(place_of(branch_id, command_id)).one_or_none()
    return None if row is None else JournalPlace(row.seq, row.entry_hash, row.received_at)


def place_of(branch_id: bytes, command_id: bytes) -> Select[tuple[int, bytes, int]]:
    """Asks for the first entry of a command in its branch's journal."""
    return (
        select(journal_entry.c.seq, journal_entry.c.entry_hash, journal_entry.c.received_at)
        .where(journal_entry.c.branch_id == branch_id, journal_entry.c.command_id == command_id)
        .order_by(journal_entry.c.seq)
        .limit(1)
    )
