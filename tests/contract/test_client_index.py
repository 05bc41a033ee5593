"""The head office finds clients by the same index as a branch; on PostgreSQL it follows the merge."""

from __future__ import annotations

from pathlib import Path

import pytest

from hq_server.storage.feed import index_committed
from shared.domain.records import RecordKind
from shared.operations.clients import find_clients
from shared.storage.card_rows import delete_card
from shared.storage.client_index import has_noted, index_all_noted, note_all
from shared.storage.client_index_tables import client_code, client_word, client_word_part, client_word_typo
from tests.support.office import Office
from tests.support.pair import Node, Pair

INDEX_TABLES = (client_word, client_word_part, client_word_typo, client_code)


@pytest.fixture
def node(office: Office, tmp_path: Path) -> Node:
    node = Pair(office, tmp_path).join("B1")
    for name, phone in (("Иванов Пётр", "+79123456789"), ("Щербакова Анна", "+79120000001"), ("Ivanov Ivan", None)):
        node.line().add_client({"name": name, **({"phones": (phone,)} if phone else {})})
    node.sync()
    index_committed(office.store)
    return node


def found(office: Office, text: str) -> list[str]:
    with office.store.read() as connection:
        return [row["name"] for row in find_clients(connection, text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("иванов", ["Иванов Пётр", "Ivanov Ivan"]),
        ("bdfyjd gtnh", ["Иванов Пётр"]),
        ("shcherb", ["Щербакова Анна"]),
        ("щербокова", ["Щербакова Анна"]),
        ("бакова", ["Щербакова Анна"]),
        ("6789", ["Иванов Пётр"]),
        ("0001", ["Щербакова Анна"]),
        ("щербакова 0001", ["Щербакова Анна"]),
        ("100%", []),
    ],
)
def test_clients_of_the_chain_are_found_by_what_is_remembered(
    office: Office, node: Node, text: str, names: list[str]
) -> None:
    assert found(office, text) == names


def test_the_index_follows_edits_and_can_be_made_anew(office: Office, node: Node) -> None:
    ((client_id, _),) = office.rows(
        client_word.select()
        .where(client_word.c.word == "щербакова")
        .with_only_columns(client_word.c.client_id, client_word.c.word)
    )
    before = {table.name: set(map(tuple, office.rows(table.select()))) for table in INDEX_TABLES}
    with office.store.write() as connection:
        for table in INDEX_TABLES:
            connection.execute(table.delete())
        note_all(connection)
        index_all_noted(connection)
    assert {table.name: set(map(tuple, office.rows(table.select()))) for table in INDEX_TABLES} == before
    with office.store.write() as connection:
        delete_card(connection, RecordKind.CLIENT, client_id)
    index_committed(office.store)
    with office.store.read() as connection:
        assert not has_noted(connection)
    assert found(office, "щербакова") == found(office, "0001") == []
    assert not office.rows(client_word_part.select().where(client_word_part.c.word == "щербакова"))
    assert not office.rows(client_word_typo.select().where(client_word_typo.c.word == "щербакова"))


def test_a_card_that_changes_while_it_is_indexed_is_indexed_again(office: Office, node: Node) -> None:
    if office.store.dialect == "sqlite":
        pytest.skip("a writer is alone there, and indexes what it writes")
    with office.store.write() as merging:
        note_all(merging)
        with office.store.write() as indexing:
            # What is noted by a transaction that goes on is not there yet, and is not waited for.
            index_all_noted(indexing)
    with office.store.read() as connection:
        assert has_noted(connection)
    index_committed(office.store)
    with office.store.read() as connection:
        assert not has_noted(connection)
