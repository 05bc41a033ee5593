"""What a branch does with an order to erase a person, and the lists that say whose each row is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from branch_node.operations.clients import edit_client
from branch_node.operations.erased_arrivals import neighbours_of_the_living, of_the_living
from branch_node.operations.erased_twins import find_twins
from branch_node.operations.feed import apply_feed
from branch_node.storage.basket_tables import basket, basket_action
from branch_node.storage.erasing import BRANCH_ROWS
from branch_node.storage.store import BranchStore
from branch_node.storage.tables import branch_metadata
from hq_server.storage.erasing import OFFICE_ROWS
from hq_server.storage.tables import hq_metadata
from shared.domain.identifiers import NIL_ID
from shared.domain.records import RecordKind
from shared.errors import Refused
from shared.operations.cards import CardEdit
from shared.operations.client_merging import undo_changes
from shared.operations.erased_arrivals import redact_arrivals
from shared.operations.erasing import find_person, names_of
from shared.storage.erasing import aliases_of, erased_among, note_erased, strike_texts, unapplied
from shared.storage.erasure_tables import erased_card
from shared.storage.sqlite_engine import SqliteStore
from shared.storage.tables import client, neighbour_fact, record_metadata
from shared.sync.card_merge import FieldPatch, Stamp
from shared.sync.messages import CardChange, FeedBatch, FeedCursor, NeighbourFact
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry
from shared.wire.exchange import encode_feed_record
from tests.support.clock import FakeClock
from tests.support.persons import EMAIL, NAME, PHONE
from tests.support.shop import change

CLIENT, OTHER, TASK = b"c" * 16, b"o" * 16, b"t" * 16

PSEUDONYMS = {
    # Sums are made of them: the card's id stays, which leads nowhere any more.
    "sale", "refund", "loyalty_entry",
    # What remembers the erasure.
    "erased_card", "erasure_work",
    # Cleared, not deleted (branch_node.storage.erasing).
    "basket",
    # Brought in line with the cards (shared.storage.client_index, client_keys).
    "client_code", "client_key", "client_unindexed", "client_word",
}  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "metadata"), [(BRANCH_ROWS, branch_metadata), (OFFICE_ROWS, hq_metadata)], ids=["branch", "office"]
)
def test_every_table_that_holds_a_clients_id_says_whose_its_rows_are(listed: Any, metadata: MetaData) -> None:
    known = {rows.table.name for rows in listed} | PSEUDONYMS
    tables = [*record_metadata.sorted_tables, *metadata.sorted_tables]
    missing = [table.name for table in tables if "client_id" in table.c and table.name not in known]
    assert missing == [], "a line in PERSONAL_ROWS, BRANCH_ROWS or OFFICE_ROWS says whose the rows are"


def feed(store: BranchStore, *records: Any) -> set[str]:
    erased: set[str] = set()
    batch = FeedBatch(tuple(map(encode_feed_record, records)), FeedCursor(b"e" * 16, 9, b"h" * 32), 9, 0)
    with store.write() as connection:
        assert apply_feed(connection, batch, store.clock.now_us(), erased) == []
    return erased


def order() -> CardChange:
    return change(RecordKind.ERASURE, CLIENT, reason="asked", ordered_at=1, ordered_by=NIL_ID)


def rows(store: BranchStore, statement: Any) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(statement))


def test_within_one_batch_what_comes_before_and_after_the_order_goes(branch_store: BranchStore) -> None:
    known = change(RecordKind.CLIENT, CLIENT, name=NAME, phones=(PHONE,), emails=(EMAIL,))
    late = change(RecordKind.CLIENT, CLIENT, name=NAME)
    task = change(RecordKind.TASK, TASK, client_id=CLIENT, title=NAME)
    fact = NeighbourFact(RecordKind.SALE, b"s" * 16, b"b" * 16, "B1", CLIENT, b"")
    words = feed(branch_store, known, order(), late, task, fact)
    assert {NAME, PHONE, EMAIL} <= words
    assert rows(branch_store, select(client)) == []
    assert rows(branch_store, select(neighbour_fact)) == []
    assert {(row.kind, row.id) for row in rows(branch_store, select(erased_card))} == {
        (int(RecordKind.CLIENT), CLIENT),
        (int(RecordKind.TASK), TASK),
    }
    feed(branch_store, change(RecordKind.TASK, TASK, note=NAME))
    assert rows(branch_store, select(erased_card.c.id).where(erased_card.c.id == TASK)) == [(TASK,)]


def test_a_basket_forgets_who_was_named_in_it(branch_store: BranchStore) -> None:
    feed(branch_store, change(RecordKind.CLIENT, CLIENT, name="Мария", phones=(PHONE,)))
    line = {"id": b"k" * 16, "register": "1", "cashier": "anna", "state": "held", "created_at": 1, "changed_at": 1}
    line |= {"revision": 1, "next_line": 1, "next_action": 2, "client": "C-17", "client_id": CLIENT}
    action = {"basket_id": b"k" * 16, "number": 1, "request_id": "r", "kind": "client", "at": 1, "undone": False}
    action |= {"inverse": '{"client_name": null}', "result": '{"name": "Мария"}'}
    with branch_store.write() as connection:
        connection.execute(basket.insert(), [{**line, "client_name": "Мария", "points": 5}])
        connection.execute(basket_action.insert(), [action])
    feed(branch_store, order())
    assert rows(branch_store, select(basket.c.client, basket.c.client_id, basket.c.client_name, basket.c.points)) == [
        (None, None, None, None)
    ]
    assert rows(branch_store, select(basket_action.c.result)) == [('{"name": ""}',)]


def test_edits_and_facts_of_the_living_pass(branch_store: BranchStore) -> None:
    stamp = Stamp(0, 1, b"m" * 16, NIL_ID, NIL_ID)
    mine, theirs = (
        CardEdit(int(RecordKind.TASK), card_id, stamp, (FieldPatch("client_id", owner),))
        for card_id, owner in ((TASK, CLIENT), (b"u" * 16, OTHER))
    )
    facts = [NeighbourFact(RecordKind.SALE, b"s" * 16, b"b" * 16, "B1", owner, b"") for owner in (CLIENT, OTHER)]
    with branch_store.write() as connection:
        assert of_the_living(connection, [mine, theirs]) == [mine, theirs]
        assert neighbours_of_the_living(connection, facts) == facts
        note_erased(connection, CLIENT, [])
        assert of_the_living(connection, [mine, theirs]) == [theirs]
        assert neighbours_of_the_living(connection, facts) == facts[1:]
        assert erased_among(connection, [TASK, OTHER]) == {(int(RecordKind.TASK), TASK): CLIENT}
        assert unapplied(connection, [CLIENT]) == [CLIENT]


def test_entries_of_the_living_are_taken_as_they_are(branch_store: BranchStore) -> None:
    with branch_store.operation() as transaction:
        transaction.record(RecordKind.CLIENT, OTHER, b"")
    with branch_store.write() as connection:
        (data,) = connection.connection.cursor().execute("SELECT data FROM journal").fetchone()
        entries = [decode_entry(open_entry(data))]
        note_erased(connection, CLIENT, [])
        assert redact_arrivals(connection, entries) == (entries, frozenset(), ())


def test_a_person_is_all_the_cards_that_were_merged_and_every_word_it_ever_had(branch_store: BranchStore) -> None:
    first = change(RecordKind.CLIENT, CLIENT, name="Анна Орлова", phones=("+79990001122",))
    then = change(RecordKind.CLIENT, CLIENT, name=NAME, phones=(PHONE,))
    alias, twice = (
        change(RecordKind.CLIENT, OTHER, merged_into=CLIENT),
        change(RecordKind.CLIENT, TASK, merged_into=OTHER),
    )
    feed(branch_store, first, then, alias, twice)
    with branch_store.read() as connection:
        assert aliases_of(connection, CLIENT) == {CLIENT, OTHER, TASK}
        found = find_person(connection, [CLIENT])
        assert {"Анна Орлова", NAME, "+79990001122", "9161234567"} <= set(found.texts)
        assert names_of(connection, [CLIENT]) == ("Анна Орлова", NAME)


def test_a_branch_knows_whom_only_it_has_merged_with_the_person(branch_store: BranchStore) -> None:
    feed(branch_store, change(RecordKind.CLIENT, CLIENT, name=NAME), change(RecordKind.CLIENT, OTHER, name="Иван"))
    with branch_store.operation() as transaction:
        edit_client(transaction, CLIENT, {"merged_into": OTHER})
    with branch_store.read() as connection:
        assert find_twins(connection, [CLIENT]) == {OTHER: CLIENT}
        assert find_twins(connection, [OTHER]) == {}
        assert find_twins(connection, [CLIENT], acknowledged_seq=1) == {}


def test_a_card_that_waits_to_go_with_an_erased_one_is_not_parted_from_it(branch_store: BranchStore) -> None:
    merged = change(RecordKind.CLIENT, OTHER, merged_into=CLIENT)
    feed(branch_store, change(RecordKind.CLIENT, CLIENT, name=NAME), merged, order())
    with branch_store.read() as connection, pytest.raises(Refused):
        undo_changes(connection, OTHER, merged.stamp.command_id)


def test_words_leave_a_column_and_nothing_else_does(branch_store: BranchStore) -> None:
    line = {"id": b"k" * 16, "register": "1", "cashier": "anna", "state": "held", "created_at": 1, "changed_at": 1}
    line |= {"revision": 1, "next_line": 1, "next_action": 1, "title": PHONE, "trouble": f"of {PHONE}, or of Иван"}
    with branch_store.write() as connection:
        connection.execute(basket.insert(), [line])
        assert strike_texts(connection, (basket.c.title, basket.c.trouble), ()) == 0
        assert strike_texts(connection, (basket.c.title, basket.c.trouble), (PHONE,)) == 2
    assert rows(branch_store, select(basket.c.title, basket.c.trouble)) == [(None, "of , or of Иван")]


def test_a_scoured_file_holds_nothing_of_what_was_deleted(tmp_path: Path, clock: FakeClock) -> None:
    store = SqliteStore(tmp_path / "store.db", clock)
    word = "unforgettable"
    with store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, said TEXT)")
        for number in range(500):
            connection.exec_driver_sql("INSERT INTO t VALUES (?, ?)", (number, f"{word} {number}" * 20))
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM t")
    files = [tmp_path / "store.db", tmp_path / "store.db-wal"]
    assert any(word.encode() in path.read_bytes() for path in files)
    with store.read() as connection:
        connection.exec_driver_sql("SELECT * FROM t").all()
        assert not store.scour([word.encode()])
    assert store.scour([word.encode()])
    assert not any(word.encode() in path.read_bytes() for path in files if path.exists())
    store.close()
