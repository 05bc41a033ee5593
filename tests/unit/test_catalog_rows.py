"""What a row of a catalogue's file asks for."""

from __future__ import annotations

import pytest

from hq_server.operations.catalog_rows import CATALOG_COLUMNS, CatalogRow, price_label, read_catalog_row
from shared.errors import InvalidInput
from shared.operations.tabular_files import FileRow

SAMPLE = {
    "sku": "1",
    "name": "Bread",
    "category": "bakery",
    "barcode": "4600001000017",
    "unit": "pc",
    "price": "45,90",
    "zone": "north",
    "valid_from": "1970-01-02 00:00:00",
    "valid_to": "1970-01-03",
    "vat": "std",
    "weighed": "no",
    "limited": "да",
}


def read(**values: str) -> CatalogRow:
    return read_catalog_row(FileRow(2, values), "RUB", {"std"})


def test_every_column_is_read() -> None:
    asked = read(**SAMPLE)
    assert asked.fields == {
        "sku": "1",
        "name": "Bread",
        "category": "bakery",
        "barcode": "4600001000017",
        "unit": "pc",
        "vat_code": "std",
        "weighed": False,
        "limited": True,
    }
    assert asked[1:] == (4_590, "north", 1, 2)
    assert set(SAMPLE) | {"price_minor"} == set(CATALOG_COLUMNS)


def test_a_row_without_a_price_asks_for_none() -> None:
    assert read(sku="1") == CatalogRow({"sku": "1"}, None, "", None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"sku": ""},
        {"colour": "red"},
        {"price": "cheap"},
        {"price_minor": "4.5"},
        {"vat": "other"},
        {"weighed": "maybe"},
        {"valid_from": "02.01.1970"},
        {"valid_from": "1970-01-04"},
    ],
)
def test_a_bad_row_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        read(**SAMPLE | changes)


def test_prices_are_named_by_product_zone_and_first_day() -> None:
    assert price_label("1", "", None) == "price of 1"
    assert price_label("1", "north", 1) == "price of 1 in north from 1970-01-02"
