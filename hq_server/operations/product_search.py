"""Finding products by words in any order among a whole catalogue, folded as people read. Contains no editing."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from hq_server.operations.paging import Page, page_of
from hq_server.operations.products import PriceRow
from shared.domain.permissions import Actor, Permission, require
from shared.domain.text_folding import fold, search_text, sort_key
from shared.storage.tables import price, product


class FoundProduct(NamedTuple):
    """A product's row, and its price of no zone today, if it has one."""

    row: Any
    price: PriceRow | None


class _Entry(NamedTuple):
    sort_key: str
    product_id: bytes
    text: str
    archived: bool


class ProductIndex:
    """The words of all products in memory, read anew when a product has changed. One for a process's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: object = None
        self._entries: list[_Entry] = []

    def search(
        self, connection: Connection, actor: Actor, words: str, day: int, page: int = 1, archived: bool = False
    ) -> Page[FoundProduct]:
        """Products that have all the words in SKU, name, category or barcode, by name. Raises NotPermitted."""
        require(actor, Permission.CATALOG_EDIT)
        wanted = fold(words).split()
        found = [
            entry.product_id
            for entry in self._read(connection)
            if entry.archived == archived and all(word in entry.text for word in wanted)
        ]
        shown = page_of(found, page)
        return shown._replace(rows=_rows(connection, list(shown.rows), day))  # type: ignore[arg-type, return-value]

    def _read(self, connection: Connection) -> list[_Entry]:
        state = _state(connection)
        with self._lock:
            if state != self._state:
                self._entries = _entries(connection)
                self._state = state
            return self._entries


def _state(connection: Connection) -> object:
    """What changes with every edit of a product: an edit changes when its row was received."""
    last = func.max(product.c.received_at)
    return tuple(connection.execute(select(func.count(), last)).one())


def _entries(connection: Connection) -> list[_Entry]:
    columns = (product.c.id, product.c.sku, product.c.name, product.c.category, product.c.barcode, product.c.archived)
    entries = [
        _Entry(sort_key(name or sku), product_id, search_text(sku, name, category, barcode), archived)
        for product_id, sku, name, category, barcode, archived in connection.execute(select(*columns))
        if sku is not None
    ]
    return sorted(entries)


def _rows(connection: Connection, product_ids: list[bytes], day: int) -> list[FoundProduct]:
    rows = {row.id: row for row in connection.execute(select(product).where(product.c.id.in_(product_ids)))}
    prices = _prices_on(connection, product_ids, day)
    return [FoundProduct(rows[each], prices.get(each)) for each in product_ids if each in rows]


def _prices_on(connection: Connection, product_ids: list[bytes], day: int) -> dict[bytes, PriceRow]:
    """Of the prices of no zone that cover the day the one that began last."""
    statement = select(price).where(
        price.c.product_id.in_(product_ids),
        price.c.archived.is_(False),
        (price.c.zone == "") | price.c.zone.is_(None),
        price.c.amount_minor.is_not(None),
        (price.c.valid_from <= day) | price.c.valid_from.is_(None),
        (price.c.valid_to >= day) | price.c.valid_to.is_(None),
    )
    rows = sorted(connection.execute(statement), key=lambda row: (row.valid_from is not None, row.valid_from or 0))
    return {row.product_id: PriceRow(row.id, "", row.amount_minor, row.valid_from, row.valid_to) for row in rows}
