"""Pricing a basket: list prices, promotions in their order, prices and discounts given by hand, and VAT.

The rules, in the order in which they count (docs/decisions/0026-pricing.md says why):

1. A line is worth price × quantity. A line whose price was set by hand takes no part in promotions; what the hand took
   off the list price is itemised as a discount.
2. Promotions that do not count now, for this client, zone or basket are left out. The others are taken by priority
   (the smaller first), then by code: the order in which they are given never matters.
3. *Combinable* promotions apply one after another, each on what the former left.
4. An *exclusive* promotion uses its units alone: a whole line, or of “n for m” the whole groups. Exclusive promotions
   compete with each other and with the combinable ones for the same units, and the better for the client wins. That is
   decided greedily: the exclusive promotion with the largest gain over the combinable ones takes its units, then the
   next largest of what is free, as long as there is a gain. A promotion per unit takes only the lines on which it is
   the better; “n for m” and one on the whole basket take all their goods or none. What stays free gets the combinable
   ones. If the whole is not better than the combinable ones alone, those count. No optimum is promised.
5. Discounts by hand come last: on lines, then on the whole basket, each on what is left.
6. VAT is the part contained in each line's amount.

No amount falls below 0. What is taken off several lines together is spread by largest remainder and sums exactly.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.domain.manual_discounts import ManualDiscount, manual_amount
from shared.domain.money import AMOUNT_MINOR_MAX, extend_price
from shared.domain.promotion_rules import (
    BasketContext,
    Effect,
    Part,
    Promotion,
    PromotionType,
    counts_now,
    effects_of,
)
from shared.domain.proration import cumulative_share, spread
from shared.domain.vat import VatPart, summarise_vat, vat_included
from shared.errors import InvalidInput

__all__ = [
    "BasketContext",
    "BasketLine",
    "LineDiscount",
    "ManualDiscount",
    "PricedBasket",
    "PricedLine",
    "Promotion",
    "PromotionType",
    "price_basket",
]

MANUAL_PRICE, MANUAL_LINE, MANUAL_BASKET = "manual_price", "manual_line", "manual_basket"
"""The codes of what was taken off by hand; its `promotion_id` is None."""

PRICE_BY_HAND = "Цена вручную"
DISCOUNT_BY_HAND = "Скидка вручную"
"""What is printed when nobody said why."""

REASON_SEPARATOR = "; "


class BasketLine(NamedTuple):
    """A line before pricing. `unit_price_minor` is the list price, 0 where there is none and one is set by hand."""

    line_id: str
    sku: str
    category: str | None
    quantity_thousandths: int
    unit_price_minor: int
    manual_price_minor: int | None = None
    manual_discount: ManualDiscount | None = None
    vat_rate_basis_points: int | None = None


class LineDiscount(NamedTuple):
    """What one promotion, or one hand, took off one line, and the reason that is printed."""

    promotion_id: bytes | None
    code: str
    reason: str
    amount_minor: int
    given_by: str = ""


class PricedLine(NamedTuple):
    """gross = amount + Σ discounts; `vat_minor` is contained in the amount, which is what is paid."""

    line_id: str
    gross_minor: int
    discounts: tuple[LineDiscount, ...]
    amount_minor: int
    vat_rate_basis_points: int | None
    vat_minor: int

    @property
    def discount_minor(self) -> int:
        """The sum of the line's discounts."""
        return self.gross_minor - self.amount_minor

    @property
    def reason(self) -> str:
        """The reasons as printed under the line, each once."""
        return REASON_SEPARATOR.join(dict.fromkeys(discount.reason for discount in self.discounts))


class PricedBasket(NamedTuple):
    """The lines in the order in which they were given, and their sums."""

    lines: tuple[PricedLine, ...]
    gross_minor: int
    discount_minor: int
    total_minor: int
    vat: tuple[VatPart, ...]


