"""Keeps the words and numbers that clients are found by in step with their cards. Contains no searching.

On SQLite, where the writer is alone, a card is indexed in the transaction that changes it. On PostgreSQL that would
let two merges wait for each other's words: there a card is noted, and one transaction at a time indexes what is noted.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, text

from shared.domain.client_matching import (
    CodeForm,
    CodeKey,
    beginnings_of,
    code_keys,
    label_key,
    parts_inside,
    typo_keys,
    words_of,
)
from shared.storage.card_tables import client
from shared.storage.client_index_tables import (
    client_code,
    client_unindexed,
    client_word,
    client_word_part,
    client_word_typo,
)
from shared.storage.fact_rows import Row

INDEXED_PER_TRANSACTION_MAX: Final = 2_000
_PER_QUERY_MAX: Final = 500
_ADVISORY_LOCK: Final = 6_021_301
"""Who indexes clients on PostgreSQL is alone."""

_CARDS = select(
    client.c.id,
    client.c.name,
    client.c.phones,
    client.c.emails,
    client.c.external_id,
    client.c.loyalty_number,
    client.c.tax_number,
    client.c.sort_key,
    client.c.tags,
    client.c.client_group,
).where(client.c.id.in_(bindparam("ids", expanding=True)))
_WORDS = select(client_word.c.client_id, client_word.c.word).where(
    client_word.c.client_id.in_(bindparam("ids", expanding=True))
)
_CODES = select(client_code.c.client_id, client_code.c.form, client_code.c.code).where(
    client_code.c.client_id.in_(bindparam("ids", expanding=True))
)
# One probe a word, and not all clients of it.
_PROBE_SQLITE: Final = "SELECT 1 FROM client_word WHERE word = ? LIMIT 1"
_PROBE_POSTGRESQL: Final = (
    "SELECT asked.word FROM unnest(%s::text[]) AS asked(word) "
    "WHERE EXISTS (SELECT 1 FROM client_word AS known WHERE known.word = asked.word)"
)
_NOTED = select(client_unindexed.c.client_id).order_by(client_unindexed.c.client_id)


def clients_changed(connection: Connection, client_ids: Collection[bytes]) -> None:
    """Cards of clients were written or deleted in this transaction."""
    if connection.dialect.name == "sqlite":
        index_clients(connection, client_ids)
        return
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    # Updated where it is there: whoever indexes meanwhile must not take the note of what is not committed yet.
    statement = postgresql_insert(client_unindexed)
    noted = statement.on_conflict_do_update(
        index_elements=["client_id"], set_={"client_id": statement.excluded.client_id}
    )
    connection.execute(noted, [{"client_id": client_id} for client_id in sorted(client_ids)])


def has_noted(connection: Connection) -> bool:
    """Whether cards changed since they were indexed."""
    return connection.execute(_NOTED.limit(1)).first() is not None


def index_noted(connection: Connection) -> int:
    """Indexes some of the clients that were noted, in the caller's transaction; returns how many."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    statement = _NOTED.limit(INDEXED_PER_TRANSACTION_MAX).with_for_update(skip_locked=True)
    noted = list(connection.execute(statement).scalars())
    for ids in _chunks(noted):
        connection.execute(delete(client_unindexed).where(client_unindexed.c.client_id.in_(ids)))
    index_clients(connection, noted)
    return len(noted)


def index_all_noted(connection: Connection) -> None:
    """Indexes whatever is noted, in the caller's transaction."""
    while index_noted(connection):
        pass


def note_all(connection: Connection) -> None:
    """Notes every client, to index anew."""
    connection.execute(delete(client_unindexed))
    connection.execute(insert(client_unindexed).from_select(["client_id"], select(client.c.id)))


def index_clients(connection: Connection, client_ids: Collection[bytes]) -> None:
    """Indexes these clients as their cards are now, and forgets those that are gone. Whoever calls it is alone."""
    for ids in _chunks(sorted(client_ids)):
        _index(connection, ids)


