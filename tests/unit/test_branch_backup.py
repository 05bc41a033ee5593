"""A branch's own backups, and carry files that nobody should believe."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations.backup import restore_backup, take_backup
from branch_node.storage.store import BranchStore
from hq_server.operations.authority import Authority
from hq_server.operations.carrying import import_file
from shared.certificates import new_key
from shared.errors import AlreadyExists, InvalidInput
from shared.operations.carry_files import MAGIC_TO_BRANCH, MAGIC_TO_HQ, read_carry_file, write_carry_file
from shared.operations.record_check import RecordCheck
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry
from tests.support.clock import FakeClock, SeededIds
from tests.support.journal import JournalWriter
from tests.support.journal import sale as make_sale
from tests.support.shop import Shop


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
    kept = restore_backup(tmp_path / "branch.db", path, clock)
    restored = BranchStore(tmp_path / "branch.db", clock, ids)
    assert Shop(restored, clock).count("sale") == 1
    restored.close()
    assert kept.exists()


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


def test_a_record_that_comes_twice_is_expected_once(ids: SeededIds, clock: FakeClock) -> None:
    journal = JournalWriter(b"b" * 16, ids, clock)
    journal.add_sale(make_sale(1))
    check = RecordCheck(journal.branch_id)
    entry = decode_entry(open_entry(journal.entries[0]))
    check.add_entry(1, entry)
    check.add_entry(2, entry)
    assert [expected.place for expected in check.expected.values()] == [1]
    assert [counter.records for counter in check.counters.counters.values()] == [1]