@dataclass(slots=True)
class _Goods:
    """What promotions work on: for every line the quantity that is free, and what is left to pay for it."""

    quantity: list[int]
    left: list[int]
    everything: list[int]
    by_sku: dict[str, list[int]]
    by_category: dict[str, list[int]]

    def parts(self, indices: Iterable[int]) -> list[Part]:
        quantity, left = self.quantity, self.left
        return [(index, quantity[index], left[index]) for index in indices if left[index] > 0]

    def scope(self, promotion: Promotion) -> list[int]:
        """The lines that a promotion is about, in their order."""
        if not promotion.skus and not promotion.categories:
            return self.everything
        found: set[int] = set()
        for sku in promotion.skus:
            found.update(self.by_sku.get(sku, ()))
        for category in promotion.categories:
            found.update(self.by_category.get(category, ()))
        return sorted(found)

    def copy(self) -> _Goods:
        return _Goods(self.quantity[:], self.left[:], self.everything, self.by_sku, self.by_category)


_Scoped = tuple[Promotion, list[int]]
_Given = tuple[Promotion, list[Effect]]
"""Who took something off which lines."""


def price_basket(lines: Sequence[BasketLine], promotions: Iterable[Promotion], context: BasketContext) -> PricedBasket:
    """What each line costs, with every discount itemised; see the top of this module for the rules.

    Raises InvalidInput when a quantity, a price or a discount given by hand is none, or a line is too large.
    """
    gross = [_gross(line) for line in lines]
    left = gross[:]
    discounts: list[list[LineDiscount]] = [[] for _ in lines]
    goods = _goods(lines, gross)
    for promotion, effects in _promote(goods, promotions, context, sum(gross)):
        who = (promotion.promotion_id, promotion.code, promotion.name)
        for index, _, amount in effects:
            if amount:
                left[index] -= amount
                discounts[index].append(LineDiscount(*who, amount))
    _take_by_hand(lines, left, discounts, context.manual_discount)
    priced = []
    for line, line_gross, amount, taken in zip(lines, gross, left, discounts, strict=True):
        rate = line.vat_rate_basis_points
        vat_minor = vat_included(amount, rate)
        priced.append(PricedLine(line.line_id, line_gross, tuple(taken), amount, rate, vat_minor))
    total_gross, total = sum(gross), sum(left)
    vat = summarise_vat(VatPart(line.vat_rate_basis_points, line.amount_minor, line.vat_minor) for line in priced)
    return PricedBasket(tuple(priced), total_gross, total_gross - total, total, vat)


def _gross(line: BasketLine) -> int:
    prices = (line.unit_price_minor, line.manual_price_minor or 0)
    if line.quantity_thousandths < 0 or min(prices) < 0:
        raise InvalidInput(f"The quantity or the price of {line.sku} is negative.")
    gross = extend_price(max(prices) if line.manual_price_minor is not None else prices[0], line.quantity_thousandths)
    if gross > AMOUNT_MINOR_MAX:
        raise InvalidInput(f"Price × quantity of {line.sku} is larger than {AMOUNT_MINOR_MAX}.")
    return gross


def _goods(lines: Sequence[BasketLine], gross: list[int]) -> _Goods:
    goods = _Goods([line.quantity_thousandths for line in lines], gross[:], [], {}, {})
    for index, line in enumerate(lines):
        if line.manual_price_minor is None:
            goods.everything.append(index)
            goods.by_sku.setdefault(line.sku, []).append(index)
            if line.category is not None:
                goods.by_category.setdefault(line.category, []).append(index)
    return goods


def _promote(goods: _Goods, promotions: Iterable[Promotion], context: BasketContext, gross_minor: int) -> list[_Given]:
    counting = sorted(promotions, key=lambda promotion: promotion.order)
    scoped: list[_Scoped] = []
    for promotion in counting:
        if counts_now(promotion, context, gross_minor):
            scope = goods.scope(promotion)
            if scope:
                scoped.append((promotion, scope))
    combinable = [each for each in scoped if each[0].combinable]
    exclusive = [each for each in scoped if not each[0].combinable]
    alone = _combine(combinable, goods.copy() if exclusive else goods)
    if not exclusive:
        return alone
    together = _compete(exclusive, goods, alone)
    if not together:
        return alone
    together += _combine(combinable, goods)
    return together if _sum(together) > _sum(alone) else alone


