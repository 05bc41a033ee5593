"""Exchanging on the till's page, over HTTP: the sheet, the lines with a minus, the difference, and what is refused."""

from __future__ import annotations

import re

import pytest

from branch_node.operations import basket
from shared.domain.identifiers import format_id
from tests.support.shop import Shop
from tests.support.till_pages import Browser
from tests.unit.test_sale_pages import PART, board, scan, send
from tests.unit.test_sale_pages import browser as browser
from tests.unit.test_sale_pages import shop as shop
from tests.unit.test_sale_pages import staff as staff

KEEP = re.compile(r'name="key" value="([0-9a-f]{32}:1)"')


@pytest.fixture
def receipt(shop: Shop) -> str:
    """Bread and milk, paid by card."""
    lines = [
        {"sku": sku, "quantity": 2, "amount_minor": amount} for sku, amount in (("bread", 8_000), ("milk", 16_700))
    ]
    return shop.sell("bought", lines=lines, payments=[{"method": "card", "amount_minor": 24_700}]).receipt


def bring_back(browser: Browser, receipt: str, **fields: object) -> int:
    return send(browser, "return", receipt=receipt, **{"line": "1", "quantity-1": "1", **fields}).status_code


def test_a_scanned_receipt_offers_its_goods_and_the_sheet_shows_what_is_left(browser: Browser, receipt: str) -> None:
    page = scan(browser, receipt).text
    assert f'href="/sale/return?receipt={receipt}" data-sheet data-hotkey="Shift+F9"' in page
    sheet = browser.get(f"/sale/return?receipt={receipt}", **PART).text
    assert "<html" not in sheet
    assert sheet.count('type="checkbox"') == 2
    assert 'data-choice="2"' in sheet
    assert "bought 2, can come back 2" in sheet
    assert "There is no receipt 1-000099" in browser.get("/sale/return?receipt=99").text


def test_what_comes_back_stands_with_a_minus_and_only_the_difference_is_paid(
    browser: Browser, shop: Shop, receipt: str
) -> None:
    assert bring_back(browser, receipt) == 303
    page = board(browser)
    assert "Comes back · receipt 1-000001" in page
    assert re.search(r"line-sum\">−\D{0,5}40\.00", page)
    assert "Now scan what is taken instead." in page
    scan(browser, "milk")
    page = board(browser)
    assert "43.50" in page
    answer = send(browser, "pay")
    assert answer.status_code == 303
    done = browser.get(answer.headers["location"]).text
    assert "Receipt 1-000003" in done
    assert "came back" in done
    assert shop.rows("SELECT method, amount_minor FROM payment p JOIN sale s ON s.id = p.sale_id "
                     "WHERE s.receipt_number = 3 ORDER BY payment_number") == [
        ("exchange:card", 4_000), ("cash", 4_350)]  # fmt: skip
    again = browser.post("/sale/pay", basket=_basket_of(answer.headers["location"]))
    assert again.headers["location"] == answer.headers["location"]
    assert (shop.count("sale"), shop.count("refund")) == (2, 1)


def _basket_of(location: str) -> str:
    return location.partition("sold=")[2]


def test_more_back_than_taken_is_paid_out_and_the_page_says_how(browser: Browser, shop: Shop, receipt: str) -> None:
    bring_back(browser, receipt, line="2", **{"quantity-2": "2"})
    scan(browser, "bread")
    page = board(browser)
    assert "to give back" in page
    assert "Card" in page
    assert "Pay it out" in page
    assert "Nothing is to be paid for this exchange." in browser.get("/sale/pay", **PART).text
    done = browser.get(send(browser, "pay").headers["location"]).text
    assert "give back: Card" in done
    assert "127.00" in done
    assert shop.rows("SELECT method, amount_minor FROM refund_payment ORDER BY payment_number") == [
        ("card", 12_700),
        ("exchange:card", 4_000),
    ]


def test_both_receipts_show_the_one_paper(browser: Browser, shop: Shop, receipt: str) -> None:
    bring_back(browser, receipt)
    scan(browser, "milk")
    send(browser, "pay")
    for table, number in (("sale", 3), ("refund", 2)):
        (record_id,) = shop.rows(f"SELECT id FROM {table} WHERE receipt_number = ?", number)[0]
        page = browser.get(f"/receipts/{format_id(record_id)}").text
        assert f"1-00000{number}</h1>" in page
        assert "ВОЗВРАЩЕНО" in page
        assert "К ДОПЛАТЕ" in page


def test_a_line_that_was_to_come_back_is_taken_out_and_undone(browser: Browser, shop: Shop, receipt: str) -> None:
    bring_back(browser, receipt)
    page = board(browser)
    found = KEEP.search(page)
    assert found
    assert "comes back: Bread" in page
    assert send(browser, "keep", key=found[1]).status_code == 303
    assert "Comes back" not in board(browser)
    current = basket.current_basket(shop.store, "1")
    assert current
    (action, *_) = basket.undoable(shop.store, current)
    assert send(browser, "undo", action=action.action).status_code == 303
    assert "Comes back" in board(browser)


def test_what_cannot_come_back_is_told_on_the_sheet_and_changes_nothing(
    browser: Browser, shop: Shop, receipt: str
) -> None:
    for fields, said in (
        ({"line": "7"}, "no line 7"),
        ({"line": "1", "quantity-1": "3"}, "was given back meanwhile"),
        ({"line": []}, "No line is ticked"),
    ):
        answer = browser.post("/sale/return", receipt=receipt, request="r-x", **fields)
        assert answer.status_code in (400, 409, 422)
        assert said in answer.text
    assert "Comes back" not in board(browser)
    elsewhere = browser.get("/sale/return?receipt=" + "https://example.com", **PART)
    assert "is no receipt number" in elsewhere.text


def test_the_refund_page_hands_its_ticks_to_the_basket(browser: Browser, shop: Shop, receipt: str) -> None:
    page = browser.get(f"/refunds/new?receipt={receipt}").text
    assert 'formaction="/sale/return"' in page
    fields = {"key": "refund:x", "receipt": receipt, "branch": "", "line": ["1", "2"], "reason": "too old"}
    answer = browser.post("/sale/return", request="r-y", **{"quantity-1": "2", "quantity-2": "1"}, **fields)
    assert answer.headers["location"] == "/sale"
    current = basket.current_basket(shop.store, "1")
    assert current
    returned = basket.view(shop.store, current).returned
    assert returned is not None
    assert [line.quantity_thousandths for line in returned.lines] == [2_000, 1_000]
    assert returned.goods.reason == "too old"


def test_goods_without_anything_new_are_not_paid_out(browser: Browser, shop: Shop, receipt: str) -> None:
    bring_back(browser, receipt)
    answer = send(browser, "pay")
    assert "Nothing is taken instead yet." in answer.text
    assert shop.count("refund") == 0
