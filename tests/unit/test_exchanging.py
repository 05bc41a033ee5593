"""Exchanges: goods come back into a basket, others are taken, the difference is paid; in one transaction or not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from branch_node.devices.payment_terminal import SimulatedTerminal
from branch_node.operations import basket, sale_actions, sale_payments
from branch_node.operations.exchanging import begin_exchange
from branch_node.operations.receipt_finding import find_pair, read_receipt
from branch_node.operations.refund_request import SoldLineRequest, parse_refund_request
from branch_node.operations.refunding import RefundAnswer
from branch_node.operations.sale_actions import Entry, Till
from branch_node.operations.sale_request import ReturnedGoods, ReturnedLine
from branch_node.storage.transaction import ReceiptTexts
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Permission
from shared.domain.receipt_rows import receipt_rows
from shared.domain.rounding import CashRounding
from shared.domain.sales import Payment
from shared.errors import BasketClosed, FilialError, InvalidInput, KeyReused, NotPermitted, Refused
from tests.support.basket_desk import CASHIER, learn_goods, next_request
from tests.support.exchanges import exchange_sums
from tests.support.shop import Shop, request


@pytest.fixture
def till(shop: Shop) -> Till:
    learn_goods(shop, "milk", 8_350, name="Milk")
    learn_goods(shop, "shirt", 100_000, name="Shirt")
    learn_goods(shop, "coat", 250_000, name="Coat")
    return Till(shop.store, LOCAL_ADMINISTRATOR, "1")


def sold(shop: Shop, *lines: tuple[str, int], **paid: int) -> str:
    """A receipt of pieces at amounts, paid by these methods; its number."""
    total = sum(amount for _, amount in lines)
    answer = shop.sell(
        next_request(),
        lines=[{"sku": sku, "quantity": 1, "amount_minor": amount} for sku, amount in lines],
        payments=[{"method": method, "amount_minor": amount} for method, amount in (paid or {"cash": total}).items()],
    )
    return answer.receipt


def give_back(shop: Shop, receipt: str, *lines: int) -> RefundAnswer:
    document: dict[str, Any] = {"key": next_request(), "register": "2", "cashier": "boris", "receipt": receipt}
    if lines:
        document["lines"] = [{"line": line} for line in lines]
    return shop.processor.refund(parse_refund_request(document))


def bring_back(till: Till, receipt: str, *lines: int, **details: Any) -> basket.Done:
    wanted = [SoldLineRequest(line, None) for line in lines or (1,)]
    return sale_actions.return_goods(till, next_request(), receipt, wanted, **details)


def scan(till: Till, *codes: str) -> bytes:
    sale_actions.enter(till, [Entry(next_request(), code) for code in codes])
    return current(till)


def current(till: Till) -> bytes:
    found = basket.current_basket(till.store, till.register)
    assert found
    return found


def pay(till: Till, shop: Shop, given: int | None = None, **details: Any) -> basket.PaymentOutcome:
    return sale_payments.pay_cash(till, shop.processor.sell, current(till), given, **details)


def due(till: Till) -> sale_payments.Due:
    basket_id = current(till)
    return sale_payments.due_of(basket.view(till.store, basket_id), sale_payments.attempts_of(till, basket_id))


def paid(shop: Shop, receipt_of: str = "payment", table: str = "sale") -> list[tuple[str, int]]:
    """What the newest sale, or refund, was paid by."""
    newest = f"SELECT id FROM {table} ORDER BY receipt_number DESC LIMIT 1"
    statement = f"SELECT method, amount_minor FROM {receipt_of} WHERE {table}_id = ({newest}) ORDER BY payment_number"
    return [tuple(row) for row in shop.rows(statement)]


def test_the_client_pays_the_difference_and_both_facts_balance(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    bring_back(till, receipt)
    scan(till, "coat")
    assert due(till)[:4] == (160_000, 0, 160_000, 160_000)
    outcome = pay(till, shop, 200_000)
    assert outcome.sold is not None
    assert (outcome.sold.receipt, outcome.sold.change_minor) == ("1-000003", 40_000)
    assert paid(shop) == [("exchange", 90_000), ("cash", 200_000)]
    assert paid(shop, "refund_payment", "refund") == [("exchange", 90_000)]
    assert exchange_sums(shop) == {"sale": 0, "refund": 0, "exchange": 0}
    assert shop.one("SELECT COUNT(DISTINCT command_id) FROM (SELECT command_id FROM refund UNION ALL "
                    "SELECT command_id FROM sale WHERE receipt_number = 3)") == 1  # fmt: skip


def test_the_client_gets_the_difference_back_to_the_card_first(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("coat", 250_000), card=60_000, cash=190_000)
    bring_back(till, receipt)
    scan(till, "shirt")
    assert due(till).pay_out == (Payment("card", 60_000), Payment("cash", 90_000))
    assert pay(till, shop).sold is not None
    assert paid(shop) == [("exchange", 100_000)]
    assert paid(shop, "refund_payment", "refund") == [("card", 60_000), ("cash", 90_000), ("exchange", 100_000)]
    assert exchange_sums(shop) == {"sale": 0, "refund": 0, "exchange": 0}


def test_an_even_exchange_moves_no_money(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 100_000), card=100_000)
    bring_back(till, receipt)
    scan(till, "shirt")
    assert due(till)[:4] == (0, 0, 0, 0)
    assert due(till).pay_out == ()
    with pytest.raises(InvalidInput, match="Nothing is to be paid"):
        pay(till, shop, 500)
    assert pay(till, shop).sold is not None
    assert paid(shop) == [("exchange:card", 100_000)]
    # What was paid by card first comes back by card, however often it was exchanged.
    give_back(shop, "1-000003")
    back = (
        "SELECT p.method, p.amount_minor FROM refund r JOIN refund_payment p ON p.refund_id = r.id WHERE register = '2'"
    )
    assert shop.rows(back) == [("card", 100_000)]


def test_cash_of_the_difference_is_rounded_and_the_goods_are_not(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 4_020))
    bring_back(till, receipt)
    scan(till, "milk")
    outcome = pay(till, shop, rounding=CashRounding(100))
    assert outcome.sold is not None
    assert paid(shop) == [("exchange", 4_020), ("cash", 4_300)]
    assert shop.one("SELECT rounding_minor FROM sale WHERE receipt_number = 3") == -30
    assert exchange_sums(shop) == {"sale": 0, "refund": 0, "exchange": 0}


def test_the_difference_is_paid_by_card_through_the_terminal(till: Till, shop: Shop, tmp_path: Path) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal")
    receipt = sold(shop, ("shirt", 90_000))
    bring_back(till, receipt)
    answer = sale_payments.pay_by_card(till, shop.processor.sell, terminal, scan(till, "coat"), None)
    assert answer.outcome is not None
    assert answer.outcome.sold is not None
    assert list(terminal.charges().values()) == [160_000]
    assert paid(shop) == [("exchange", 90_000), ("card", 160_000)]
    assert shop.rows("SELECT state FROM card_attempt") == [("used",)]


def test_the_terminal_pays_the_difference_back_once(till: Till, shop: Shop, tmp_path: Path) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal")
    bought = sale_payments.pay_by_card(till, shop.processor.sell, terminal, scan(till, "coat"), None).outcome
    assert bought is not None
    assert bought.sold is not None
    bring_back(till, bought.sold.receipt)
    scan(till, "shirt")
    basket_id = current(till)
    outcome = pay(till, shop, terminal=terminal)
    again = sale_payments.pay_cash(till, shop.processor.sell, basket_id, None, terminal=terminal)
    assert outcome.sold == again.sold
    refund_id = shop.one("SELECT id FROM refund")
    assert shop.rows("SELECT state, amount_minor, record_id FROM card_attempt WHERE refunds IS NOT NULL") == [
        ("used", 150_000, refund_id)
    ]
    assert paid(shop, "refund_payment", "refund") == [("card", 150_000), ("exchange:card", 100_000)]


def test_without_new_goods_it_is_a_refund_and_says_so(till: Till, shop: Shop) -> None:
    bring_back(till, sold(shop, ("shirt", 90_000)))
    with pytest.raises(Refused, match="Nothing is taken instead"):
        pay(till, shop)
    assert shop.count("refund") == 0
    assert basket.view(till.store, current(till)).state == "open"


def test_what_somebody_gives_back_meanwhile_is_told_at_payment(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000), ("milk", 8_000))
    bring_back(till, receipt, 1, 2)
    scan(till, "coat")
    give_back(shop, receipt, 2)
    returned = basket.view(till.store, current(till)).returned
    assert returned is not None
    assert returned.problem == f"milk of receipt {receipt} was given back meanwhile."
    with pytest.raises(Refused, match="milk of receipt 1-000001 was given back meanwhile"):
        pay(till, shop)
    sale_actions.keep_goods(till, current(till), next_request(), returned.lines[1].key)
    assert pay(till, shop).sold is not None
    assert paid(shop)[0] == ("exchange", 90_000)


def test_what_is_given_back_between_the_screen_and_the_commit_exchanges_nothing(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    bring_back(till, receipt)
    basket_id = scan(till, "coat")

    def overtaken(request: Any) -> Any:
        give_back(shop, receipt)
        return shop.processor.sell(request)

    before = shop.count("sale")
    with pytest.raises(Refused, match="was given back meanwhile"):
        sale_payments.pay_cash(till, overtaken, basket_id, None)
    assert (shop.count("sale"), shop.count("refund")) == (before, 1)
    assert basket.view(till.store, basket_id).state == "open"


def test_another_refund_that_changes_the_worth_is_told(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("coat", 250_000), card=250_000)
    bring_back(till, receipt)
    request = basket.sale_request(till.store, scan(till, "coat"), ())
    assert request.returned is not None
    other = request._replace(returned=request.returned._replace(credit_minor=1))
    with pytest.raises(Refused, match="worth something else"):
        shop.processor.sell(other)
    assert shop.processor.sell(request).receipt == "1-000003"


def test_goods_of_one_receipt_come_back_in_one_basket(till: Till, shop: Shop) -> None:
    first, second = sold(shop, ("shirt", 90_000)), sold(shop, ("milk", 8_000))
    bring_back(till, first)
    with pytest.raises(Refused, match="another receipt"):
        bring_back(till, second)
    done = basket.undoable(till.store, current(till))[0]
    assert done.name == "Shirt"
    sale_actions.undo(till, current(till), next_request(), done.action)
    bring_back(till, second)


def test_what_was_taken_out_does_not_come_back_beside_another_receipt(till: Till, shop: Shop) -> None:
    first, second = sold(shop, ("shirt", 90_000)), sold(shop, ("milk", 8_000))
    bring_back(till, first)
    returned = basket.view(till.store, current(till)).returned
    assert returned is not None
    kept = sale_actions.keep_goods(till, current(till), next_request(), returned.lines[0].key)
    bring_back(till, second)
    with pytest.raises(Refused, match="another receipt"):
        sale_actions.undo(till, current(till), next_request(), kept.action)


def test_more_than_was_sold_does_not_come_into_the_basket(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    with pytest.raises(Refused):
        sale_actions.return_goods(till, next_request(), receipt, [SoldLineRequest(1, 2_000)])
    with pytest.raises(InvalidInput, match="no line 2"):
        bring_back(till, receipt, 2)
    with pytest.raises(InvalidInput, match="No line is ticked"):
        sale_actions.return_goods(till, next_request(), receipt, [])
    give_back(shop, receipt)
    with pytest.raises(Refused, match="Everything on receipt 1-000001 was given back"):
        bring_back(till, receipt)


def test_a_request_is_done_once_and_undone_whole(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000), ("milk", 8_000))
    wanted = [SoldLineRequest(1, None), SoldLineRequest(2, 500)]
    first = sale_actions.return_goods(till, "same", receipt, wanted)
    assert sale_actions.return_goods(till, "same", receipt, wanted) == first
    returned = basket.view(till.store, current(till)).returned
    assert returned is not None
    assert [(line.name, line.quantity_thousandths, line.amount_minor) for line in returned.lines] == [
        ("Shirt", 1_000, 90_000),
        ("Milk", 500, 4_000),
    ]
    basket.undo(till.store, current(till), next_request(), first.action, CASHIER)
    assert basket.view(till.store, current(till)).returned is None


def test_a_held_basket_keeps_what_comes_back(till: Till, shop: Shop) -> None:
    bring_back(till, sold(shop, ("shirt", 90_000)))
    basket_id = scan(till, "coat")
    sale_actions.hold(till, basket_id, "")
    (glance,) = basket.held(till.store)
    assert (glance.lines, glance.total_minor) == (2, 160_000)
    scan(till, "milk")
    sale_actions.recall(till, basket_id)
    assert due(till).total_minor == 160_000
    basket.clear(till.store, basket_id, next_request())
    assert basket.view(till.store, basket_id).returned is None


def test_a_basket_with_nothing_but_what_comes_back_can_be_held(till: Till, shop: Shop) -> None:
    bring_back(till, sold(shop, ("shirt", 90_000)))
    basket_id = current(till)
    sale_actions.hold(till, basket_id, "")
    (glance,) = basket.held(till.store)
    assert (glance.first_name, glance.total_minor) == ("Shirt", -90_000)


def test_a_sale_of_the_same_goods_without_what_comes_back_is_another(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    basket_id, cash = scan(till, "coat"), [Payment("cash", 250_000)]
    plain = basket.sale_request(till.store, basket_id, cash)
    bring_back(till, receipt)
    exchange = basket.sale_request(till.store, basket_id, cash)
    assert (plain.key, plain.lines) == (exchange.key, exchange.lines)
    shop.processor.sell(exchange)
    with pytest.raises(KeyReused):
        shop.processor.sell(plain)


def test_a_basket_paid_twice_is_exchanged_once(till: Till, shop: Shop) -> None:
    bring_back(till, sold(shop, ("shirt", 90_000)))
    basket_id = scan(till, "coat")
    request = basket.sale_request(till.store, basket_id, [Payment("cash", 160_000)])
    first, second = shop.processor.sell(request), shop.processor.sell(request)
    assert first == second
    assert (shop.count("refund"), shop.count("sale")) == (1, 2)
    assert basket.view(till.store, basket_id).sold == basket.SoldAs(first.sale_id, "1-000003", 250_000, 0)


def test_a_card_that_paid_more_than_is_due_by_now_goes_back_first(till: Till, shop: Shop, tmp_path: Path) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal")
    receipt = sold(shop, ("coat", 250_000))
    sale_payments.pay_by_card(till, shop.processor.sell, terminal, scan(till, "shirt"), 50_000)
    bring_back(till, receipt)
    with pytest.raises(Refused, match="More was taken from the card"):
        pay(till, shop)
    assert shop.count("refund") == 0


def test_a_refusal_amid_the_exchange_leaves_neither_half(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    bring_back(till, receipt)
    basket_id = scan(till, "coat")
    with pytest.raises(FilialError):
        basket.pay(till.store, shop.processor.sell, basket_id, [Payment("card", 500_000)])
    assert shop.count("refund") == 0
    journal = shop.count("journal")
    request = basket.sale_request(till.store, basket_id, [Payment("cash", 160_000)])
    with pytest.raises(InvalidInput):
        shop.processor.sell(request._replace(payments=(Payment("cash", 1),)))
    assert (shop.count("refund"), shop.count("journal")) == (0, journal)
    assert shop.one("SELECT last_receipt_number FROM register WHERE code = '1'") == 1


def test_nothing_is_paid_by_exchange_otherwise(shop: Shop) -> None:
    for method in ("exchange", "exchange:card"):
        with pytest.raises(InvalidInput, match="settle by themselves"):
            shop.sell(payments=[{"method": method, "amount_minor": 50}])
        with pytest.raises(InvalidInput, match="settle by themselves"):
            parse_refund_request(
                {
                    "key": "k",
                    "register": "1",
                    "cashier": "anna",
                    "receipt": "1-000001",
                    "payments": [{"method": method, "amount_minor": 50}],
                }
            )


def test_the_z_report_counts_the_money_alone(till: Till, shop: Shop) -> None:
    shop.open_shift(float_minor=10_000)
    receipt = sold(shop, ("coat", 250_000), card=250_000)
    bring_back(till, receipt)
    scan(till, "shirt")
    pay(till, shop)
    bring_back(till, "1-000003")
    scan(till, "coat")
    pay(till, shop)
    report = shop.close_shift()
    assert report.methods == tuple(report.methods)
    assert {each.method: each.amount_minor for each in report.methods} == {
        "card": 100_000,
        "cash": 150_000,
        "exchange:card": 0,
    }
    assert report.expected_cash_minor == 160_000
    assert (report.net_minor, report.returns_minor, report.receipts, report.refunds) == (600_000, 350_000, 3, 2)
    taken = sum(each.amount_minor for each in report.methods)
    assert taken == report.net_minor - report.returns_minor + report.rounding_minor


def test_one_paper_shows_both_halves_and_the_code_of_the_sale(till: Till, shop: Shop) -> None:
    shop.store.printing = ReceiptTexts("ru")
    receipt = sold(shop, ("shirt", 90_000))
    bring_back(till, receipt, reason="мала")
    scan(till, "coat")
    pay(till, shop, 200_000)
    jobs = shop.rows("SELECT kind, record_id FROM print_job ORDER BY id")
    (sale_id,) = shop.rows("SELECT id FROM sale WHERE receipt_number = 3")[0]
    (refund_id,) = shop.rows("SELECT id FROM refund")[0]
    assert jobs[1:] == [("exchange", sale_id)]
    with shop.store.look() as transaction:
        assert (
            find_pair(transaction.cursor, sale_id) == find_pair(transaction.cursor, refund_id) == (sale_id, refund_id)
        )
        assert find_pair(transaction.cursor, shop.rows("SELECT id FROM sale WHERE receipt_number = 1")[0][0]) is None
        papers = [read_receipt(transaction, each, ReceiptTexts("ru")).document for each in (sale_id, refund_id)]
    assert papers[0] == papers[1]
    text = "\n".join(f"{row.left} {row.right}" for row in receipt_rows(papers[0]))
    for part in ("Чек обмена", "Чек № 1-000003", "К чеку 1-000001", "Возврат № 1-000002", "Причина: мала",
                 "ВОЗВРАЩЕНО", "-900.00", "КУПЛЕНО", "2500.00", "К ДОПЛАТЕ 1600.00 ₽", "Наличные 2000.00",
                 "Сдача 400.00"):  # fmt: skip
        assert part in text, text
    assert "Обмен" not in text
    assert "1-000003" in papers[0].qr


def test_a_manager_who_allowed_it_stands_on_the_refund(till: Till, shop: Shop) -> None:
    basket_id = scan(till, "coat")
    receipt = sold(shop, ("shirt", 90_000))
    basket.return_goods(till.store, basket_id, next_request(), receipt, [SoldLineRequest(1, None)], "maria", "torn")
    pay(till, shop)
    assert shop.rows("SELECT authorised_by, reason, sale_receipt FROM refund") == [("maria", "torn", receipt)]


def test_who_may_not_take_goods_back_needs_somebody_who_may(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    seller = till._replace(
        actor=replace(LOCAL_ADMINISTRATOR, code="igor", permissions=frozenset({Permission.SALE_MAKE}))
    )
    with pytest.raises(NotPermitted):
        bring_back(seller, receipt)
    with pytest.raises(NotPermitted):
        bring_back(seller, receipt, by=seller.actor)
    bring_back(seller, receipt, by=replace(LOCAL_ADMINISTRATOR, code="maria"))
    scan(seller, "coat")
    pay(seller, shop)
    assert shop.rows("SELECT cashier, authorised_by FROM refund") == [("igor", "maria")]


def test_another_tab_that_has_the_register_brings_nothing_back(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    basket_id = scan(till, "coat")
    sale_actions.hold(till, basket_id, "")
    with pytest.raises(BasketClosed):
        basket.return_goods(till.store, basket_id, next_request(), receipt, [SoldLineRequest(1, None)])


def test_the_frozen_basket_says_what_comes_back(till: Till, shop: Shop) -> None:
    bring_back(till, sold(shop, ("shirt", 90_000)))
    basket_id = scan(till, "coat")

    def dead(_request: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sale_payments.pay_cash(till, dead, basket_id, None)
    frozen = json.loads(shop.one("SELECT sale_asked FROM basket WHERE id = ?", basket_id))
    assert frozen["returned"][1:] == [[[1, 1_000]], 90_000, None, None]
    outcome = sale_payments.ask_again(till, shop.processor.sell, basket_id)
    assert outcome.sold is not None
    assert (shop.count("refund"), shop.count("sale")) == (1, 2)


def test_the_fiscal_device_is_told_of_both_parts(till: Till, shop: Shop) -> None:
    receipt = sold(shop, ("shirt", 90_000))
    shop.store.has_fiscal_device = True
    bring_back(till, receipt)
    scan(till, "coat")
    pay(till, shop)
    kinds = [kind for (kind,) in shop.rows("SELECT kind FROM fiscal_job ORDER BY id")]
    assert kinds == ["open_shift", "refund", "sale"]


def exchange_at(shop: Shop, receipt_sale: bytes, credit_minor: int) -> None:
    asked = request("x1", 90_000, payments=[])
    asked = asked._replace(returned=ReturnedGoods(receipt_sale, (ReturnedLine(1, 1_000),), credit_minor))
    with shop.store.operation() as transaction:
        begin_exchange(transaction, asked)


def test_goods_that_are_worth_something_else_are_not_exchanged(till: Till, shop: Shop) -> None:
    sale_id = shop.sell("k1", 90_000).sale_id
    with pytest.raises(Refused, match="worth something else"):
        exchange_at(shop, sale_id, 89_999)
    assert (shop.count("sale"), shop.count("refund")) == (1, 0)
    exchange_at(shop, sale_id, 90_000)
    assert (shop.count("sale"), shop.count("refund")) == (2, 1)
