"""A day at one branch as events: tills opened, baskets sold, goods given back, cash brought away, tills closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from deploy.practice.baskets import Basket
from deploy.practice.goods import Goods
from deploy.practice.people import FIRST_REGISTER, SECOND_REGISTER, Staff
from deploy.practice.plan import (
    CloseShift,
    Event,
    GiveBack,
    GiveBackLoose,
    OpenShift,
    PickUp,
    PlannedLine,
    Sell,
)
from shared.domain.business_time import days_from_date
from shared.domain.money import THOUSAND, extend_price
from shared.domain.promotions import BasketContext, BasketLine, ManualDiscount, Promotion, price_basket
from shared.domain.rounding import CashRounding, RoundingMode, cash_due, settle
from shared.domain.sales import CASH, Payment

ROUNDING = CashRounding(100, RoundingMode.CLIENT)
"""Cash in whole roubles, in the client's favour; as a setting it is `RUB=100:client`."""

CARD = "card"
FLOAT_MINOR = 300_000
KEEP_MINOR = 500_000
"""What a pickup leaves in the drawer."""

OPENS, CLOSES = 8 * 3_600 + 2_700, 22 * 3_600 + 600
SECOND_OPENS, SECOND_CLOSES, SECOND_CLOSES_EARLY = 12 * 3_600, 22 * 3_600 + 300, 20 * 3_600 + 1_800
_PICKUP_AT = 17 * 3_600
_TILL_CHANGE_SECONDS = 300

_CASH_PERCENT, _CARD_PERCENT = 45, 45
_EXACT_PERCENT = 30
_NOTES_MINOR = (10_000, 50_000, 100_000, 500_000)
_HAND_DISCOUNT_PERMILLE = 12
_HAND_DISCOUNT_BASIS_POINTS = 500
"""The most that a cashier's role may give."""

_LOOSE_PERMILLE = 2
"""Refunds without a receipt that an honest cashier has."""

_THIEF_LOOSE_PERCENTS = (65, 32)
_THIEF_SHORT_PERCENT = 80
_THIEF_LOOSE_MINOR = (30_000, 120_000)
_THIEF_SHORT_ROUBLES = (50, 300)
_HONEST_WRONG_PERCENT, _HONEST_WRONG_ROUBLES = 25, 15


@dataclass(frozen=True, slots=True)
class Day:
    """What all days of a branch have in common. `thief` is empty where there is none."""

    staff: Staff
    goods: Goods
    rules: Sequence[Promotion]
    groups: dict[str, str]
    thief: str
    closes_early: bool
    seed: int
    language: str

    def word(self, russian: str, english: str) -> str:
        """A text in the chain's language."""
        return english if self.language == "en" else russian


@dataclass(frozen=True, slots=True)
class _Till:
    register: str
    cashier: str
    opens: int
    closes: int


def plan_day(how: Day, branch: str, day: date, baskets: Sequence[Basket], returns: Sequence[Sell]) -> list[Event]:
    """The day's events in their order. `returns` are earlier sales that come back today."""
    chance = Random(f"{how.seed}:{branch}:{day}")
    tills = _tills(how, branch, day)
    timed: list[tuple[int, Event]] = []
    for till in tills:
        timed.append((till.opens, OpenShift(_at(day, till.opens), till.register, till.cashier, FLOAT_MINOR)))
    for number, basket in enumerate(baskets):
        till = _till_for(tills, number, basket.second)
        timed.append((basket.second, _sell(how, chance, day, till, basket)))
    timed += _returns(how, chance, day, tills[0], returns)
    timed += _loose_returns(how, chance, branch, day, tills, len(baskets))
    manager = how.staff.managers[branch]
    reason = how.word("Инкассация", "To the bank")
    timed.append((_PICKUP_AT, PickUp(_at(day, _PICKUP_AT), FIRST_REGISTER, manager, KEEP_MINOR, reason)))
    for till in tills:
        variance = _variance(how, chance, till.cashier)
        timed.append((till.closes, CloseShift(_at(day, till.closes), till.register, till.cashier, variance)))
    return [event for _, event in sorted(timed, key=lambda each: each[0])]


def _tills(how: Day, branch: str, day: date) -> list[_Till]:
    early = SECOND_CLOSES_EARLY if how.closes_early else SECOND_CLOSES
    hours = {FIRST_REGISTER: (OPENS, CLOSES), SECOND_REGISTER: (SECOND_OPENS, early)}
    return [_Till(register, cashier, *hours[register]) for register, cashier in how.staff.at_tills(branch, day)]


def _till_for(tills: Sequence[_Till], number: int, second: int) -> _Till:
    open_tills = [
        till for till in tills if till.opens + _TILL_CHANGE_SECONDS <= second < till.closes - _TILL_CHANGE_SECONDS
    ]
    return open_tills[number % len(open_tills)] if open_tills else tills[0]


