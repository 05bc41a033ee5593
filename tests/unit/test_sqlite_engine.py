"""SQLite stores: durable, strict, one writer at a time, and failures in our own words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlcipher3 import dbapi2

from shared.errors import StoreBusy, StoreCorrupt, StoreError, StoreFull
from shared.storage.sqlite_engine import BUSY_TIMEOUT_MS, SqliteStore, translate_sqlite_error
from tests.support.clock import FakeClock


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    """A store with one small table and one that refers to it."""
    opened = SqliteStore(tmp_path / "test.db", clock)
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE shelf (id INTEGER PRIMARY KEY, label TEXT UNIQUE NOT NULL)"))
        connection.execute(text("CREATE TABLE box (shelf INTEGER REFERENCES shelf (id))"))
    yield opened
    opened.close()


def add(store: SqliteStore, *labels: str) -> None:
    with store.write() as connection:
        for label in labels:
            connection.execute(text("INSERT INTO shelf (label) VALUES (:label)"), {"label": label})


def labels(store: SqliteStore) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(text("SELECT label FROM shelf ORDER BY label")).scalars())


# How it is opened.


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL
        ("foreign_keys", 1),
        ("busy_timeout", BUSY_TIMEOUT_MS),
    ],
)
def test_every_connection_is_durable_and_strict(store: SqliteStore, pragma: str, expected: object) -> None:
    with store.read() as reading, store.write() as writing:
        for connection in (reading, writing):
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == expected


def test_the_driver_carries_a_sqlite_without_the_wal_reset_bug() -> None:
    assert dbapi2.sqlite_version_info >= (3, 51, 3)


def test_a_row_that_refers_to_nothing_is_refused(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        execute(store, "INSERT INTO box VALUES (99)")


def execute(store: SqliteStore, statement: str) -> None:
    with store.write() as connection:
        connection.execute(text(statement))


# Transactions.


def test_a_block_that_ends_well_is_committed(store: SqliteStore) -> None:
    add(store, "a", "b")
    assert labels(store) == ["a", "b"]


def test_a_block_that_fails_leaves_nothing(store: SqliteStore) -> None:
    with pytest.raises(RuntimeError):
        add_and_fail(store, RuntimeError("the power failed"))
    assert labels(store) == []
    add(store, "b")
    assert labels(store) == ["b"]


def add_and_fail(store: SqliteStore, failure: BaseException) -> None:
    with store.write() as connection:
        connection.execute(text("INSERT INTO shelf (label) VALUES ('a')"))
        raise failure


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_block_leaves_nothing_and_gives_the_turn_back(
    store: SqliteStore, failure: BaseException
) -> None:
    with pytest.raises(type(failure)):
        add_and_fail(store, failure)
    add(store, "b")
    assert labels(store) == ["b"]


def test_the_driver_s_cursor_and_sqlalchemy_share_one_transaction(store: SqliteStore) -> None:
    with pytest.raises(RuntimeError):
        add_through_both_and_fail(store)
    assert labels(store) == []


def add_through_both_and_fail(store: SqliteStore) -> None:
    turn = store.write()
    with turn as connection:
        turn.driver.execute("INSERT INTO shelf (label) VALUES ('driver')")
        connection.execute(text("INSERT INTO shelf (label) VALUES ('sqlalchemy')"))
        assert connection.execute(text("SELECT COUNT(*) FROM shelf")).scalar_one() == 2
        raise RuntimeError("the power failed")


def test_a_savepoint_that_is_rolled_back_leaves_the_rest(store: SqliteStore) -> None:
    with store.write() as connection:
        connection.execute(text("INSERT INTO shelf (label) VALUES ('a')"))
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(text("INSERT INTO shelf (label) VALUES ('a')"))
        connection.execute(text("INSERT INTO shelf (label) VALUES ('b')"))
    assert labels(store) == ["a", "b"]


def test_a_snapshot_sees_one_state_throughout(store: SqliteStore) -> None:
    add(store, "a")
    with store.read() as connection:
        count = text("SELECT COUNT(*) FROM shelf")
        assert connection.execute(count).scalar_one() == 1
        add(store, "b")
        assert connection.execute(count).scalar_one() == 1
    assert labels(store) == ["a", "b"]


def test_a_snapshot_does_not_hold_up_the_writer(store: SqliteStore) -> None:
    with store.read() as connection:
        connection.execute(text("SELECT * FROM shelf")).all()
        add(store, "a")
    assert labels(store) == ["a"]


def test_a_turn_holds_the_store_from_its_first_moment(store: SqliteStore) -> None:
    stranger = dbapi2.connect(str(store.path), timeout=0)
    with store.write() as connection:
        connection.execute(text("SELECT * FROM shelf")).all()
        with pytest.raises(dbapi2.OperationalError, match="locked"):
            stranger.execute("INSERT INTO shelf (label) VALUES ('from outside the gate')")
        connection.execute(text("INSERT INTO shelf (label) VALUES ('a')"))
    stranger.close()
    assert labels(store) == ["a"]


def test_each_thread_has_a_turn_of_its_own(store: SqliteStore) -> None:
    threads = [threading.Thread(target=add, args=(store, f"label {number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(labels(store)) == 8


def test_a_writer_that_has_the_turn_is_waited_for(store: SqliteStore) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with store.write() as connection:
            inside.set()
            assert go_on.wait(10)
            connection.execute(text("INSERT INTO shelf (label) SELECT 'slow' WHERE NOT EXISTS (SELECT 1 FROM shelf)"))

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert inside.wait(10)
    threading.Timer(0, go_on.set).start()
    add(store, "quick")
    thread.join()
    assert labels(store) == ["quick", "slow"]


# Failures.


def test_a_broken_constraint_is_told_without_sql(store: SqliteStore) -> None:
    add(store, "a")
    with pytest.raises(StoreError, match="UNIQUE") as failure:
        add(store, "a")
    assert "INSERT" not in failure.value.message
    assert failure.value.message.isprintable()


def test_a_full_disk_is_told_and_leaves_nothing(store: SqliteStore) -> None:
    turn = store.write()
    pages = turn.driver.execute("PRAGMA page_count").fetchone()[0]
    turn.driver.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StoreFull) as full:
        add(store, *(f"{number:05d}" + "x" * 2_000 for number in range(100)))
    assert "nothing was recorded by half" in full.value.hint
    assert labels(store) == []
    add(store, "small")
    assert labels(store) == ["small"]


class FullAtCommit:
    """The driver, on a disk that has no room for the log."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def execute(self, statement: str) -> Any:
        if statement == "COMMIT":
            raise dbapi2.OperationalError("database or disk is full")
        return self._driver.execute(statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


def add_by_driver(store: SqliteStore, label: str) -> None:
    turn = store.write()
    with turn:
        turn.driver.execute(f"INSERT INTO shelf (label) VALUES ('{label}')")


@pytest.mark.parametrize("write", [add, add_by_driver])
def test_a_disk_that_fills_up_at_the_commit_leaves_nothing(
    store: SqliteStore, write: Callable[[SqliteStore, str], None]
) -> None:
    turn = store.write()
    driver, turn.driver = turn.driver, FullAtCommit(turn.driver)
    with pytest.raises(StoreFull):
        write(store, "a")
    turn.driver = driver
    assert not driver.in_transaction
    assert labels(store) == []
    add(store, "b")
    assert labels(store) == ["b"]


def test_a_file_that_is_no_database_is_told(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "test.db").write_bytes(b"This is a letter, not a database. " * 200)
    broken = SqliteStore(tmp_path / "test.db", clock)
    for use in (labels, lambda store: add(store, "a"), SqliteStore.data_version, SqliteStore.checkpoint):
        with pytest.raises(StoreCorrupt, match="not a sound store"):
            use(broken)
    broken.close()


def test_a_damaged_page_is_told(store: SqliteStore, clock: FakeClock) -> None:
    add(store, *(f"{number:05d}" + "x" * 500 for number in range(100)))
    store.checkpoint()
    store.close()
    data = bytearray(store.path.read_bytes())
    data[4_096:] = b"\xa5" * (len(data) - 4_096)
    store.path.write_bytes(data)
    damaged = SqliteStore(store.path, clock)
    with pytest.raises(StoreCorrupt):
        labels(damaged)
    damaged.close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteStore(tmp_path / "missing" / "test.db", clock)


def test_a_new_store_and_its_logs_are_its_owner_s_alone(store: SqliteStore) -> None:
    add(store, "a")
    modes = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.glob("test.db*")}
    assert set(modes.values()) == {0o600}
    assert "test.db-wal" in modes


