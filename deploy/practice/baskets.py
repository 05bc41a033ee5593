"""Real baskets filled with invented goods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import NamedTuple

from deploy.practice.goods import Goods, Product
from deploy.practice.source import SourceBasket, SourceLine
from shared.domain.money import THOUSAND

GRAMS_OF_ONE = (180, 1_250)
"""Between these lies the weight of what was one piece in the data set."""


class Item(NamedTuple):
    """So much of a product."""

    product: Product
    quantity_thousandths: int


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody buys. `second` is since midnight; `client` the card that is shown, if one is."""

    basket_id: int
    household: int
    branch: str
    day: date
    second: int
    items: tuple[Item, ...]
    is_anonymous: bool = False
    client: str | None = None

    def has(self, product: Product) -> bool:
        """Whether it is in the basket."""
        return any(item.product.sku == product.sku for item in self.items)


def fill_baskets(source: Sequence[SourceBasket], codes: Sequence[str], goods: Goods, seed: int) -> list[Basket]:
    """The baskets that hold anything, in their order."""
    filled = []
    for basket in source:
        items = _items(basket.lines, goods, Random(f"{seed}:{basket.basket_id}:items"))
        if items:
            filled.append(
                Basket(basket.basket_id, basket.household, codes[basket.place], basket.day, basket.second, items)
            )
    return filled


def _items(lines: Sequence[SourceLine], goods: Goods, chance: Random) -> tuple[Item, ...]:
    found: dict[str, Item] = {}
    for line in lines:
        product = goods.stand_in(line.product_id, line.department, line.kind)
        if product is None:
            continue
        quantity = chance.randint(*GRAMS_OF_ONE) if product.weighed else line.quantity * THOUSAND
        before = found.get(product.sku)
        found[product.sku] = Item(product, quantity + (before.quantity_thousandths if before else 0))
    return tuple(found.values())
