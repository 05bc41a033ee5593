"""Taking an import of the catalogue back, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hq_server.operations.catalog_history import (
    KeptField,
    RevertOutcome,
    list_imports,
    remember_import,
    revert_import,
)
from hq_server.operations.importing import ImportOutcome, import_catalog
from hq_server.storage.feed import number_feed
from shared.errors import NotFound, Refused
from shared.operations.tabular_files import FileRow
from shared.storage.tables import price, product
from shared.sync.messages import CardChange
from tests.support.office import Office


def catalog(office: Office, *values: dict[str, str]) -> ImportOutcome:
    office.clock.advance(1)
    given = [FileRow(number, row) for number, row in enumerate(values, 2)]
    with office.store.write() as connection:
        now_us, chain = office.clock.now_us(), office.chain
        outcome = import_catalog(connection, office.ids, now_us, chain.chain_id, chain.currency, given)
        remember_import(connection, "list.csv", outcome, now_us)
    number_feed(office.store, office.clock.now_us())
    return outcome


def revert(office: Office, outcome: ImportOutcome) -> RevertOutcome:
    office.clock.advance(1)
    assert outcome.import_id is not None
    with office.store.write() as connection:
        reverted = revert_import(connection, office.ids, office.clock.now_us(), outcome.import_id)
    number_feed(office.store, office.clock.now_us())
    return reverted


def products(office: Office) -> list[tuple[str, str | None, bool]]:
    statement = select(product.c.sku, product.c.name, product.c.archived).order_by(product.c.sku)
    return [tuple(row) for row in office.rows(statement)]


def test_what_an_import_changed_gets_its_old_values_back(office: Office) -> None:
    catalog(office, {"sku": "1", "name": "Bread", "price_minor": "100"})
    second = catalog(office, {"sku": "1", "name": "Rye", "category": "bakery", "price_minor": "90"})
    assert revert(office, second) == RevertOutcome(fields=3)
    assert products(office) == [("1", "Bread", False)]
    assert office.rows(select(price.c.amount_minor)) == [(100,)]
    assert office.rows(select(product.c.category)) == [(None,)]


def test_what_an_import_made_is_archived_and_comes_back_with_the_same_file(office: Office) -> None:
    row = {"sku": "1", "name": "Bread", "price_minor": "100", "zone": "north", "valid_from": "2026-12-01"}
    first = catalog(office, row)
    assert revert(office, first) == RevertOutcome(archived=2)
    assert products(office) == [("1", "Bread", True)]
    assert office.rows(select(price.c.archived)) == [(True,)]
    assert catalog(office, row).counts() == {"added": 0, "changed": 2, "unchanged": 0}
    assert products(office) == [("1", "Bread", False)]
    assert office.rows(select(price.c.archived)) == [(False,)]


def test_what_somebody_changed_since_is_left_alone_and_named(office: Office) -> None:
    catalog(office, {"sku": "1", "name": "Bread", "unit": "pc"})
    second = catalog(office, {"sku": "1", "name": "Rye", "unit": "kg"}, {"sku": "2", "name": "Milk"})
    catalog(office, {"sku": "1", "name": "Rye bread"}, {"sku": "2", "name": "Cream"})
    reverted = revert(office, second)
    assert (reverted.fields, reverted.archived) == (1, 0)
    assert sorted(reverted.kept) == [
        KeptField("1", "name", "Bread", "Rye", "Rye bread"),
        KeptField("2", "name", None, "Milk", "Cream"),
        KeptField("2", "sku", None, "2", "2"),
    ]
    assert products(office) == [("1", "Rye bread", False), ("2", "Cream", False)]
    assert office.rows(select(product.c.unit).where(product.c.sku == "1")) == [("pc",)]


def test_a_field_changed_and_changed_back_was_changed(office: Office) -> None:
    catalog(office, {"sku": "1", "name": "Bread"})
    second = catalog(office, {"sku": "1", "name": "Rye"})
    catalog(office, {"sku": "1", "name": "Bread"})
    catalog(office, {"sku": "1", "name": "Rye"})
    assert revert(office, second).kept == [KeptField("1", "name", "Bread", "Rye", "Rye")]


def test_branches_are_told_of_what_was_taken_back(office: Office) -> None:
    branch_id = office.add_branch("B1").id
    first = catalog(office, {"sku": "1", "name": "Bread", "price_minor": "100"})
    before = len(office.feed_of(branch_id))
    revert(office, first)
    told = office.feed_of(branch_id)[before:]
    assert [type(record) for record in told] == [CardChange, CardChange]


def test_imports_are_listed_and_reverted_once(office: Office) -> None:
    first = catalog(office, {"sku": "1", "name": "Bread"}, {"name": "no sku"})
    assert catalog(office, {"sku": "1", "name": "Bread"}).import_id is None
    revert(office, first)
    with office.store.read() as connection:
        (listed,) = list_imports(connection)
    assert {name: listed[name] for name in ("source", "added", "changed", "unchanged", "refused")} == {
        "source": "list.csv",
        "added": 1,
        "changed": 0,
        "unchanged": 0,
        "refused": 1,
    }
    assert listed["reverted_at"] is not None
    with pytest.raises(Refused, match="reverted before"):
        revert(office, first)
    with pytest.raises(NotFound), office.store.write() as connection:
        revert_import(connection, office.ids, 0, b"x" * 16)