@pytest.mark.parametrize(
    ("words", "error_type"),
    [
        ("database is locked", StoreBusy),
        ("database is busy", StoreBusy),
        ("database or disk is full", StoreFull),
        ("disk I/O error", StoreFull),
        ("file is not a database", StoreCorrupt),
        ("database disk image is malformed", StoreCorrupt),
        ("attempt to write a readonly database", StoreError),
        ("unable to open database file", StoreError),
        ("no such table: sale", StoreError),
    ],
)
def test_the_driver_s_words_become_ours(words: str, error_type: type[StoreError]) -> None:
    assert type(translate_sqlite_error(dbapi2.OperationalError(words))) is error_type


@pytest.mark.parametrize("column", ["full_name", "busy_since", "locked_by", "malformed_rows"])
def test_a_broken_constraint_of_any_column_is_only_that(column: str) -> None:
    error = dbapi2.IntegrityError(f"NOT NULL constraint failed: employee.{column}")
    assert type(translate_sqlite_error(error)) is StoreError


# Other services.


def test_data_version_changes_only_when_another_connection_commits(store: SqliteStore, clock: FakeClock) -> None:
    before = store.data_version()
    add(store, "a")
    assert store.data_version() == before
    other = SqliteStore(store.path, clock)
    add(other, "b")
    other.close()
    assert store.data_version() != before


