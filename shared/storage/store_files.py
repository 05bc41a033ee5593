"""SQLite stores as files: which others lie beside one, looking into one without a trace, copies, moving one aside."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool
from sqlcipher3 import dbapi2

from shared.errors import InvalidInput, StoreCorrupt, StoreFull
from shared.storage.sqlite_engine import translated_sqlite_errors

LOG_SUFFIXES = ("-wal", "-shm")
SIDE_SUFFIXES = (*LOG_SUFFIXES, "-gate", "-turnstile")
"""What SQLite and the write gate put beside a store; nothing else there is ours."""


def beside(path: Path, suffix: str) -> Path:
    """The file beside a store whose name is the store's and a suffix."""
    return path.with_name(path.name + suffix)


def remove_store(path: Path) -> None:
    """Deletes a store of our own making, and what lies beside it."""
    for suffix in ("", *SIDE_SUFFIXES):
        beside(path, suffix).unlink(missing_ok=True)


def remove_side_files(path: Path) -> None:
    """Deletes what a closed store of our own making left beside it."""
    for suffix in SIDE_SUFFIXES:
        beside(path, suffix).unlink(missing_ok=True)


def move_aside(path: Path, kept: Path) -> None:
    """Moves a store, and its log with it, so that both still belong together. What is not there is no trouble."""
    for suffix in ("", *LOG_SUFFIXES):
        present = beside(path, suffix)
        if present.exists():
            present.rename(beside(kept, suffix))


def require_backup_file(path: Path) -> None:
    """Raises InvalidInput when there is no such file, or it is half of a store in use."""
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.", "Name a file that `backup` wrote.")
    if not os.access(path, os.R_OK):
        raise InvalidInput(f"{path} may not be read.", "Check its owner and its permissions.")
    log = beside(path, "-wal")
    if log.exists() and log.stat().st_size > 0:
        raise InvalidInput(
            f"{path} is only half of a store: {log.name} beside it holds the rest.",
            "Name a file that `backup` wrote; it has no log.",
        )


@contextmanager
def look_into(path: Path) -> Iterator[Connection]:
    """A connection that can only read and leaves nothing beside the file. Raises StoreCorrupt when it is no store."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    engine = create_engine(
        "sqlite://", module=dbapi2, poolclass=NullPool, creator=lambda: dbapi2.connect(address, uri=True)
    )
    try:
        with translated_sqlite_errors(), engine.connect() as connection:
            yield connection
    except StoreCorrupt:
        raise StoreCorrupt(f"{path} is damaged, or no store at all.", "Use another backup.") from None
    finally:
        engine.dispose()


def require_sound(connection: Connection, path: Path) -> None:
    """SQLite's own check of every page. Raises StoreCorrupt."""
    sound = connection.exec_driver_sql("PRAGMA integrity_check").scalars().first()
    if sound != "ok":
        raise StoreCorrupt(f"{path} is damaged: {sound}.", "Use another backup.")


@contextmanager
def private_copy(path: Path, folder: Path) -> Iterator[Path]:
    """A copy in a folder of its own inside that folder, to be changed or moved away; gone afterwards."""
    try:
        own = tempfile.TemporaryDirectory(prefix="restoring-", dir=folder)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error.strerror}.", "Check its permissions.") from None
    with own as name:
        copy = Path(name) / path.name
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            raise StoreFull(f"{path} cannot be copied: {error.strerror}.", "Free some space, then try again.") from None
        copy.chmod(0o600)
        yield copy
