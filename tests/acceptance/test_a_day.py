"""A day on four tills: 600 receipts, refunds, exchanges, split payments, cash moved, rounding; to the kopek."""

from __future__ import annotations

import random
from typing import Any

from branch_node.operations.cash import move_cash
from branch_node.operations.exchanging import begin_exchange
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import refund
from branch_node.operations.sale_request import ReturnedGoods, ReturnedLine
from branch_node.operations.selling import sell
from branch_node.storage.store import BranchStore
from tests.acceptance.reckoner import Happening, reckon
from tests.support.clock import FakeClock
from tests.support.shop import Shop, request

RECEIPTS = 600
TILLS = ("1", "2", "3", "4")


def sell_something(shop: Shop, chance: random.Random, number: int, till: str) -> Happening:
    """One sale of whole pieces, without VAT: cash, card or both; cash is rounded down to whole roubles."""
    lines = [(chance.randint(1, 99_999), 0) for _ in range(chance.randint(1, 5))]
    net = sum(amount for amount, _ in lines)
    how = chance.choice(("cash", "card", "both"))
    rounding = 0
    if how == "card":
        paid = {"card": net}
    else:
        card = net // 3 if how == "both" else 0
        rounding = -((net - card) % 100)
        due = net - card + rounding
        paid = {"card": card} if card else {}
        paid |= {"cash": due + chance.choice((0, 5_000))} if due else {}
    asked = request(
        f"s{number}",
        net,
        register=till,
        lines=[{"sku": "100", "quantity": 1, "amount_minor": amount} for amount, _ in lines],
        payments=[{"method": method, "amount_minor": amount} for method, amount in paid.items()],
    )
    with shop.store.operation() as transaction:
        answer = sell(transaction, asked._replace(rounding_minor=rounding))
    made = {"what": "sale", "till": till, "lines": lines, "rounding": rounding, "paid": paid}
    return {**made, "receipt": answer.receipt, "sale_id": answer.sale_id, "how": how}


def give_back(shop: Shop, number: int, till: str, sold: Happening) -> Happening:
    """All of a sale by card comes back, at any till."""
    document: dict[str, Any] = {"key": f"r{number}", "register": till, "cashier": "anna", "receipt": sold["receipt"]}
    with shop.store.operation() as transaction:
        refund(transaction, parse_refund_request(document))
    return {"what": "refund", "till": till, "lines": sold["lines"], "method": "card"}


def exchange(shop: Shop, chance: random.Random, number: int, till: str, sold: Happening) -> Happening:
    """All of a sale by card comes back, something else is taken; the difference goes to the card, or comes from it."""
    back, taken = sum(amount for amount, _ in sold["lines"]), chance.randint(1, 300_000)
    more = [{"method": "card", "amount_minor": taken - back}] if taken > back else []
    asked = request(
        f"x{number}",
        taken,
        register=till,
        lines=[{"sku": "200", "quantity": 1, "amount_minor": taken}],
        payments=more,
    )
    lines = tuple(ReturnedLine(place, 1_000) for place in range(1, len(sold["lines"]) + 1))
    asked = asked._replace(returned=ReturnedGoods(sold["sale_id"], lines, back))
    with shop.store.operation() as transaction:
        begin_exchange(transaction, asked)
    return {"what": "exchange", "till": till, "back": sold["lines"], "lines": [(taken, 0)], "method": "card"}


def move(shop: Shop, till: str, direction: str, amount: int) -> Happening:
    with shop.store.operation() as transaction:
        move_cash(transaction, till, "anna", direction, amount, "change")
    return {"what": direction, "till": till, "amount": amount}


def test_a_day_of_600_receipts_comes_to_what_an_independent_reckoner_says(
    branch_store: BranchStore, clock: FakeClock
) -> None:
    shop, chance = Shop(branch_store, clock), random.Random(20261123)
    happened: list[Happening] = []
    for till in TILLS:
        shop.open_shift(till, 100_000)
        happened.append({"what": "float", "till": till, "amount": 100_000})
    by_card: list[Happening] = []
    for number in range(RECEIPTS):
        till = chance.choice(TILLS)
        if by_card and chance.random() < 0.05:
            happened.append(give_back(shop, number, till, by_card.pop()))
            continue
        if by_card and chance.random() < 0.05:
            happened.append(exchange(shop, chance, number, till, by_card.pop()))
            continue
        sold = sell_something(shop, chance, number, till)
        happened.append(sold)
        if sold["how"] == "card":
            by_card.append(sold)
        if number % 50 == 0:
            happened.append(move(shop, till, chance.choice(("in", "out")), chance.randint(1, 5_000)))
    expected = reckon(happened)
    for till in TILLS:
        right = expected[till]
        report = shop.close_shift(till, right["cash"])
        told = (report.net_minor, report.returns_minor, report.rounding_minor, report.expected_cash_minor)
        assert told == (right["net"], right["returns"], right["rounding"], right["cash"])
        methods = {total.method: total.amount_minor for total in report.methods}
        assert methods == right["methods"]
        assert sum(methods.values()) == report.net_minor - report.returns_minor + report.rounding_minor
        assert (report.receipts + report.refunds, report.cash_variance_minor) == (right["receipts"], 0)