def test_a_checkpoint_brings_everything_into_the_file(store: SqliteStore) -> None:
    add(store, "a")
    log = store.path.with_name("test.db-wal")
    assert log.stat().st_size > 0
    store.checkpoint()
    assert log.stat().st_size == 0


def test_a_file_that_was_replaced_under_its_program_is_neither_written_nor_read(
    store: SqliteStore, clock: FakeClock
) -> None:
    add(store, "lost")
    store.path.rename(store.path.with_name("moved.db"))
    for present in (False, True):
        if present:
            SqliteStore(store.path, clock).close()
        for use in (labels, lambda store: add(store, "a"), lambda store: store.read_cursor().__enter__()):
            with pytest.raises(StoreError, match="no longer the file"):
                use(store)
    store.close()


def test_new_content_is_seen_by_whoever_has_the_store_open(store: SqliteStore, clock: FakeClock) -> None:
    add(store, "old")
    copy = store.path.with_name("copy.db")
    store.copy_to(copy)
    add(store, "later")
    other = SqliteStore(store.path, clock)
    other.replace_content(copy)
    other.close()
    assert labels(store) == ["old"]
    add(store, "new")
    assert labels(store) == ["new", "old"]


def test_new_content_waits_for_no_stranger_for_ever(store: SqliteStore) -> None:
    add(store, "old")
    copy = store.path.with_name("copy.db")
    store.copy_to(copy)
    stranger = dbapi2.connect(str(store.path), timeout=0)
    stranger.execute("BEGIN IMMEDIATE")
    store.write().driver.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(StoreBusy):
        store.replace_content(copy)
    stranger.close()
    assert labels(store) == ["old"]


def test_a_closed_store_can_be_used_again(store: SqliteStore) -> None:
    add(store, "a")
    store.close()
    add(store, "b")
    assert labels(store) == ["a", "b"]
