"""Exchanges through power cuts and in any order: both halves or neither, and everything comes back as it was paid."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from branch_node.devices.payment_terminal import SimulatedTerminal
from branch_node.operations import basket, sale_actions, sale_payments
from branch_node.operations.paying_back import plan_pay_back
from branch_node.operations.refund_request import SoldLineRequest
from branch_node.operations.sale_actions import Till
from branch_node.storage import basket_returns
from branch_node.storage.basket_returns import ReturnRow
from shared.domain.rounding import CashRounding
from shared.domain.sales import Payment
from shared.errors import Refused
from tests.support.basket_desk import next_request
from tests.support.exchanges import exchange_sums
from tests.support.fuse import FragileTerminal, Fuse, PowerCut, cut_writes
from tests.support.shop import Shop
from tests.unit.test_exchanging import bring_back, due, give_back, pay, scan, sold
from tests.unit.test_exchanging import till as till


def test_what_comes_back_is_kept_by_basket_sale_and_line(shop: Shop) -> None:
    row = ReturnRow(b"s" * 16, 2, "1-000001", "Coat", 1_000, 250_000)
    other = row._replace(sale_line=1, reason="torn")
    with shop.store.write() as connection:
        cursor = connection.connection.cursor()
        for each in (row, other, row._replace(quantity_thousandths=500)):
            basket_returns.put_return(cursor, b"b" * 16, each)
        assert basket_returns.read_returns(cursor, b"c" * 16) == ()
        assert [each.sale_line for each in basket_returns.read_returns(cursor, b"b" * 16)] == [1, 2]
        assert basket_returns.find_return(cursor, b"b" * 16, other.key) == other
        basket_returns.drop_return(cursor, b"b" * 16, other)
        assert basket_returns.find_return(cursor, b"b" * 16, other.key) is None


def test_the_terminal_pays_back_what_one_of_its_charges_covers(till: Till, shop: Shop, tmp_path: Path) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal")
    outcome = sale_payments.pay_by_card(till, shop.processor.sell, terminal, scan(till, "shirt"), None).outcome
    assert outcome is not None
    assert outcome.sold is not None
    with shop.store.read_cursor() as cursor:
        planned = [
            [amount for _, amount in plan_pay_back(cursor, outcome.sold.sale_id, [Payment(method, amount)])]
            for method, amount in (("card", 30_000), ("card", 100_001), ("cash", 30_000))
        ]
    assert planned == [[30_000], [], []]


def test_dying_at_any_step_leaves_both_halves_or_neither_and_pays_back_once(
    till: Till, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal")
    fuse = Fuse()
    cut_writes(shop, fuse, monkeypatch)
    fragile = FragileTerminal(terminal, fuse)
    survived, steps = False, 0
    while not survived:
        bought = sale_payments.pay_by_card(till, shop.processor.sell, terminal, scan(till, "coat"), None).outcome
        assert bought is not None
        assert bought.sold is not None
        bring_back(till, bought.sold.receipt)
        basket_id = scan(till, "shirt")
        before = shop.count("sale"), shop.count("refund")
        fuse.steps_left = steps
        try:
            outcome = sale_payments.pay_cash(till, shop.processor.sell, basket_id, None, terminal=fragile)
            survived = True
        except PowerCut:
            shop.store.nodes.forget()
            grown = shop.count("sale") - before[0], shop.count("refund") - before[1]
            assert grown in ((0, 0), (1, 1))
            # The next life: whoever presses again, or the start, finishes it.
            basket.recover_baskets(shop.store)
            with suppress(Refused):  # The terminal had never heard of it: asked anew, it pays.
                sale_payments.pay_cash(till, shop.processor.sell, basket_id, None, terminal=fragile)
            outcome = sale_payments.pay_cash(till, shop.processor.sell, basket_id, None, terminal=fragile)
        assert outcome.sold is not None
        assert (shop.count("sale"), shop.count("refund")) == (before[0] + 1, before[1] + 1)
        steps += 1
    assert steps > 8
    charged, back = (
        shop.one(f"SELECT SUM(amount_minor) FROM card_attempt WHERE state = 'used' AND refunds IS {what}")
        for what in ("NULL", "NOT NULL")
    )
    assert (charged, back) == (250_000 * steps, 150_000 * steps)
    assert shop.rows("SELECT DISTINCT state FROM card_attempt WHERE state <> 'used'") in ([], [("reversed",)])
    given = [amount for amount in terminal.charges().values() if amount < 0]
    assert given == [-150_000] * steps
    assert exchange_sums(shop) == {"sale": 0, "refund": 0, "exchange": 0}


@pytest.mark.parametrize("seed", range(4))
def test_after_any_exchanges_everything_that_is_left_comes_back_as_it_was_paid(
    till: Till, shop: Shop, seed: int
) -> None:
    chance = Random(seed)
    shop.open_shift()
    receipts = [
        sold(
            shop, ("shirt", 50_001), ("coat", chance.randint(1, 99_999)), card=chance.choice((0, 20_000)), cash=200_000
        )
        for _ in range(3)
    ]
    for _ in range(6):
        receipt = chance.choice(receipts)
        with suppress(Refused):
            sale_actions.return_goods(till, next_request(), receipt, [SoldLineRequest(1, chance.choice((300, None)))])
        basket_id = scan(till, *chance.choices(("milk", "shirt", "coat"), k=chance.randint(1, 2)))
        left = due(till).total_minor
        if left and chance.random() < 0.5:
            outcome = sale_payments.pay_elsewhere(till, shop.processor.sell, basket_id, chance.choice((left, 1)))
        else:
            outcome = pay(till, shop, rounding=CashRounding(100))
        assert outcome.sold is not None
        receipts.append(outcome.sold.receipt)
        assert exchange_sums(shop) == {"sale": 0, "refund": 0, "exchange": 0}
    for receipt in receipts:
        with suppress(Refused):
            give_back(shop, receipt)
    assert exchange_sums(shop) == {"sale": 0, "refund": 0, "exchange": 0}
    taken = dict(shop.rows("SELECT method, SUM(amount_minor) FROM payment GROUP BY method"))
    taken["cash"] -= shop.one("SELECT SUM(change_minor) FROM sale")
    returned = dict(shop.rows("SELECT method, SUM(amount_minor) FROM refund_payment GROUP BY method"))
    assert {name: amount for name, amount in taken.items() if amount} == returned
    report = shop.close_shift()
    other = {each.method: each.amount_minor for each in report.methods}
    assert sum(other.values()) == report.net_minor - report.returns_minor + report.rounding_minor
    assert all(amount == 0 for method, amount in other.items() if method.startswith("exchange"))
