"""An exchange at the till, in Russian, with keyboard and scanner: keys are counted, one paper comes out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ServedBranch, Visit
from tests.browser.test_sale import BUTTER, MILK, at_till, scan
from tests.browser.test_sale import till as till
from tests.support.browsing import screenshot, serious_barriers
from tests.support.points import client_with_points, learn_program

NO_BREAK = "\u00a0"


def bought(till: ServedBranch, *goods: tuple[str, int]) -> str:
    lines = [
        {
            "sku": sku,
            "quantity": 1,
            "amount_minor": amount,
        }
        for sku, amount in goods
    ]
    total = sum(amount for _, amount in goods)
    payments = [{"method": "card", "amount_minor": total}]
    return till.staff.shop.sell("bought", lines=lines, payments=payments).receipt


def test_one_line_is_exchanged_with_three_keys(till: ServedBranch, visit: Visit) -> None:
    receipt = bought(till, ("milk", 8_350))
    _, page = at_till(till, visit)
    scan(page, receipt)
    expect(page.locator(".remark")).to_contain_text("1-000001")
    keys = ["Shift+F9", "Enter", "F12"]
    page.keyboard.press(keys[0])
    expect(page.locator("#sheet [data-choice='1']")).to_be_focused()
    expect(page.locator("#sheet [data-choice='1']")).to_be_checked()
    page.keyboard.press(keys[1])
    expect(page.locator(".comes-back .line-sum")).to_have_text(f"−83,50{NO_BREAK}₽")
    scan(page, BUTTER)
    expect(page.locator(".total-value")).to_have_text(f"136,40{NO_BREAK}₽")
    page.keyboard.press(keys[2])
    expect(page.locator("#sold-title")).to_have_text("Чек 1-000003")
    shop = till.staff.shop
    assert (shop.count("sale"), shop.count("refund")) == (2, 1)


def test_of_several_lines_a_digit_ticks_and_the_sheet_takes_the_scan_itself(till: ServedBranch, visit: Visit) -> None:
    receipt = bought(till, ("milk", 8_350), ("butter", 21_990))
    _, page = at_till(till, visit)
    scan(page, MILK)
    expect(page.locator("[data-line]")).to_have_count(1)
    page.keyboard.press("Shift+F9")
    expect(page.locator("#receipt-back")).to_be_focused()
    scan(page, receipt)
    expect(page.locator("#sheet [data-choice='2']")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator("#sheet [data-choice='2']")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator(".comes-back .line-name")).to_have_text("Масло сливочное 82,5 %")
    expect(page.locator(".total-value")).to_have_text(f"136,40{NO_BREAK}₽")
    expect(page.locator(".total-box")).to_contain_text("Банковская карта")
    page.keyboard.press("F12")
    expect(page.locator(".change-value")).to_have_text(f"136,40{NO_BREAK}₽")
    assert till.staff.shop.count("refund") == 1


@pytest.mark.parametrize(("language", "colours"), [("ru", "light"), ("ru", "dark"), ("en", "light"), ("en", "dark")])
def test_the_exchange_is_readable(till: ServedBranch, visit: Visit, language: str, colours: str) -> None:
    receipt = bought(till, ("milk", 8_350), ("butter", 21_990))
    visitor, page = at_till(till, visit, language=language, colours=colours)
    scan(page, receipt)
    expect(page.locator(".remark")).to_contain_text("1-000001")
    page.keyboard.press("Shift+F9")
    page.locator("#sheet [data-choice='2']").check()
    screenshot(page, f"exchange-sheet-{language}-{colours}")
    assert serious_barriers(page) == []
    page.keyboard.press("Enter")
    expect(page.locator(".comes-back")).to_be_visible()
    scan(page, MILK)
    expect(page.locator("[data-line]")).to_have_count(1)
    screenshot(page, f"exchange-{language}-{colours}")
    assert serious_barriers(page) == []
    page.keyboard.press("F12")
    expect(page.locator("#sold-title")).to_be_visible()
    screenshot(page, f"exchanged-{language}-{colours}")
    assert serious_barriers(page) == []
    visitor.open("/refunds/new?receipt=1-000001")
    screenshot(page, f"exchange-refund-{language}-{colours}")


@pytest.mark.parametrize(("language", "colours"), [("ru", "light"), ("en", "dark")])
def test_points_pay_with_two_keys_and_the_rest_with_a_third(
    till: ServedBranch, visit: Visit, language: str, colours: str
) -> None:
    shop = till.staff.shop
    learn_program(shop)
    client_with_points(shop, points=100, lent=30)
    _, page = at_till(till, visit, language=language, colours=colours)
    scan(page, MILK)
    page.keyboard.press("F4")
    page.locator("#sheet #q").fill("Петр")
    page.locator("#sheet #q").press("Enter")
    expect(page.locator("#sheet [data-choice='1']").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".client strong")).to_have_text("А. Петр…")
    page.keyboard.press("F9")
    expect(page.locator(".points")).to_be_visible()
    expect(page.locator("#given")).to_be_focused()
    screenshot(page, f"points-sheet-{language}-{colours}")
    assert serious_barriers(page) == []
    page.keyboard.press("F8")
    expect(page.locator("#board .total-value")).to_contain_text("53")
    expect(page.locator("#sheet")).to_be_hidden()
    screenshot(page, f"points-{language}-{colours}")
    assert serious_barriers(page) == []
    page.keyboard.press("F12")
    expect(page.locator("#sold-title")).to_be_visible()
    paid = shop.rows("SELECT method, amount_minor FROM payment ORDER BY payment_number")
    assert paid == [("points", 3_000), ("cash", 5_350)]
