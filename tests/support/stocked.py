"""A branch with something of everything in stock: goods, movements, documents entered and begun."""

from __future__ import annotations

from typing import NamedTuple

from branch_node.operations import stock, stock_drafts
from branch_node.operations.stock import Goods
from branch_node.operations.stock_drafts import DraftKind
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from tests.support.shop import Shop, change

GOODS = (
    ("952", "Milk 3.2%", "Dairy", "pcs"),
    ("871", "Rye bread", "Bread", "pcs"),
    ("4007", "Cottage cheese", "Dairy", "kg"),
)


class Stocked(NamedTuple):
    """Where its documents are shown that are being written."""

    delivery: str
    counting: str


def learn_goods(shop: Shop) -> None:
    """Three products of two categories, the last one weighed."""
    for sku, name, category, unit in GOODS:
        product_id = shop.learn_product(sku, category, everywhere=89_90)
        shop.learn(change(RecordKind.PRODUCT, product_id, name=name, unit=unit, barcode=f"46000000{sku:0>5}"))


def furnish_stock(shop: Shop) -> Stocked:
    """Goods came, were sold and written off; a delivery and a count are being written."""
    learn_goods(shop)
    with shop.store.operation() as transaction:
        came = [Goods("952", 24_000, 1_440_00), Goods("4007", 5_250, 2_100_00)]
        stock.receive(transaction, LOCAL_ADMINISTRATOR, "maria", came, "INV-7")
    with shop.store.operation() as transaction:
        stock.write_off(transaction, LOCAL_ADMINISTRATOR, "maria", [Goods("952", 2_000)], note="broken")
    shop.sell(
        "stocked", 300, lines=[{"sku": sku, "quantity": 3, "amount_minor": 100} for sku in ("952", "871", "4007")]
    )
    return Stocked(
        _draft(shop, DraftKind.RECEIVED, "", ("4007", 1_234), ("952", 12_000)),
        _draft(shop, DraftKind.COUNTED, "all", ("952", 18_000), ("4007", 2_250)),
    )


def _draft(shop: Shop, kind: DraftKind, scope: str, *lines: tuple[str, int]) -> str:
    draft_id = stock_drafts.begin(shop.store, LOCAL_ADMINISTRATOR, kind, scope)
    for sku, quantity in lines:
        cost = 900_00 if kind is DraftKind.RECEIVED else None
        stock_drafts.put_line(shop.store, LOCAL_ADMINISTRATOR, draft_id, sku, sku, quantity, cost)
    return f"/stock/drafts/{format_id(draft_id)}"
