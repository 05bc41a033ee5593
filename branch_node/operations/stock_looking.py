"""What stock a branch has and how it came to that: the list, a search, one product's movements, documents entered."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.basket import find_products
from branch_node.storage import stock_movements as rows
from branch_node.storage.stock_movements import Document, DocumentLine, Moved, OnHand
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import shorten
from shared.domain.permissions import Actor, Permission, require
from shared.errors import NotFound

GOODS_PER_PAGE = 50
SEARCHED_MAX = 50
MOVED_SHOWN_MAX = 100
"""Changes of one product's stock on its page, the newest."""
DOCUMENTS_PER_PAGE = 50
CATEGORIES_MAX = 500
_PEOPLE = "SELECT COALESCE(name, code) FROM employee WHERE code = ? LIMIT 1"


class GoodsPage(NamedTuple):
    """A page of the list, whether more comes after it, and how many products are below zero in all."""

    goods: tuple[OnHand, ...]
    has_more: bool
    negative: int


class Shown(NamedTuple):
    """A change of stock, or a document, with the name of who did it."""

    moved: Moved
    person: str


class ShownDocument(NamedTuple):
    """A document that was entered, with the name of who did it."""

    document: Document
    person: str


def list_goods(store: BranchStore, actor: Actor, text: str, negative: bool, page: int) -> GoodsPage:
    """Goods by words of the name, SKU or barcode; without a text whatever is kept here, page 0 first.

    What is `negative` alone comes with the largest lack first. Raises NotPermitted.
    """
    require(actor, Permission.STOCK_VIEW)
    found = _searched(store, text) if text.strip() else None
    with store.read_cursor() as cursor:
        below = rows.count_negative(cursor)
        if found is not None:
            chosen = [each for each in found if each.quantity_thousandths < 0 or not negative]
            return GoodsPage(tuple(chosen), False, below)
        listed = rows.list_goods(cursor, negative, GOODS_PER_PAGE + 1, max(0, page) * GOODS_PER_PAGE)
    return GoodsPage(tuple(listed[:GOODS_PER_PAGE]), len(listed) > GOODS_PER_PAGE, below)


def product_movements(store: BranchStore, actor: Actor, sku: str) -> tuple[OnHand, tuple[Shown, ...]]:
    """A product with its newest changes. Raises NotPermitted, NotFound for one that is unknown here."""
    require(actor, Permission.STOCK_VIEW)
    with store.look() as transaction:
        cursor = transaction.cursor
        goods = rows.read_goods(cursor, sku) or _unmoved(cursor, sku)
        moved = rows.list_moved(cursor, transaction.node.branch_id, sku, MOVED_SHOWN_MAX)
        return goods, tuple([Shown(each, _person(cursor, each.employee)) for each in moved])


def list_documents(store: BranchStore, actor: Actor, page: int) -> tuple[tuple[ShownDocument, ...], bool]:
    """Documents that were entered, the newest first, and whether more come after this page. Raises NotPermitted."""
    require(actor, Permission.STOCK_VIEW)
    with store.look() as transaction:
        cursor, branch_id = transaction.cursor, transaction.node.branch_id
        offset = max(0, page) * DOCUMENTS_PER_PAGE
        found = rows.list_documents(cursor, branch_id, DOCUMENTS_PER_PAGE + 1, offset)
        shown = tuple([ShownDocument(each, _person(cursor, each.employee)) for each in found[:DOCUMENTS_PER_PAGE]])
    return shown, len(found) > DOCUMENTS_PER_PAGE


def read_document(store: BranchStore, actor: Actor, movement_id: bytes) -> tuple[ShownDocument, list[DocumentLine]]:
    """A document that was entered, with its lines; what goods cost is for those who enter it. Raises NotPermitted,
    NotFound."""
    require(actor, Permission.STOCK_VIEW)
    with store.look() as transaction:
        found = rows.read_document(transaction.cursor, transaction.node.branch_id, movement_id)
        if found is None:
            raise NotFound("There is no such document.", "Look at the list of documents.")
        document, lines = found
        if not actor.may(Permission.STOCK_EDIT):
            lines = [line._replace(cost_minor=None) for line in lines]
        return ShownDocument(document, _person(transaction.cursor, document.employee)), lines


def list_categories(store: BranchStore, actor: Actor) -> list[str]:
    """Categories that may be counted. Raises NotPermitted."""
    require(actor, Permission.STOCK_VIEW)
    with store.read_cursor() as cursor:
        return rows.list_categories(cursor, CATEGORIES_MAX)


def _searched(store: BranchStore, text: str) -> list[OnHand]:
    products = [each.product for each in find_products(store, text, SEARCHED_MAX)]
    with store.read_cursor() as cursor:
        found = [
            rows.read_goods(cursor, product.sku)
            or OnHand(product.sku, product.name, product.unit, product.category, 0, False)
            for product in products
        ]
        # What is in no catalogue any more is found by its SKU alone.
        stray = rows.read_goods(cursor, text.strip()) if not found else None
    return [*found, stray] if stray is not None else found


def _unmoved(cursor: Any, sku: str) -> OnHand:
    statement = "SELECT sku, COALESCE(name, sku), unit, category FROM product WHERE sku = ? LIMIT 1"
    row = cursor.execute(statement, (sku,)).fetchone()
    if row is None:
        raise NotFound(f"There is no product {shorten(sku)}.", "Look for it by name.")
    return OnHand._make((*row, 0, False))


def _person(cursor: Any, code: str) -> str:
    row = cursor.execute(_PEOPLE, (code,)).fetchone()
    return str(row[0]) if row else code
