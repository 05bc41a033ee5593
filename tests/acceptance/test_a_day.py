"""Two days on four tills: 600 receipts under promotions and two VAT rates, one of which changes overnight.

Refunds in parts, exchanges, split payments, cash in and out, rounding: cash, methods, VAT and Z-reports to the kopek.
"""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any

from branch_node.operations import basket
from branch_node.operations.cash import move_cash
from branch_node.operations.refund_request import SoldLineRequest, parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.storage.store import BranchStore
from shared.domain.business_time import days_from_date, local_moment
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.domain.rounding import CashRounding, RoundingMode
from shared.domain.sales import Payment
from shared.domain.shifts import ShiftClose
from tests.acceptance.reckoner import Plain, Till, reckon
from tests.support.basket_desk import Till as Desk
from tests.support.basket_desk import learn_goods
from tests.support.clock import START_US, FakeClock
from tests.support.shop import Shop, change

RECEIPTS, RECEIPTS_OF_THE_EVE = 600, 150
TILLS = ("1", "2", "3", "4")
NIGHT_SECONDS = 14 * 3_600
EVE = days_from_date(local_moment(START_US, "Europe/Moscow").business_date)
DOWN_TO_ROUBLES = CashRounding(100, RoundingMode.CLIENT)

GOODS: Plain = {
    "tea": {"price": 25_990, "category": "tea", "vat": "full"},
    "green tea": {"price": 31_455, "category": "tea", "vat": "full"},
    "herbs": {"price": 18_333, "category": "tea", "vat": "full"},
    "bread": {"price": 5_437, "category": "bakery", "vat": "low"},
    "cake": {"price": 89_999, "category": "bakery", "vat": "low"},
    "milk": {"price": 9_171, "category": "dairy", "vat": "low"},
    "cheese": {"price": 112_345, "category": "dairy", "vat": "low"},
    "soap": {"price": 7_701, "category": "house", "vat": "full"},
    "book": {"price": 64_949, "category": "paper", "vat": None},
}
WEIGHED = {"cheese"}
RATES = [("full", 0, 2_000), ("low", 0, 1_000), ("full", EVE + 1, 2_200)]
COMBINABLE: list[Plain] = [
    {"code": "p10", "type": "percent", "value": 1_000, "categories": ("bakery", "tea"), "priority": 1},
    {"code": "p333", "type": "percent", "value": 333, "priority": 2},
    {"code": "minus", "type": "amount_off", "value": 1_111, "categories": ("dairy",), "priority": 3},
    {
        "code": "whole",
        "type": "amount_off",
        "value": 9_999,
        "per_basket": True,
        "minimum_minor": 150_000,
        "priority": 4,
    },
]
EXCLUSIVE: list[Plain] = [
    {"code": "3for2", "type": "n_for_m", "n": 3, "m": 2, "categories": ("tea",), "priority": 1},
    {"code": "cake", "type": "fixed_price", "value": 70_007, "categories": ("bakery",), "priority": 2},
    {"code": "any15", "type": "percent", "value": 1_500, "categories": ("bakery", "house", "tea"), "priority": 3},
]
OFFERS = [{**offer, "combinable": True} for offer in COMBINABLE] + [
    {**offer, "combinable": False} for offer in EXCLUSIVE
]


def learn_everything(shop: Shop) -> None:
    """Goods, VAT rates and promotions, as the head office makes them of the same data."""
    for sku, goods in GOODS.items():
        learn_goods(shop, sku, goods["price"], category=goods["category"], vat_code=goods["vat"])
    for number, (code, since, rate) in enumerate(RATES):
        dated: dict[str, Any] = {"code": code, "rate_basis_points": rate, "valid_from": since or None}
        assert shop.learn(change(RecordKind.VAT_RATE, b"%016d" % number, **dated)) == []
    for offer in OFFERS:
        card_id = derived_id("promotion", offer["code"].encode())
        assert shop.learn(change(RecordKind.PROMOTION, card_id, name=offer["code"], **offer)) == []


