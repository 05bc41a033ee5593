"""Backups of a branch's store as one file, and putting one back."""

from __future__ import annotations

import shutil
from pathlib import Path

from branch_node.storage import migrations
from branch_node.storage.store import BranchStore
from shared.clock import Clock
from shared.errors import AlreadyExists, InvalidInput, StoreCorrupt
from shared.storage.sqlite_engine import SqliteStore


def take_backup(store: BranchStore, path: Path, clock: Clock) -> int:
    """Writes a copy of the store and reads it back; returns its bytes. Raises AlreadyExists, StoreCorrupt."""
    if path.exists():
        raise AlreadyExists(f"{path} exists already.", "Name another file.")
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    store.copy_to(unfinished)
    _require_sound(unfinished, clock)
    unfinished.rename(path)
    return path.stat().st_size


def restore_backup(store_path: Path, path: Path, clock: Clock) -> Path:
    """Puts a backup in the place of the store; what was there is kept beside it. Returns where.

    With its next contact HQ recognises the older copy, and gives back what came after it. Raises InvalidInput.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    _require_sound(path, clock)
    incoming = store_path.with_name(store_path.name + ".restoring")
    shutil.copy(path, incoming)
    incoming.chmod(0o600)
    kept = store_path.with_name(f"{store_path.name}.before-restore-{clock.now_us()}")
    if store_path.exists():
        present = SqliteStore(store_path, clock)
        present.checkpoint()
        present.close()
        store_path.rename(kept)
    for leftover in (
        *store_path.parent.glob(store_path.name + "-wal"),
        *store_path.parent.glob(store_path.name + "-shm"),
    ):
        leftover.unlink()
    incoming.rename(store_path)
    return kept


def _require_sound(path: Path, clock: Clock) -> None:
    copy = SqliteStore(path, clock)
    try:
        with copy.read() as connection:
            known = migrations.revision(connection) in migrations.KNOWN
            sound = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
    finally:
        copy.close()
        for leftover in path.parent.glob(path.name + "-*"):
            leftover.unlink()
    if not known:
        raise InvalidInput(f"{path} is no backup of a branch that this release knows.")
    if sound != "ok":
        raise StoreCorrupt(f"{path} is damaged: {sound}.", "Use another backup.")