def _sum(given: list[_Given]) -> int:
    return sum([amount for _, effects in given for _, _, amount in effects])


def _combine(combinable: Sequence[_Scoped], goods: _Goods) -> list[_Given]:
    """Applies combinable promotions in their order, each on what the former left."""
    given: list[_Given] = []
    left = goods.left
    for promotion, scope in combinable:
        effects = effects_of(promotion, goods.parts(scope))
        for index, _, amount in effects:
            left[index] -= amount
        given.append((promotion, effects))
    return given


def _compete(exclusive: Sequence[_Scoped], goods: _Goods, alone: list[_Given]) -> list[_Given]:
    """Lets exclusive promotions take their units, the largest gain first; takes those units out of the goods.

    A gain found earlier is taken for a bound: the fewer units are free, the less there is to gain. So only the one that
    leads is reckoned again, until one leads with a gain that is up to date. Of “n for m” a gain may grow when a
    unit goes on which the combinable ones took much; it then keeps the place that its earlier gain gave it.
    """
    against = [0] * len(goods.left)
    for _, effects in alone:
        for index, _, amount in effects:
            against[index] += amount
    quantities = goods.quantity[:]
    given: list[_Given] = []
    takings = 0
    queue: list[tuple[int, int, int, list[Effect]]] = []

    def enter(place: int) -> None:
        promotion, scope = exclusive[place]
        gain, effects = _gain(promotion, goods.parts(scope), against, quantities)
        if gain > 0:
            heapq.heappush(queue, (-gain, place, takings, effects))

    for place in range(len(exclusive)):
        enter(place)
    while queue:
        _, place, reckoned_at, effects = heapq.heappop(queue)
        if reckoned_at != takings:
            enter(place)
            continue
        _take_units(goods, effects)
        given.append((exclusive[place][0], effects))
        takings += 1
    return given


def _gain(
    promotion: Promotion, parts: list[Part], against: list[int], quantities: list[int]
) -> tuple[int, list[Effect]]:
    """What the client gains over the combinable promotions, and the effects that are worth taking."""

    def share(index: int, quantity: int) -> int:
        return cumulative_share(against[index], quantity, quantities[index])

    effects = effects_of(promotion, parts)
    gains = [
        amount - (against[index] if quantity == quantities[index] else share(index, quantity))
        for index, quantity, amount in effects
    ]
    if promotion.per_basket or promotion.type is PromotionType.N_FOR_M:
        return sum(gains), effects
    worth = [(gain, effect) for gain, effect in zip(gains, effects, strict=True) if gain > 0]
    return sum([gain for gain, _ in worth]), [effect for _, effect in worth]


def _take_units(goods: _Goods, effects: list[Effect]) -> None:
    for index, quantity, _ in effects:
        free = goods.quantity[index]
        goods.left[index] -= cumulative_share(goods.left[index], quantity, free)
        goods.quantity[index] = free - quantity


def _take_by_hand(
    lines: Sequence[BasketLine],
    left: list[int],
    discounts: list[list[LineDiscount]],
    on_basket: ManualDiscount | None,
) -> None:
    """Prices and discounts given by hand: they change `left` and `discounts` in place."""

    def take(index: int, amount: int, code: str, by: ManualDiscount, reason: str) -> None:
        if amount > 0:
            left[index] -= amount
            discounts[index].append(LineDiscount(None, code, by.why or reason, amount, by.given_by))

    for index, line in enumerate(lines):
        if line.manual_price_minor is not None:
            off = left[index] - extend_price(line.manual_price_minor, line.quantity_thousandths)
            take(index, off, MANUAL_PRICE, ManualDiscount(), PRICE_BY_HAND)
        by_hand = line.manual_discount
        if by_hand is not None:
            take(index, manual_amount(by_hand, left[index]), MANUAL_LINE, by_hand, DISCOUNT_BY_HAND)
    if on_basket is not None and lines:
        shares = spread(manual_amount(on_basket, sum(left)), left)
        for index, share in enumerate(shares):
            take(index, share, MANUAL_BASKET, on_basket, DISCOUNT_BY_HAND)
