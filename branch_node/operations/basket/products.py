"""Products as the till needs them: by any of several codes, with the price of this branch's zone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

CODES_PER_LOOKUP_MAX = 8
"""Ways of writing one code that are tried at once."""


class Product(NamedTuple):
    """A product and its price here, None when it has none."""

    product_id: bytes
    sku: str
    name: str
    category: str | None
    unit: str | None
    barcode: str | None
    is_limited: bool
    price_minor: int | None


# `price` is read as branch_node.operations.selling reads it: the zone's own list before the list of no zone.
PRODUCT_COLUMNS = """
p.id, p.sku, COALESCE(p.name, p.sku), p.category, p.unit, p.barcode, p.limited, (
    SELECT r.amount_minor FROM price r
    WHERE r.product_id = p.id AND r.zone IN (n.price_zone, '') AND r.amount_minor IS NOT NULL AND NOT r.archived
    ORDER BY r.zone DESC LIMIT 1)
"""
_BY_SKU = f"SELECT {PRODUCT_COLUMNS} FROM node n, product p WHERE p.sku = ? AND NOT p.archived LIMIT 1"
_BY_BARCODE = f"""
SELECT {PRODUCT_COLUMNS} FROM node n, product_search s JOIN product p ON p.id = s.product_id
WHERE s.barcode = ? AND p.sku IS NOT NULL AND NOT p.archived ORDER BY p.id LIMIT 1
"""


def find_product(cursor: Any, texts: Sequence[str]) -> Product | None:
    """The product that has the first of these texts as its barcode or SKU that any product has."""
    for text in texts[:CODES_PER_LOOKUP_MAX]:
        for statement in (_BY_BARCODE, _BY_SKU):
            row = cursor.execute(statement, (text,)).fetchone()
            if row is not None:
                return Product._make(row)
    return None


def find_by_sku(cursor: Any, sku: str) -> Product | None:
    """The product with that SKU."""
    row = cursor.execute(_BY_SKU, (sku,)).fetchone()
    return None if row is None else Product._make(row)


def read_products(cursor: Any, product_ids: Iterable[bytes]) -> list[Product]:
    """Products by id, in that order, without those that are gone."""
    statement = f"SELECT {PRODUCT_COLUMNS} FROM node n, product p WHERE p.id = ? AND p.sku IS NOT NULL"
    rows = (cursor.execute(statement, (product_id,)).fetchone() for product_id in product_ids)
    return [Product._make(row) for row in rows if row is not None]
