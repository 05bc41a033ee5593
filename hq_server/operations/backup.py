"""Backups of the head office as one file, whatever database it runs on, and putting one back.

A backup is a SQLite file with the schema of this release, copied table by table inside one snapshot; the branches'
heads are read in the same snapshot. It is verified by reading it back. The authority's private key is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import Connection, Table, func, inspect, select, update

from hq_server.operations.erasing import repeat_orders
from hq_server.operations.erasure_file import OrderLine, orders_of
from hq_server.operations.mail_sending import note_restore
from hq_server.storage import migrations
from hq_server.storage.backups import mark_verified, note_backup, read_heads
from hq_server.storage.branches import forget_connections
from hq_server.storage.sqlite_store import SqliteHqStore
from hq_server.storage.store import HqStore
from hq_server.storage.tables import branch, chain, feed_head
from shared.clock import Clock, Ids
from shared.errors import AlreadyExists, InvalidInput, StoreCorrupt
from shared.operations.sessions import end_all_sessions
from shared.storage.client_index import index_all_noted
from shared.storage.file_tables import file_chunk
from shared.storage.store_files import look_into, remove_side_files, remove_store, require_backup_file, require_sound

ROWS_PER_COPY = 5_000
CHUNKS_PER_COPY = 20
"""Of files: each row is as long as a quarter of a MiB."""
NO_ORDERS: Mapping[bytes, OrderLine] = MappingProxyType({})


class BackupDone(NamedTuple):
    """What a backup holds; after a restore, where what was there is kept, if this store could keep it."""

    path: Path
    rows: int
    branches: int
    kept: Path | None = None


def take_backup(store: HqStore, path: Path, clock: Clock, ids: Ids) -> BackupDone:
    """Writes a backup beside its place, reads it back, and moves it there whole. Raises AlreadyExists, StoreCorrupt."""
    if path.exists():
        raise AlreadyExists(f"{path} exists already.", "Name another file.")
    unfinished = path.with_name(path.name + ".unfinished")
    remove_store(unfinished)
    taken_at_us = clock.now_us()
    copy = SqliteHqStore(unfinished, clock)
    try:
        with copy.write() as into:
            migrations.upgrade(into)
            with store.read() as connection:
                counts = {table.name: _copy_table(connection, into, table) for table in _tables()}
                heads = read_heads(connection)
        _require_whole(copy, counts)
        copy.checkpoint()
    finally:
        copy.close()
    remove_side_files(unfinished)
    unfinished.rename(path)
    with store.write() as connection:
        backup_id = note_backup(connection, ids, taken_at_us, False, None, heads)
        mark_verified(connection, backup_id, clock.now_us())
    return BackupDone(path, sum(counts.values()), len({head[0] for head in heads}))


def mark_backup(store: HqStore, clock: Clock, ids: Ids) -> None:
    """An administrator vouches for a backup that another tool took of the database as it is now."""
    with store.write() as connection:
        now_us = clock.now_us()
        note_backup(connection, ids, now_us, True, now_us)


def require_backup(path: Path) -> None:
    """Raises InvalidInput when the file is no backup of a head office by this release, StoreCorrupt when damaged."""
    require_backup_file(path)
    with look_into(path) as source:
        if not inspect(source).has_table(chain.name) or source.execute(select(chain.c.id)).first() is None:
            raise InvalidInput(f"{path} is no backup of a head office.", "Name a file that `filial-hq backup` wrote.")
        if migrations.revision(source) != migrations.HEAD:
            raise InvalidInput(f"{path} is no backup of this release.", "Use the release that made it.")
        require_sound(source, path)


def restore_backup(
    store: HqStore, path: Path, clock: Clock, ids: Ids, orders: Mapping[bytes, OrderLine] = NO_ORDERS
) -> BackupDone:
    """Puts a backup in the place of everything this store holds, in one transaction. The backup is only read.

    The feed begins a new epoch: every branch sees that HQ was restored, sends what it lost and is told everything anew.
    Persons whom an order has erased since the backup was taken – the store that was there knows of it, or `orders` do –
    are erased again; their traces leave the files with `scour_if_due`.
    A SQLite store keeps a copy of what was there beside it. Raises InvalidInput when the file is no backup of this
    release or chain, StoreCorrupt when what is there cannot be read.
    """
    require_backup(path)
    with look_into(path) as source, store.write() as connection:
        kept = None
        if connection.execute(select(chain.c.id)).first() is not None:
            _require_same_chain(source, connection, path)
            kept = _keep_copy(store, clock)
            orders = {**orders, **orders_of(connection)}
        for table in reversed(_tables()):
            connection.execute(table.delete())
        counts = {table.name: _copy_table(source, connection, table) for table in _tables()}
        connection.execute(update(feed_head).values(epoch=ids.new_id()))
        forget_connections(connection)
        # Whose session has ended since the backup must not be logged in again.
        end_all_sessions(connection)
        # Nor must what was sent since the backup be sent again.
        note_restore(connection, clock.now_us())
        repeat_orders(connection, ids, clock.now_us(), orders)
        # What an erased person was found by came back with the rest.
        index_all_noted(connection)
        heads = read_heads(connection)
    return BackupDone(path, sum(counts.values()), len({head[0] for head in heads}), kept)


def kept_path(store_path: Path, clock: Clock) -> Path:
    """Where what a SQLite store held before a restore is kept."""
    return store_path.with_name(f"{store_path.name}.before-restore-{clock.now_us()}")


def _require_same_chain(source: Connection, connection: Connection, path: Path) -> None:
    """A head office without branches was founded to take a backup: it may be any chain's."""
    theirs, ours = (each.execute(select(chain.c.chain_id, chain.c.name)).one() for each in (source, connection))
    if theirs.chain_id != ours.chain_id and connection.execute(select(branch.c.id).limit(1)).first() is not None:
        raise InvalidInput(
            f"{path} is a backup of another chain, {theirs.name}.",
            "Name the folder of its head office with --home, or a new one made with: filial-hq init",
        )


def _keep_copy(store: HqStore, clock: Clock) -> Path | None:
    """A copy of what is committed, while the caller's transaction keeps others from changing it."""
    if not isinstance(store, SqliteHqStore):
        return None
    kept = kept_path(store.path, clock)
    reader = SqliteHqStore(store.path, clock)
    try:
        reader.copy_to(kept)
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
    finally:
        reader.close()
    return kept


def _tables() -> list[Table]:
    return [table for metadata in migrations.METADATA for table in metadata.sorted_tables]


def _copy_table(source: Connection, into: Connection, table: Table) -> int:
    names = [column.name for column in table.columns]
    rows, at_once = 0, CHUNKS_PER_COPY if table is file_chunk else ROWS_PER_COPY
    result = source.execute(select(table), execution_options={"yield_per": at_once})
    for chunk in result.partitions():
        into.execute(table.insert(), [dict(zip(names, map(_plain, row), strict=True)) for row in chunk])
        rows += len(chunk)
    return rows


def _plain(value: object) -> object:
    """A value as either database takes it: PostgreSQL gives views of bytes and decimal sums."""
    if isinstance(value, memoryview):
        return bytes(value)
    return int(value) if isinstance(value, Decimal) else value


def _require_whole(copy: HqStore, counts: dict[str, int]) -> None:
    """Reads the copy back. Raises StoreCorrupt."""
    with copy.read() as connection:
        sound = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        there = {t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in _tables()}
    if sound != "ok" or there != counts:
        raise StoreCorrupt("The backup is not what was written.", "Try another disk.")
