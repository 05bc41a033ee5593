"""What people decide at the head office: parked entries, conflicts, proposals, backups; why a branch has a record."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.operations.clients import edit_client
from hq_server.operations.backup import mark_backup, restore_backup, take_backup
from hq_server.operations.conflicts import resolve_conflict, undo_conflict
from hq_server.operations.explaining import explain
from hq_server.operations.parked import discard_parked, restore_parked, retry_parked
from hq_server.operations.proposals import accept_proposals, reject_proposals
from hq_server.storage.backups import backup_seq
from hq_server.storage.branches import branch_by_code
from hq_server.storage.feed import number_feed
from hq_server.storage.parking import count_parked, parked_rows
from hq_server.storage.review_tables import audit_verdict
from hq_server.storage.tables import chain
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.operations.cards import load_card
from shared.storage.conflict_rows import open_conflicts
from shared.storage.store_files import look_into
from shared.storage.tables import client, conflict, sale
from tests.support.office import Office
from tests.support.pair import Node, Pair


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def edit_name(node: Node, name: str) -> bytes:
    """Changes the only client's name; returns its id."""
    node.clock.advance(1)
    with node.store.operation() as transaction:
        client_id = transaction.connection.execute(select(client.c.id)).scalar_one()
        edit_client(transaction, client_id, {"name": name})
    return bytes(client_id)


def two_who_know_a_client(pair: Pair) -> tuple[Node, Node]:
    north, south = pair.join("north"), pair.join("south")
    north.add_client("K1", "Anna")
    south.sell_to("K1", "a")
    for node in (north, south, north, south):
        node.sync()
    assert south.client_names() == ["Anna"]
    return north, south


def test_a_clock_that_is_ahead_sells_but_its_edits_wait_until_it_is_right(pair: Pair) -> None:
    node = pair.join("north")
    node.add_client("K1", "Anna")
    node.sync()
    office_clock = pair.office.clock
    ahead = 3 * 3_600
    office_clock.advance(ahead)
    node.sell("a")
    client_id = edit_name(node, "From the future")
    office_clock.advance(-ahead)
    node.sync()
    assert pair.keys_at_hq() == ["a"]
    with pair.office.store.read() as connection:
        reasons = {row.reason for row in parked_rows(connection, node.branch_id)}
        state = load_card(connection, RecordKind.CLIENT, client_id)
        assert state is not None
        assert [version.value for version in state.fields["name"].live] == ["Anna"]
    assert reasons == {"clock_ahead"}
    # The same clock is right at the next contact: HQ stamps the edit anew, and the branch learns it.
    node.sync()
    with pair.office.store.read() as connection:
        assert count_parked(connection, node.branch_id) == 0
        state = load_card(connection, RecordKind.CLIENT, client_id)
        assert state is not None
        assert [version.value for version in state.fields["name"].live] == ["From the future"]
    assert node.store.node()[0].hlc_epoch == 1
    edit_name(node, "Later")
    node.sync()
    assert node.client_names() == ["Later"]
    assert pair.office.rows(select(client.c.name)) == [("Later",)]


def test_a_parked_entry_can_be_tried_again_and_set_aside(pair: Pair) -> None:
    node = pair.join("north")
    with node.store.operation() as transaction:
        transaction.record(999, transaction.ids.new_id(), b"unknown")
    node.sell("a")
    node.sync()
    assert pair.keys_at_hq() == ["a"]
    with pair.office.store.write() as connection:
        (tried,) = retry_parked(pair.office.store, connection, node.branch_id, pair.office.clock.now_us())
        assert tried.problem is not None
        with pytest.raises(NotFound):
            discard_parked(connection, pair.office.ids, 1, node.branch_id, 77)
        assert discard_parked(connection, pair.office.ids, 1, node.branch_id, tried.seq) == 1
        assert count_parked(connection, node.branch_id) == 0
        assert restore_parked(connection, 2, node.branch_id, tried.seq) == 1
        assert count_parked(connection, node.branch_id) == 1
        with pytest.raises(NotFound):
            restore_parked(connection, 3, node.branch_id, tried.seq)
    verdicts = pair.office.rows(select(audit_verdict.c.verdict, audit_verdict.c.taken_back_at))
    assert verdicts == [("set_aside", 2)]


def test_what_is_applied_is_never_parked_again(pair: Pair) -> None:
    node = pair.join("north")
    node.add_client("K1", "Anna")
    node.sync()
    ahead = 3 * 3_600
    pair.office.clock.advance(ahead)
    edit_name(node, "From the future")
    pair.office.clock.advance(-ahead)
    node.sync()
    with pair.office.store.read() as connection:
        (row,) = parked_rows(connection, node.branch_id)
    node.sync()
    with pair.office.store.write() as connection:
        assert count_parked(connection, node.branch_id) == 0
        with pytest.raises(NotFound):
            restore_parked(connection, 3, node.branch_id, row.seq, row.incarnation)


