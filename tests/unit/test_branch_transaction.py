"""One operation, one transaction: rows and journal entry commit together or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations.clients import add_client
from branch_node.operations.selling import sell
from branch_node.storage import migrations
from branch_node.storage import tables as branch_tables
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction, NodeCache, read_node
from shared.domain.identifiers import NIL_ID
from shared.domain.records import RecordKind
from shared.errors import DecodeError, StoreCorrupt, StoreMissing, StoreVersionUnknown
from shared.storage.sqlite_engine import SqliteStore
from shared.sync.chain import ENTRY_BYTES_MAX, Head, hash_genesis
from shared.sync.hlc import from_wall
from tests.support.clock import START_US, FakeClock, SeededIds
from tests.support.shop import Shop, request

TOUCHED = ("sale", "sale_line", "payment", "shift_open", "employee", "card", "register", "idempotency_key", "journal")


def counts(shop: Shop) -> dict[str, int]:
    return {table: shop.count(table) for table in TOUCHED}


# Together or not at all.


def test_rows_and_entry_are_committed_together(shop: Shop) -> None:
    shop.sell()
    assert set(counts(shop).values()) == {1}


def test_an_operation_that_fails_leaves_nothing(shop: Shop) -> None:
    with pytest.raises(RuntimeError):
        _sell_and_fail(shop)
    assert set(counts(shop).values()) == {0}


def _sell_and_fail(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        sell(transaction, request())
        raise RuntimeError("the power failed")


def test_an_entry_that_cannot_be_sealed_takes_its_rows_with_it(shop: Shop) -> None:
    with pytest.raises(DecodeError):
        _sell_too_much(shop)
    assert set(counts(shop).values()) == {0}
    shop.sell()
    assert len(shop.entries()) == 1


def _sell_too_much(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        sell(transaction, request())
        transaction.record(RecordKind.SALE, NIL_ID, b"x" * ENTRY_BYTES_MAX)


def test_a_journal_that_cannot_be_written_takes_the_rows_with_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: BranchTransaction) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(BranchTransaction, "seal", fail)
        with pytest.raises(OSError, match="disk"):
            shop.sell()
    assert set(counts(shop).values()) == {0}
    assert shop.sell().entry == 1


def test_an_operation_that_records_nothing_is_no_entry(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        transaction.cursor.execute("SELECT 1")
    assert shop.entries() == []


def test_an_operation_sees_what_it_has_written_itself_through_both_doors(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        client_id = add_client(transaction, {"name": "Anna"})
        row = transaction.cursor.execute("SELECT id FROM client").fetchone()
        assert row == (client_id,)
    assert shop.one("SELECT id FROM client") == client_id


# The chain.


def test_the_chain_starts_from_the_branch_and_its_incarnation(shop: Shop) -> None:
    node, chain = shop.store.node()
    assert chain.genesis_hash == hash_genesis(node.branch_id, chain.incarnation)
    assert chain.head == Head(0, chain.genesis_hash)
    assert shop.entries() == []


def test_every_operation_continues_the_chain(shop: Shop) -> None:
    for number in range(5):
        shop.sell(f"k{number}")
    shop.open_shift("2")
    with shop.store.operation() as transaction:
        add_client(transaction, {"name": "Anna"})
    entries = shop.entries()
    assert [entry.header.seq for entry in entries] == [1, 2, 3, 4, 5, 6, 7]
    assert len({entry.header.command_id for entry in entries}) == 7
    hlcs = [entry.header.hlc for entry in entries]
    assert hlcs == sorted(set(hlcs))


def test_every_record_has_a_salt_of_its_own(shop: Shop) -> None:
    with shop.store.operation() as transaction:
        transaction.record(RecordKind.CLIENT, NIL_ID, b"same")
        transaction.record(RecordKind.CLIENT, NIL_ID, b"same")
    (entry,) = shop.entries()
    assert len(set(entry.record_hashes)) == 2


def test_a_stamp_is_after_everything_that_was_seen(shop: Shop) -> None:
    ahead = from_wall(START_US + 200_000_000)
    with shop.store.write() as connection:
        connection.execute(branch_tables.node.update().values(hlc_seen=ahead))
    shop.sell()
    assert shop.entries()[0].header.hlc == ahead + 1


def test_two_stores_on_one_file_share_one_chain(shop: Shop, branch_store: BranchStore, tmp_path: Path) -> None:
    other = Shop(BranchStore(tmp_path / "branch.db", shop.clock, SeededIds(shop.clock, seed=7)), shop.clock)
    assert [shop.sell("k1").entry, other.sell("k2").entry, shop.sell("k3").entry] == [1, 2, 3]
    assert len(other.entries()) == 3
    other.store.close()


# Who this node is.


def test_a_change_of_the_node_is_seen_by_the_next_operation(shop: Shop, tmp_path: Path) -> None:
    shop.sell("k1")
    other = BranchStore(tmp_path / "branch.db", shop.clock, SeededIds(shop.clock))
    Shop(other, shop.clock).learn_settings(currency="KZT", name="Shop 77")
    other.close()
    shop.sell("k2")
    assert [row[0] for row in shop.rows("SELECT currency FROM sale ORDER BY receipt_number")] == ["RUB", "KZT"]
    assert shop.store.node()[0].name == "Shop 77"


def test_a_new_incarnation_starts_its_entries_from_1(shop: Shop) -> None:
    shop.sell("k1")
    shop.sell("k2")
    with shop.store.write() as connection:
        values = {"number": 2, "id": b"n" * 16, "first_position": 3, "genesis_hash": b"g" * 32}
        connection.execute(
            branch_tables.incarnation.insert().values(**values, parent_seq=0, created_at=shop.clock.now_us())
        )
        connection.execute(branch_tables.node.update().values(revision=branch_tables.node.c.revision + 1))
    _, chain = shop.store.node()
    assert chain.head == Head(0, b"g" * 32)
    assert shop.sell("k3").entry == 1
    assert shop.store.node()[1].head.seq == 1
    assert shop.one("SELECT MAX(position) FROM journal") == 3


def test_the_node_is_read_again_only_when_it_changed(shop: Shop) -> None:
    cache = NodeCache()
    with shop.store.read_cursor() as cursor:
        first, again = cache.read(cursor)[0], cache.read(cursor)[0]
        assert first is again
        assert read_node(cursor)[0] == first


# Opening a store.


def test_a_folder_without_a_store_is_no_branch(tmp_path: Path, clock: FakeClock, ids: SeededIds) -> None:
    with pytest.raises(StoreMissing, match="no branch") as missing:
        BranchStore(tmp_path / "branch.db", clock, ids)
    assert "enrol" in missing.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_an_identity_is_not_enrolled(
    tmp_path: Path, branch_template: Path, clock: FakeClock, ids: SeededIds
) -> None:
    (tmp_path / "branch.db").write_bytes(branch_template.read_bytes())
    store = BranchStore(tmp_path / "branch.db", clock, ids)
    with pytest.raises(StoreMissing, match="not enrolled"):
        store.node()
    store.close()


def test_a_file_that_is_no_store_is_not_opened(tmp_path: Path, clock: FakeClock, ids: SeededIds) -> None:
    (tmp_path / "branch.db").write_bytes(b"garbage" * 1_000)
    with pytest.raises(StoreCorrupt):
        BranchStore(tmp_path / "branch.db", clock, ids)


def test_a_store_of_a_newer_release_is_left_alone(shop: Shop, branch_store: BranchStore, tmp_path: Path) -> None:
    with branch_store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreVersionUnknown, match="9999"):
        BranchStore(tmp_path / "branch.db", shop.clock, SeededIds(shop.clock))


def test_a_file_that_lost_its_contents_is_not_taken_for_a_new_store(
    tmp_path: Path, clock: FakeClock, ids: SeededIds
) -> None:
    (tmp_path / "branch.db").touch()
    with pytest.raises(StoreCorrupt, match="is empty"):
        BranchStore(tmp_path / "branch.db", clock, ids)
    other = SqliteStore(tmp_path / "other.db", clock)
    with other.write() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (id INTEGER)")
    other.close()
    with pytest.raises(StoreCorrupt, match="holds no branch"):
        BranchStore(tmp_path / "other.db", clock, ids)


def test_a_store_has_the_schema_of_this_release(shop: Shop) -> None:
    with shop.store.read() as connection:
        assert migrations.revision(connection) == migrations.HEAD
        assert migrations.differences(connection) == []


def test_data_version_changes_when_another_process_commits(shop: Shop, tmp_path: Path) -> None:
    before = shop.store.data_version()
    other = SqliteStore(tmp_path / "branch.db", shop.clock)
    with other.write() as connection:
        connection.exec_driver_sql("UPDATE sync_state SET connected = 1")
    other.close()
    assert shop.store.data_version() != before
