"""Taking back what HQ holds of this branch's other incarnations: facts that are missing here, cards, registers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from branch_node.storage.counters import add_entries
from branch_node.storage.intents import drop_intent, read_intent
from branch_node.storage.rehoming import journal_history
from branch_node.storage.sync_state import store_history_cursor
from branch_node.storage.tables import journal
from branch_node.storage.transaction import INSERT_SQL, read_node
from shared.domain.branch_facts import BranchFact, BudgetSpend, ReceiptVoid
from shared.operations.cards import CardEdit, CardReceived, merge_cards
from shared.operations.erased_arrivals import redact_arrivals
from shared.operations.record_check import rows_of
from shared.storage.fact_rows import (
    BRANCH_FACT_TABLES,
    add_branch_fact_rows,
    add_refund_rows,
    add_sale_rows,
    add_shift_close_rows,
    add_shift_open_rows,
    new_rows,
)
from shared.sync.card_merge import Stamp
from shared.sync.chain import FLAG_CONFIRMED
from shared.sync.messages import HistoryBatch
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry, place_intent

_HAS_SALE = "SELECT 1 FROM sale WHERE branch_id = ? AND id = ?"
_HAS_REFUND = "SELECT 1 FROM refund WHERE branch_id = ? AND id = ?"
_HAS_OPEN = "SELECT 1 FROM shift_open WHERE branch_id = ? AND id = ?"
_HAS_CLOSE = "SELECT 1 FROM shift_close WHERE branch_id = ? AND id = ?"
_HELD = "UPDATE history_entry SET held_at_hq = 1 WHERE command_id = ? AND NOT held_at_hq"


def apply_history(connection: Connection, batch: HistoryBatch, now_us: int) -> int:
    """Applies a batch and its cursor in the caller's transaction; returns how many entries were new here.

    Raises DecodeError when an entry cannot be read.
    """
    cursor: Any = connection.connection.cursor()
    branch_id = read_node(cursor)[0].branch_id
    new: list[bytes] = []
    edits: list[CardEdit | CardReceived] = []
    # A head office that was restored may not know yet who is erased here.
    arrived = redact_arrivals(connection, [decode_entry(open_entry(data)) for data in batch.entries])
    for entry in arrived.entries:
        header, data = entry.opened.header, entry.opened.data
        if header.seq == 0:
            _journal_commit(connection, entry, now_us)
            continue
        stamp = Stamp(header.hlc_epoch, header.hlc, header.command_id, header.author, branch_id)
        edits += [CardEdit(kind, card_id, stamp, patches) for kind, card_id, patches in entry.patches]
        cursor.execute(_HELD, (header.command_id,))
        _settle_intent(cursor, header.command_id, header.seq, bool(header.flags & FLAG_CONFIRMED))
        if _add_facts(cursor, branch_id, entry):
            new.append(data)
        elif entry.patches and not entry.figures:
            _keep(cursor, entry)
    if edits:
        merge_cards(connection, edits, now_us, now_us)
    add_entries(cursor, new)
    store_history_cursor(cursor, None if batch.done else batch.cursor)
    if batch.done:
        journal_history(cursor, all_of_it=False)
    if new:
        cursor.execute("UPDATE node SET revision = revision + 1")
    return len(new)


def _journal_commit(connection: Connection, entry: DecodedEntry, now_us: int) -> None:
    """What HQ committed at once for a store of this branch that was lost before it had journaled it.

    It is journaled here, and HQ links it when it comes; an intent of it is settled.
    """
    cursor: Any = connection.connection.cursor()
    node, chain = read_node(cursor)
    header = entry.opened.header
    if _has_facts(cursor, node.branch_id, entry):
        return
    seq = chain.head.seq + 1
    was_asked = _settle_intent(cursor, header.command_id, seq, confirmed=True)
    stamp = Stamp(header.hlc_epoch, header.hlc, header.command_id, header.author, node.branch_id)
    edits = [CardEdit(kind, card_id, stamp, patches) for kind, card_id, patches in entry.patches]
    if edits:
        merge_cards(connection, edits, now_us, now_us)
    rows = rows_of(node.branch_id, entry, None)
    for table, table_rows in rows.items():
        if table_rows:
            cursor.executemany(INSERT_SQL[table], table_rows)
    for _, sale in entry.sales:
        _raise_register(cursor, sale.register, sale.receipt_number)
    for _, refund in entry.refunds:
        _raise_register(cursor, refund.register, refund.receipt_number)
    if not was_asked:
        for _, fact in entry.branch_facts:
            if isinstance(fact, BudgetSpend):
                cursor.execute("UPDATE lease SET spent = spent + ? WHERE lease_id = ?", (fact.amount, fact.lease_id))
    placed = place_intent(entry.opened.data, True, chain.incarnation, seq, chain.head.entry_hash)
    count = sum(map(len, rows.values())) + len(edits)
    position = chain.first_position + seq - 1
    cursor.execute(INSERT_SQL[journal], (position, placed.entry_hash, chain.hlc, count, placed.data))


def _settle_intent(cursor: Any, command_id: bytes, seq: int, confirmed: bool) -> bool:
    """What became of an operation that this store asks about is known by now; false when it asks about none such."""
    intent = read_intent(cursor, command_id)
    if intent is None:
        return False
    drop_intent(cursor, command_id)
    if intent.key is not None:
        statement = "UPDATE idempotency_key SET seq = ?, confirmed = ? WHERE key = ?"
        cursor.execute(statement, (seq, confirmed, intent.key))
    return True


def _has_facts(cursor: Any, branch_id: bytes, entry: DecodedEntry) -> bool:
    """Whether what an operation sold or spent is here: this store has journaled it."""
    return (
        any(cursor.execute(_HAS_SALE, (branch_id, sale_id)).fetchone() for sale_id, _ in entry.sales)
        or any(cursor.execute(_HAS_REFUND, (branch_id, refund_id)).fetchone() for refund_id, _ in entry.refunds)
        or any(_has_branch_fact(cursor, branch_id, fact_id, fact) for fact_id, fact in entry.branch_facts)
    )


def _has_branch_fact(cursor: Any, branch_id: bytes, fact_id: bytes, fact: BranchFact) -> bool:
    table = BRANCH_FACT_TABLES[type(fact)].name
    statement = f"SELECT 1 FROM {table} WHERE branch_id = ? AND id = ?"
    return cursor.execute(statement, (branch_id, fact_id)).fetchone() is not None


def _add_facts(cursor: Any, branch_id: bytes, entry: DecodedEntry) -> bool:
    """Writes the facts of an entry that are not here; false when all are."""
    command_id = entry.opened.header.command_id
    rows = new_rows()
    for sale_id, sale in entry.sales:
        if cursor.execute(_HAS_SALE, (branch_id, sale_id)).fetchone() is None:
            add_sale_rows(rows, branch_id, sale_id, command_id, sale, None)
            _raise_register(cursor, sale.register, sale.receipt_number)
    for refund_id, refund in entry.refunds:
        if cursor.execute(_HAS_REFUND, (branch_id, refund_id)).fetchone() is None:
            add_refund_rows(rows, branch_id, refund_id, command_id, refund, None)
            _raise_register(cursor, refund.register, refund.receipt_number)
    for shift_id, opened in entry.shift_opens:
        if cursor.execute(_HAS_OPEN, (branch_id, shift_id)).fetchone() is None:
            add_shift_open_rows(rows, branch_id, shift_id, command_id, opened, None)
            _raise_register(cursor, opened.register, 0)
            if not opened.implicit:
                cursor.execute(
                    "UPDATE register SET open_shift_id = ? WHERE code = ? AND open_shift_id IS NULL",
                    (shift_id, opened.register),
                )
    for close_id, closed in entry.shift_closes:
        if cursor.execute(_HAS_CLOSE, (branch_id, close_id)).fetchone() is None:
            add_shift_close_rows(rows, branch_id, close_id, command_id, closed, None)
            for column in ("open_shift_id", "implicit_shift_id"):
                cursor.execute(
                    f"UPDATE register SET {column} = NULL WHERE code = ? AND {column} = ?",
                    (closed.register, closed.shift_id),
                )
    for fact_id, branch_fact in entry.branch_facts:
        if not _has_branch_fact(cursor, branch_id, fact_id, branch_fact):
            add_branch_fact_rows(rows, branch_id, fact_id, command_id, branch_fact, None)
            if isinstance(branch_fact, ReceiptVoid):
                _raise_register(cursor, branch_fact.register, branch_fact.receipt_number)
    if not any(rows.values()):
        return False
    for table, table_rows in rows.items():
        if table_rows:
            cursor.executemany(INSERT_SQL[table], table_rows)
    _keep(cursor, entry)
    return True


def _keep(cursor: Any, entry: DecodedEntry) -> None:
    header = entry.opened.header
    cursor.execute(
        "INSERT INTO history_entry (incarnation, seq, command_id, data, held_at_hq) VALUES (?, ?, ?, ?, 1) "
        "ON CONFLICT DO NOTHING",
        (header.incarnation, header.seq, header.command_id, entry.opened.data),
    )


def _raise_register(cursor: Any, code: str, receipt_number: int) -> None:
    cursor.execute(
        "INSERT INTO register (code, last_receipt_number) VALUES (?, ?) ON CONFLICT (code) DO UPDATE "
        "SET last_receipt_number = MAX(last_receipt_number, excluded.last_receipt_number)",
        (code, receipt_number),
    )
