"""What only this branch knows of a person whom an order erases: that another card is the same one's.

The order is carried out before anything more is sent, and with the erased card goes the word that it was merged. So the
other card says it instead, and the head office, which could not know, erases that as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from branch_node.operations.committing import Wanted, WantedEdit, record_here
from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.transaction import BranchTransaction, read_node
from shared.domain.records import RecordKind
from shared.operations.aliases import find_survivor
from shared.operations.cards import load_card
from shared.storage.erasing import MERGED_HERE, merging_edits
from shared.storage.tables import client
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry

_UNSENT = "SELECT 1 FROM journal WHERE position > ? AND instr(data, ?) > 0 LIMIT 1"
_AFTER = "SELECT data FROM journal WHERE position > ? AND instr(data, ?) > 0"


def find_twins(
    connection: Connection, client_ids: Collection[bytes], acknowledged_seq: int | None = None
) -> dict[bytes, bytes]:
    """The clients for whom cards stand that are about to be erased, by a merge that was made here and that the head
    office has not; with the erased card. `acknowledged_seq` is what it says that it has, if it was just asked: one that
    was restored has less than this branch remembers."""
    found: dict[bytes, bytes] = {}
    for client_id in sorted(client_ids):
        for target in _merged_unsent(connection, client_id, acknowledged_seq):
            survivor = find_survivor(connection, target)
            if survivor != client_id:
                found[survivor] = client_id
    return found


def find_lost_twins(connection: Connection, acknowledged_seq: int) -> dict[bytes, bytes]:
    """The cards that took something of an erased one by a merge that was made here and that the head office has not,
    or not any more; with the erased card. What is sent again of the merge says no more that the two are one."""
    cursor: Any = connection.connection.cursor()
    edits = merging_edits(connection, MERGED_HERE)
    sent = read_node(cursor)[1].first_position + acknowledged_seq - 1 if edits else 0
    found: dict[bytes, bytes] = {}
    for edit_id, client_id in sorted(edits.items()):
        for (data,) in cursor.execute(_AFTER, (sent, edit_id)).fetchall():
            entry = decode_entry(open_entry(data))
            if entry.opened.header.command_id == edit_id:
                changed = {card_id for kind, card_id, _ in entry.patches if kind == RecordKind.CLIENT}
                found |= {find_survivor(connection, each): client_id for each in sorted(changed - {client_id})}
    return found


def record_twins(transaction: BranchTransaction, twins: Mapping[bytes, bytes]) -> bool:
    """Says of cards that are still here whose they are; whether there was anything to say."""
    statement = select(client.c.id).where(client.c.id.in_(sorted(twins)))
    living = transaction.connection.execute(statement).scalars().all()
    edits = [WantedEdit(RecordKind.CLIENT, each, {"merged_into": twins[each]}) for each in sorted(living)]
    return bool(edits) and record_here(transaction, Wanted(edits=tuple(edits)))


def _merged_unsent(connection: Connection, client_id: bytes, acknowledged_seq: int | None) -> list[bytes]:
    """Into which cards a card was merged here without the head office having heard; also where another edit is shown,
    which has met this one."""
    state = load_card(connection, RecordKind.CLIENT, client_id)
    known = state.fields.get("merged_into") if state else None
    if known is None:
        return []
    cursor: Any = connection.connection.cursor()
    node, chain = read_node(cursor)
    if acknowledged_seq is None:
        acknowledged_seq = read_sync_state(cursor).acknowledged.seq
    sent = chain.first_position + acknowledged_seq - 1
    return [
        version.value
        for version in known.live
        if isinstance(version.value, bytes)
        and version.stamp.branch_id == node.branch_id
        and cursor.execute(_UNSENT, (sent, version.version_id)).fetchone() is not None
    ]
