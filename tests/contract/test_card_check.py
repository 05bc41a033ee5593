"""What cards show is compared with the cards: altered, missing and made-up rows are named, on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from branch_node.operations.verification import repair_rows, verify_rows
from hq_server.operations.chain_verification import repair_chain, verify_chain
from shared.domain.identifiers import format_id
from shared.operations.card_check import card_sentences, compare_cards
from shared.operations.cards import edit_card
from shared.operations.record_check import Repair
from shared.storage.tables import card, client, employee, product
from tests.support.office import Office
from tests.support.pair import Node, Pair


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


@pytest.fixture
def node(pair: Pair) -> Node:
    made = pair.join("north")
    pair.add_product("100", "Milk")
    pair.add_product("200", "Bread")
    made.add_client("1", "Anna")
    made.sell("a")
    made.sync()
    return made


def verify(store: Any) -> list[str]:
    with store.read() as connection:
        return card_sentences(connection)


def repair_both(pair: Pair, node: Node) -> list[Repair]:
    with pair.office.store.write() as connection:
        there = repair_chain(connection, True)
    return [there, repair_rows(node.store)]


def test_cards_that_nobody_touched_are_sound(pair: Pair, node: Node) -> None:
    assert verify(pair.office.store) == verify(node.store) == verify_rows(node.store) == []
    assert repair_both(pair, node) == [([], []), ([], [])]


def test_an_altered_row_is_named_and_written_anew(pair: Pair, node: Node) -> None:
    for store in (pair.office.store, node.store):
        with store.write() as connection:
            connection.execute(update(product).where(product.c.sku == "100").values(name="Gold", archived=True))
            connection.execute(delete(client))
            connection.execute(update(employee).values(code="other"))
        told = verify(store)
        assert len(told) == 3
        assert told[0].endswith(" is missing: its card is there.")
        assert "name is Gold, was Milk, archived is 1, was 0" in told[1]
        assert "code is other, was " in told[2]
    with pair.office.store.read() as connection:
        assert verify_chain(connection) == verify(pair.office.store)
    assert verify_rows(node.store) == verify(node.store)
    assert [(len(done), problems) for done, problems in repair_both(pair, node)] == [(3, []), (3, [])]
    assert verify(pair.office.store) == verify(node.store) == []
    assert pair.product_names() == ["Bread", "Milk"]
    assert node.client_names() == ["Anna"]


def test_a_row_whose_card_is_gone_is_named_and_stays(pair: Pair, node: Node) -> None:
    for store in (pair.office.store, node.store):
        with store.write() as connection:
            ids = connection.execute(select(product.c.id).where(product.c.sku == "100")).scalars().all()
            connection.execute(delete(card).where(card.c.id == ids[0]))
        assert verify(store) == [f"product {format_id(ids[0])} is shown, but has no card."]
    for done, problems in repair_both(pair, node):
        assert (done, len(problems)) == ([], 1)
    assert pair.product_names() == ["Bread", "Milk"]


def test_a_card_that_cannot_be_read_is_named(pair: Pair, node: Node) -> None:
    for store in (pair.office.store, node.store):
        with store.write() as connection:
            product_id = connection.execute(select(product.c.id).where(product.c.sku == "100")).scalar_one()
            connection.execute(update(card).where(card.c.id == product_id).values(state=b"\xff"))
        assert [text[:19] for text in verify(store)] == ["The card of product"]


def test_values_of_no_such_type_are_named_and_written_anew(node: Node) -> None:
    with node.store.write() as connection:
        connection.exec_driver_sql("UPDATE product SET archived = 'perhaps', name = x'ff' WHERE sku = '100'")
        connection.exec_driver_sql("INSERT INTO price (id, amount_minor, archived) VALUES ('made up', 1, 0)")
    assert [text.split()[0] for text in verify(node.store)] == ["product", "price"]
    done, problems = repair_rows(node.store)
    assert len(done) == 1
    assert problems == ["price made up is shown, but has no card."]


def test_a_place_that_was_held_for_no_edit_is_no_card(pair: Pair, node: Node) -> None:
    with pair.office.store.write() as connection:
        assert edit_card(connection, 101, b"p" * 16, {}, None) is None  # type: ignore[arg-type]
    with pair.office.store.read() as connection:
        assert list(compare_cards(connection)) == []
