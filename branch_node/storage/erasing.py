"""Erasing persons at a branch: journal, history, intents, rows, in the transaction that takes the order from the feed.

Every hash of the chain stays. A record that is erased counts nowhere, here as at the head office.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, or_, select, update

from branch_node.storage.basket_tables import basket, basket_action
from branch_node.storage.client_import_tables import client_import_row
from branch_node.storage.counters import add_entries, restart_counting
from branch_node.storage.file_transfer_tables import file_transfer
from branch_node.storage.stock_draft_tables import stock_draft
from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.tables import client_opening, client_seen, fiscal_job, parked_entry, print_job
from branch_node.storage.task_tables import client_without_step, task_reminder
from branch_node.storage.transaction import read_node
from shared.domain.erasing import Erasing
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.operations.erasing import find_person, names_of
from shared.operations.record_check import keys_of, rewrite_record, rows_of
from shared.storage.card_rows import load_states
from shared.storage.dialect_functions import holds_any
from shared.storage.erasing import (
    MERGED_AT_HQ,
    MERGED_HERE,
    PERSONAL_ROWS,
    by_belonging,
    by_client,
    delete_personal_rows,
    erased_among,
    note_applied,
    note_erased,
    note_merging_edits,
    strike_texts,
)
from shared.sync.card_merge import HQ_ORIGIN
from shared.wire.cards import decode_state
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry
from shared.wire.redacting import Redacted, redact_entry

NEEDLES_PER_QUERY_MAX = 40

BRANCH_ROWS = (
    *PERSONAL_ROWS,
    by_client(client_import_row, client_import_row.c.client_id),
    by_client(client_opening, client_opening.c.client_id),
    by_client(client_seen, client_seen.c.client_id),
    by_client(client_without_step, client_without_step.c.client_id),
    by_belonging(file_transfer, RecordKind.ATTACHMENT, file_transfer.c.attachment_id),
    by_belonging(task_reminder, RecordKind.TASK, task_reminder.c.task_id),
)
"""What a branch holds of a client beside its journal: a table more is a line more."""

_TEXTS = (
    print_job.c.document,
    print_job.c.last_problem,
    fiscal_job.c.document,
    fiscal_job.c.sign,
    fiscal_job.c.last_problem,
    parked_entry.c.reason,
    stock_draft.c.document,
    stock_draft.c.note,
    basket.c.title,
    basket.c.client,
    basket.c.client_name,
    basket.c.sale_asked,
    basket.c.sale_answer,
    basket.c.trouble,
    basket.c.discount_reason,
    basket_action.c.inverse,
    basket_action.c.result,
    client_import_row.c.cells,
    client_import_row.c.before,
    client_import_row.c.reason,
)
"""Columns in which a person may be named in words, and which no entry rewrites: one more is a line more."""

_BASKET_TEXTS = (basket.c.sale_asked, basket.c.sale_answer, basket_action.c.inverse, basket_action.c.result)


class Scan(NamedTuple):
    """Where the journal may hold something of persons: positions up to one, looked for while tills went on selling."""

    positions: frozenset[int] = frozenset()
    up_to: int = 0


def scan_journal(connection: Connection, client_ids: Collection[bytes]) -> Scan:
    """Looks through the journal ahead of the transaction that erases persons: it takes a second for every million
    entries and everything that a person is looked for by, and a transaction keeps tills waiting."""
    cursor: Any = connection.connection.cursor()
    up_to = int(cursor.execute("SELECT COALESCE(MAX(position), 0) FROM journal").fetchone()[0])
    found: set[int] = set()
    for holds, some in _conditions(find_person(connection, client_ids)):
        statement = f"SELECT position FROM journal WHERE position <= ? AND ({holds})"
        found |= {row[0] for row in cursor.execute(statement, (up_to, *some))}
    return Scan(frozenset(found), up_to)


def erase_persons(
    connection: Connection, client_ids: Collection[bytes], now_us: int, scan: Scan | None = None
) -> tuple[str, ...]:
    """Takes clients out of everything this store holds; doing it again changes nothing. `scan` is one of these clients.

    Nothing of them is taken in from then on. Returns the words that the files must not hold any more.
    """
    cursor: Any = connection.connection.cursor()
    for where, origin in ((MERGED_AT_HQ, HQ_ORIGIN), (MERGED_HERE, read_node(cursor)[0].branch_id)):
        note_merging_edits(connection, where, _edits_that_merged(connection, client_ids, origin))
    erasing = find_person(connection, client_ids)
    owners = erased_among(connection, [card_id for _, card_id in erasing.cards])
    names = names_of(connection, erasing.clients)
    erasing = _redact_everything(connection, cursor, erasing, scan or Scan())
    for client_id in sorted(erasing.clients):
        note_erased(connection, client_id, [key for key in erasing.cards if owners.get(key, client_id) == client_id])
        note_applied(connection, client_id, now_us)
    delete_personal_rows(connection, erasing, BRANCH_ROWS)
    _clear_baskets(connection, erasing, names)
    strike_texts(connection, _TEXTS, erasing.texts)
    cursor.execute("UPDATE node SET revision = revision + 1")
    return (*erasing.texts, *names)


def _edits_that_merged(connection: Connection, client_ids: Collection[bytes], origin: bytes) -> dict[bytes, bytes]:
    """The edits, made at a branch or at HQ_ORIGIN, by which these cards are merged into others; with the card."""
    states = load_states(connection, [(int(RecordKind.CLIENT), client_id) for client_id in sorted(client_ids)])
    found = [(card_id, decode_state(state).fields.get("merged_into")) for (_, card_id), state in states.items()]
    return {
        version.version_id: card_id
        for card_id, known in found
        for version in (known.live if known else ())
        if version.stamp.branch_id == origin and version.value is not None
    }


def _redact_everything(connection: Connection, cursor: Any, erasing: Erasing, scan: Scan) -> Erasing:
    """Redacts entries until no card turns up any more that belongs to the clients."""
    changed = False
    branch_id = read_node(cursor)[0].branch_id
    while True:
        found: set[tuple[int, bytes]] = set()
        for table, key in (("journal", "position"), ("history_entry", "rowid"), ("intent", "command_id")):
            for place, data, redacted in _redacted(cursor, table, key, erasing, scan):
                cursor.execute(f"UPDATE {table} SET data = ? WHERE {key} = ?", (redacted.data, place))
                found |= redacted.found
                if table == "intent":
                    continue
                changed = True
                _rewrite(connection, branch_id, redacted)
                if table == "journal" and place <= read_sync_state(cursor).pruned_position:
                    add_entries(cursor, [data], "pruned_counter", -1)
                    add_entries(cursor, [redacted.data], "pruned_counter")
        if not found - erasing.cards:
            break
        # Nobody has looked for these.
        erasing, scan = erasing._replace(cards=erasing.cards | found), Scan()
    if changed:
        restart_counting(cursor)
    return erasing


def _redacted(cursor: Any, table: str, key: str, erasing: Erasing, scan: Scan) -> Iterator[tuple[Any, bytes, Redacted]]:
    """The entries of a table that change: their keys, as they are, and as they will be."""
    found: dict[Any, bytes] = {}
    after = "position > ? AND " if table == "journal" else "? >= 0 AND "
    for holds, some in _conditions(erasing):
        statement = f"SELECT {key}, data FROM {table} WHERE {after}({holds})"
        found.update(cursor.execute(statement, (scan.up_to, *some)).fetchall())
    for position in sorted(scan.positions) if table == "journal" else ():
        statement = "SELECT position, data FROM journal WHERE position = ?"
        found.update(cursor.execute(statement, (position,)).fetchall())
    for place, data in sorted(found.items()):
        redacted = redact_entry(data, erasing)
        if redacted is not None:
            yield place, data, redacted


def _conditions(erasing: Erasing) -> Iterator[tuple[str, Sequence[bytes]]]:
    """SQL that asks whether `data` holds something of the persons, in parts, each with its parameters."""
    needles = erasing.needles
    for start in range(0, len(needles), NEEDLES_PER_QUERY_MAX):
        some = needles[start : start + NEEDLES_PER_QUERY_MAX]
        yield " OR ".join(["instr(data, ?) > 0"] * len(some)), some


def _rewrite(connection: Connection, branch_id: bytes, redacted: Redacted) -> None:
    """The rows of facts that lost words say what their entry says now."""
    stand_ins = {record_id for _, record_id in redacted.stand_ins}
    if not stand_ins:
        return
    entry = decode_entry(open_entry(redacted.data))
    rows = rows_of(branch_id, entry, None)
    for key in sorted(keys_of(entry)):
        if key[1] in stand_ins:
            rewrite_record(connection, branch_id, key, rows)


def _clear_baskets(connection: Connection, erasing: Erasing, names: Sequence[str]) -> None:
    """Baskets are anonymous; what they remember of who was named in them goes."""
    ids = sorted(erasing.clients)
    named = holds_any(basket_action.c.inverse, [each for i in ids for each in (i.hex(), format_id(i))])
    found = or_(basket.c.client_id.in_(ids), basket.c.id.in_(select(basket_action.c.basket_id).where(named)))
    concerned = set(connection.execute(select(basket.c.id).where(found)).scalars())
    if not concerned:
        return
    texts = sorted({*names, *erasing.texts}, key=lambda text: (-len(text), text))
    strike_texts(connection, _BASKET_TEXTS, [text for text in texts if text])
    nobody = {"client": None, "client_id": None, "client_name": None, "points": None}
    connection.execute(update(basket).where(basket.c.client_id.in_(ids)).values(nobody))
