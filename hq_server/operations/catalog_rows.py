"""What a row of a catalogue's file asks for. Contains no database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from shared.domain.business_time import date_from_days, days_from_date, parse_date
from shared.domain.cards import Value, require_value
from shared.domain.identifiers import require_code, shorten
from shared.domain.money import parse_major, require_minor
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.operations.tabular_files import FileRow, parse_flag

CATALOG_COLUMNS = (
    "sku",
    "name",
    "category",
    "barcode",
    "unit",
    "price",
    "price_minor",
    "zone",
    "valid_from",
    "valid_to",
    "vat",
    "weighed",
    "limited",
)
_TEXTS = ("name", "category", "barcode", "unit")
_FLAGS = ("limited", "weighed")


class CatalogRow(NamedTuple):
    """A product's fields, and a price when the row has one. Days are since 1970-01-01; None is open."""

    fields: dict[str, Value]
    amount_minor: int | None
    zone: str
    valid_from: int | None
    valid_to: int | None


def read_catalog_row(row: FileRow, currency: str, vat_codes: Collection[str]) -> CatalogRow:
    """What the row asks for. `vat_codes` are the rates that there are. Raises InvalidInput."""
    values = row.values
    unknown = sorted(values.keys() - set(CATALOG_COLUMNS))
    if unknown:
        raise InvalidInput(f"There is no column “{shorten(unknown[0])}”.", f"There are: {', '.join(CATALOG_COLUMNS)}.")
    amount_minor = _price(values, currency)
    valid_from, valid_to = _day(values, "valid_from"), _day(values, "valid_to")
    if amount_minor is None and (valid_from is not None or valid_to is not None):
        raise InvalidInput("The row has a period and no price.", "Dates say when a price counts.")
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise InvalidInput("The price's period ends before it begins.")
    zone = require_code(values["zone"], "zone") if "zone" in values else ""
    return CatalogRow(_product(values, vat_codes), amount_minor, zone, valid_from, valid_to)


def _product(values: Mapping[str, str], vat_codes: Collection[str]) -> dict[str, Value]:
    fields: dict[str, Value] = {"sku": require_code(values.get("sku"), "sku")}
    for name in _TEXTS:
        if name in values:
            fields[name] = require_value(RecordKind.PRODUCT, name, values[name])
    for name in _FLAGS:
        if name in values:
            fields[name] = parse_flag(values[name])
    if "category" in values:
        require_code(values["category"], "category")
    if "vat" in values:
        code = require_code(values["vat"], "vat")
        if code not in vat_codes:
            raise InvalidInput(f"There is no VAT rate “{code}”.", "Make it: filial-hq vat set CODE RATE")
        fields["vat_code"] = code
    return fields


def _price(values: Mapping[str, str], currency: str) -> int | None:
    if "price_minor" in values:
        text = values["price_minor"]
        if not text.isascii() or not text.isdigit():
            raise InvalidInput(f"price_minor “{shorten(text)}” is not a whole number of minor units.")
        return require_minor(int(text), "price_minor")
    if "price" in values:
        return require_minor(parse_major(values["price"], currency), "price")
    return None


def _day(values: Mapping[str, str], name: str) -> int | None:
    # A spreadsheet's date comes with a midnight.
    text = values.get(name, "").removesuffix(" 00:00:00")
    return days_from_date(parse_date(text, name)) if text else None


def price_label(sku: str, zone: str, valid_from: int | None) -> str:
    """How people name a price: by product, zone and first day."""
    zone_text = f" in {zone}" if zone else ""
    from_text = "" if valid_from is None else f" from {date_from_days(valid_from).isoformat()}"
    return f"price of {sku}{zone_text}{from_text}"
