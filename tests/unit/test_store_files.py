"""Stores as files: looked into without a trace, copied, moved aside with their logs; strangers' files stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import InvalidInput, StoreCorrupt
from shared.storage.sqlite_engine import SqliteStore
from shared.storage.store_files import (
    look_into,
    move_aside,
    private_copy,
    remove_side_files,
    remove_store,
    require_backup_file,
    require_sound,
)
from tests.support.clock import FakeClock


@pytest.fixture
def path(tmp_path: Path, clock: FakeClock) -> Path:
    """A closed store with one table, in a folder with a name that URIs must quote."""
    folder = tmp_path / "a folder #1"
    folder.mkdir()
    path = folder / "store"
    store = SqliteStore(path, clock)
    with store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE shelf (label TEXT)")
    store.close()
    remove_side_files(path)
    return path


def test_looking_into_a_store_changes_nothing_and_leaves_nothing(path: Path) -> None:
    before = path.read_bytes()
    with look_into(path) as connection:
        require_sound(connection, path)
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM shelf").scalar_one() == 0
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_what_is_no_store_is_told_by_its_name(tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_bytes(b"This is a letter, not a database. " * 200)
    with pytest.raises(StoreCorrupt, match="letter"), look_into(letter) as connection:
        require_sound(connection, letter)


def test_only_our_own_side_files_are_removed(path: Path) -> None:
    notes = path.with_name("store-notes")
    for each in (notes, path.with_name("store-wal"), path.with_name("store-gate")):
        each.write_bytes(b"x")
    remove_store(path)
    assert list(path.parent.iterdir()) == [notes]


def test_a_store_is_moved_aside_with_its_log(path: Path) -> None:
    path.with_name("store-wal").write_bytes(b"log")
    move_aside(path, path.with_name("kept"))
    assert sorted(each.name for each in path.parent.iterdir()) == ["kept", "kept-wal"]


def test_a_copy_is_private_and_gone_afterwards(path: Path, tmp_path: Path) -> None:
    with private_copy(path, tmp_path) as copy:
        assert copy.read_bytes() == path.read_bytes()
        assert copy.stat().st_mode & 0o777 == 0o600
    assert not copy.parent.exists()


def test_half_of_a_store_in_use_is_no_backup(path: Path, tmp_path: Path) -> None:
    require_backup_file(path)
    path.with_name("store-wal").write_bytes(b"log")
    for wrong in (path, tmp_path, tmp_path / "none"):
        with pytest.raises(InvalidInput) as refused:
            require_backup_file(wrong)
        assert refused.value.hint
