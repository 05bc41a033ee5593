"""A cashier at a till: what tests scan, change and pay, every request under an id of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from branch_node.operations import basket
from branch_node.operations.basket import BasketView, Done, PaymentOutcome
from branch_node.operations.sale_request import SaleRequest
from branch_node.operations.selling import SaleAnswer
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.domain.sales import Payment
from tests.support.shop import Shop, change

_requests = itertools.count(1)
CASHIER = basket.Limits(1_000, may_set_price=False, may_remove=False)
MANAGER = basket.NO_LIMITS


def next_request() -> str:
    """A request id that nobody has used."""
    return f"r{next(_requests)}"


def learn_goods(shop: Shop, sku: str, price: int | None, **fields: Any) -> bytes:
    """A product as head office makes it; `name` is the SKU unless it is given."""
    product_id = derived_id("product", sku.encode())
    records = [change(RecordKind.PRODUCT, product_id, sku=sku, **{"name": sku, **fields})]
    if price is not None:
        price_id = derived_id("price", product_id, b"")
        records.append(change(RecordKind.PRICE, price_id, product_id=product_id, zone="", amount_minor=price))
    assert shop.learn(*records) == []
    return product_id


def learn_client(shop: Shop, name: str, external_id: str | None = None) -> bytes:
    """A client as head office knows them."""
    client_id = derived_id("client", name.encode())
    assert shop.learn(change(RecordKind.CLIENT, client_id, name=name, external_id=external_id)) == []
    return client_id


@dataclass
class Till:
    """One basket at one register."""

    shop: Shop
    register: str = "1"
    basket_id: bytes = field(default=b"")

    def __post_init__(self) -> None:
        if not self.basket_id:
            self.basket_id = basket.open_basket(self.shop.store, self.register, "anna")

    def scan(self, text: str, request: str = "", **details: Any) -> Done:
        return basket.scan(self.shop.store, self.basket_id, request or next_request(), text, **details)

    def do(self, operation: Callable[..., Done], *arguments: Any, request: str = "", **details: Any) -> Done:
        """Any other action on the basket."""
        return operation(self.shop.store, self.basket_id, request or next_request(), *arguments, **details)

    def pay(
        self, *payments: Payment, sell: Callable[[SaleRequest], SaleAnswer] | None = None, **details: Any
    ) -> PaymentOutcome:
        """With these payments, or with exact cash."""
        given: Sequence[Payment] = payments or (Payment("cash", self.view().total_minor),)
        return basket.pay(self.shop.store, sell or self.shop.processor.sell, self.basket_id, given, **details)

    def view(self) -> BasketView:
        return basket.view(self.shop.store, self.basket_id)

    def lines(self) -> list[tuple[str, int, int]]:
        """SKU, thousandths and what is paid, line by line."""
        return [(line.sku, line.quantity_thousandths, line.net_minor) for line in self.view().lines]
