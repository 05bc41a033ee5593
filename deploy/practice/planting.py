"""Plants what is to be found again: into baskets before they are sold. How each is measured stands in planted.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from deploy.practice.baskets import Basket, Item
from deploy.practice.goods import Goods, Product
from deploy.practice.people import Staff
from deploy.practice.source import CLOSING_HOUR
from shared.domain.money import THOUSAND

GROWING_CATEGORY = "tea"
GROWTH_FIRST_PERCENT, GROWTH_WEEK_PERCENT = 60, 12
"""The first week has so much of the category's real weekly mean; each week after it so much of the first week more."""

AFFINE_SHARE_PERCENT, AFFINE_TOGETHER_PERCENT = 5, 70
"""So many baskets get dumplings, and so many of those sour cream too."""

RUSH_HOUR = CLOSING_HOUR - 1
RUSH_FROM_HOUR = 18
RUSH_PERCENT = 45
"""So many receipts of the evening move into the last hour of one branch, where one till is open."""

DOUBLED_PERCENT = 2
DOUBLED_RECEIPTS_MIN = 4

LAPSED_COUNT = 8
LAPSED_DAYS = 21


def plant_growth(baskets: Sequence[Basket], goods: Goods, first: date, weeks: int, seed: int) -> list[Basket]:
    """One category grows week by week by the same amount, in pieces sold. The part of a week that is today follows."""
    chance = Random(f"{seed}:growth")
    category = goods.category_names[GROWING_CATEGORY]
    made = goods.by_category[GROWING_CATEGORY]
    real = sum(item.product.category == category for basket in baskets for item in basket.items)
    base = max(1, real * GROWTH_FIRST_PERCENT // 100 // weeks)
    stripped = [
        replace(basket, items=tuple(item for item in basket.items if item.product.category != category))
        for basket in baskets
    ]
    for week in range(weeks + 1):
        here = [place for place, basket in enumerate(stripped) if (basket.day - first).days // 7 == week]
        wanted = base + week * max(1, base * GROWTH_WEEK_PERCENT // 100)
        if week == weeks:
            wanted = wanted // 7
        for number in range(wanted if here else 0):
            place = here[number % len(here)] if number >= len(here) else here[chance.randrange(len(here))]
            stripped[place] = _with(stripped[place], chance.choice(made))
    return [basket for basket in stripped if basket.items]


def affine_pair(goods: Goods) -> tuple[Product, Product]:
    """Who buys the first often buys the second."""
    return goods.find("frozen", "Пельмени"), goods.find("dairy", "Сметана")


def plant_affinity(baskets: Sequence[Basket], goods: Goods, seed: int) -> list[Basket]:
    """One product is often bought with another."""
    chance = Random(f"{seed}:affinity")
    first, second = affine_pair(goods)
    planted = []
    for basket in baskets:
        if chance.randrange(100) < AFFINE_SHARE_PERCENT and not basket.has(first):
            basket = _with(basket, first)
        if basket.has(first) and not basket.has(second) and chance.randrange(100) < AFFINE_TOGETHER_PERCENT:
            basket = _with(basket, second)
        planted.append(basket)
    return planted


def plant_rush(baskets: Sequence[Basket], branch: str, seed: int) -> list[Basket]:
    """Many buy in the last hour of one branch."""
    chance = Random(f"{seed}:rush")
    planted = []
    for basket in baskets:
        is_evening = RUSH_FROM_HOUR * 3_600 <= basket.second < RUSH_HOUR * 3_600
        if basket.branch == branch and is_evening and chance.randrange(100) < RUSH_PERCENT:
            basket = replace(basket, second=RUSH_HOUR * 3_600 + chance.randrange(3_600))
        planted.append(basket)
    return sorted(planted, key=lambda basket: (basket.day, basket.second, basket.basket_id))


def choose_doubled(baskets: Sequence[Basket], households: Sequence[int], seed: int) -> list[int]:
    """Households that get a second card: 2 % of all, among those with enough receipts to share."""
    counted = Counter(basket.household for basket in baskets)
    able = [household for household in households if counted[household] >= DOUBLED_RECEIPTS_MIN]
    wanted = max(1, len(households) * DOUBLED_PERCENT // 100)
    return sorted(Random(f"{seed}:doubled").sample(able, min(wanted, len(able))))


def plant_lapsed(baskets: Sequence[Basket], regulars: Collection[int], today: date, seed: int) -> list[Basket]:
    """Some who bought often have not shown their card for three weeks."""
    limit = today - timedelta(days=LAPSED_DAYS)
    before = Counter(basket.household for basket in baskets if basket.day < limit)
    able = sorted(household for household in regulars if before[household] >= DOUBLED_RECEIPTS_MIN)
    lapsed = set(Random(f"{seed}:lapsed").sample(able, min(LAPSED_COUNT, len(able))))
    return [
        replace(basket, is_anonymous=True) if basket.household in lapsed and basket.day >= limit else basket
        for basket in baskets
    ]


def thief_of(staff: Staff, codes: Sequence[str]) -> str:
    """The cashier who gives herself money back: of the second branch, if there is one."""
    return staff.cashiers[codes[min(1, len(codes) - 1)]][1]


def _with(basket: Basket, product: Product) -> Basket:
    """One piece more."""
    items = list(basket.items)
    for place, item in enumerate(items):
        if item.product.sku == product.sku:
            items[place] = Item(product, item.quantity_thousandths + THOUSAND)
            return replace(basket, items=tuple(items))
    return replace(basket, items=(*items, Item(product, THOUSAND)))
