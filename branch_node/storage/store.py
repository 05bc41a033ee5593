"""The branch's store as the operations and the shells see it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from branch_node.storage import migrations
from branch_node.storage.transaction import BranchTransaction, ChainState, Node, NodeCache, ReceiptTexts
from shared.clock import Clock, Ids
from shared.errors import StoreCorrupt, StoreMissing
from shared.storage.sqlite_engine import SqliteStore, WriteTurn


class BranchStore:
    """One SQLite file. Any number of processes may have it open."""

    def __init__(self, path: Path, clock: Clock, ids: Ids, printing: ReceiptTexts | None = None) -> None:
        """`printing` makes operations queue their papers; without a printer it stays None.

        Raises StoreMissing before enrolment, StoreCorrupt or StoreVersionUnknown when the file cannot be used.
        """
        if not path.exists():
            raise StoreMissing(
                f"There is no branch in {path.parent}.", "Run: filial-branch enrol --hq HOST:PORT --token TOKEN"
            )
        if path.stat().st_size == 0:
            raise StoreCorrupt(f"{path} is empty.", "Restore it from a backup.")
        self.clock = clock
        self.ids = ids
        self.printing = printing
        self.has_fiscal_device = False
        """Whether operations queue what a fiscal device must be told."""
        self.wake_printer: Callable[[], None] = _nobody_prints
        self.nodes = NodeCache()
        self._screens = threading.local()
        self._sqlite = SqliteStore(path, clock)
        with self._sqlite.read() as connection:
            revision = migrations.revision(connection)
        if revision is None:
            self._sqlite.close()
            raise StoreCorrupt(f"{path} holds no branch.", "Restore it from a backup.")
        if revision != migrations.HEAD:
            with self._sqlite.write() as connection:
                migrations.upgrade(connection)

    @property
    def screen_nodes(self) -> NodeCache:
        """What this thread remembers for screens. Snapshots of several threads may be of different moments."""
        cache: NodeCache | None = getattr(self._screens, "nodes", None)
        if cache is None:
            cache = self._screens.nodes = NodeCache()
        return cache

    def operation(self) -> _Operation:
        """A transaction that journals what is recorded in it."""
        return _Operation(self)

    def write(self, waits_for_disk: bool = True) -> WriteTurn:
        """A transaction of synchronisation itself: it journals nothing. See `WriteTurn.waits_for_disk`."""
        return self._sqlite.write(waits_for_disk)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot."""
        with self._sqlite.read() as connection:
            yield connection

    def read_cursor(self) -> AbstractContextManager[Any]:
        """A snapshot through the driver's own cursor."""
        return self._sqlite.read_cursor()

    def one_snapshot(self) -> AbstractContextManager[None]:
        """What this thread reads in here is of one moment, but for what it writes itself meanwhile."""
        return self._sqlite.one_snapshot()

    @contextmanager
    def look(self) -> Iterator[BranchTransaction]:
        """A snapshot as operations read it; it cannot be written to and is never sealed."""
        with self._sqlite.read() as connection:
            now_us = self.clock.now_us()
            yield BranchTransaction(connection, connection.connection, self.screen_nodes, self.ids, now_us)

    def node(self) -> tuple[Node, ChainState]:
        """Who this branch is, and its chain's head."""
        with self.read_cursor() as cursor:
            return self.screen_nodes.read(cursor)

    def copy_to(self, path: Path) -> None:
        """A consistent copy as a file of its own, while others go on writing."""
        self._sqlite.copy_to(path)

    def scour(self, needles: Sequence[bytes] | None = None) -> bool:
        """See SqliteStore.scour."""
        return self._sqlite.scour(needles)

    def data_version(self) -> int:
        """A number that changes when another process commits."""
        return self._sqlite.data_version()

    def close(self) -> None:
        self._sqlite.close()


class _Operation:
    """`with store.operation() as transaction`."""

    def __init__(self, store: BranchStore) -> None:
        self._store = store
        self._turn = store.write()
        self._transaction: BranchTransaction | None = None

    def __enter__(self) -> BranchTransaction:
        store, turn = self._store, self._turn
        connection = turn.__enter__()
        try:
            now_us = store.clock.now_us()
            self._transaction = BranchTransaction(
                connection, turn.driver, store.nodes, store.ids, now_us, store.printing, store.has_fiscal_device
            )
        except BaseException as error:
            turn.__exit__(type(error), error, None)
            raise
        return self._transaction

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None and self._transaction is not None:
            try:
                self._transaction.seal()
            except BaseException as failed:
                self._store.nodes.forget()
                self._turn.__exit__(type(failed), failed, None)
                raise
        if error is not None:
            self._store.nodes.forget()
        self._turn.__exit__(kind, error, traceback)
        if error is None and self._transaction is not None and self._transaction.learned_employees:
            self._store.nodes.known_employees.update(self._transaction.learned_employees)
        if error is None and self._transaction is not None and self._transaction.has_paper:
            self._store.wake_printer()


def _nobody_prints() -> None:
    """Another process may print, and looks by itself."""
