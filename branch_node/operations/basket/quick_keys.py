"""Quick keys: products that the till offers as buttons. A branch's own, kept by place."""

from __future__ import annotations

import re
from typing import NamedTuple

from branch_node.operations.basket.products import find_by_sku
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import require_code, shorten
from shared.errors import InvalidInput, NotFound

QUICK_KEYS_MAX = 200
LABEL_CHARACTERS_MAX = 40
_COLOUR = re.compile(r"#[0-9a-f]{6}|")


class QuickKey(NamedTuple):
    """A button. `colour` is `#rrggbb` or empty; `price_minor` is None when the product has no price, and `is_known` is
    false when it is gone."""

    position: int
    sku: str
    label: str
    colour: str
    price_minor: int | None
    is_known: bool


def list_quick_keys(store: BranchStore) -> list[QuickKey]:
    """All keys by place, with the prices of now."""
    with store.read_cursor() as cursor:
        rows = cursor.execute("SELECT position, sku, label, colour FROM quick_key ORDER BY position").fetchall()
        products = [find_by_sku(cursor, row[1]) for row in rows]
    return [
        QuickKey(row[0], row[1], row[2], row[3], product.price_minor if product else None, product is not None)
        for row, product in zip(rows, products, strict=True)
    ]


def set_quick_key(store: BranchStore, position: int, sku: str, label: str = "", colour: str = "") -> None:
    """Puts a product on a place, over what was there; without a label, under its name.

    Raises InvalidInput, NotFound when there is no such product.
    """
    if not 1 <= position <= QUICK_KEYS_MAX:
        raise InvalidInput(f"A quick key's place is from 1 to {QUICK_KEYS_MAX}.")
    if not _COLOUR.fullmatch(colour.lower()):
        raise InvalidInput("A colour is written as #ffcc00.")
    require_code(sku, "sku")
    named = " ".join(label.split())
    if len(named) > LABEL_CHARACTERS_MAX or not named.isprintable():
        raise InvalidInput(f"A label has at most {LABEL_CHARACTERS_MAX} printable characters.")
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        product = find_by_sku(cursor, sku)
        if product is None:
            raise NotFound(f"There is no product {shorten(sku)}.", "Look for it by name.")
        cursor.execute(
            "INSERT OR REPLACE INTO quick_key (position, sku, label, colour) VALUES (?, ?, ?, ?)",
            (position, sku, named or shorten(product.name, LABEL_CHARACTERS_MAX), colour.lower()),
        )


def clear_quick_key(store: BranchStore, position: int) -> None:
    """Empties a place; one that is empty stays so."""
    turn = store.write()
    with turn:
        turn.driver.cursor().execute("DELETE FROM quick_key WHERE position = ?", (position,))