def _sell(how: Day, chance: Random, day: date, till: _Till, basket: Basket) -> Sell:
    """The basket priced by the product's own rules, and paid."""
    discounted = chance.randrange(len(basket.items)) if chance.randrange(1_000) < _HAND_DISCOUNT_PERMILLE else None
    why = how.word("Мятая упаковка", "Dented packing")
    by_hand = ManualDiscount(_HAND_DISCOUNT_BASIS_POINTS, None, till.cashier, why)
    lines = [
        BasketLine(
            str(number),
            item.product.sku,
            item.product.category,
            item.quantity_thousandths,
            item.product.price_minor,
            manual_discount=by_hand if number == discounted else None,
        )
        for number, item in enumerate(basket.items)
    ]
    group = how.groups.get(basket.client or "") or None
    priced = price_basket(lines, how.rules, BasketContext(days_from_date(day), basket.second // 60, group))
    sold = tuple(
        PlannedLine(
            item.product.sku,
            item.quantity_thousandths,
            line.amount_minor,
            line.discount_minor,
            item.product.name,
            line.reason,
        )
        for item, line in zip(basket.items, priced.lines, strict=True)
    )
    payments = _pay(chance, priced.total_minor)
    rounding = settle(priced.total_minor, [Payment(*payment) for payment in payments], ROUNDING).rounding_minor
    key = f"practice-{basket.basket_id}"
    return Sell(_at(day, basket.second), till.register, till.cashier, key, basket.client, sold, payments, rounding)


def _pay(chance: Random, total_minor: int) -> tuple[tuple[str, int], ...]:
    """Cash with a note that covers it, a card, or half and half."""
    way = chance.randrange(100)
    if way < _CARD_PERCENT:
        return ((CARD, total_minor),)
    by_card = total_minor // 2 // 100 * 100 if way >= _CARD_PERCENT + _CASH_PERCENT else 0
    due = cash_due(total_minor, by_card, ROUNDING)
    given = due
    if chance.randrange(100) >= _EXACT_PERCENT:
        note = chance.choice([note for note in _NOTES_MINOR if note <= max(due, _NOTES_MINOR[0]) * 4])
        given = -(-due // note) * note
    return ((CARD, by_card), (CASH, given)) if by_card else ((CASH, given),)


def _returns(how: Day, chance: Random, day: date, till: _Till, sales: Sequence[Sell]) -> list[tuple[int, Event]]:
    reasons = (
        how.word("Не подошло", "Did not fit"),
        how.word("Брак", "Faulty"),
        how.word("Передумали", "Changed mind"),
    )
    made: list[tuple[int, Event]] = []
    for sale in sales:
        second = chance.randrange(10 * 3_600, 21 * 3_600)
        lines = () if chance.random() < 0.2 else (chance.randint(1, len(sale.lines)),)
        at, key = _at(day, second), f"{sale.key}-back"
        made.append((second, GiveBack(at, till.register, till.cashier, key, sale.key, lines, chance.choice(reasons))))
    return made


def _loose_returns(
    how: Day, chance: Random, branch: str, day: date, tills: Sequence[_Till], receipts: int
) -> list[tuple[int, Event]]:
    """Without a receipt: rarely with the honest, on most days with the one who gives herself money."""
    made: list[tuple[int, Event]] = []
    for till in tills:
        if till.cashier == how.thief:
            wanted = sum(chance.randrange(100) < percent for percent in _THIEF_LOOSE_PERCENTS)
        else:
            wanted = int(chance.randrange(1_000) < _LOOSE_PERMILLE * receipts)
        for number in range(wanted):
            second = chance.randrange(19 * 3_600, 20 * 3_600 + 1_500)
            key = f"practice-loose-{branch}-{day}-{till.register}-{number}"
            made.append((second, _loose_return(how, chance, till, _at(day, second), key, how.staff.managers[branch])))
    return made


def _loose_return(how: Day, chance: Random, till: _Till, at: str, key: str, manager: str) -> GiveBackLoose:
    product = chance.choice([product for product in how.goods.products if not product.weighed])
    amount = product.price_minor // 100 * 100
    if till.cashier == how.thief:
        amount = chance.randint(*_THIEF_LOOSE_MINOR) // 1_000 * 1_000
    quantity = max(1, amount // product.price_minor) * THOUSAND
    given = min(amount, extend_price(product.price_minor, quantity))
    reason = how.word("Без чека", "No receipt")
    return GiveBackLoose(at, till.register, till.cashier, key, product.sku, quantity, given, reason, manager)


def _variance(how: Day, chance: Random, cashier: str) -> int:
    if cashier == how.thief:
        short = chance.randrange(100) < _THIEF_SHORT_PERCENT
        return -chance.randint(*_THIEF_SHORT_ROUBLES) * 100 if short else 0
    wrong = chance.randrange(100) < _HONEST_WRONG_PERCENT
    return chance.randint(-_HONEST_WRONG_ROUBLES, _HONEST_WRONG_ROUBLES) * 100 if wrong else 0


def _at(day: date, second: int) -> str:
    minutes, seconds = divmod(second, 60)
    return f"{day.isoformat()}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
