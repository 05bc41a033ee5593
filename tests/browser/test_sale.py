"""A cashier at the till, in Russian, with keyboard and scanner: keys are counted, nothing that was scanned is lost."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from branch_node.operations import basket
from branch_node.storage.store import BranchStore
from shared.domain.records import RecordKind
from shared.sync.central import Findings, Question
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.basket_desk import learn_client, learn_goods
from tests.support.browsing import Visitor, screenshot, serious_barriers, serving
from tests.support.clock import FakeClock
from tests.support.head_office_stub import HeadOfficeStub
from tests.support.shop import change
from tests.support.till_pages import make_pages, staff_of

SCANNED = """text => { for (const key of [...text, 'Enter']) (document.activeElement || document.body)
  .dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true})) }"""
BUTTER, MILK = "4600000000022", "4600000000015"


@pytest.fixture
def till(branch: ServedBranch) -> ServedBranch:
    """Register 1 with an open shift and some goods."""
    shop = branch.staff.shop
    learn_goods(shop, "milk", 8_350, name="Молоко 3,2 % 1 л", barcode=MILK)
    learn_goods(shop, "butter", 21_990, name="Масло сливочное 82,5 %", barcode=BUTTER)
    learn_goods(shop, "bread", 4_000, name="Хлеб ржаной")
    basket.set_quick_key(shop.store, 1, "bread")
    client_id = learn_client(shop, "Анна Петрова")
    shop.learn(change(RecordKind.CLIENT, client_id, phones=("+79123454567",)))
    shop.open_shift()
    return branch


def at_till(till: ServedBranch, visit: Visit, code: str = "anna", **how: Any) -> tuple[Visitor, Page]:
    visitor = visit(till.address, how.pop("language", "ru"), **how)
    log_in(visitor, code)
    page = visitor.open("/sale")
    page.wait_for_selector("html[data-till=ready]")
    return visitor, page


def scan(page: Page, *codes: str) -> None:
    for code in codes:
        page.evaluate(SCANNED, code)


def sold(till: ServedBranch) -> int:
    return till.staff.shop.count("sale")


def test_three_scans_and_exact_cash_take_one_key(till: ServedBranch, visit: Visit) -> None:
    _, page = at_till(till, visit)
    scan(page, MILK, BUTTER, MILK)
    # Pressed before the answers are there: what is queued comes first.
    page.keyboard.press("F12")
    expect(page.locator("#sold-title")).to_have_text("Чек 1-000001")
    expect(page.locator(".change-value")).to_have_text("0,00\u00a0₽")
    assert sold(till) == 1
    scan(page, MILK)
    expect(page.locator("#sold-title")).to_have_count(0)
    expect(page.locator("[data-line]")).to_have_count(1)


def test_holding_takes_one_key_and_recalling_two(till: ServedBranch, visit: Visit) -> None:
    _, page = at_till(till, visit)
    scan(page, MILK)
    expect(page.locator("[data-line]")).to_have_count(1)
    page.keyboard.press("F7")
    expect(page.locator("[data-line]")).to_have_count(0)
    page.keyboard.press("F8")
    expect(page.locator("#sheet [data-choice='1']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-line]")).to_have_count(1)


def test_a_held_sale_is_given_up_and_taken_back_by_keyboard(till: ServedBranch, visit: Visit) -> None:
    visitor, page = at_till(till, visit, "maria")
    scan(page, MILK)
    expect(page.locator("[data-line]")).to_have_count(1)
    page.keyboard.press("F7")
    expect(page.locator("[data-line]")).to_have_count(0)
    page.keyboard.press("F8")
    expect(page.locator("#sheet [data-choice='1']")).to_be_focused()
    assert serious_barriers(page) == []
    screenshot(page, "held")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".undo-bar")).to_contain_text("Молоко")
    expect(page.locator(".tabs")).to_have_count(0)
    visitor.press("KeyZ", "я", control=True)
    expect(page.locator(".tabs")).to_contain_text("Молоко")


def test_a_new_quick_key_shows_on_a_till_that_stands_idle(till: ServedBranch, visit: Visit) -> None:
    visitor = visit(till.address, "ru")
    log_in(visitor)
    arranging = visitor.open("/quick-keys?q=молоко")
    # Whoever comes last has the register.
    _, page = at_till(till, visit)
    expect(page.locator(".quick-key")).to_have_count(1)
    arranging.locator(".arranged-fields input[name=group]").last.fill("Молочное")
    arranging.keyboard.press("Enter")
    expect(arranging.locator(".notice")).to_contain_text("Кнопка уже на кассе.")
    assert serious_barriers(arranging) == []
    screenshot(arranging, "quick-keys-ru")
    # It looks every few seconds.
    expect(page.locator(".quick-key")).to_have_count(2, timeout=20_000)
    expect(page.locator(".quick-group")).to_have_text("Молочное")
    screenshot(page, "sale-keys-ru")
    page.locator(".quick-key", has_text="Молоко").click()
    expect(page.locator("[data-line]")).to_have_count(1)


def test_a_client_takes_a_hotkey_four_digits_and_enter_twice(till: ServedBranch, visit: Visit) -> None:
    _, page = at_till(till, visit)
    page.keyboard.press("F4")
    page.keyboard.type("4567", delay=110)
    page.keyboard.press("Enter")
    expect(page.locator("#sheet [data-choice='1']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".client strong")).to_have_text("А. Петр…")
    assert "Петрова" not in page.content()


def test_two_hundred_scans_at_a_slow_server_come_in_order(till: ServedBranch, visit: Visit) -> None:
    _, page = at_till(till, visit)
    delayed = (
        "const plain = window.fetch; window.fetch = async (...all) => { await new Promise(r => setTimeout(r, 500));"
    )
    page.evaluate(f"() => {{ {delayed} return plain(...all); }}; }}")
    codes = [f"47{number:011d}" for number in range(200)]
    for place, code in enumerate(codes):
        if place == 50:
            page.keyboard.press("F1")
        if place == 100:
            page.keyboard.press("Escape")
            page.focus("button[value=en]")
        scan(page, code)
    expect(page.locator("#board .remark-waits")).to_have_count(200, timeout=30_000)
    shop = till.staff.shop
    current = basket.current_basket(shop.store, "1")
    assert current
    told = shop.rows("SELECT result FROM basket_action WHERE basket_id = ? ORDER BY number", current)
    assert [json.loads(result)[-1] for (result,) in told] == codes


def test_a_scanner_is_heard_in_another_field_and_in_the_russian_layout(till: ServedBranch, visit: Visit) -> None:
    _, page = at_till(till, visit)
    scan(page, "ьшдл", "butter")
    expect(page.locator("[data-line]")).to_have_count(2)
    page.keyboard.press("F3")
    expect(page.locator("#sheet #q")).to_be_focused()
    page.keyboard.type("мол", delay=110)
    page.keyboard.type(MILK)
    page.keyboard.press("Enter")
    expect(page.locator(".line-count").first).to_contain_text("2 ×")
    assert page.input_value("#sheet #q") == "мол"


def test_what_the_server_did_not_hear_is_sent_again_and_done_once(till: ServedBranch, visit: Visit) -> None:
    visitor, page = at_till(till, visit)
    lost = threading.Event()

    def lose(route: Any) -> None:
        if lost.is_set():
            route.continue_()
            return
        lost.set()
        route.fetch()
        route.abort()

    page.route("**/sale/scan", lose)
    scan(page, MILK)
    expect(page.locator(".line-count")).to_contain_text("1 ×")
    visitor.allow("net::ERR_FAILED")


def test_a_scan_after_the_session_ended_waits_for_the_log_in(
    till: ServedBranch, visit: Visit, clock: FakeClock
) -> None:
    visitor, page = at_till(till, visit)
    scan(page, MILK)
    expect(page.locator("[data-line]")).to_have_count(1)
    clock.advance(13 * 3_600)
    scan(page, BUTTER)
    page.wait_for_url("**/login*")
    log_in(visitor, "anna")
    page = visitor.open("/sale")
    expect(page.locator("[data-line]")).to_have_count(2)


def test_a_second_window_takes_the_register_over_and_gives_it_back(till: ServedBranch, visit: Visit) -> None:
    _, page = at_till(till, visit)
    scan(page, MILK)
    other = page.context.new_page()
    other.goto("/sale")
    other.wait_for_selector("html[data-till=ready]")
    expect(page.locator("#taken-over")).to_be_visible()
    scan(other, MILK)
    expect(other.locator(".line-count")).to_contain_text("2 ×")
    page.click("[data-take-back]")
    expect(page.locator(".line-count")).to_contain_text("2 ×")
    expect(other.locator("#taken-over")).to_be_visible()


def test_a_manager_allows_a_removal_and_an_unknown_code_blocks_nothing(till: ServedBranch, visit: Visit) -> None:
    visitor = visit(till.address, "ru")
    till.staff.give_pin("maria")
    page = visitor.open("/pair")
    from branch_node.operations.pairing import make_pairing_code
    from shared.domain.permissions import LOCAL_ADMINISTRATOR

    page.fill("[name=code]", make_pairing_code(till.store, LOCAL_ADMINISTRATOR, "1").code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    log_in(visitor, "anna")
    page = visitor.open("/sale")
    page.wait_for_selector("html[data-till=ready]")
    scan(page, MILK, "4699999999999", BUTTER)
    expect(page.locator("[data-line]")).to_have_count(2)
    page.keyboard.press("Delete")
    expect(page.locator("#sheet [name=manager_code]")).to_be_focused()
    page.keyboard.type("maria", delay=110)
    page.keyboard.press("Tab")
    page.keyboard.type("2580", delay=110)
    page.keyboard.press("Enter")
    expect(page.locator("[data-line]")).to_have_count(1)
    page.click("text=Отложить в сторону")
    page.keyboard.press("F12")
    expect(page.locator("#sold-title")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "colours", "width"), [("ru", "light", 1366), ("en", "dark", 1366), ("ru", "dark", 360)]
)
def test_pictures_of_the_sale_are_taken(
    till: ServedBranch, visit: Visit, language: str, colours: str, width: int
) -> None:
    _, page = at_till(till, visit, language=language, colours=colours, width=width)
    scan(page, MILK, BUTTER, f"3*{MILK}", "4699999999999", "bread")
    expect(page.locator("[data-line]")).to_have_count(3)
    name = f"sale-{language}-{colours}-{width}"
    screenshot(page, name)
    assert serious_barriers(page) == []
    wide = """() => [...document.querySelectorAll('body *')]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 90))"""
    assert page.evaluate(wide) == []
    page.evaluate("document.querySelector('[href=\"/sale/pay\"]').click()")
    expect(page.locator("#sheet")).to_be_visible()
    assert serious_barriers(page) == []
    screenshot(page, f"{name}-pay")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_client_of_the_chain_takes_two_keys_after_the_digits(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path, visit: Visit, colours: str
) -> None:
    app, office = make_pages(branch_store, tmp_path), HeadOfficeStub("Борис Иванов", "+79120009876")
    answers = threading.Event()

    def ask(question: Question) -> Findings:
        assert answers.wait(20)
        return office.ask(question)

    app.state.context = replace(app.state.context, ask_head_office=ask)
    staff = staff_of(branch_store, clock, tmp_path)
    learn_goods(staff.shop, "milk", 8_350, barcode=MILK)
    with serving(app) as address:
        visitor = visit(address, "ru", colours=colours)
        log_in(visitor, "anna")
        page = visitor.open("/sale")
        page.wait_for_selector("html[data-till=ready]")
        page.keyboard.press("F4")
        page.keyboard.type("9876", delay=110)
        page.keyboard.press("Enter")
        expect(page.locator("[data-sheet-then]")).to_have_text("Спрашиваем головной офис…")
        screenshot(page, f"chain-client-asking-{colours}")
        answers.set()
        expect(page.locator("#sheet [data-choice='1']")).to_be_focused()
        screenshot(page, f"chain-client-found-{colours}")
        assert serious_barriers(page) == []
        page.keyboard.press("Enter")
        expect(page.locator(".client strong")).to_have_text("Б. Иван…")
        # Whoever does not wait goes on: the answer opens nothing.
        answers.clear()
        page.keyboard.press("F4")
        page.keyboard.type("9876", delay=110)
        page.keyboard.press("Enter")
        expect(page.locator("[data-sheet-then]")).to_be_visible()
        page.keyboard.press("Escape")
        answers.set()
        scan(page, MILK)
        expect(page.locator("[data-line]")).to_have_count(1)
        expect(page.locator("#sheet")).to_be_hidden()
        office.is_away = True
        page.keyboard.press("F4")
        page.keyboard.type("9876", delay=110)
        page.keyboard.press("Enter")
        expect(page.locator("#sheet [role=alert]").last).to_contain_text("продолжайте без клиента")
        assert serious_barriers(page) == []
        screenshot(page, f"chain-client-away-{colours}")
        page.keyboard.press("Enter")
        expect(page.locator("#sheet")).to_be_hidden()
        page.close()  # or it would ask a server that is gone
