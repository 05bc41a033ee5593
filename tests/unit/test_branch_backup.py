"""A branch's own backups, and carry files that nobody should believe."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations.authentication import log_out
from branch_node.operations.backup import restore_backup, take_backup
from branch_node.operations.pairing import revoke_pairings
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from hq_server.operations.authority import Authority
from hq_server.operations.carrying import import_file
from shared.certificates import new_key
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import AlreadyExists, InvalidInput, LogInRefused, StoreError
from shared.operations.carry_files import MAGIC_TO_BRANCH, MAGIC_TO_HQ, read_carry_file, write_carry_file
from shared.operations.record_check import RecordCheck
from shared.storage.store_files import look_into
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import JournalWriter
from tests.support.journal import sale as make_sale
from tests.support.shop import Shop
from tests.support.staff import Staff


def test_a_backup_is_the_store_as_it_was(
    branch_store: BranchStore, clock: FakeClock, ids: SeededIds, tmp_path: Path
) -> None:
    shop = Shop(branch_store, clock)
    shop.sell("a")
    path = tmp_path / "kept"
    assert take_backup(branch_store, path, clock) > 0
    with pytest.raises(AlreadyExists):
        take_backup(branch_store, path, clock)
    shop.sell("b")
    branch_store.close()
    done = restore_backup(tmp_path / "branch.db", path, clock)
    assert sales_in(tmp_path / "branch.db", clock, ids) == 1
    assert done.kept is not None
    assert done.was_readable
    assert sales_in(done.kept, clock, ids) == 2


def sales_in(path: Path, clock: FakeClock, ids: SeededIds) -> int:
    store = BranchStore(path, clock, ids)
    count = Shop(store, clock).count("sale")
    store.close()
    return count


def test_a_till_that_has_the_store_open_sells_on_into_the_restored_one(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path
) -> None:
    path = tmp_path / "kept"
    take_backup(branch_store, path, clock)
    shop = Shop(branch_store, clock)
    shop.sell("lost", cashier="new since the backup")
    restore_backup(tmp_path / "branch.db", path, clock)
    assert shop.count("sale") == 0
    assert shop.sell("a", cashier="new since the backup").entry == 1
    assert shop.one("SELECT code FROM employee") == "new since the backup"
    assert len(shop.entries()) == 1


def test_a_backup_is_only_read_and_what_lies_beside_it_stays(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("kept-2026-01-01", "kept-notes.txt", "kept.unfinished-yesterday"):
        (folder / name).write_text(name)
    take_backup(branch_store, folder / "kept", clock)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 4
    restore_backup(tmp_path / "branch.db", folder / "kept", clock)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("present", [None, b"", b"This is a letter, not a store. " * 500, "cut short", "a hole"])
def test_a_store_that_cannot_be_read_is_moved_aside(
    branch_store: BranchStore, clock: FakeClock, ids: SeededIds, tmp_path: Path, present: bytes | str | None
) -> None:
    shop = Shop(branch_store, clock)
    for number in range(30):
        shop.sell(str(number))
    store_path = tmp_path / "branch.db"
    take_backup(branch_store, tmp_path / "kept", clock)
    branch_store.close()
    whole = store_path.read_bytes()
    if present is None:
        store_path.unlink()
    else:
        damage = {"cut short": whole[:60_000], "a hole": whole[:8_192] + b"\xa5" * (len(whole) - 8_192)}
        store_path.write_bytes(damage[present] if isinstance(present, str) else present)
    done = restore_backup(store_path, tmp_path / "kept", clock)
    assert not done.was_readable
    assert (done.kept is None) is (present is None)
    if present and done.kept:
        assert done.kept.stat().st_size > 0
    assert sales_in(store_path, clock, ids) == 30


def test_a_till_that_has_a_damaged_store_open_refuses_after_the_restore(
    branch_store: BranchStore, clock: FakeClock, ids: SeededIds, tmp_path: Path
) -> None:
    shop = Shop(branch_store, clock)
    shop.sell("a")
    store_path = tmp_path / "branch.db"
    take_backup(branch_store, tmp_path / "kept", clock)
    shop.sell("b")
    store_path.write_bytes(b"\xa5" * 50_000)
    restore_backup(store_path, tmp_path / "kept", clock)
    with pytest.raises(StoreError, match="no longer the file"):
        shop.sell("c")
    branch_store.close()
    assert sales_in(store_path, clock, ids) == 1


def test_a_backup_of_another_branch_or_program_is_refused(
    branch_store: BranchStore, sqlite_template: Path, clock: FakeClock, ids: SeededIds, tmp_path: Path
) -> None:
    store_path, path = tmp_path / "branch.db", tmp_path / "kept"
    take_backup(branch_store, path, clock)
    with pytest.raises(InvalidInput, match="another branch, B7") as refused:
        restore_backup(store_path, path, clock, branch_id=ids.new_id())
    assert refused.value.hint
    with pytest.raises(InvalidInput, match="no backup of a branch"):
        restore_backup(store_path, sqlite_template, clock)
    with branch_store.write() as connection:
        connection.exec_driver_sql("UPDATE node SET branch_id = ?", (b"x" * 16,))
    with pytest.raises(InvalidInput, match="another branch, B7"):
        restore_backup(store_path, path, clock)
    restore_backup(store_path, path, clock, branch_id=branch_of(path))
    assert sorted(each.name.partition(".before")[0] for each in tmp_path.glob("branch.db*"))[:2] == ["branch.db"] * 2


def branch_of(path: Path) -> bytes:
    with look_into(path) as connection:
        return bytes(connection.exec_driver_sql("SELECT branch_id FROM node").scalar_one())


@pytest.mark.parametrize("content", [None, b"", b"not a store" * 500])
def test_what_is_no_backup_takes_no_store_s_place(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "kept"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Exception) as raised:
        restore_backup(tmp_path / "branch.db", path, clock)
    assert str(raised.value)
    assert Shop(branch_store, clock).count("sale") == 0


def test_a_file_of_the_other_direction_and_one_of_another_chain_are_refused(tmp_path: Path) -> None:
    authority = Authority.found("Chain")
    path = tmp_path / "file"
    assert write_carry_file(path, MAGIC_TO_BRANCH, authority.der, authority.signing_key, [b"one", b"two"]) == 2
    assert list(read_carry_file(path, MAGIC_TO_BRANCH, lambda signer: None)) == [b"one", b"two"]
    with pytest.raises(InvalidInput):
        import_file(None, authority, FakeClock(), path)  # type: ignore[arg-type]
    forged = tmp_path / "forged"
    write_carry_file(forged, MAGIC_TO_HQ, authority.der, new_key(), [b"one"])
    with pytest.raises(InvalidInput):
        list(read_carry_file(forged, MAGIC_TO_HQ, lambda signer: None))


def test_what_is_no_file_is_neither_read_nor_written_as_a_carry_file(tmp_path: Path) -> None:
    authority = Authority.found("Chain")
    for wrong in (tmp_path, tmp_path / "none"):
        with pytest.raises(InvalidInput) as refused:
            list(read_carry_file(wrong, MAGIC_TO_HQ, lambda signer: None))
        assert refused.value.hint
    with pytest.raises(InvalidInput, match="cannot be written"):
        write_carry_file(tmp_path / "none" / "file", MAGIC_TO_HQ, authority.der, authority.signing_key, [])


def test_a_record_that_comes_twice_is_expected_once(ids: SeededIds, clock: FakeClock) -> None:
    journal = JournalWriter(b"b" * 16, ids, clock)
    journal.add_sale(make_sale(1))
    check = RecordCheck(journal.branch_id)
    entry = decode_entry(open_entry(journal.entries[0]))
    check.add_entry(1, entry)
    check.add_entry(2, entry)
    assert [expected.place for expected in check.expected.values()] == [1]
    assert [counter.records for counter in check.counters.counters.values()] == [1]


def test_a_restored_backup_brings_back_neither_sessions_nor_paired_browsers(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path
) -> None:
    staff = Staff(Shop(branch_store, clock), Settings(home=tmp_path))
    staff.hire("anna")
    staff.give_pin("anna")
    browser = staff.pair()
    tokens = [staff.log_in("anna").token, staff.log_in_by_pin(browser, "anna").token]
    assert all(staff.current(token) for token in tokens)
    take_backup(branch_store, tmp_path / "kept", clock)
    for token in tokens:
        log_out(branch_store, token)
    revoke_pairings(branch_store, LOCAL_ADMINISTRATOR, "1")
    restore_backup(tmp_path / "branch.db", tmp_path / "kept", clock)
    assert [staff.current(token) for token in tokens] == [None, None]
    with pytest.raises(LogInRefused, match="not paired"):
        staff.log_in_by_pin(browser, "anna")
    assert staff.current(staff.log_in("anna").token) is not None
    assert staff.current(staff.log_in_by_pin(staff.pair(), "anna").token) is not None
