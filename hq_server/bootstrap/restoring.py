"""Putting a backup back into the head office, also where its SQLite store is damaged or gone."""

from __future__ import annotations

import contextlib
from pathlib import Path

from hq_server.bootstrap import only_server, read_database_url, settings_for
from hq_server.operations.backup import BackupDone, kept_path, require_backup, restore_backup
from hq_server.operations.erasing import scour_if_due
from hq_server.operations.erasure_file import keep_orders, read_orders
from hq_server.settings import Settings
from hq_server.storage import migrations
from hq_server.storage.sqlite_store import SqliteHqStore
from hq_server.storage.store import HqStore, open_store, sqlite_path
from shared.certificates import sync_folder
from shared.clock import Clock, Ids, SystemClock, SystemIds
from shared.errors import StoreCorrupt, StoreMissing
from shared.storage.store_files import move_aside, remove_side_files, remove_store
from shared.storage.write_gate import hold_gate


def restore(home: Path | None, path: Path) -> BackupDone:
    """Puts a backup in the place of everything HQ holds; a SQLite store that cannot be read is moved aside first.

    Raises StoreMissing before `init`, Refused while a server runs on SQLite, InvalidInput, StoreCorrupt.
    """
    settings = settings_for(home)
    url = read_database_url(settings)
    store_path = sqlite_path(url, settings.home)
    clock, ids = SystemClock(), SystemIds()
    with only_server(settings, store_path is not None):
        require_backup(path)
        try:
            with contextlib.closing(open_store(url, settings.home, clock)) as store:
                return _restore_into(store, settings, path, clock, ids)
        except (StoreMissing, StoreCorrupt):
            if store_path is None:
                raise
        return _restore_anew(settings, store_path, path, clock, ids)


def _restore_into(store: HqStore, settings: Settings, path: Path, clock: Clock, ids: Ids) -> BackupDone:
    """Puts the backup back and erases again whom an order has erased since it was taken, down to the file's bytes."""
    done = restore_backup(store, path, clock, ids, read_orders(settings.erasures_path))
    with store.read() as connection:
        keep_orders(connection, settings.erasures_path)
    scour_if_due(store, clock.now_us())
    return done


def _restore_anew(settings: Settings, store_path: Path, path: Path, clock: Clock, ids: Ids) -> BackupDone:
    """Builds a store beside the place of one that cannot be read, and changes them over once it is whole."""
    incoming = store_path.with_name(store_path.name + ".restoring")
    remove_store(incoming)
    try:
        with contextlib.closing(SqliteHqStore(incoming, clock)) as store:
            with store.write() as connection:
                migrations.upgrade(connection)
            done = _restore_into(store, settings, path, clock, ids)
            store.checkpoint()
    except BaseException:
        remove_store(incoming)
        raise
    remove_side_files(incoming)
    kept = kept_path(store_path, clock) if store_path.exists() else None
    with hold_gate(store_path, clock):
        move_aside(store_path, kept or kept_path(store_path, clock))
        incoming.rename(store_path)
        sync_folder(store_path.parent)
    return done._replace(kept=kept)
