"""What a promotion is, whether it counts now, and what it takes off the goods it is given. Contains no baskets.

How several promotions meet is decided in `shared.domain.promotions`. What works on 200 lines × 50 promotions uses bare
tuples: a named one costs ten times as much to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from shared.domain.business_time import EPOCH_ORDINAL
from shared.domain.manual_discounts import ManualDiscount
from shared.domain.money import AMOUNT_MINOR_MAX, THOUSAND, extend_price
from shared.domain.proration import BASIS_POINTS, cumulative_share, share_of, spread
from shared.domain.vat import covers
from shared.errors import InvalidInput

MINUTES_PER_DAY = 1_440
N_MAX = 1_000
"""The largest n of “n for m”."""


class PromotionType(StrEnum):
    PERCENT = "percent"
    """`value` basis points off."""
    AMOUNT_OFF = "amount_off"
    """`value` minor units off a unit, or off the whole basket's goods."""
    FIXED_PRICE = "fixed_price"
    """`value` minor units is what a unit costs, or all the goods together."""
    N_FOR_M = "n_for_m"
    """Of `n` whole units `m` are paid; the cheapest are free."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promotion. An empty scope (no SKUs, no categories) is everything; empty groups and zones are all.

    Days are since 1970-01-01 and included, `weekdays` are ISO digits (“67” is the weekend, empty every day), minutes
    are since midnight, `minute_to` excluded; a period over midnight has `minute_from` > `minute_to`. `minimum_minor`
    is what the whole basket must come to at list prices. A smaller `priority` counts first.
    """

    promotion_id: bytes
    code: str
    name: str
    type: PromotionType
    value: int = 0
    n: int = 0
    m: int = 0
    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    client_groups: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    valid_from: int | None = None
    valid_to: int | None = None
    weekdays: str = ""
    minute_from: int | None = None
    minute_to: int | None = None
    minimum_minor: int = 0
    combinable: bool = True
    priority: int = 0
    per_basket: bool = False

    @property
    def order(self) -> tuple[int, str, bytes]:
        """By priority, then by code: the order in which promotions were given never matters."""
        return self.priority, self.code, self.promotion_id


class BasketContext(NamedTuple):
    """When and to whom is sold: local day and minute, the client's group, the branch's price zone.

    `manual_discount` is one that somebody gives on the whole basket.
    """

    day: int
    minute: int = 720
    client_group: str | None = None
    price_zone: str = ""
    manual_discount: ManualDiscount | None = None


Part = tuple[int, int, int]
"""What a promotion may work on: a line's index, a quantity of it in thousandths, and what is left to pay for that."""

Effect = tuple[int, int, int]
"""What a promotion does to a line: its index, how much of it in thousandths was used, and the discount."""


def counts_now(promotion: Promotion, context: BasketContext, gross_minor: int) -> bool:
    """Whether a promotion counts for a basket of that worth at list prices."""
    weekday = (context.day + EPOCH_ORDINAL - 1) % 7 + 1
    return (
        covers(promotion.valid_from, promotion.valid_to, context.day)
        and gross_minor >= promotion.minimum_minor
        and (not promotion.weekdays or str(weekday) in promotion.weekdays)
        and (not promotion.client_groups or context.client_group in promotion.client_groups)
        and (not promotion.zones or context.price_zone in promotion.zones)
        and _covers_minute(promotion.minute_from, promotion.minute_to, context.minute)
    )


def _covers_minute(minute_from: int | None, minute_to: int | None, minute: int) -> bool:
    start = 0 if minute_from is None else minute_from
    end = MINUTES_PER_DAY if minute_to is None else minute_to
    return start <= minute < end if start < end else minute >= start or minute < end


def effects_of(promotion: Promotion, parts: Sequence[Part]) -> list[Effect]:
    """What the promotion takes off these goods; never more than is left of any, and maybe nothing."""
    if promotion.type is PromotionType.N_FOR_M:
        return _n_for_m(promotion, parts)
    if promotion.per_basket:
        return _off_basket(promotion, parts)
    return _off_each(promotion, parts)


