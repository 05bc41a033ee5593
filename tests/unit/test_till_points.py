"""Points as payment at the till: exactly so many, never more than is lent or may pay, nothing spent before the sale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import basket, sale_actions, sale_payments
from branch_node.operations.basket import PointsOffer
from branch_node.operations.refund_request import SoldLineRequest, parse_refund_request
from branch_node.operations.sale_actions import Entry, Till
from branch_node.storage.store import BranchStore
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.rounding import CashRounding
from shared.errors import InvalidInput, Refused
from tests.support.basket_desk import learn_client, learn_goods, next_request
from tests.support.clock import FakeClock
from tests.support.exchanges import exchange_sums
from tests.support.points import LEASE_SECONDS, client_with_points, learn_program, lend
from tests.support.shop import Shop
from tests.support.till_pages import Browser, make_pages, staff_of
from tests.unit.test_sale_pages import PART, board, scan, send


@pytest.fixture
def till(shop: Shop) -> Till:
    """A basket of 83.50 at register 1."""
    learn_goods(shop, "milk", 8_350)
    learn_goods(shop, "coat", 250_000)
    learn_program(shop)
    till = Till(shop.store, LOCAL_ADMINISTRATOR, "1")
    sale_actions.enter(till, [Entry(next_request(), "milk")])
    return till


def current(till: Till) -> bytes:
    found = basket.current_basket(till.store, "1")
    assert found
    return found


def offer(till: Till) -> PointsOffer | None:
    return basket.view(till.store, current(till)).points


def attach(till: Till, reference: str = "900") -> None:
    sale_actions.attach_client(till, next_request(), reference)


def choose(till: Till, points: int | None = None) -> basket.Done:
    return sale_payments.choose_points(till, current(till), next_request(), points)


def pay(till: Till, shop: Shop, given: int | None = None, **details: Any) -> basket.PaymentOutcome:
    return sale_payments.pay_cash(till, shop.processor.sell, current(till), given, **details)


def payments(shop: Shop) -> list[Any]:
    return shop.rows("SELECT method, amount_minor FROM payment ORDER BY payment_number")


def spent(shop: Shop) -> int:
    return int(shop.one("SELECT COALESCE(SUM(spent), 0) FROM lease"))


def test_the_offer_is_the_smallest_of_share_lease_and_balance(till: Till, shop: Shop) -> None:
    assert offer(till) is None
    client = client_with_points(shop, points=100, lent=30)
    attach(till)
    # Half of 83.50 is 41 whole points; 30 are lent.
    assert offer(till) == PointsOffer(100, 30, 41, 100, 0)
    lend(shop, client, 50)
    assert offer(till) == PointsOffer(100, 41, 41, 100, 0)


def test_the_most_is_paid_by_points_and_the_rest_in_cash(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=80)
    attach(till)
    choose(till)
    found = offer(till)
    assert found is not None
    assert (found.chosen, found.paid_minor, spent(shop)) == (41, 4_100, 0)
    outcome = pay(till, shop, 5_000)
    assert outcome.sold is not None
    assert outcome.sold.change_minor == 750
    assert payments(shop) == [("points", 4_100), ("cash", 5_000)]
    assert spent(shop) == 41
    assert shop.one("SELECT SUM(points) FROM loyalty_entry WHERE kind = 'spent'") == -41


def test_fewer_are_paid_when_fewer_are_typed_and_none_for_nought(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=80)
    attach(till)
    choose(till, 10)
    choose(till, 0)
    choose(till, 7)
    assert sale_payments.due_of(basket.view(till.store, current(till)), []).total_minor == 7_650
    assert pay(till, shop, rounding=CashRounding(100)).sold is not None
    assert payments(shop) == [("points", 700), ("cash", 7_600)]
    assert spent(shop) == 7


def test_the_rest_is_paid_by_card(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=80)
    attach(till)
    choose(till, 20)
    outcome = sale_payments.pay_elsewhere(till, shop.processor.sell, current(till), None)
    assert outcome.sold is not None
    assert payments(shop) == [("points", 2_000), ("card", 6_350)]


def test_more_than_may_pay_is_refused(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=80)
    attach(till)
    with pytest.raises(InvalidInput, match="At most 41 points"):
        choose(till, 42)
    assert spent(shop) == 0


def test_without_a_lease_it_is_said_and_nothing_is_spent(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=0)
    attach(till)
    assert offer(till) == PointsOffer(100, 0, 41, 100, 0)
    with pytest.raises(Refused, match="lent this branch no points"):
        choose(till)
    # Typed all the same, the head office would be asked; this branch has never met it.
    choose(till, 5)
    with pytest.raises(AssertionError, match="asks nobody"):
        pay(till, shop)
    assert shop.count("sale") == 0


def test_without_points_or_a_client_it_is_said(till: Till, shop: Shop) -> None:
    with pytest.raises(Refused, match="need a client"):
        choose(till)
    client_with_points(shop, points=0, lent=0)
    attach(till)
    with pytest.raises(Refused, match="no points that could pay"):
        choose(till)


def test_a_basket_that_comes_to_less_is_paid_by_fewer(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=2_000, lent=2_000)
    attach(till)
    sale_actions.enter(till, [Entry(next_request(), "coat")])
    choose(till)
    assert basket.view(till.store, current(till)).points == PointsOffer(2_000, 1_291, 1_291, 100, 1_291)
    coat = basket.view(till.store, current(till)).lines[1].line_id
    sale_actions.remove_line(till, current(till), next_request(), coat)
    pay(till, shop)
    assert payments(shop) == [("points", 4_100), ("cash", 4_250)]


def test_another_client_pays_with_no_points_of_the_first(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=80)
    learn_client(shop, "Boris", "901")
    attach(till)
    choose(till)
    attach(till, "901")
    attach(till)
    found = offer(till)
    assert found is not None
    assert found.chosen == 0
    choose(till)
    sale_actions.detach_client(till, current(till), next_request())
    pay(till, shop)
    assert payments(shop) == [("cash", 8_350)]
    assert spent(shop) == 0


def test_choosing_points_is_undone(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=80)
    attach(till)
    done = choose(till)
    sale_actions.undo(till, current(till), next_request(), done.action)
    found = offer(till)
    assert found is not None
    assert found.chosen == 0
    pay(till, shop)
    assert payments(shop) == [("cash", 8_350)]


def test_a_lease_that_has_ended_meanwhile_is_not_spent(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=100, lent=80)
    attach(till)
    choose(till)
    shop.clock.advance(LEASE_SECONDS + 1)
    assert offer(till) == PointsOffer(100, 0, 41, 100, 41)
    choose(till, 0)
    assert pay(till, shop).sold is not None
    assert spent(shop) == 0


def test_paid_twice_the_points_are_spent_once_and_a_refund_gives_them_back(till: Till, shop: Shop) -> None:
    client = client_with_points(shop, points=100, lent=80)
    attach(till)
    choose(till)
    basket_id = current(till)
    outcomes = [sale_payments.pay_cash(till, shop.processor.sell, basket_id, None) for _ in range(2)]
    assert outcomes[0] == outcomes[1]
    assert spent(shop) == 41
    shop.processor.refund(
        parse_refund_request({"key": "back", "register": "1", "cashier": "anna", "receipt": "1-000001"})
    )
    assert dict(shop.rows("SELECT method, amount_minor FROM refund_payment")) == {"points": 4_100, "cash": 4_250}
    entered = dict(shop.rows("SELECT kind, SUM(points) FROM loyalty_entry WHERE client_id = ? GROUP BY kind", client))
    assert entered == {"adjusted": 100, "spent": -41, "earned": 4, "clawed_back": -4, "given_back": 41}


def test_points_and_an_exchange_pay_together_and_points_come_back_as_points(till: Till, shop: Shop) -> None:
    client_with_points(shop, points=2_000, lent=2_000)
    attach(till)
    choose(till)
    pay(till, shop)
    bought = "1-000001"
    sale_actions.return_goods(till, next_request(), bought, [SoldLineRequest(1, None)])
    sale_actions.enter(till, [Entry(next_request(), "milk")])
    attach(till)
    # Of 83.50, 42.50 were money: only the rest of the new goods can be paid by points again.
    found = offer(till)
    assert found is not None
    assert found.payable == 41
    choose(till)
    due = sale_payments.due_of(basket.view(till.store, current(till)), [])
    assert (due.total_minor, due.by_points_minor, due.pay_out) == (0, 4_100, (("points", 4_100),))
    assert pay(till, shop).sold is not None
    assert exchange_sums(shop) == {"sale": 0, "refund": 0, "exchange": 0}
    assert dict(shop.rows("SELECT method, amount_minor FROM refund_payment")) == {"points": 4_100, "exchange": 4_250}
    assert spent(shop) == 82


def test_the_sheet_says_how_many_can_pay_and_one_press_pays_them(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path
) -> None:
    staff = staff_of(branch_store, clock, tmp_path)
    learn_goods(staff.shop, "milk", 8_350)
    learn_program(staff.shop)
    client_with_points(staff.shop, points=100, lent=30)
    browser = Browser(make_pages(branch_store, tmp_path))
    browser.log_in("anna", register="1")
    scan(browser, "milk")
    assert "payable here" not in browser.get("/sale/pay").text
    send(browser, "client", client="900")
    sheet = browser.get("/sale/pay", **PART).text
    assert "points: 100, at most 30 payable here" in sheet
    assert "Up to 41 when the head office is asked" in sheet
    assert "А. Петр…" in sheet
    assert "Петрова" not in sheet
    assert send(browser, "points").status_code == 303
    page = board(browser)
    assert "30 of them." in page
    assert "53.50" in page
    assert "At most 41 points can pay here." in send(browser, "points", points="50").text
    assert send(browser, "points", points="0").status_code == 303
    assert "of them." not in board(browser)
    send(browser, "points", points="12")
    send(browser, "pay")
    assert payments(staff.shop) == [("points", 1_200), ("cash", 7_150)]


def test_the_sheet_says_that_nothing_is_lent(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> None:
    staff = staff_of(branch_store, clock, tmp_path)
    learn_goods(staff.shop, "milk", 8_350)
    learn_program(staff.shop)
    client_with_points(staff.shop, points=100, lent=0)
    browser = Browser(make_pages(branch_store, tmp_path))
    browser.log_in("anna", register="1")
    scan(browser, "milk")
    send(browser, "client", client="900")
    assert "The head office has lent this branch no points" in browser.get("/sale/pay", **PART).text
    browser.post("/language", language="ru", next="/sale")
    assert "Главный офис сейчас не выделил магазину баллов" in browser.get("/sale/pay", **PART).text
    assert "Главный офис сейчас не выделил" in send(browser, "points").text