def test_a_conflict_is_decided_undone_and_learnt_by_the_branches(pair: Pair) -> None:
    north, south = two_who_know_a_client(pair)
    client_id = edit_name(north, "Older")
    edit_name(south, "Newer")
    for node in (north, south, north, south):
        node.sync()
    assert north.client_names() == south.client_names() == ["Newer"]
    office = pair.office
    with office.store.write() as connection:
        with pytest.raises(NotFound):
            undo_conflict(connection, office.ids, office.clock.now_us(), client_id, "name")
        assert resolve_conflict(connection, office.ids, office.clock.now_us(), client_id, "name", "older") == "Older"
    number_feed(office.store, office.clock.now_us())
    for node in (north, south):
        node.sync()
    assert north.client_names() == south.client_names() == ["Older"]
    assert office.rows(select(conflict.c.closed_at).where(conflict.c.closed_at.is_(None))) == []
    with office.store.write() as connection:
        assert undo_conflict(connection, office.ids, office.clock.now_us(), client_id, "name") == "Newer"
    # It is open again, here and wherever the card is, and may be decided again.
    number_feed(office.store, office.clock.now_us())
    for node in (north, south):
        node.sync()
        with node.store.read() as connection:
            assert len(open_conflicts(connection)) == 1
    assert north.client_names() == south.client_names() == ["Newer"]
    with office.store.write() as connection:
        assert len(open_conflicts(connection)) == 1
        assert resolve_conflict(connection, office.ids, office.clock.now_us(), client_id, "name", "older") == "Older"


def test_why_a_branch_has_a_record(pair: Pair) -> None:
    north, south = two_who_know_a_client(pair)
    west = pair.join("west")
    west.sync()
    with pair.office.store.read() as connection:
        rows = {code: branch_by_code(connection, code) for code in ("north", "south", "west")}
        found = {code: explain(connection, "K1", row) for code, row in rows.items()}
        ((sale_id,),) = connection.execute(select(sale.c.id)).all()
        assert explain(connection, format_id(sale_id), rows["south"])["has"]
        assert not explain(connection, format_id(sale_id), rows["north"])["has"]
        with pytest.raises(NotFound):
            explain(connection, "nothing", rows["north"])
    assert {code: each["has"] for code, each in found.items()} == {"north": True, "south": True, "west": False}
    assert "named K1 in a sale" in found["south"]["reason"]
    assert (north.code, south.code) == ("north", "south")


def test_a_backup_is_read_back_and_puts_head_office_where_it_was(pair: Pair, tmp_path: Path) -> None:
    node = pair.join("north")
    node.sell("a")
    node.sync()
    office = pair.office
    path = tmp_path / "hq.backup"
    done = take_backup(office.store, path, office.clock, office.ids)
    assert (done.path, done.branches) == (path, 1)
    with pytest.raises(AlreadyExists):
        take_backup(office.store, path, office.clock, office.ids)
    office.clock.advance(60)
    mark_backup(office.store, office.clock, office.ids)
    incarnation = node.store.node()[1].incarnation
    with office.store.read() as connection:
        assert backup_seq(connection, node.branch_id, incarnation) == 1
    node.sell("b")
    node.sync()
    kept = restore_backup(office.store, path, office.clock, office.ids).kept
    assert pair.keys_at_hq() == ["a"]
    assert (kept is not None) is (office.store.dialect == "sqlite")
    if kept is not None:
        with look_into(kept) as connection:
            assert connection.exec_driver_sql("SELECT COUNT(*) FROM sale").scalar_one() == 2
    node.sync()
    assert pair.keys_at_hq() == ["a", "b"]
    assert pair.verify("north") == ()
    with pytest.raises(InvalidInput):
        restore_backup(office.store, tmp_path / "none", office.clock, office.ids)


def test_a_backup_of_another_chain_or_program_is_refused(
    pair: Pair, branch_template: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    office = pair.office
    path = tmp_path / "hq.backup"
    pair.join("north")
    take_backup(office.store, path, office.clock, office.ids)
    with office.store.write() as connection:
        connection.execute(chain.update().values(chain_id=b"o" * 16))
    for wrong, reason in ((path, "another chain"), (branch_template, "head office"), (sqlite_template, "head office")):
        with pytest.raises(InvalidInput, match=reason) as refused:
            restore_backup(office.store, wrong, office.clock, office.ids)
        assert refused.value.hint
    assert pair.office.store.dialect == "postgresql" or not list(tmp_path.glob("hq.db.before-*"))


def test_a_backup_is_only_read_and_what_lies_beside_it_stays(pair: Pair, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("kept-2026-01-01", "kept-notes.txt", "kept.unfinished-yesterday"):
        (folder / name).write_text(name)
    office = pair.office
    take_backup(office.store, folder / "kept", office.clock, office.ids)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 4
    restore_backup(office.store, folder / "kept", office.clock, office.ids)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_head_office_lost_of_its_own_comes_back_as_proposals(pair: Pair, tmp_path: Path) -> None:
    node = pair.join("north")
    node.sync()
    office = pair.office
    path = tmp_path / "hq.backup"
    take_backup(office.store, path, office.clock, office.ids)
    pair.add_product("100", "Milk")
    node.sync()
    restore_backup(office.store, path, office.clock, office.ids)
    node.sync()
    with office.store.write() as connection:
        assert accept_proposals(connection, office.ids, office.clock.now_us()).cards == 1
        assert reject_proposals(connection, office.ids, office.clock.now_us()).cards == 0
    assert pair.product_names() == ["Milk"]
