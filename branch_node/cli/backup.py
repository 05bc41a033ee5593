"""`filial-branch backup` and `filial-branch restore`."""

from __future__ import annotations

from pathlib import Path

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations.backup import restore_backup, take_backup
from branch_node.sync_client.lock import SyncLock
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_result
from shared.clock import SystemClock
from shared.errors import Refused


@click.command(cls=Command)
@click.argument("file")
@click.pass_obj
def backup(options: GlobalOptions, file: str) -> None:
    """Write a copy of this branch's store to FILE and read it back. Selling goes on meanwhile."""
    store = open_store(settings_for(options.home))
    size = take_backup(store, Path(file), store.clock)
    store.close()
    print_result(options, {"file": file, "bytes": size}, f"{file} holds the store, {size} bytes, and was read back.")


@click.command(cls=Command)
@click.argument("file")
@click.pass_obj
def restore(options: GlobalOptions, file: str) -> None:
    """Put a backup in the place of this branch's store; the head office gives back what came after it."""
    settings = settings_for(options.home)
    lock = SyncLock(settings.sync_lock_path)
    if not lock.take():
        raise Refused("This branch is being served.", "Stop filial-branch serve first.")
    try:
        kept = restore_backup(settings.store_path, Path(file), SystemClock())
    finally:
        lock.release()
    print_result(
        options,
        {"file": file, "kept": str(kept)},
        f"The store is back as it was. What was there is kept in {kept.name}. Next: filial-branch sync run",
    )
