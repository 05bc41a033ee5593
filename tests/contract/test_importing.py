"""Importing the catalogue and clients at HQ, on both databases."""

from __future__ import annotations

from sqlalchemy import select

from hq_server.operations.importing import ImportOutcome, import_catalog, import_clients
from hq_server.storage.feed import number_feed
from shared.operations.tabular_files import FileRow
from shared.storage.tables import client, price, product
from shared.sync.messages import CardChange, CardFull
from tests.support.journal import sale as make_sale
from tests.support.office import Office


def rows(*values: dict[str, str]) -> list[FileRow]:
    return [FileRow(number, row) for number, row in enumerate(values, 2)]


def catalog(office: Office, *values: dict[str, str]) -> ImportOutcome:
    office.clock.advance(1)
    with office.store.write() as connection:
        now_us, chain = office.clock.now_us(), office.chain
        outcome = import_catalog(connection, office.ids, now_us, chain.chain_id, chain.currency, rows(*values))
    number_feed(office.store, office.clock.now_us())
    return outcome


def clients(office: Office, *values: dict[str, str]) -> ImportOutcome:
    office.clock.advance(1)
    with office.store.write() as connection:
        outcome = import_clients(connection, office.ids, office.clock.now_us(), "RU", rows(*values))
    number_feed(office.store, office.clock.now_us())
    return outcome


def test_products_and_prices_are_added(office: Office) -> None:
    outcome = catalog(office, {"sku": "1", "name": "Хлеб", "category": "Bakery", "price": "45,90"})
    assert outcome.counts() == {"added": 2, "changed": 0, "unchanged": 0}
    assert office.rows(select(product.c.sku, product.c.name, product.c.category)) == [("1", "Хлеб", "Bakery")]
    assert office.rows(select(price.c.amount_minor, price.c.zone)) == [(4_590, "")]


def test_the_same_file_again_changes_nothing(office: Office) -> None:
    row = {"sku": "1", "name": "Bread", "price_minor": "4590", "zone": "north"}
    catalog(office, row)
    assert catalog(office, row).counts() == {"added": 0, "changed": 0, "unchanged": 2}


def test_a_known_sku_is_edited_and_keeps_what_the_row_does_not_name(office: Office) -> None:
    catalog(office, {"sku": "1", "name": "Bread", "category": "Bakery"})
    assert catalog(office, {"sku": "1", "name": "Rye bread"}).changed == 1
    assert office.rows(select(product.c.name, product.c.category)) == [("Rye bread", "Bakery")]


def test_a_sku_twice_in_one_file_is_one_product(office: Office) -> None:
    catalog(office, {"sku": "1", "name": "Bread"}, {"sku": "1", "category": "Bakery"})
    assert office.rows(select(product.c.name, product.c.category)) == [("Bread", "Bakery")]


def test_bad_rows_are_named_and_the_others_imported(office: Office) -> None:
    outcome = catalog(
        office,
        {"name": "no sku"},
        {"sku": "2", "price": "cheap"},
        {"sku": "3", "colour": "red"},
        {"sku": "4", "price_minor": "-5"},
        {"sku": "5", "name": "good"},
    )
    assert [problem["row"] for problem in outcome.problems] == [2, 3, 4, 5]
    assert office.rows(select(product.c.sku)) == [("5",)]


def test_a_new_product_goes_to_everyone_whole_and_an_edit_as_an_edit(office: Office) -> None:
    branch = office.add_branch("B1")
    number_feed(office.store, 0)
    catalog(office, {"sku": "1", "name": "Bread"})
    catalog(office, {"sku": "1", "name": "Rye bread"})
    kinds = [type(record) for record in office.feed_of(branch.id)]
    assert kinds[-2:] == [CardFull, CardChange]


def test_an_imported_client_reaches_the_branch_that_had_named_it(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1, client="900"))
    office.merge(journal, journal.batch())
    before = len(office.feed_of(journal.branch_id))
    clients(office, {"external_id": "900", "name": "Anna", "phone": "8 912 345-67-89"}, {"external_id": "901"})
    told = office.feed_of(journal.branch_id)[before:]
    assert [type(record) for record in told] == [CardFull]
    found = office.rows(select(client.c.phones).where(client.c.external_id == "900"))
    assert found == [("+79123456789",)]


def test_a_client_with_a_known_external_id_is_edited(office: Office) -> None:
    clients(office, {"external_id": "900", "name": "Anna"})
    outcome = clients(office, {"external_id": "900", "name": "Anna Petrova"})
    assert outcome.counts() == {"added": 0, "changed": 1, "unchanged": 0}
    assert office.rows(select(client.c.name)) == [("Anna Petrova",)]
