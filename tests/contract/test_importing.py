"""Importing the catalogue and clients at HQ, on both databases."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from hq_server.operations.importing import ImportOutcome, import_catalog, import_clients
from hq_server.operations.vat_rates import set_vat_rate
from hq_server.storage.feed import number_feed
from hq_server.storage.tables import branch
from shared.domain.business_time import days_from_date
from shared.domain.identifiers import derived_id
from shared.domain.vat import DatedVatRate
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


def test_a_price_with_a_first_day_is_a_card_of_its_own(office: Office) -> None:
    day = days_from_date(date(2026, 12, 1))
    row = {"sku": "1", "price_minor": "100"}
    dated = {"sku": "1", "price_minor": "80", "valid_from": "2026-12-01", "valid_to": "2026-12-31"}
    assert catalog(office, row, dated).counts() == {"added": 3, "changed": 0, "unchanged": 0}
    assert catalog(office, dated | {"price_minor": "70"}).counts() == {"added": 0, "changed": 1, "unchanged": 1}
    assert catalog(office, row).counts() == {"added": 0, "changed": 0, "unchanged": 2}
    shown = select(price.c.amount_minor, price.c.valid_from, price.c.valid_to).order_by(price.c.amount_minor.desc())
    assert office.rows(shown) == [(100, None, None), (70, day, day + 30)]
    ids = office.rows(select(price.c.id).where(price.c.valid_from.is_not(None)))
    product_id = office.rows(select(product.c.id))[0][0]
    assert ids == [(derived_id("price", office.chain.chain_id, product_id, b"", str(day).encode()),)]


def test_vat_and_weight_are_imported_and_an_unknown_vat_code_is_refused(office: Office) -> None:
    with office.store.write() as connection:
        rate = DatedVatRate("std", 2_000, None, None)
        set_vat_rate(connection, office.ids, office.clock.now_us(), office.chain.chain_id, rate)
    outcome = catalog(
        office,
        {"sku": "1", "vat": "std", "weighed": "да"},
        {"sku": "2", "vat": "other"},
        {"sku": "3", "valid_from": "2026-12-01"},
        {"sku": "4", "price_minor": "1", "valid_from": "2026-12-02", "valid_to": "2026-12-01"},
        {"sku": "5", "price_minor": "1", "valid_from": "tomorrow"},
    )
    assert [problem["row"] for problem in outcome.problems] == [3, 4, 5, 6]
    assert office.rows(select(product.c.sku, product.c.vat_code, product.c.weighed)) == [("1", "std", True)]


def test_a_preview_says_what_would_change_and_writes_nothing(office: Office) -> None:
    catalog(office, {"sku": "1", "name": "Bread", "price_minor": "100"})
    fed = len(office.feed_of(office.add_branch("B1").id))
    with office.store.read() as connection:
        given = rows({"sku": "1", "name": "Rye", "price_minor": "100"}, {"sku": "2", "price_minor": "5"}, {"name": "x"})
        now_us, chain = office.clock.now_us(), office.chain
        outcome = import_catalog(connection, office.ids, now_us, chain.chain_id, chain.currency, given, preview=True)
    assert outcome.counts() == {"added": 2, "changed": 1, "unchanged": 1}
    assert [problem["row"] for problem in outcome.problems] == [4]
    assert [(each.row, each.label, each.field, each.old, each.new) for each in outcome.changes if each.old] == [
        (2, "1", "name", "Bread", "Rye")
    ]
    assert ("price of 2", "amount_minor", 5) in [(each.label, each.field, each.new) for each in outcome.changes]
    assert outcome.import_id is None
    assert office.rows(select(product.c.name)) == [("Bread",)]
    assert len(office.feed_of(office.rows(select(branch.c.id))[0][0])) == fed


def test_tags_and_the_loyalty_number_of_a_client_are_imported(office: Office) -> None:
    row = {"external_id": "900", "tags": "married; age 45-54;", "loyalty_number": "CJ-0900", "birthday": "1984-02-29"}
    assert clients(office, row).added == 1
    assert clients(office, row).unchanged == 1
    found = select(client.c.tags, client.c.loyalty_number, client.c.birthday)
    assert office.rows(found) == [("age 45-54\nmarried", "CJ-0900", "1984-02-29")]


def test_a_client_s_group_is_imported(office: Office) -> None:
    clients(office, {"external_id": "900", "group": "gold"})
    assert office.rows(select(client.c.client_group)) == [("gold",)]