def _off_each(promotion: Promotion, parts: Sequence[Part]) -> list[Effect]:
    value = max(0, promotion.value)
    if promotion.type is PromotionType.PERCENT:
        # `share_of` written out, a tie to the even: this is where a busy basket spends its time.
        rate, below_half = min(value, BASIS_POINTS), BASIS_POINTS // 2 - 1
        return [
            (index, quantity, ((scaled := left * rate) + below_half + (scaled // BASIS_POINTS & 1)) // BASIS_POINTS)
            for index, quantity, left in parts
        ]
    if promotion.type is PromotionType.AMOUNT_OFF:
        return [(index, quantity, min(left, extend_price(value, quantity))) for index, quantity, left in parts]
    return [(index, quantity, max(0, left - extend_price(value, quantity))) for index, quantity, left in parts]


def _off_basket(promotion: Promotion, parts: Sequence[Part]) -> list[Effect]:
    weights = [left for _, _, left in parts]
    whole = sum(weights)
    if promotion.type is PromotionType.PERCENT:
        discount = share_of(whole, promotion.value)
    elif promotion.type is PromotionType.AMOUNT_OFF:
        discount = promotion.value
    else:
        discount = whole - max(0, promotion.value)
    discount = min(discount, whole)
    if discount <= 0:
        return []
    # Also a line whose share is nothing has been used: the discount was given for all of them together.
    shares = spread(discount, weights)
    return [(index, quantity, share) for (index, quantity, _), share in zip(parts, shares, strict=True)]


def _n_for_m(promotion: Promotion, parts: Sequence[Part]) -> list[Effect]:
    """The units are laid out from dear to cheap and taken n by n; of every n the cheapest n − m are free.

    So nobody gains by buying in several receipts. Whole units count: of 2.35 kg two. A line's units are not laid out
    one by one, there may be a billion: what is free among the positions a…b is told by arithmetic.
    """
    n, m = promotion.n, promotion.m
    if not 0 < m < n:
        return []
    dear_first = sorted(
        [(-(part[2] * THOUSAND // part[1]), part) for part in parts if part[1] >= THOUSAND],
    )
    units = sum([quantity // THOUSAND for _, (_, quantity, _) in dear_first])
    in_groups = units - units % n
    effects: list[Effect] = []
    position = free_before = 0
    for _, (index, quantity, left) in dear_first:
        if position >= in_groups:
            break
        end = min(position + quantity // THOUSAND, in_groups)
        free_after = _free_before(end, n, m)
        free = (free_after - free_before) * THOUSAND
        effects.append((index, (end - position) * THOUSAND, cumulative_share(left, free, quantity) if free else 0))
        position, free_before = end, free_after
    return effects


def _free_before(position: int, n: int, m: int) -> int:
    groups, rest = divmod(position, n)
    return groups * (n - m) + max(0, rest - m)


def require_promotion(promotion: Promotion) -> Promotion:
    """The promotion, if it means something. Raises InvalidInput."""
    _require(bool(promotion.code and promotion.name), "A promotion has a code and a name.", "The name is printed.")
    if promotion.type is PromotionType.N_FOR_M:
        sound = 0 < promotion.m < promotion.n <= N_MAX
        _require(sound, "Of n units m are paid, and m is smaller than n.", "Write --n 3 --m 2 for three for two.")
    elif promotion.type is PromotionType.PERCENT:
        _require(0 < promotion.value <= BASIS_POINTS, "A percentage lies between 0 and 100.", "10 % is 1000 here.")
    else:
        _require(0 <= promotion.value <= AMOUNT_MINOR_MAX, "An amount is 0 or more minor units.", "")
    start, end = promotion.valid_from, promotion.valid_to
    _require(start is None or end is None or start <= end, "The period ends before it begins.", "")
    _require(set(promotion.weekdays) <= set("1234567"), "Weekdays are digits from 1, Monday, to 7.", "Weekend is 67.")
    minutes = [minute for minute in (promotion.minute_from, promotion.minute_to) if minute is not None]
    _require(all(0 <= minute <= MINUTES_PER_DAY for minute in minutes), "A day has the hours 00:00 to 24:00.", "")
    _require(0 <= promotion.minimum_minor <= AMOUNT_MINOR_MAX, "The least basket is 0 or more minor units.", "")
    return promotion


def _require(sound: bool, message: str, hint: str) -> None:
    if not sound:
        raise InvalidInput(message, hint)
