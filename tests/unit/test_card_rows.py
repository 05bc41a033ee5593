"""Cards as rows, alike on both databases: states, what they show, and forgetting them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select

from hq_server.storage.store import HqStore
from shared.domain.cards import CARD_FIELDS, Value
from shared.domain.records import RecordKind
from shared.errors import StoreBusy
from shared.storage.card_rows import (
    PROJECTIONS,
    delete_card,
    insert_missing,
    insert_rows,
    load_states,
    lock_cards,
    save_projections,
    save_states,
    upsert,
    upsert_rows,
)
from shared.storage.tables import card, client, employee, price, product
from tests.support.clock import START_US

ONE, TWO = b"1" * 16, b"2" * 16


def rows(connection: Connection, *columns: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


def project(connection: Connection, kind: RecordKind, **values: Value) -> None:
    save_projections(connection, kind, {ONE: values}, START_US)


def test_states_are_written_over_and_found_again(either_store: HqStore) -> None:
    with either_store.write() as connection:
        save_states(connection, [(100, ONE, b"old", None), (100, TWO, b"two", None), (101, ONE, b"other", None)])
        save_states(connection, [(100, ONE, b"new", START_US)])
    with either_store.read() as connection:
        found = load_states(connection, [(100, ONE), (100, TWO), (101, ONE), (101, TWO), (999, ONE)])
        assert found == {(100, ONE): b"new", (100, TWO): b"two", (101, ONE): b"other"}
        assert load_states(connection, []) == {}
        assert connection.execute(select(card.c.received_at).where(card.c.state == b"new")).scalar_one() == START_US


def test_thousands_of_states_are_found_in_pieces(either_store: HqStore) -> None:
    keys = [(100, number.to_bytes(16, "big")) for number in range(1_203)]
    with either_store.write() as connection:
        save_states(connection, [(kind, card_id, card_id, None) for kind, card_id in keys])
        assert load_states(connection, keys) == {key: key[1] for key in keys}


def test_a_locked_card_that_nobody_wrote_is_not_a_card(either_store: HqStore) -> None:
    with either_store.write() as connection:
        save_states(connection, [(100, TWO, b"two", None)])
        lock_cards(connection, [(100, ONE), (100, TWO), (100, ONE)])
        assert load_states(connection, [(100, ONE), (100, TWO)]) == {(100, TWO): b"two"}
        save_states(connection, [(100, ONE, b"one", None)])
    with either_store.read() as connection:
        assert len(load_states(connection, [(100, ONE), (100, TWO)])) == 2


def test_locked_cards_are_held_until_the_transaction_ends(either_store: HqStore) -> None:
    if either_store.dialect == "sqlite":
        return  # its writer is alone
    held = select(card.c.id).where(card.c.id == ONE).with_for_update(nowait=True)
    with either_store.write() as connection:
        lock_cards(connection, [(100, ONE)])
    with either_store.write() as first:
        lock_cards(first, [(100, ONE)])
        with pytest.raises(StoreBusy), either_store.write() as second:
            second.execute(held)


def test_a_client_is_shown_searchable_and_sortable(either_store: HqStore) -> None:
    with either_store.write() as connection:
        project(
            connection,
            RecordKind.CLIENT,
            name="Анна  Ёлкина",
            external_id="A-900",
            phones=("+79123456789", "+79990000000"),
            emails=("anna@example.com",),
            do_not_contact=True,
        )
        (row,) = connection.execute(select(client))
    assert (row.name, row.external_id, row.phones) == ("Анна  Ёлкина", "A-900", "+79123456789\n+79990000000")
    assert (row.do_not_contact, row.archived, row.note) == (True, False, None)
    assert row.sort_key == "анна елкина"
    assert row.search_text.split("\n") == [
        "анна елкина",
        "a-900",
        "+79123456789",
        "+79990000000",
        "anna@example.com",
    ]


def test_a_card_without_fields_is_shown_empty(either_store: HqStore) -> None:
    with either_store.write() as connection:
        for kind in PROJECTIONS:
            save_projections(connection, kind, {ONE: {}}, None)
        assert rows(connection, client.c.name, client.c.phones, client.c.archived) == [(None, None, False)]
        assert rows(connection, product.c.sku, product.c.archived) == [(None, False)]
        assert rows(connection, price.c.zone, price.c.amount_minor) == [(None, None)]
        assert rows(connection, employee.c.code, employee.c.archived) == [(None, False)]


def test_products_prices_and_employees_are_shown(either_store: HqStore) -> None:
    with either_store.write() as connection:
        project(connection, RecordKind.PRODUCT, sku="1", name="Milk", category="Dairy", barcode="46", unit="l")
        project(connection, RecordKind.PRICE, product_id=ONE, zone="", amount_minor=10**15)
        project(connection, RecordKind.EMPLOYEE, code="anna", name="Anna", archived=True)
        shown = select(product.c.sku, product.c.name, product.c.category, product.c.barcode, product.c.unit)
        assert connection.execute(shown).one() == ("1", "Milk", "Dairy", "46", "l")
        assert rows(connection, price.c.product_id, price.c.zone, price.c.amount_minor) == [(ONE, "", 10**15)]
        assert rows(connection, employee.c.code, employee.c.name, employee.c.archived) == [("anna", "Anna", True)]


def test_showing_again_replaces_what_was_shown(either_store: HqStore) -> None:
    with either_store.write() as connection:
        project(connection, RecordKind.CLIENT, name="Old", note="VIP")
        project(connection, RecordKind.CLIENT, name="New")
        assert rows(connection, client.c.name, client.c.note) == [("New", None)]


def test_a_kind_without_a_table_of_its_own_shows_nothing(either_store: HqStore) -> None:
    with either_store.write() as connection:
        save_projections(connection, 999, {ONE: {"name": "x"}}, None)
        save_projections(connection, RecordKind.BRANCH_SETTINGS, {ONE: {"name": "x"}}, None)
        assert [rows(connection, table.c.id) for table, _ in PROJECTIONS.values()] == [[] for _ in PROJECTIONS]


def test_a_field_of_the_wrong_type_is_not_shown(either_store: HqStore) -> None:
    with either_store.write() as connection:
        project(connection, RecordKind.CLIENT, name=5, phones="not a set", external_id=b"bytes")
        assert rows(connection, client.c.name, client.c.phones, client.c.external_id) == [(None, None, None)]


def test_a_price_of_the_wrong_type_is_not_shown(either_store: HqStore) -> None:
    with either_store.write() as connection:
        project(connection, RecordKind.PRICE, amount_minor="free", product_id=5)
        assert rows(connection, price.c.amount_minor, price.c.product_id) == [(None, None)]


def test_a_forgotten_card_is_gone_with_what_it_showed(either_store: HqStore) -> None:
    with either_store.write() as connection:
        save_states(connection, [(RecordKind.CLIENT, ONE, b"s", None), (RecordKind.CLIENT, TWO, b"s", None)])
        save_projections(connection, RecordKind.CLIENT, {ONE: {}, TWO: {}}, None)
        delete_card(connection, RecordKind.CLIENT, ONE)
        delete_card(connection, 999, ONE)
        assert (rows(connection, card.c.id), rows(connection, client.c.id)) == ([(TWO,)], [(TWO,)])


def test_missing_rows_are_added_and_known_ones_left_alone(either_store: HqStore) -> None:
    with either_store.write() as connection:
        statement = insert_missing(card, connection)
        for state in (b"first", b"second"):
            connection.execute(statement, {"kind": 100, "id": ONE, "state": state})
        assert load_states(connection, [(100, ONE)]) == {(100, ONE): b"first"}
        connection.execute(upsert(card, connection), {"kind": 100, "id": ONE, "state": b"third", "received_at": None})
        assert load_states(connection, [(100, ONE)]) == {(100, ONE): b"third"}


def test_rows_are_added_by_the_columns_they_have(either_store: HqStore) -> None:
    with either_store.write() as connection:
        names = ("id", "code", "archived")
        insert_rows(connection, employee, names, [(ONE, "anna", False), (TWO, "boris", True)])
        insert_rows(connection, employee, names, [])
        upsert_rows(connection, employee, [])
        assert rows(connection, employee.c.code, employee.c.name) == [("anna", None), ("boris", None)]


def test_every_card_with_a_table_shows_only_fields_it_has() -> None:
    for kind, (table, _) in PROJECTIONS.items():
        derived = {"id", "received_at", "sort_key", "search_text", "next_at"}
        named_otherwise = {"client_group": "group"}
        columns = {named_otherwise.get(column.name, column.name) for column in table.columns}
        assert columns - derived == set(CARD_FIELDS[RecordKind(kind)])
