"""How a SQLite store is opened: the driver, the pragmas with their reasons, and its errors in our words."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from sqlcipher3 import dbapi2

from shared.clock import Clock
from shared.errors import StoreBusy, StoreCorrupt, StoreError, StoreFull
from shared.storage.write_gate import WriteGate, hold_gate

BUSY_TIMEOUT_MS = 10_000
SCOUR_TIMEOUT_MS = 500
"""Scouring keeps tills from selling: it waits for a reader no longer than that, and comes back."""
CONNECTIONS_MAX = 16
WAL_BYTES_KEPT_MAX = 67_108_864

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    # Readers never wait for the writer, nor the writer for readers.
    "PRAGMA journal_mode = WAL",
    # A commit is on disk before it is answered: a printed receipt survives the power failing the next moment.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # A long reader makes the log grow; afterwards it gives the space back.
    f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT_MAX}",
    "PRAGMA cache_size = -16000",
    # What is deleted is overwritten: an erased person must not be read out of the file's free space.
    "PRAGMA secure_delete = ON",
)


def create_sqlite_engine(path: Path) -> Engine:
    """An engine over one file. sqlcipher3 carries a current SQLite; the system's may hold the WAL-reset bug."""
    engine = create_engine(
        f"sqlite:///{path}", module=dbapi2, poolclass=QueuePool, pool_size=4, max_overflow=CONNECTIONS_MAX - 4
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours alone
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later could not be upgraded without failing; a writer says so at
        # once. Inside a `WriteTurn` the driver has begun already.
        driver = connection.connection.driver_connection
        if not driver.in_transaction:  # type: ignore[union-attr]
            read_only = connection.get_execution_options().get("filial_read_only")
            driver.execute("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")  # type: ignore[union-attr]

    return engine


class WriteTurn:
    """One write transaction of one thread: `with turn as connection`. Commits when the block ends well.

    The driver's own BEGIN and COMMIT spare a sale a tenth of its time; what goes through SQLAlchemy's connection joins
    the same transaction. Raises StoreBusy, StoreFull, StoreCorrupt, StoreError when the file is another by now.
    """

    def __init__(
        self,
        connection: Connection,
        gate: WriteGate,
        require_in_place: Callable[[], None],
        has_written: Callable[[], None],
    ) -> None:
        self.connection = connection
        self.driver: Any = connection.connection.driver_connection
        self._gate = gate
        self._require_in_place = require_in_place
        self._has_written = has_written
        self.waits_for_disk = True
        """Without it, a power cut may take this commit and those after it, until one that waits: the log is written in
        order, so that what waits takes along everything before it. For what the next commit makes durable anyway."""

    def __enter__(self) -> Connection:
        self._gate.enter()
        try:
            self._require_in_place()
            if not self.waits_for_disk:
                self.driver.execute("PRAGMA synchronous = NORMAL")
            self.driver.execute("BEGIN IMMEDIATE")
        except dbapi2.Error as error:
            self._wait_for_disk_again()
            self._gate.leave()
            raise translate_sqlite_error(error) from error
        except BaseException:
            self._wait_for_disk_again()
            self._gate.leave()
            raise
        return self.connection

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        try:
            if error is None:
                self._commit()
            elif self.driver.in_transaction:
                self.driver.execute("ROLLBACK")
        finally:
            if self.connection.in_transaction():
                self.connection.rollback()  # closes SQLAlchemy's view of what has ended already
            self._wait_for_disk_again()
            self._gate.leave()
            self._has_written()
        if isinstance(error, DBAPIError):
            raise translate_sqlite_error(error.orig or error) from error
        if isinstance(error, dbapi2.Error):
            raise translate_sqlite_error(error) from error

    def close(self) -> None:
        self.connection.close()
        self._gate.close()

    def _wait_for_disk_again(self) -> None:
        if not self.waits_for_disk:
            self.waits_for_disk = True
            self.driver.execute("PRAGMA synchronous = FULL")

    def _commit(self) -> None:
        try:
            self.driver.execute("COMMIT")
        except dbapi2.Error as error:
            if self.driver.in_transaction:
                self.driver.execute("ROLLBACK")
            raise translate_sqlite_error(error) from error


class _Snapshot:
    """What one thread reads with several cursors. It is taken by the first, and anew after the thread has written."""

    __slots__ = ("_connection", "_is_old", "_is_taken", "_open_readers", "_pooled")

    def __init__(self, pooled: Any, connection: Connection | None = None) -> None:
        """`connection` is SQLAlchemy's over the same, where readers through both are to see the same."""
        self._pooled = pooled
        self._connection = connection
        self._open_readers = 0
        self._is_taken = False
        self._is_old = False

    def open_cursor(self) -> Any:
        self._begin()
        cursor = self._pooled.cursor()
        self._open_readers += 1
        return cursor

    def close_cursor(self, cursor: Any) -> None:
        self._open_readers -= 1
        # Before the connection is another thread's: a cursor that dies later resets the statement that the other reads
        # with, which then has a row of no columns.
        cursor.close()

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """SQLAlchemy's view of it, for one reader."""
        assert self._connection is not None
        self._begin()
        self._open_readers += 1
        try:
            yield self._connection
        finally:
            self._open_readers -= 1

    def _begin(self) -> None:
        if self._is_old and not self._open_readers:
            self._pooled.driver_connection.execute("ROLLBACK")
            self._is_taken = self._is_old = False
        if not self._is_taken:
            self._pooled.driver_connection.execute("BEGIN DEFERRED")
            self._is_taken = True

    def grow_old(self) -> None:
        """The thread has written: whoever reads next sees it."""
        self._is_old = self._is_taken

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()  # the pool rolls back
        else:
            self._pooled.close()


class _Reading:
    """`with store.read_cursor() as cursor`. A class, not a generator: a page enters twenty."""

    __slots__ = ("_cursor", "_own", "_snapshot", "_store")

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._own: _Snapshot | None = None

    def __enter__(self) -> Any:
        try:
            snapshot = self._store.shared_snapshot()
            if snapshot is None:
                snapshot = self._own = self._store.take_snapshot()
            self._snapshot = snapshot
            self._cursor = snapshot.open_cursor()
        except (DBAPIError, dbapi2.Error) as error:
            self._give_back()
            raise _translated(error) from error
        except BaseException:
            self._give_back()
            raise
        return self._cursor

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            self._snapshot.close_cursor(self._cursor)
        finally:
            self._give_back()
        if isinstance(error, (DBAPIError, dbapi2.Error)):
            raise _translated(error) from error

    def _give_back(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None


class SqliteStore:
    """One SQLite file shared by threads and processes: one connection and one gate per thread that writes."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._path_text = os.fspath(path)
        self._clock = clock
        self._file: tuple[int, int] | None = None
        _create_private(path)
        self.engine = create_sqlite_engine(path)
        self._local = threading.local()
        self._opened: list[WriteTurn] = []
        self._opened_lock = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot that sees one state of the store throughout."""
        snapshot = self.shared_snapshot()
        if snapshot is not None:
            with translated_sqlite_errors(), snapshot.connected() as connection:
                yield connection
            return
        self._require_in_place()
        with translated_sqlite_errors(), self.engine.connect() as connection:
            with connection.execution_options(filial_read_only=True).begin():
                yield connection

    def read_cursor(self) -> _Reading:
        """The same through the driver's own cursor, in a third of the time; within `one_snapshot`, in a tenth."""
        return _Reading(self)

    @contextmanager
    def one_snapshot(self) -> Iterator[None]:
        """What this thread reads in here is of one moment, but for what it writes itself meanwhile.

        All of it takes one connection. To be entered and left by the same thread, with nothing in between that gives
        the turn to another task.
        """
        if self.shared_snapshot() is not None:
            yield
            return
        with translated_sqlite_errors():
            self._require_in_place()
            connection = self.engine.connect().execution_options(filial_read_only=True)
            snapshot = self._local.snapshot = _Snapshot(connection.connection, connection)
            try:
                yield
            finally:
                self._local.snapshot = None
                snapshot.close()

    def shared_snapshot(self) -> _Snapshot | None:
        """That of `one_snapshot`, in which this thread is."""
        return getattr(self._local, "snapshot", None)

    def take_snapshot(self) -> _Snapshot:
        """One more, to be closed by the caller. Raises StoreError, and the driver's errors."""
        self._require_in_place()
        return _Snapshot(self.engine.raw_connection())

    def _has_written(self) -> None:
        """This thread has."""
        known = self.shared_snapshot()
        if known is not None:
            known.grow_old()

    def write(self, waits_for_disk: bool = True) -> WriteTurn:
        """This thread's write transaction, to be entered with `with`; see `WriteTurn.waits_for_disk`."""
        turn: WriteTurn | None = getattr(self._local, "turn", None)
        if turn is None:
            self._require_in_place()
            with translated_sqlite_errors():
                gate = WriteGate(self.path, self._clock)
                turn = WriteTurn(self.engine.connect(), gate, self._require_in_place, self._has_written)
            self._local.turn = turn
            with self._opened_lock:
                self._opened.append(turn)
        turn.waits_for_disk = waits_for_disk
        return turn

    def data_version(self) -> int:
        """A number that changes when another connection commits."""
        with translated_sqlite_errors():
            row = self.write().driver.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def checkpoint(self) -> None:
        """Brings everything from the log into the file itself."""
        with translated_sqlite_errors():
            self.write().driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def scour(self, needles: Sequence[bytes] | None = None) -> bool:
        """Takes the last traces of deleted rows out of the file and its log; false while a reader needs an old state.

        Pages that rows moved between keep copies of them, and so does the log. With `needles` the file is rebuilt only
        when it holds one of them still. Others who write wait meanwhile.
        """
        with hold_gate(self.path, self._clock), translated_sqlite_errors():
            driver = self.write().driver
            driver.execute(f"PRAGMA busy_timeout = {SCOUR_TIMEOUT_MS}")
            try:
                is_clean = _empty_log(driver)
                if needles is None or _holds_any(self.path, needles):
                    driver.execute("VACUUM")
                    is_clean = _empty_log(driver)
            finally:
                driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        return is_clean

    def copy_to(self, path: Path) -> None:
        """A consistent copy as a file of its own, while others go on writing."""
        with translated_sqlite_errors():
            self.write().driver.execute("VACUUM INTO ?", (str(path),))
        path.chmod(0o600)

    def replace_content(self, path: Path) -> None:
        """Takes the content of another file in one transaction: every process that has this one open sees it next.

        The caller holds the write gate. Raises StoreBusy when a stranger outside the gate is writing.
        """
        with translated_sqlite_errors():
            source = dbapi2.connect(str(path))
            try:
                source.backup(self.write().driver, progress=_require_free)
            finally:
                source.close()
        self.checkpoint()

    def close(self) -> None:
        with self._opened_lock:
            opened, self._opened = self._opened, []
        for turn in opened:
            turn.close()
        self._local = threading.local()
        self.engine.dispose()
        self._file = None

    def _require_in_place(self) -> None:
        """Raises StoreError when the path leads to another file than the one that is open here.

        SQLite goes on reading and writing a file that was moved or deleted under it, and nobody finds that again.
        """
        try:
            status = os.stat(self._path_text)
        except OSError:
            found = None
        else:
            found = (status.st_dev, status.st_ino)
        if self._file is None:
            self._file = found  # before the first connection: a file that changes in between is noticed too
        if found is None or found != self._file:
            raise StoreError(
                f"{self.path} is no longer the file that this program opened.",
                "It was moved or replaced, and nothing was recorded; start the program again.",
            )


def _empty_log(driver: Any) -> bool:
    """Brings the log into the file and cuts it to nothing; false when a reader does not let it."""
    return not driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _holds_any(path: Path, needles: Sequence[bytes]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(needle) >= 0 for needle in needles)


def _require_free(status: int, _remaining: int, _total: int) -> None:
    """SQLite would wait for a busy store for ever."""
    if status == dbapi2.SQLITE_BUSY:
        raise StoreBusy("The store is busy.", "Another process is writing for too long; try again.")


def _create_private(path: Path) -> None:
    """A store holds people's data: a new one is its owner's alone, and so are its logs, which take its mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}.", "Check the folder and its permissions.") from None


@contextmanager
def translated_sqlite_errors() -> Iterator[None]:
    """Turns the driver's errors into ours, once, at the edge of the store."""
    try:
        yield
    except (DBAPIError, dbapi2.Error) as error:
        raise _translated(error) from error


def _translated(error: DBAPIError | dbapi2.Error) -> StoreError:
    return translate_sqlite_error(error.orig or error if isinstance(error, DBAPIError) else error)


def translate_sqlite_error(error: BaseException) -> StoreError:
    """The driver's error in our words."""
    text = str(error)
    if isinstance(error, dbapi2.IntegrityError):
        return StoreError(f"The store refused: {text}.")
    if "database is locked" in text or "database is busy" in text or "database table is locked" in text:
        return StoreBusy("The store is busy.", "Another process is writing for too long; try again.")
    if "disk is full" in text or "disk I/O error" in text:
        return StoreFull(
            "The disk is full or failing.", "Free some space, then try again; nothing was recorded by half."
        )
    if "is not a database" in text or "malformed" in text:
        return StoreCorrupt("The file is not a sound store.", "Restore it from a backup; keep the damaged file.")
    if "decode to UTF-8" in str(error):
        return StoreCorrupt(
            "A row of the store holds a text that is none.",
            "Run: sync verify --deep, which names the row; sync repair rewrites it.",
        )
    if "readonly database" in text or "unable to open" in text:
        return StoreError("The store cannot be written or opened.", "Check the folder, its owner and its permissions.")
    return StoreError(f"The store failed: {text}.")
