"""Backups of a branch's store as one file, and putting one back while tills may have the store open."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, inspect, select, update

from branch_node.operations.basket.settling import give_up_restored
from branch_node.operations.pairing import forget_pairings
from branch_node.storage import migrations
from branch_node.storage.card_attempts import doubt_restored_attempts
from branch_node.storage.erasing import erase_persons
from branch_node.storage.print_jobs import doubt_restored_jobs
from branch_node.storage.store import BranchStore
from branch_node.storage.tables import node
from shared.certificates import sync_folder
from shared.clock import Clock
from shared.errors import AlreadyExists, InvalidInput, StoreBusy, StoreError
from shared.operations.sessions import end_all_sessions
from shared.storage.erasing import note_scoured, unapplied
from shared.storage.sqlite_engine import SqliteStore
from shared.storage.store_files import (
    look_into,
    move_aside,
    private_copy,
    remove_side_files,
    require_backup_file,
    require_sound,
)
from shared.storage.tables import erasure_work
from shared.storage.write_gate import hold_gate


class Restored(NamedTuple):
    """Where the store that was there is kept, if there was one, and whether programs that have it open may go on."""

    kept: Path | None
    was_readable: bool


class _Owner(NamedTuple):
    """Whose store a file is, and the node's revision in it."""

    branch_id: bytes
    code: str
    revision: int


def take_backup(store: BranchStore, path: Path, clock: Clock) -> int:
    """Writes a copy of the store and reads it back; returns its bytes. Raises AlreadyExists, StoreCorrupt."""
    if path.exists():
        raise AlreadyExists(f"{path} exists already.", "Name another file.")
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    store.copy_to(unfinished)
    _require_backup(unfinished)
    unfinished.rename(path)
    return path.stat().st_size


def restore_backup(store_path: Path, path: Path, clock: Clock, branch_id: bytes | None = None) -> Restored:
    """Puts a backup in the place of the store, of which a copy is kept beside it. The backup is only read.

    `branch_id` is whose store belongs here, as the branch's certificate says; without it the present store says so.
    With its next contact HQ recognises the older copy, and gives back what came after it.
    Raises InvalidInput when the file is no backup of this branch, StoreCorrupt when it is damaged.
    """
    require_backup_file(path)
    owner = _require_backup(path)
    with private_copy(path, store_path.parent) as incoming:
        _prepare(incoming, clock, _erased_here(store_path, clock))
        with hold_gate(store_path, clock):
            present = _present_owner(store_path, clock)
            _require_own(path, owner, branch_id or (present and present.branch_id))
            kept = store_path.with_name(f"{store_path.name}.before-restore-{clock.now_us()}")
            if present is not None and _keep_copy(store_path, kept, clock):
                revision = max(present.revision, owner.revision) + 1
                try:
                    _replace_content(store_path, incoming, revision, clock)
                except BaseException:
                    kept.unlink()
                    raise
                return Restored(kept, was_readable=True)
            return Restored(_replace_file(store_path, incoming, kept), was_readable=False)


def _require_backup(path: Path) -> _Owner:
    """Reads a backup without a trace. Raises InvalidInput, StoreCorrupt."""
    with look_into(path) as connection:
        owner = _read_owner(connection)
        if owner is None or migrations.revision(connection) not in migrations.KNOWN:
            raise InvalidInput(
                f"{path} is no backup of a branch that this release knows.",
                "Name a file that `filial-branch backup` wrote.",
            )
        require_sound(connection, path)
    return owner


def _read_owner(connection: Connection) -> _Owner | None:
    if not inspect(connection).has_table(node.name):
        return None
    row = connection.exec_driver_sql("SELECT branch_id, code, revision FROM node").first()
    return None if row is None else _Owner(*row)


def _require_own(path: Path, owner: _Owner, branch_id: bytes | None) -> None:
    if branch_id is not None and owner.branch_id != branch_id:
        raise InvalidInput(
            f"{path} is a backup of another branch, {owner.code}.",
            "Name a backup of this branch, or the other branch's folder with --home.",
        )


def _present_owner(store_path: Path, clock: Clock) -> _Owner | None:
    """Whose the present store is; None when there is none that can be read."""
    if not store_path.exists():
        return None
    # Its log may hold commits that its file lacks yet, so it is opened as a store and not only looked into.
    store = SqliteStore(store_path, clock)
    try:
        with store.read() as connection:
            return _read_owner(connection)
    except StoreBusy:
        raise
    except StoreError:
        return None
    finally:
        store.close()


def _keep_copy(store_path: Path, kept: Path, clock: Clock) -> bool:
    """Copies what is there; false when not all of it can be read."""
    store = SqliteStore(store_path, clock)
    try:
        store.copy_to(kept)
    except StoreError:
        kept.unlink(missing_ok=True)
        return False
    finally:
        store.close()
    return True


def _erased_here(store_path: Path, clock: Clock) -> list[bytes]:
    """Persons whom an order has erased in the store that is there, as far as it can be read."""
    if not store_path.exists():
        return []
    store = SqliteStore(store_path, clock)
    try:
        with store.read() as connection:
            if not inspect(connection).has_table(erasure_work.name):
                return []
            return list(connection.execute(select(erasure_work.c.client_id)).scalars())
    except StoreBusy:
        raise
    except StoreError:
        return []
    finally:
        store.close()


def _prepare(path: Path, clock: Clock, erased: list[bytes]) -> None:
    """Upgrades it, as programs that have it open do not again; ends its sessions, doubts what it was doing, and erases
    whom an order has erased since it was taken."""
    store = SqliteStore(path, clock)
    try:
        with store.write() as connection:
            migrations.upgrade(connection)
            # What ended since the backup was taken must not live again: people log in anew, registers are paired anew.
            end_all_sessions(connection)
            forget_pairings(connection)
            cursor = connection.connection.cursor()
            doubt_restored_jobs(cursor, clock.now_us())
            doubt_restored_attempts(cursor, clock.now_us())
            give_up_restored(cursor, clock.now_us())
            new = unapplied(connection, erased)
            if new:
                erase_persons(connection, new, clock.now_us())
        if new and store.scour():
            with store.write() as connection:
                note_scoured(connection, clock.now_us())
        store.checkpoint()
    finally:
        store.close()


def _replace_content(store_path: Path, incoming: Path, revision: int, clock: Clock) -> None:
    """Puts the backup into the store's own file: a till that has it open sells into the restored store next.

    `revision` is one that the node never had, so that nobody goes by what they remember of it.
    """
    copy = SqliteStore(incoming, clock)
    try:
        with copy.write() as connection:
            connection.execute(update(node).values(revision=revision))
        copy.checkpoint()
    finally:
        copy.close()
    store = SqliteStore(store_path, clock)
    try:
        store.replace_content(incoming)
    finally:
        store.close()


def _replace_file(store_path: Path, incoming: Path, kept: Path) -> Path | None:
    """Puts the backup where no readable store is. A program that has the old file open notices, and refuses."""
    was_there = store_path.exists()
    move_aside(store_path, kept)
    remove_side_files(incoming)
    incoming.rename(store_path)
    sync_folder(store_path.parent)
    return kept if was_there else None
