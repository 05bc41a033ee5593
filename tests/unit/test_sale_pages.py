"""The sale's page over HTTP: every route, with leave and without, and what a form comes to."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from httpx2 import Response

from branch_node.operations import basket
from branch_node.storage.store import BranchStore
from shared.domain.permissions import Permission
from tests.support.basket_desk import learn_client, learn_goods, next_request
from tests.support.clock import FakeClock
from tests.support.head_office_stub import HeadOfficeStub
from tests.support.shop import Shop
from tests.support.staff import PIN, Staff
from tests.support.till_pages import Browser, make_pages, staff_of

BASKET = re.compile(r'id="board"[^>]* data-basket="([^"]*)"')
SOLD = re.compile(r"^/sale\?sold=[0-9a-f-]{36}$")
PART = {"HX-Request": "true"}


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    staff = staff_of(branch_store, clock, tmp_path)
    learn_goods(staff.shop, "milk", 8_350, name="Milk 1 l", barcode="4600000000015")
    learn_goods(staff.shop, "bread", 4_000, name="Bread")
    return staff


@pytest.fixture
def shop(staff: Staff) -> Shop:
    return staff.shop


@pytest.fixture
def browser(staff: Staff) -> Browser:
    """Anna's, at register 1."""
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("anna", register="1")
    return browser


def board(browser: Browser, path: str = "/sale") -> str:
    return browser.get(path).text


def basket_of(browser: Browser) -> str:
    found = BASKET.search(board(browser))
    assert found
    return found[1]


def send(browser: Browser, action: str, /, **fields: object) -> Response:
    """A form of the page, with the basket at hand and a request id of its own."""
    known = {"basket": basket_of(browser), "request": next_request(), **fields}
    return browser.post(f"/sale/{action}", **known)


def scan(browser: Browser, *texts: str) -> Response:
    return browser.post("/sale/scan", scan=[f"{next_request()} {text}" for text in texts])


def lines(shop: Shop) -> list[tuple[str, int]]:
    current = basket.current_basket(shop.store, "1")
    return [] if current is None else [(line.sku, line.net_minor) for line in basket.view(shop.store, current).lines]


GET_PATHS = (
    "/sale",
    "/sale/tab",
    "/sale/goods",
    "/sale/clients",
    "/sale/discount",
    "/sale/unknown",
    "/sale/held",
    "/sale/return",
)
POST_PATHS = [
    "scan",
    "tab",
    "add",
    "quantity",
    "remove",
    "clear",
    "price",
    "discount",
    "basket-discount",
    "hold",
    "recall",
    "undo",
    "client",
    "points",
    "unknown",
    "shift",
    "pay",
    "card",
    "terminal",
    "again",
    "charge-back",
    "return",
    "keep",
]


@pytest.mark.parametrize("path", [*GET_PATHS, "/sale/pay", "/sale/lines/1"])
def test_nobody_sees_a_sale(staff: Staff, path: str) -> None:
    answer = Browser(make_pages(staff.shop.store, staff.settings.home)).get(path)
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("name", POST_PATHS)
def test_every_form_needs_the_token_somebody_and_the_permission(staff: Staff, browser: Browser, name: str) -> None:
    assert browser.client.post(f"/sale/{name}", data={"basket": "x"}).status_code == 403
    nobody = Browser(browser.app)
    assert nobody.post(f"/sale/{name}", "/login").headers["location"] == "/login"
    staff.hire("igor", "auditor")
    auditor = Browser(browser.app)
    auditor.log_in("igor")
    assert auditor.post(f"/sale/{name}").status_code == 403
    assert lines(staff.shop) == []


def test_an_auditor_is_not_offered_the_sale(staff: Staff, browser: Browser) -> None:
    staff.hire("igor", "auditor")
    auditor = Browser(browser.app)
    auditor.log_in("igor")
    assert auditor.get("/").headers["location"] == "/status"
    assert auditor.get("/sale").status_code == 403
    assert browser.get("/").headers["location"] == "/sale"


