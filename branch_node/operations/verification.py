"""Whether this store is whole: its chain, and every row against the entries; and putting rows right from them."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection

from branch_node.storage.counters import count_acknowledged, restart_counting
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.transaction import read_node
from shared.domain.identifiers import name_value
from shared.errors import DecodeError
from shared.operations.card_check import card_sentences, repair_cards
from shared.operations.chain_check import ChainCheck, open_stored
from shared.operations.record_check import Found, RecordCheck, Repair, rewrite_record, rows_of
from shared.operations.stranger_rows import find_strangers, remove_strangers
from shared.storage.fact_rows import FACT_TABLES
from shared.storage.raw_rows import raw_texts
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import identities, open_entry

ENTRIES_PER_QUERY = 2_000
_JOURNAL = "SELECT position, entry_hash, data FROM journal WHERE position > ? ORDER BY position LIMIT ?"
_HISTORY = "SELECT rowid, data FROM history_entry WHERE rowid > ? ORDER BY rowid LIMIT ?"
_COUNTERS = "SELECT * FROM record_counter WHERE records <> 0 ORDER BY kind, business_date"
_ANSWERED = "SELECT record_id FROM idempotency_key WHERE seq > 0"
Place = tuple[str, int]
"""`journal` or `history_entry`, and the row's number there."""


def bring_counters_up_to_date(store: BranchStore) -> None:
    """Counts what is acknowledged and not counted yet, some entries to a transaction."""
    while True:
        with store.write() as connection:
            if not count_acknowledged(connection.connection.cursor()):
                return


def verify_rows(store: BranchStore) -> list[str]:
    """Recomputes the chain, compares rows with entries, and what cards show with cards; returns what differs."""
    with store.read() as connection, raw_texts(connection):
        cursor: Any = connection.connection.cursor()
        check = _read_entries(cursor)
        found = _find(cursor, connection, check)
        strangers = find_strangers(connection, FACT_TABLES, {check.branch_id})
        return [
            *check.problems,
            *check.sentences(connection, found, partial(_load, cursor)),
            *(stranger.sentence for stranger in strangers),
            *card_sentences(connection),
        ]


def repair_rows(store: BranchStore) -> Repair:
    """Puts right what `verify_rows` finds in rows, in one transaction. The chain is not touched.

    With any problem in it nothing is removed, and nothing counted anew: what no entry can be read for may be the last
    trace of a sale.
    """
    with store.write() as connection, raw_texts(connection):
        cursor: Any = connection.connection.cursor()
        check = _read_entries(cursor)
        found = _find(cursor, connection, check)
        repair = Repair([], list(check.problems))
        is_whole = not repair.problems
        for difference in check.describe(connection, found, partial(_load, cursor)):
            if difference.place is None and not is_whole:
                repair.problems.append(f"{difference.sentence} It was left as it is.")
                continue
            rows = None
            if difference.place is not None:
                rows = rows_of(check.branch_id, _load(cursor, difference.place), None)
            rewrite_record(connection, check.branch_id, difference.key, rows)
            verb = "removed" if rows is None else "rewritten from its entry"
            repair.done.append(f"{difference.sentence} It was {verb}.")
        strangers = find_strangers(connection, FACT_TABLES, {check.branch_id})
        if is_whole:
            remove_strangers(connection, strangers)
            repair.done.extend(f"{stranger.sentence} They were removed." for stranger in strangers)
        else:
            repair.problems.extend(f"{stranger.sentence} They were left as they are." for stranger in strangers)
        cards = repair_cards(connection)
        repair.done.extend(cards.done)
        repair.problems.extend(cards.problems)
        if is_whole and _count_anew(cursor):
            repair.done.append("Record counters were counted anew.")
    return repair


def _count_anew(cursor: Any) -> bool:
    """Counts the journal from its beginning; whether anything is different then."""
    while count_acknowledged(cursor):
        pass
    before = cursor.execute(_COUNTERS).fetchall()
    restart_counting(cursor)
    while count_acknowledged(cursor):
        pass
    return bool(before != cursor.execute(_COUNTERS).fetchall())


def _find(cursor: Any, connection: Connection, check: RecordCheck) -> list[Found]:
    """Records that differ. Where no entry has one that a request was answered with, its entry is lost: a problem."""
    found = check.find(connection)
    extra = [] if check.problems else [key for key, place in found if place is None]
    sold = {row[0] for row in cursor.execute(_ANSWERED).fetchall()} if extra else set()
    check.problems += [f"The entry of {key[0]} {name_value(key[1])} is missing." for key in extra if key[1] in sold]
    return found


def _read_entries(cursor: Any) -> RecordCheck:
    """What the journal and the history say, and where the chain is broken."""
    node, chain_state = read_node(cursor)
    check = RecordCheck(node.branch_id)
    lives = {row[0]: row[1] for row in cursor.execute("SELECT first_position, genesis_hash FROM incarnation")}
    chain = ChainCheck(b"", " of the journal")
    state = read_sync_state(cursor)
    after = 0
    while rows := cursor.execute(_JOURNAL, (after, ENTRIES_PER_QUERY)).fetchall():
        for position, stored_hash, data in rows:
            _read_entry(check, chain, lives.get(position), state.pruned_position, (position, stored_hash, data))
        after = rows[-1][0]
    check.problems += chain.problems
    if state.acknowledged.seq > chain_state.head.seq:
        check.problems.append(
            f"{state.acknowledged.seq} entries were acknowledged, the journal has {chain_state.head.seq} of them."
        )
    _read_history(cursor, check)
    return check


def _read_entry(
    check: RecordCheck, chain: ChainCheck, genesis_hash: bytes | None, pruned_position: int, row: tuple[Any, Any, Any]
) -> None:
    if genesis_hash is not None:
        chain.begin_life(genesis_hash)
    position = row[0]
    followed = chain.follow(*row)
    if followed is None:
        return
    if position <= pruned_position:
        check.pruned |= {record_id for _, record_id in identities(row[2])}
    elif followed.is_proven:
        check.add_entry(("journal", position), decode_entry(followed.opened))
    else:
        check.add_doubtful(decode_entry(followed.opened))


def _read_history(cursor: Any, check: RecordCheck) -> None:
    after = 0
    while rows := cursor.execute(_HISTORY, (after, ENTRIES_PER_QUERY)).fetchall():
        for number, data in rows:
            try:
                check.add_entry(("history_entry", number), decode_entry(open_stored(data)))
            except DecodeError as error:
                check.problems.append(f"Entry {number} of the history cannot be read: {error.message}")
            after = number


def _load(cursor: Any, place: Place) -> DecodedEntry:
    table, number = place
    column = "position" if table == "journal" else "rowid"
    row = cursor.execute(f"SELECT data FROM {table} WHERE {column} = ?", (number,)).fetchone()
    return decode_entry(open_entry(row[0]))
