"""Whether this store is whole: its chain, and every row against the entries; and putting rows right from them."""

from __future__ import annotations

from typing import Any

from branch_node.storage.counters import count_acknowledged, restart_counting
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.transaction import read_node
from shared.errors import DecodeError
from shared.operations.record_check import RecordCheck, rewrite_record, rows_of
from shared.sync.chain import hash_entry, hash_records
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import identities, open_entry

ENTRIES_PER_QUERY = 2_000
_JOURNAL = "SELECT position, entry_hash, data FROM journal WHERE position > ? ORDER BY position LIMIT ?"
_HISTORY = "SELECT rowid, data FROM history_entry WHERE rowid > ? ORDER BY rowid LIMIT ?"
Place = tuple[str, int]
"""`journal` or `history_entry`, and the row's number there."""


def bring_counters_up_to_date(store: BranchStore) -> None:
    """Counts what is acknowledged and not counted yet, some entries to a transaction."""
    while True:
        with store.write() as connection:
            if not count_acknowledged(connection.connection.cursor()):
                return


def verify_rows(store: BranchStore) -> list[str]:
    """Recomputes the chain and compares every fact's rows with its entry; the differences, in sentences."""
    with store.read() as connection:
        cursor: Any = connection.connection.cursor()
        check, problems = _read_entries(cursor)
        problems += [
            difference.sentence for difference in check.compare(connection, lambda place: _load(cursor, place))
        ]
    return problems


def repair_rows(store: BranchStore) -> list[str]:
    """Puts right what `verify_rows` finds in rows; returns what was done, in sentences. The chain is not touched."""
    done = []
    with store.write() as connection:
        cursor: Any = connection.connection.cursor()
        check, _ = _read_entries(cursor)
        branch_id = check.branch_id
        for difference in check.compare(connection, lambda place: _load(cursor, place)):
            rows = None
            if difference.place is not None:
                rows = rows_of(branch_id, _load(cursor, difference.place), None)
            rewrite_record(connection, branch_id, difference.key, rows)
            verb = "removed" if rows is None else "rewritten from its entry"
            done.append(f"{difference.sentence} It was {verb}.")
        restart_counting(cursor)
    bring_counters_up_to_date(store)
    return done


def _read_entries(cursor: Any) -> tuple[RecordCheck, list[str]]:
    """What the journal and the history say, and where the chain is broken."""
    node, _ = read_node(cursor)
    check = RecordCheck(node.branch_id)
    problems: list[str] = []
    lives = {
        row[0]: row[1] for row in cursor.execute("SELECT first_position, genesis_hash FROM incarnation").fetchall()
    }
    previous = b""
    after = 0
    pruned = read_sync_state(cursor).pruned_position
    while rows := cursor.execute(_JOURNAL, (after, ENTRIES_PER_QUERY)).fetchall():
        for position, stored_hash, data in rows:
            previous = lives.get(position, previous)
            try:
                opened = open_entry(data)
            except DecodeError as error:
                return check, [*problems, f"Entry {position} of the journal cannot be read: {error.message}"]
            if position != after + 1:
                problems.append(f"Entry {after + 1} of the journal is missing.")
            elif hash_entry(previous, opened.header_bytes, hash_records(opened.record_hashes)) != stored_hash:
                problems.append(f"Entry {position} of the journal was altered: its hash is not what it was.")
            previous, after = stored_hash, position
            if position > pruned:
                check.add_entry(("journal", position), decode_entry(opened))
            else:
                check.pruned |= {record_id for _, record_id in identities(data)}
    _read_history(cursor, check)
    return check, problems


def _read_history(cursor: Any, check: RecordCheck) -> None:
    after = 0
    while rows := cursor.execute(_HISTORY, (after, ENTRIES_PER_QUERY)).fetchall():
        for number, data in rows:
            check.add_entry(("history_entry", number), decode_entry(open_entry(data)))
            after = number


def _load(cursor: Any, place: Place) -> DecodedEntry:
    table, number = place
    column = "position" if table == "journal" else "rowid"
    row = cursor.execute(f"SELECT data FROM {table} WHERE {column} = ?", (number,)).fetchone()
    return decode_entry(open_entry(row[0]))