@pytest.mark.parametrize("path", [*GET_PATHS, "/sale/pay"])
def test_every_sheet_is_a_page_of_its_own_and_a_part(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 200
    part = browser.get(path, **PART)
    assert part.status_code == 200
    assert "<html" not in part.text


def test_an_empty_basket_says_what_to_do(browser: Browser) -> None:
    page = board(browser)
    assert "The till is closed." in page
    send(browser, "shift", float="100,00")
    assert "Scan the first thing." in board(browser)
    assert "The shift is open since" in board(browser)


def test_scans_come_in_their_order_and_a_request_is_done_once(browser: Browser, shop: Shop) -> None:
    scans = ["r-a milk", "r-b bread", "r-c milk"]
    for _ in range(2):
        assert browser.post("/sale/scan", scan=scans).status_code == 303
    assert lines(shop) == [("milk", 16_700), ("bread", 4_000)]


def test_a_star_multiplies(browser: Browser, shop: Shop) -> None:
    scan(browser, "3*4600000000015", "0,5 * bread")
    assert lines(shop) == [("milk", 25_050), ("bread", 2_000)]


def test_what_cannot_be_taken_does_not_hold_up_the_next(browser: Browser, shop: Shop) -> None:
    answer = scan(browser, "3*", "0*milk", "bread")
    assert lines(shop) == [("bread", 4_000)]
    assert answer.status_code == 200
    assert "How many of what?" in answer.text


def test_a_scan_with_the_russian_layout_finds_the_same(browser: Browser, shop: Shop) -> None:
    scan(browser, "ьшдл")
    assert lines(shop) == [("milk", 8_350)]


def test_an_unknown_code_waits_and_is_priced_or_waved_away(browser: Browser, shop: Shop) -> None:
    scan(browser, "4699999999999", "milk", "4688888888888")
    assert "4699999999999" in board(browser)
    assert send(browser, "pay").status_code == 409
    send(browser, "unknown", code="4699999999999", do="price", name="Cheese", price="99,90")
    send(browser, "unknown", code="4688888888888", do="dismiss")
    assert lines(shop) == [("milk", 8_350), ("4699999999999", 9_990)]
    assert SOLD.match(send(browser, "pay").headers["location"])


def test_exact_cash_sells_and_the_receipt_stays_until_the_next_scan(browser: Browser, shop: Shop) -> None:
    scan(browser, "milk")
    answer = send(browser, "pay")
    page = board(browser, answer.headers["location"])
    assert "Receipt 1-000001" in page
    assert shop.count("sale") == 1
    answer = browser.client.post(
        "/sale/scan", data={"scan": "r9 bread"}, headers={**PART, "X-CSRF-Token": browser.token()}
    )
    assert "Receipt" not in answer.text


def test_paying_twice_sells_once(browser: Browser, shop: Shop) -> None:
    scan(browser, "milk")
    paid = basket_of(browser)
    for _ in range(2):
        assert SOLD.match(browser.post("/sale/pay", basket=paid).headers["location"])
    assert shop.count("sale") == 1


def test_cash_gives_change_and_too_little_is_refused(browser: Browser, shop: Shop) -> None:
    scan(browser, "milk")
    assert send(browser, "pay", given="50").status_code == 422
    answer = send(browser, "pay", given_minor="10000")
    assert re.search(r'change-value">[^<]*16.50', board(browser, answer.headers["location"]))


def test_goods_are_found_by_name_and_added(browser: Browser, shop: Shop) -> None:
    page = browser.get("/sale/goods?q=mi").text
    assert "Milk 1 l" in page
    send(browser, "add", sku="milk", quantity="2")
    assert lines(shop) == [("milk", 16_700)]


def test_a_line_takes_a_quantity_and_a_discount_within_the_role(browser: Browser, shop: Shop) -> None:
    scan(browser, "milk")
    send(browser, "quantity", line=1, quantity="3")
    send(browser, "discount", line=1, discount="5", kind="percent", reason="dented")
    assert lines(shop) == [("milk", 23_798)]
    send(browser, "discount", line=1, discount="")
    send(browser, "basket-discount", discount="10", kind="amount")
    assert lines(shop) == [("milk", 24_050)]
    assert browser.get("/sale/lines/1").status_code == 200
    assert browser.get("/sale/lines/7").status_code == 404


def paired(browser: Browser, staff: Staff) -> Browser:
    """The same at a paired register, with a manager who has a PIN."""
    from branch_node.web.people import PAIRING_COOKIE
    from shared.web.cookies import sign

    staff.give_pin("maria", PIN)
    secret = (staff.settings.home / "web.secret").read_bytes()
    browser.client.cookies.set(PAIRING_COOKIE, sign(secret, PAIRING_COOKIE, staff.pair("1")), domain="127.0.0.1")
    return browser


@pytest.mark.parametrize(
    ("action", "fields", "after"),
    [
        ("remove", {"line": 1}, []),
        ("clear", {}, []),
        ("price", {"line": 1, "price": "70"}, [("milk", 7_000)]),
        ("discount", {"line": 1, "discount": "20", "kind": "percent"}, [("milk", 6_680)]),
        ("basket-discount", {"discount": "20", "kind": "percent"}, [("milk", 6_680)]),
    ],
)
def test_a_manager_allows_one_action_and_both_names_are_written_down(
    browser: Browser, staff: Staff, action: str, fields: dict[str, object], after: list[tuple[str, int]]
) -> None:
    scan(paired(browser, staff), "milk")
    asked = send(browser, action, **fields)
    assert "Allow this once" in asked.text
    assert asked.headers["X-Sheet"] == "allow"
    assert lines(staff.shop) == [("milk", 8_350)]
    wrong = send(browser, action, **fields, manager_code="maria", manager_pin="9999")
    assert "do not belong together" in wrong.text
    assert lines(staff.shop) == [("milk", 8_350)]
    assert send(browser, action, **fields, manager_code="maria", manager_pin=PIN).status_code == 303
    assert lines(staff.shop) == after
    written = staff.shop.rows("SELECT action, cashier, authorised_by FROM audit_entry")
    assert ("override", "anna", "maria") in written


def test_nobody_allows_what_he_may_not_himself(browser: Browser, staff: Staff) -> None:
    staff.give_pin("anna", "1470")
    scan(paired(browser, staff), "milk")
    answer = send(browser, "remove", line=1, manager_code="anna", manager_pin="1470")
    assert "may not" in answer.text
    assert lines(staff.shop) == [("milk", 8_350)]


def test_without_pairing_a_manager_is_told_what_to_do(browser: Browser) -> None:
    scan(browser, "milk")
    assert "paired register only" in send(browser, "remove", line=1).text


def test_a_scan_is_undone_within_ten_seconds_by_a_cashier(browser: Browser, shop: Shop, clock: FakeClock) -> None:
    scan(browser, "milk")
    action = re.search(r'name="action" value="(\d+)"', board(browser))
    assert action
    assert send(browser, "undo", action=action[1]).status_code == 303
    assert lines(shop) == []
    scan(browser, "milk")
    clock.advance(11)
    assert "/sale/undo" not in board(browser)


def test_sales_are_held_and_recalled(browser: Browser, shop: Shop) -> None:
    scan(browser, "milk")
    first = basket_of(browser)
    send(browser, "hold")
    scan(browser, "bread")
    assert "Milk 1 l" in browser.get("/sale/held").text
    browser.post("/sale/recall", basket=first)
    assert lines(shop) == [("milk", 8_350)]
    assert "Bread" in board(browser)


def held_milk(browser: Browser) -> str:
    scan(browser, "milk")
    held = basket_of(browser)
    send(browser, "hold")
    return held


def written(staff: Staff) -> list[str]:
    return sorted(row[0] for row in staff.shop.rows("SELECT action FROM audit_entry"))


def test_a_cashier_gives_a_held_sale_up_with_a_managers_leave_and_takes_it_back(
    browser: Browser, staff: Staff, clock: FakeClock
) -> None:
    paired(browser, staff)
    held = held_milk(browser)
    asked = browser.post("/sale/give-up", basket=held)
    assert "Allow this once" in asked.text
    assert "Milk 1 l" in browser.get("/sale/held").text
    done = browser.post("/sale/give-up", basket=held, manager_code="maria", manager_pin=PIN)
    assert done.status_code == 303
    page = board(browser)
    assert "given up: Milk 1 l, " in page
    assert 'action="/sale/take-back"' in page
    assert "No sale is held." in browser.get("/sale/held").text
    clock.advance(3)
    assert browser.post("/sale/take-back", basket=held).status_code == 303
    assert "Milk 1 l" in browser.get("/sale/held").text
    assert written(staff) == ["basket_abandoned", "basket_restored", "override"]
    browser.post("/sale/recall", basket=held)
    assert lines(staff.shop) == [("milk", 8_350)]


def test_a_manager_needs_nobodys_leave_and_the_offer_ends(browser: Browser, shop: Shop, clock: FakeClock) -> None:
    browser.log_in("maria", register="1")
    held = held_milk(browser)
    assert browser.post("/sale/give-up", basket=held).status_code == 303
    # What is done afterwards is what is undone.
    clock.advance(1)
    scan(browser, "bread")
    assert 'action="/sale/undo"' in board(browser)
    clock.advance(11)
    assert "undo-bar" not in board(browser)
    clock.advance(60)
    assert browser.post("/sale/take-back", basket=held).status_code == 409
    assert "cannot be taken back" in browser.post("/sale/take-back", basket=held).text
    assert browser.post("/sale/give-up", basket=basket_of(browser)).status_code == 409
    assert lines(shop) == [("bread", 4_000)]


def test_clients_are_masked_for_a_cashier_and_whole_for_a_manager(browser: Browser, staff: Staff) -> None:
    client_id = learn_client(staff.shop, "Анна Петрова")
    from shared.domain.records import RecordKind
    from tests.support.shop import change

    staff.shop.learn(change(RecordKind.CLIENT, client_id, phones=("+79123454567",)))
    page = browser.get("/sale/clients?q=4567").text
    assert "А. Петр…" in page
    assert "•••4567" in page
    assert "Анна Петрова" not in page
    assert "+7912" not in page
    reference = re.search(r'name="client" value="([^"]+)"', page)
    assert reference
    send(browser, "client", client=reference[1])
    assert "А. Петр…" in board(browser)
    assert "Петрова" not in board(browser)
    manager = Browser(browser.app)
    manager.log_in("maria", register="1")
    assert "Анна Петрова" in manager.get("/sale/clients?q=4567").text
    assert "Анна Петрова" in board(manager)
    send(browser, "client", client="")
    assert "А. Петр…" not in board(browser)


def test_a_client_of_the_chain_is_found_masked_and_named_on_the_sale(browser: Browser, staff: Staff) -> None:
    office = HeadOfficeStub("Борис Иванов", "+79120004567")
    browser.app.state.context = replace(browser.app.state.context, ask_head_office=office.ask)
    here = browser.get("/sale/clients?q=4567").text
    assert "No client here has these digits" in here
    assert 'data-sheet-then="/sale/clients?q=4567&amp;where=chain"' in here
    page = browser.get("/sale/clients?q=4567&where=chain").text
    assert "Of the whole chain:" in page
    assert "Б. Иван…" in page
    assert "•••4567" in page
    assert "Иванов" not in page
    assert "0004567" not in page
    reference = re.search(r'name="client" value="([^"]+)"', page)
    assert reference
    scan(browser, "milk")
    assert send(browser, "client", client=reference[1], where="chain").status_code == 303
    assert "Б. Иван…" in board(browser)
    send(browser, "pay")
    assert staff.shop.rows("SELECT client, client_id FROM sale") == [(office.reference, None)]


def test_without_the_head_office_the_sale_goes_on_without_a_client(browser: Browser) -> None:
    office = HeadOfficeStub("Борис Иванов", "+79120004567", is_away=True)
    browser.app.state.context = replace(browser.app.state.context, ask_head_office=office.ask)
    page = browser.get("/sale/clients?q=4567&where=chain").text
    assert "The head office does not answer." in page
    assert "go on without a client" in page
    refused = send(browser, "client", client=office.reference, where="chain")
    assert refused.status_code == 409
    assert "too many such clients" in browser.get("/sale/clients?q=456&where=chain").text


def test_a_client_of_the_chain_can_be_undone_and_left_out(browser: Browser) -> None:
    office = HeadOfficeStub("Борис Иванов", "+79120004567")
    browser.app.state.context = replace(browser.app.state.context, ask_head_office=office.ask)
    scan(browser, "milk")
    for undo in (True, False):
        send(browser, "client", client=office.reference, where="chain")
        page = board(browser)
        assert "Б. Иван…" in page
        action = re.search(r'name="action" value="(\d+)"', page)
        assert action
        if undo:
            send(browser, "undo", action=action[1])
        else:
            send(browser, "client", client="")
        assert "Б. Иван…" not in board(browser)
    office.is_archived = True
    assert send(browser, "client", client=office.reference, where="chain").status_code == 404


def test_another_tab_takes_the_register_over(browser: Browser, shop: Shop) -> None:
    def scan_in(tab: str) -> Response:
        headers = {**PART, "X-Tab": tab, "X-CSRF-Token": browser.token()}
        return browser.client.post("/sale/scan", data={"scan": f"{next_request()} milk"}, headers=headers)

    browser.post("/sale/tab", tab="first")
    assert browser.get("/sale/tab?tab=first").json()["mine"] is True
    browser.post("/sale/tab", tab="second")
    assert browser.get("/sale/tab?tab=first").json()["mine"] is False
    assert scan_in("first").headers["X-Taken-Over"] == "yes"
    assert lines(shop) == []
    assert "X-Taken-Over" not in scan_in("second").headers
    assert lines(shop) == [("milk", 8_350)]


def test_logging_out_leaves_the_basket(browser: Browser, shop: Shop) -> None:
    scan(browser, "milk")
    browser.post("/logout")
    browser.log_in("anna", register="1")
    assert "Milk 1 l" in board(browser)


def test_another_language_leaves_the_basket(browser: Browser) -> None:
    scan(browser, "milk")
    browser.post("/language", language="ru", next="/sale")
    page = board(browser)
    assert 'lang="ru"' in page
    assert "Milk 1 l" in page


def test_the_permissions_that_managers_lend_are_those_of_the_actions() -> None:
    from branch_node.web.sale import ACTIONS, PERMISSION_OF

    assert set(PERMISSION_OF) <= {*ACTIONS, "return"}
    lent = {Permission.SALE_PRICE, Permission.SALE_DISCOUNT, Permission.REFUND_BY_RECEIPT}
    assert set(PERMISSION_OF.values()) == lent
