"""The full-text index of products: triggers on `product` note what changed, its words are indexed here at once."""

from __future__ import annotations

from typing import Any

# As migration 0006 wrote them.
_WORDS = "replace(replace(concat_ws(' ', p.sku, p.name, p.barcode), 'ё', 'е'), 'Ё', 'Е')"
_ANY_PENDING = "SELECT 1 FROM product_search WHERE is_pending LIMIT 1"
_STEPS = (
    "DELETE FROM product_words WHERE rowid IN (SELECT number FROM product_search WHERE is_pending)",
    f"INSERT INTO product_words (rowid, words) SELECT s.number, {_WORDS} "
    "FROM product_search s JOIN product p ON p.id = s.product_id WHERE s.is_pending AND NOT p.archived",
    "DELETE FROM product_search WHERE is_pending AND NOT EXISTS (SELECT 1 FROM product p WHERE p.id = product_id)",
    "UPDATE product_search SET is_pending = 0 WHERE is_pending",
)


def has_unindexed(cursor: Any) -> bool:
    """Whether products changed since their words were indexed."""
    return cursor.execute(_ANY_PENDING).fetchone() is not None


def index_products(cursor: Any) -> None:
    """Indexes the words of whatever changed, in the caller's transaction: ten microseconds a product."""
    if has_unindexed(cursor):
        for step in _STEPS:
            cursor.execute(step)