def _index(connection: Connection, ids: Sequence[bytes]) -> None:
    words: set[tuple[str, bytes]] = set()
    codes: set[tuple[int, str, bytes]] = set()
    for row in connection.execute(_CARDS, {"ids": ids}):
        words.update((word, row.id) for word in words_of(row.name))
        codes.update((int(form), code, row.id) for form, code in (*_codes(row), *_labels(row)))
    old_words = {(word, client_id) for client_id, word in connection.execute(_WORDS, {"ids": ids})}
    old_codes = {(form, code, client_id) for client_id, form, code in connection.execute(_CODES, {"ids": ids})}
    _delete(connection, client_code, old_codes - codes)
    _insert(connection, client_code, codes - old_codes)
    added, removed = words - old_words, old_words - words
    new = _without_clients(connection, {word for word, _ in added})
    _insert(connection, client_word, added)
    _insert(connection, client_word_part, _parts(new))
    _insert(connection, client_word_typo, _typos(new))
    _delete(connection, client_word, removed)
    # A name that nobody has any more leaves nothing behind.
    gone = _without_clients(connection, {word for word, _ in removed})
    _delete(connection, client_word_part, _parts(gone))
    _delete(connection, client_word_typo, _typos(gone))


def _codes(row: Any) -> set[CodeKey]:
    numbers = (row.external_id, row.loyalty_number, row.tax_number)
    return code_keys(_lines(row.phones), numbers, _lines(row.emails))


def _labels(row: Any) -> set[CodeKey]:
    found = {CodeKey(CodeForm.TAG, label_key(tag, row.sort_key)) for tag in _lines(row.tags)}
    return found | {CodeKey(CodeForm.GROUP, label_key(group, row.sort_key)) for group in _lines(row.client_group)}


def _lines(text: str | None) -> list[str]:
    return [line for line in (text or "").split("\n") if line]


def _parts(words: Iterable[str]) -> set[tuple[bool, str, str]]:
    found: set[tuple[bool, str, str]] = set()
    for word in words:
        found.update((False, part, word) for part in beginnings_of(word))
        found.update((True, part, word) for part in parts_inside(word))
    return found


def _typos(words: Iterable[str]) -> set[tuple[int, str]]:
    return {(key, word) for word in words for key in typo_keys(word)}


def _without_clients(connection: Connection, words: Collection[str]) -> set[str]:
    if not words:
        return set()
    if connection.dialect.name == "sqlite":
        cursor: Any = connection.connection.cursor()
        return {word for word in words if cursor.execute(_PROBE_SQLITE, (word,)).fetchone() is None}
    found = connection.exec_driver_sql(_PROBE_POSTGRESQL, (list(words),))
    return set(words) - {word for (word,) in found}


def _insert(connection: Connection, table: Table, rows: Collection[Row]) -> None:
    """Rows that are not there, many at once."""
    if not rows:
        return
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        cursor.executemany(f"INSERT OR IGNORE INTO {table.name} ({names}) VALUES ({marks})", sorted(rows))
        return
    with cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copied:
        for row in sorted(rows):
            copied.write_row([uuid.UUID(bytes=value) if isinstance(value, bytes) else value for value in row])


def _delete(connection: Connection, table: Table, rows: Collection[Row]) -> None:
    if not rows:
        return
    names = [column.name for column in table.columns]
    if connection.dialect.name == "sqlite":
        condition = " AND ".join(f'"{name}" = ?' for name in names)
        connection.connection.cursor().executemany(f"DELETE FROM {table.name} WHERE {condition}", sorted(rows))
        return
    matches = [table.c[name] == bindparam(f"old_{name}") for name in names]
    parameters = [{f"old_{name}": value for name, value in zip(names, row, strict=True)} for row in sorted(rows)]
    connection.execute(delete(table).where(*matches), parameters)


def _chunks(ids: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (ids[start : start + _PER_QUERY_MAX] for start in range(0, len(ids), _PER_QUERY_MAX))