def sell_something(shop: Shop, chance: random.Random, day: int, till: str) -> Plain:
    """One basket, paid in cash, by card or both; what is paid in cash is rounded down to whole roubles."""
    lines = [
        (sku, chance.randint(80, 2_500) if sku in WEIGHED else 1_000 * chance.choice((1, 1, 2, 3, 4, 7)))
        for sku in chance.sample(sorted(GOODS), chance.randint(1, 6))
    ]
    desk = Desk(shop, till)
    for sku, thousandths in lines:
        desk.do(basket.add_product, sku, thousandths)
    total = desk.view().total_minor
    how = chance.choice(("cash", "card", "both"))
    card = {"cash": 0, "card": total, "both": total // 3}[how]
    paid = {"card": card} if card else {}
    if how != "card":
        paid["cash"] = (total - card) // 100 * 100 + chance.choice((0, 5_000))
    outcome = desk.pay(*(Payment(*each) for each in paid.items()), rounding=DOWN_TO_ROUBLES)
    assert outcome.sold is not None
    return {"what": "sale", "day": day, "till": till, "lines": lines, "paid": paid, "receipt": outcome.sold.receipt}


def give_back(shop: Shop, chance: random.Random, number: int, day: int, till: str, sold: Plain) -> Plain:
    """Some of a sale comes back at any till, some of it more than once; `left` is what is still with the client."""
    left: Counter[int] = sold["left"]
    lines = []
    for line in sorted(chance.sample(sorted(left), chance.randint(1, len(left)))):
        whole = left[line] % 1_000 or chance.random() < 0.5
        lines.append((line, left[line] if whole else 1_000 * chance.randint(1, left[line] // 1_000)))
        left[line] -= lines[-1][1]
    sold["left"] = +left
    wanted = [{"line": line, "quantity": Decimal(thousandths).scaleb(-3)} for line, thousandths in lines]
    asked: dict[str, Any] = {"key": f"r{number}", "register": till, "cashier": "anna", "receipt": sold["receipt"]}
    with shop.store.operation() as transaction:
        refund(transaction, parse_refund_request({**asked, "lines": wanted}))
    return {"what": "refund", "day": day, "till": till, "receipt": sold["receipt"], "lines": lines}


def exchange(shop: Shop, chance: random.Random, day: int, till: str, sold: Plain) -> list[Plain]:
    """All of a sale by card comes back, others are taken, the difference is the card's: to the reckoner, who knows of
    no exchanges, all of both is."""
    back = [(line, thousandths) for line, thousandths in sorted(sold["left"].items())]
    sold["left"] = Counter()
    taken = [(sku, 1_000) for sku in chance.sample(sorted(set(GOODS) - WEIGHED), 2)]
    desk = Desk(shop, till)
    desk.do(basket.return_goods, sold["receipt"], [SoldLineRequest(*each) for each in back])
    for sku, thousandths in taken:
        desk.do(basket.add_product, sku, thousandths)
    seen = desk.view()
    assert seen.returned is not None
    due = seen.total_minor - seen.returned.settle(seen.total_minor, 0).settled_minor
    outcome = desk.pay(*([Payment("card", due)] if due else [Payment("cash", 0)]))
    assert outcome.sold is not None
    made = {"day": day, "till": till, "receipt": outcome.sold.receipt, "lines": taken}
    return [
        {"what": "refund", "day": day, "till": till, "receipt": sold["receipt"], "lines": back},
        {"what": "sale", **made, "paid": {"card": seen.total_minor}},
    ]


def move(shop: Shop, day: int, till: str, direction: str, amount: int) -> Plain:
    with shop.store.operation() as transaction:
        move_cash(transaction, till, "anna", direction, amount, "change")
    return {"what": direction, "day": day, "till": till, "amount": amount}


def live_a_day(shop: Shop, chance: random.Random, day: int, receipts: range, sold: list[Plain]) -> list[Plain]:
    """Opens the tills and serves; what was sold before may come back."""
    happened: list[Plain] = []
    for till in TILLS:
        shop.open_shift(till, 1_000_000)
        happened.append({"what": "float", "day": day, "till": till, "amount": 1_000_000})
    for number in receipts:
        till = chance.choice(TILLS)
        returnable = [sale for sale in sold if sale["left"]]
        if returnable and chance.random() < 0.15:
            happened.append(give_back(shop, chance, number, day, till, chance.choice(returnable)))
            continue
        by_card = [sale for sale in returnable if set(sale["paid"]) == {"card"}]
        if by_card and chance.random() < 0.05:
            happened += exchange(shop, chance, day, till, chance.choice(by_card))
            continue
        sale = sell_something(shop, chance, day, till)
        happened.append(sale)
        sold.append({**sale, "left": Counter(dict(enumerate((of for _, of in sale["lines"]), 1)))})
        if number % 50 == 0:
            happened.append(move(shop, day, till, chance.choice(("in", "out")), chance.randint(1, 5_000)))
    return happened


def told(shop: Shop, report: ShiftClose) -> Till:
    """What the product says of a closed shift, as the reckoner names it."""
    found: Till = {
        "receipts": report.receipts + report.refunds,
        "gross": report.gross_minor,
        "discounts": report.discounts_minor,
        "net": report.net_minor,
        "returns": report.returns_minor,
        "rounding": report.rounding_minor,
        "cash": report.expected_cash_minor,
        "moved": report.float_minor + report.cash_in_minor - report.cash_out_minor,
        **{("method", total.method): total.amount_minor for total in report.methods},
    }
    vat = (
        "SELECT rate, SUM(amount), SUM(vat) FROM ("
        "SELECT shift_id, vat_basis_points AS rate, amount_minor AS amount, vat_minor AS vat FROM sale_line l "
        "JOIN sale s ON s.id = l.sale_id UNION ALL "
        "SELECT shift_id, vat_basis_points, -amount_minor, -vat_minor FROM refund_line l "
        "JOIN refund r ON r.id = l.refund_id) WHERE shift_id = ? GROUP BY 1"
    )
    for rate, amount, tax in shop.rows(vat, report.shift_id):
        found |= {("sold", rate): amount, ("vat", rate): tax}
    return found


def differences(product: Till, right: Till) -> dict[Any, tuple[int, int]]:
    """What the product tells otherwise than the reckoner."""
    pairs = {name: (product.get(name, 0), right.get(name, 0)) for name in {*product, *right}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def test_600_receipts_of_two_days_come_to_what_an_independent_reckoner_says(
    branch_store: BranchStore, clock: FakeClock
) -> None:
    shop, chance = Shop(branch_store, clock), random.Random(20261123)
    learn_everything(shop)
    happened: list[Plain] = []
    sold: list[Plain] = []
    reports: dict[tuple[int, str], ShiftClose] = {}
    for day, receipts in ((EVE, range(RECEIPTS_OF_THE_EVE)), (EVE + 1, range(RECEIPTS_OF_THE_EVE, RECEIPTS))):
        happened += live_a_day(shop, chance, day, receipts, sold)
        expected = reckon(GOODS, OFFERS, RATES, happened)
        for till in TILLS:
            reports[day, till] = shop.close_shift(till, expected[day, till]["cash"])
        clock.advance(NIGHT_SECONDS)
    for key, report in reports.items():
        assert differences(told(shop, report), expected[key]) == {}
        taken = sum(total.amount_minor for total in report.methods)
        assert taken == report.net_minor - report.returns_minor + report.rounding_minor
        assert report.cash_variance_minor == 0
    # Nothing of it was idle.
    assert shop.rows("SELECT COUNT(*) FROM payment WHERE method = 'exchange:card'")[0][0] > 5
    assert {name[1] for till in expected.values() for name in till if name[0] == "vat"} == {None, 1_000, 2_000, 2_200}
    old_rate_today = "SELECT COUNT(*) FROM refund_line l JOIN refund r ON r.id = l.refund_id WHERE r.shift_id = ? AND "
    today = [reports[EVE + 1, till].shift_id for till in TILLS]
    assert sum(shop.rows(f"{old_rate_today} vat_basis_points = 2000", shift_id)[0][0] for shift_id in today) > 0
    printed = shop.rows("SELECT DISTINCT reason FROM sale_line WHERE reason IS NOT NULL")
    assert {code for (reasons,) in printed for code in reasons.split("; ")} == {offer["code"] for offer in OFFERS}
