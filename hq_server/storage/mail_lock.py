"""One sender, reader, watcher at a time among all processes of a head office and, with PostgreSQL, machines."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from hq_server.storage.store import HqStore
from shared.errors import Refused

_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


@contextmanager
def alone_with_mail(store: HqStore, home: Path, what: str) -> Iterator[None]:
    """Holds what `sending`, `reading`, `watching`, `telling` or `checking` needs, for as long as the block lasts.

    Raises Refused when another has it.
    The kernel gives a file's lock back when its holder dies; PostgreSQL does when its connection ends.
    """
    descriptor = os.open(home / f"mail-{what}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(what) from None
        if store.dialect != "postgresql":
            yield
            return
        with store.read() as connection:
            if not connection.execute(_TRY, {"name": f"filial-mail-{what}"}).scalar_one():
                raise _taken(what)
            yield
    finally:
        os.close(descriptor)


def _taken(what: str) -> Refused:
    return Refused(
        f"Another process is {what} already.", "Wait until it has finished; `filial-hq serve` does it by itself."
    )
