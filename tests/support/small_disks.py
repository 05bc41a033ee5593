"""Full disks: one of a few hundred kilobytes, to be filled; and a store that gets no page more."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.storage.sqlite_engine import SqliteStore

CHUNK_BYTES = 4_096


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path | None]:
    """Mounts a tmpfs there; yields None where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def may_mount() -> bool:
    """Only root may mount."""
    return os.geteuid() == 0


def fill(path: Path) -> None:
    """Writes a file until the disk it lies on is full."""
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(CHUNK_BYTES))


def let_grow_no_more(store: SqliteStore) -> None:
    """SQLite itself says that the disk is full when this thread's writes need another page, until the store closes."""
    store.write().driver.execute("PRAGMA max_page_count = 1").fetchone()  # never fewer than there are
