"""Finding products at the till by words, SKU or barcode, with price and what may still be sold of them here.

The words stand in a full-text index that triggers on `product` keep (migration 0006). What was typed with the other
keyboard layout is tried when nothing is found as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from branch_node.operations.basket.products import PRODUCT_COLUMNS, Product, find_product
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import read_node
from shared.domain.barcodes import lookup_texts, parse_code
from shared.domain.budgets import owner_of_product
from shared.domain.keyboard_layout import as_latin_keys, as_russian_keys, has_russian_letters
from shared.domain.text_folding import fold

FOUND_PRODUCTS_MAX = 50
SEARCH_WORDS_MAX = 8
SEARCH_TEXT_CHARACTERS_MAX = 200
CANDIDATES_MAX = 200
"""Products that are ranked: of a word that thousands have, not all are looked at."""

_WORD = re.compile(r"[^\W_]+")
_CANDIDATES = f"""
SELECT {PRODUCT_COLUMNS} FROM node n, (SELECT rowid AS number FROM product_words WHERE product_words MATCH ? LIMIT ?) w
JOIN product_search s ON s.number = w.number JOIN product p ON p.id = s.product_id WHERE p.sku IS NOT NULL
"""
_LEFT = """
SELECT COALESCE(SUM(amount - spent), 0) FROM lease
WHERE owner = ? AND incarnation = ? AND NOT returned AND expires_at > ? AND spent < amount
"""


class FoundProduct(NamedTuple):
    """A product that was found. `stock_thousandths` is what may be sold here without the head office, of limited
    products; None for the others, of which no stock is kept."""

    product: Product
    stock_thousandths: int | None


def find_products(store: BranchStore, text: str, limit: int = 20) -> list[FoundProduct]:
    """Products by barcode or SKU exactly, then by words of their names in any order, each from its beginning.

    Names that begin with the first word come first. Finds nothing for a text without letters and digits.
    """
    typed = text.strip()[:SEARCH_TEXT_CHARACTERS_MAX]
    count = min(limit, FOUND_PRODUCTS_MAX)
    with store.read_cursor() as cursor:
        for spelling in _spellings(typed):
            found = _find(cursor, spelling, count)
            if found:
                return [_with_stock(store, cursor, product) for product in found]
    return []


def _spellings(typed: str) -> Iterator[str]:
    yield typed
    other = as_latin_keys(typed) if has_russian_letters(typed) else as_russian_keys(typed)
    if other != typed:
        yield other


def _find(cursor: Any, text: str, limit: int) -> list[Product]:
    words = _WORD.findall(fold(text))[:SEARCH_WORDS_MAX]
    if not words:
        return []
    exact = find_product(cursor, (text, *lookup_texts(parse_code(text))))
    query = " ".join(f'"{word}"*' for word in words)
    rows = cursor.execute(_CANDIDATES, (query, CANDIDATES_MAX)).fetchall()
    candidates = [Product._make(row) for row in rows]
    candidates.sort(key=lambda product: _rank(product, words))
    found = [exact] if exact else []
    found += [product for product in candidates if exact is None or product.product_id != exact.product_id]
    return found[:limit]


def _rank(product: Product, words: list[str]) -> tuple[bool, int, str, bytes]:
    """Names that begin with the first word, then names with more of the words whole, then by name."""
    name = fold(product.name)
    whole = len(set(words) & set(_WORD.findall(name)))
    return not name.startswith(words[0]), -whole, name, product.product_id


def _with_stock(store: BranchStore, cursor: Any, product: Product) -> FoundProduct:
    if not product.is_limited:
        return FoundProduct(product, None)
    _, chain = read_node(cursor)
    parameters = (owner_of_product(product.sku), chain.incarnation, store.clock.now_us())
    return FoundProduct(product, int(cursor.execute(_LEFT, parameters).fetchone()[0]))
