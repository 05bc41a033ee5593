"""Finding products at the till by words, SKU or barcode, with price and what may still be sold of them here.

The words stand in a full-text index (branch_node/storage/product_words.py). What was typed with the other
keyboard layout is tried when nothing is found as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from branch_node.operations.basket.products import Product, find_product, read_products
from branch_node.storage.product_words import has_unindexed, index_products
from branch_node.storage.stock import read_stock
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import read_node
from shared.domain.barcodes import lookup_texts, parse_code
from shared.domain.budgets import owner_of_product
from shared.domain.keyboard_layout import as_latin_keys, as_russian_keys, has_russian_letters
from shared.domain.text_folding import fold

FOUND_PRODUCTS_MAX = 50
SEARCH_WORDS_MAX = 8
SEARCH_TEXT_CHARACTERS_MAX = 200
CANDIDATES_MAX = 100
"""Products that are ranked: of a word that thousands have, not all are looked at."""

_WORD = re.compile(r"[^\W_]+")
_CANDIDATES = """
SELECT p.id, COALESCE(p.name, p.sku)
FROM (SELECT rowid AS number FROM product_words WHERE product_words MATCH ? LIMIT ?) w
JOIN product_search s ON s.number = w.number JOIN product p ON p.id = s.product_id WHERE p.sku IS NOT NULL
"""
_LEFT = """
SELECT COALESCE(SUM(amount - spent), 0) FROM lease
WHERE owner = ? AND incarnation = ? AND NOT returned AND expires_at > ? AND spent < amount
"""


class FoundProduct(NamedTuple):
    """A product that was found. `stock_thousandths` is what is on hand here, maybe below zero; of limited products what
    may be sold without the head office; None for a product that was never received or counted here."""

    product: Product
    stock_thousandths: int | None


def find_products(store: BranchStore, text: str, limit: int = 20) -> list[FoundProduct]:
    """Products by barcode or SKU exactly, then by words of their names in any order, each from its beginning.

    Names that begin with the first word come first. Finds nothing for a text without letters and digits.
    """
    _index_what_changed(store)
    typed = text.strip()[:SEARCH_TEXT_CHARACTERS_MAX]
    count = min(limit, FOUND_PRODUCTS_MAX)
    with store.read_cursor() as cursor:
        for spelling in _spellings(typed):
            found = _find(cursor, spelling, count)
            if found:
                return [_with_stock(store, cursor, product) for product in found]
    return []


def _index_what_changed(store: BranchStore) -> None:
    """The feed leaves nothing to do; a repair, or a backup of a release before, may."""
    with store.read_cursor() as cursor:
        if not has_unindexed(cursor):
            return
    turn = store.write()
    with turn:
        index_products(turn.driver.cursor())


def _spellings(typed: str) -> Iterator[str]:
    yield typed
    other = as_latin_keys(typed) if has_russian_letters(typed) else as_russian_keys(typed)
    if other != typed:
        yield other


def _find(cursor: Any, text: str, limit: int) -> list[Product]:
    words = _WORD.findall(fold(text))[:SEARCH_WORDS_MAX]
    if not words:
        return []
    found = find_product(cursor, (text, *lookup_texts(parse_code(text))))
    exact = [] if found is None else [found]
    query = " ".join(f'"{word}"*' for word in words)
    candidates = cursor.execute(_CANDIDATES, (query, CANDIDATES_MAX)).fetchall()
    candidates.sort(key=lambda row: _rank(row[0], row[1], words))
    ids = dict.fromkeys([product.product_id for product in exact] + [product_id for product_id, _ in candidates])
    return read_products(cursor, list(ids)[:limit])


def _rank(product_id: bytes, name: str, words: list[str]) -> tuple[bool, int, str, bytes]:
    """Names that begin with the first word, then names with more of the words whole, then by name."""
    folded = fold(name)
    whole = len(set(words) & set(_WORD.findall(folded)))
    return not folded.startswith(words[0]), -whole, folded, product_id


def _with_stock(store: BranchStore, cursor: Any, product: Product) -> FoundProduct:
    if not product.is_limited:
        stock = read_stock(cursor, product.sku)
        return FoundProduct(product, stock.quantity_thousandths if stock.is_kept else None)
    _, chain = read_node(cursor)
    parameters = (owner_of_product(product.sku), chain.incarnation, store.clock.now_us())
    return FoundProduct(product, int(cursor.execute(_LEFT, parameters).fetchone()[0]))
