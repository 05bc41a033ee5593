"""What clients are compared by, kept beside their cards: who shares a phone with whom is found without all pairs.

Clients that are archived or merged into another have no keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from shared.domain.cards import Value
from shared.domain.duplicates import keys_of, likeness_of, proposes
from shared.storage.cursor_reading import Reader
from shared.storage.dialect_functions import over_lists
from shared.storage.tables import client_key

ItemT = TypeVar("ItemT")

_PER_QUERY_MAX: Final = 500

_known = over_lists(
    lambda among: select(client_key.c.client_id, client_key.c.key).where(among(client_key.c.client_id, "clients"))
)
_shared = over_lists(
    lambda among: (
        select(client_key.c.key)
        .where(among(client_key.c.key, "keys"))
        .group_by(client_key.c.key)
        .having(func.count() > 1)
    )
)
_mark = over_lists(
    lambda among: (
        update(client_key)
        .where(among(client_key.c.key, "keys"), client_key.c.shared_key.is_(None))
        .values(shared_key=client_key.c.key)
    )
)
_unmark = over_lists(
    lambda among: (
        update(client_key)
        .where(among(client_key.c.key, "keys"), client_key.c.shared_key.is_not(None))
        .values(shared_key=None)
    )
)
_DROP = delete(client_key).where(
    client_key.c.key == bindparam("dropped_key"), client_key.c.client_id == bindparam("dropped_client")
)
_HOLDERS = (
    select(client_key.c.client_id)
    .where(client_key.c.key == bindparam("key"))
    .order_by(client_key.c.client_id)
    .limit(bindparam("most"))
)
_NEXT_SHARED = (
    select(client_key.c.shared_key)
    .distinct()
    .where(client_key.c.shared_key > bindparam("after"))
    .order_by(client_key.c.shared_key)
    .limit(bindparam("most"))
)
_ALL_KEYS = (
    select(client_key.c.key)
    .where(client_key.c.key > bindparam("after"))
    .group_by(client_key.c.key)
    .having(func.count() > 1)
    .order_by(client_key.c.key)
    .limit(bindparam("most"))
)


def keep_keys(connection: Connection, shown: Mapping[bytes, Mapping[str, Value]]) -> None:
    """Brings the keys of these clients in line with what their cards show; no fields stand for no card."""
    for chunk in _chunks(list(shown)):
        _keep(connection, {client_id: wanted_keys(client_id, shown[client_id]) for client_id in chunk})


def wanted_keys(client_id: bytes, fields: Mapping[str, Value]) -> set[str]:
    """The keys of a client whose card shows these fields."""
    if fields.get("archived") or isinstance(fields.get("merged_into"), bytes):
        return set()
    return set(keys_of(likeness_of(client_id, fields)))


def holders_of(reader: Reader, key: str, most: int) -> list[bytes]:
    """The clients that have a key, in the order of their ids."""
    return list(reader.execute(_HOLDERS, {"key": key, "most": most}).scalars())


def shared_keys_after(reader: Reader, after: str, most: int) -> list[str]:
    """The next keys by which several clients are to be compared, in their order."""
    return list(reader.execute(_NEXT_SHARED, {"after": after, "most": most}).scalars())


def mend_marks(connection: Connection) -> int:
    """Marks every key that several clients have, whoever missed it: two head-office processes may add the two clients
    at one moment without seeing each other. Returns how many keys are shared. Reads every key."""
    after, count = "", 0
    while keys := list(connection.execute(_ALL_KEYS, {"after": after, "most": _PER_QUERY_MAX}).scalars()):
        after = keys[-1]
        wanted = [key for key in keys if proposes(key)]
        connection.execute(_mark(connection), {"keys": wanted})
        count += len(wanted)
    return count


def _keep(connection: Connection, wanted: Mapping[bytes, set[str]]) -> None:
    known: dict[bytes, set[str]] = {}
    for client_id, key in connection.execute(_known(connection), {"clients": sorted(wanted)}):
        known.setdefault(client_id, set()).add(key)
    added = [(key, each) for each, keys in wanted.items() for key in keys - known.get(each, set())]
    dropped = [(key, each) for each, keys in known.items() for key in keys - wanted[each]]
    if dropped:
        rows = [{"dropped_key": key, "dropped_client": each} for key, each in sorted(dropped)]
        connection.execute(_DROP, rows)
    if added:
        _insert(connection, sorted(added))
    changed = sorted({key for key, _ in added + dropped if proposes(key)})
    for keys in _chunks(changed):
        shared = sorted(connection.execute(_shared(connection), {"keys": keys}).scalars())
        if shared:
            connection.execute(_mark(connection), {"keys": shared})
        alone = sorted({key for key, _ in dropped} & set(keys) - set(shared))
        if alone:
            connection.execute(_unmark(connection), {"keys": alone})


def _insert(connection: Connection, rows: Sequence[tuple[str, bytes]]) -> None:
    """SQLite's driver takes rows as they are, in a fraction of the time."""
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().executemany("INSERT INTO client_key (key, client_id) VALUES (?, ?)", rows)
        return
    connection.execute(insert(client_key), [{"key": key, "client_id": each, "shared_key": None} for key, each in rows])


def _chunks(items: Sequence[ItemT]) -> Iterator[Sequence[ItemT]]:
    for start in range(0, len(items), _PER_QUERY_MAX):
        yield items[start : start + _PER_QUERY_MAX]
