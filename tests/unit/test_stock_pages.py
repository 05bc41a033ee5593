"""Stock's pages at a branch: the list, movements, documents written line by line and entered once; who may."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import stock
from branch_node.operations.stock import Goods
from branch_node.storage.store import BranchStore
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of

MILK, BREAD, CHEESE = "952", "871", "77001"
REVISION = re.compile(r'name="revision" value="(\d+)"')
REQUEST = re.compile(r'name="request" value="([0-9a-f-]{36})"')


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    staff = staff_of(branch_store, clock, tmp_path)
    for sku, name, category in ((MILK, "Молоко", "Milk"), (BREAD, "Хлеб", "Bread"), (CHEESE, "Сыр", "Milk")):
        product_id = staff.shop.learn_product(sku, category, everywhere=89_90)
        staff.shop.learn(change(RecordKind.PRODUCT, product_id, name=name, unit="шт", barcode=f"46000000{sku:0>5}"))
    return staff


@pytest.fixture
def shop(staff: Staff) -> Shop:
    return staff.shop


@pytest.fixture
def manager(staff: Staff) -> Browser:
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("maria")
    return browser


@pytest.fixture
def cashier(manager: Browser) -> Browser:
    browser = Browser(manager.app)
    browser.log_in("anna")
    return browser


def begin(browser: Browser, kind: str, scope: str = "list") -> str:
    answer = browser.post("/stock/new", "/help", kind=kind, scope=scope)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def do(browser: Browser, draft: str, act: str, **fields: Any) -> Any:
    """Sends one of the document's forms as its page shows it."""
    page = browser.get(draft).text
    found = REQUEST.search(page)
    assert found
    return browser.post(f"{draft}/{act}", draft, **{"request": found[1], **fields})


def enter(browser: Browser, draft: str, page: str = "", **fields: str) -> Any:
    shown = browser.get(page or draft).text
    found = REVISION.search(shown)
    assert found, shown
    return browser.post(f"{draft}/enter", draft, revision=found[1], do="enter", **fields)


def left(shop: Shop, sku: str) -> int:
    return stock.on_hand(shop.store, LOCAL_ADMINISTRATOR, sku).quantity_thousandths


def sell(shop: Shop, key: str, sku: str = MILK, quantity: float = 1) -> None:
    lines = [{"sku": sku, "quantity": quantity, "amount_minor": 100}]
    shop.sell(key, 100, lines=lines)


def put_in_stock(shop: Shop, *goods: Goods) -> None:
    with shop.store.operation() as transaction:
        stock.receive(transaction, LOCAL_ADMINISTRATOR, "maria", goods)


def test_goods_are_received_line_by_line_with_quantity_and_cost(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    assert do(manager, draft, "scan", text=f"46000000{MILK:0>5}").status_code == 303
    do(manager, draft, "scan", text=f"3*{MILK}")
    do(manager, draft, "line", sku=BREAD, quantity="2,5", cost="120,50")
    page = manager.get(draft).text
    assert ('value="4"' in page, 'value="2.5"' in page, 'value="120.50"' in page) == (True, True, True)
    answer = enter(manager, draft, document="INV-7")
    shown = manager.get(answer.headers["location"]).text
    assert ("INV-7" in shown, "Maria" in shown, "RUB\u00a0120.50" in shown) == (True, True, True)
    assert (left(shop, MILK), left(shop, BREAD)) == (4_000, 2_500)
    assert shop.one("SELECT SUM(cost_minor) FROM stock_movement_line") == 12_050


def test_a_form_that_is_sent_twice_counts_once_and_a_document_is_entered_once(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    for _ in range(2):
        manager.post(f"{draft}/scan", draft, request="same", text=MILK)
    manager.post(f"{draft}/scan", draft, request="other", text=BREAD)
    manager.post(f"{draft}/scan", draft, request="same", text=MILK)
    found = REVISION.search(manager.get(draft).text)
    assert found
    answers = [manager.post(f"{draft}/enter", draft, revision=found[1], do="enter") for _ in range(2)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (left(shop, MILK), shop.count("stock_movement")) == (1_000, 1)
    assert manager.get(draft).headers["location"] == answers[0].headers["location"]
    assert do_refused(manager, draft) == 303  # to the document: nothing is added to it
    assert left(shop, MILK) == 1_000


def do_refused(browser: Browser, draft: str) -> int:
    return int(browser.post(f"{draft}/scan", "/help", request="late", text=MILK).status_code)


def test_a_document_survives_a_closed_browser_and_another_goes_on_with_it(staff: Staff, manager: Browser) -> None:
    draft = begin(manager, "received")
    do(manager, draft, "scan", text=MILK)
    assert manager.post(f"{draft}/enter", draft, do="save", request="keep", document="INV-8").status_code == 303
    other = Browser(make_pages(staff.shop.store, staff.settings.home))
    staff.hire("olga", "manager")
    other.log_in("olga")
    assert draft in other.get("/stock").text
    assert 'value="INV-8"' in other.get(draft).text
    assert begin(manager, "received") != draft
    assert staff.shop.count("stock_draft") == 2


def test_beginning_twice_makes_one_empty_document(shop: Shop, manager: Browser) -> None:
    assert begin(manager, "received") == begin(manager, "received")
    assert begin(manager, "counted", "all") != begin(manager, "counted", "list")
    assert shop.count("stock_draft") == 3


def test_what_changed_since_it_was_shown_is_not_entered_unseen(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    do(manager, draft, "scan", text=MILK)
    found = REVISION.search(manager.get(draft).text)
    assert found
    do(manager, draft, "scan", text=BREAD)
    refused = manager.post(f"{draft}/enter", draft, revision=found[1], do="enter", document="INV-9")
    assert (refused.status_code, "has changed since" in refused.text) == (422, True)
    assert 'value="INV-9"' in refused.text
    assert shop.count("stock_movement") == 0


def test_goods_are_written_off_for_a_reason_that_the_fact_keeps(shop: Shop, manager: Browser) -> None:
    put_in_stock(shop, Goods(MILK, 10_000))
    draft = begin(manager, "written_off")
    do(manager, draft, "scan", text=f"2*{MILK}")
    refused = enter(manager, draft, note="")
    assert (refused.status_code, "for a reason" in refused.text, left(shop, MILK)) == (422, True, 10_000)
    answer = enter(manager, draft, note="Разбили")
    assert "Разбили" in manager.get(answer.headers["location"]).text
    assert (left(shop, MILK), "Разбили" in manager.get(f"/stock/product?sku={MILK}").text) == (8_000, True)
    assert shop.one("SELECT note FROM stock_movement WHERE reason = 'written_off'") == "Разбили"


def test_a_document_number_is_entered_once_and_what_was_written_stays(shop: Shop, manager: Browser) -> None:
    for number in (1, 2):
        draft = begin(manager, "received")
        do(manager, draft, "scan", text=MILK)
        answer = enter(manager, draft, document="INV-7")
        assert answer.status_code == (303 if number == 1 else 422)
    assert ("was entered already" in answer.text, shop.count("stock_draft_line")) == (True, 1)


def test_what_no_code_has_is_looked_for_by_name(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    answer = do(manager, draft, "scan", text="3*моло")
    choices = manager.get(answer.headers["location"]).text
    assert ("Молоко" in choices, 'name="quantity" value="3"' in choices) == (True, True)
    nothing = manager.get(do(manager, draft, "scan", text="хурма").headers["location"]).text
    assert "No product has this code or name" in nothing
    do(manager, draft, "line", sku=MILK, quantity="3", adds="1")
    do(manager, draft, "line", sku=MILK, quantity="0.25", adds="1")
    assert 'value="3.25"' in manager.get(draft).text


@pytest.mark.parametrize(
    ("quantity", "said"), [("0", "not between"), ("-1", "negative"), ("many", "no number"), ("1.2345", "decimals")]
)
def test_a_quantity_that_is_none_is_refused_with_a_sentence(manager: Browser, quantity: str, said: str) -> None:
    draft = begin(manager, "received")
    refused = do(manager, draft, "line", sku=MILK, quantity=quantity)
    assert (refused.status_code, said in refused.text) == (422, True), refused.text


def test_a_line_goes_and_comes_back(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    do(manager, draft, "line", sku=MILK, quantity="2", cost="10")
    do(manager, draft, "remove", sku=MILK)
    assert shop.count("stock_draft_line") == 0
    page = manager.get(draft).text
    form = page[page.index(f'action="{draft}/line"') :]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))
    manager.post(f"{draft}/line", draft, **{name: value for name, value in fields.items() if name != "csrf_token"})
    assert shop.rows("SELECT sku, quantity_thousandths, cost_minor FROM stock_draft_line") == [(MILK, 2_000, 1_000)]


def test_a_count_shows_differences_before_it_makes_them(shop: Shop, manager: Browser) -> None:
    put_in_stock(shop, Goods(MILK, 10_000), Goods(BREAD, 5_000))
    draft = begin(manager, "counted", "list")
    do(manager, draft, "line", sku=MILK, quantity="7.5")
    do(manager, draft, "line", sku=BREAD, quantity="5")
    page = f"{draft}/differences"
    shown = manager.get(page).text
    assert ("-2.5" in shown, "different: 1" in shown, "Хлеб" in shown) == (True, True, False)
    assert (left(shop, MILK), shop.count("stock_movement")) == (10_000, 1)
    assert enter(manager, draft, page, **{"from": "differences"}).status_code == 303
    assert (left(shop, MILK), left(shop, BREAD)) == (7_500, 5_000)


def test_what_is_sold_while_one_counts_is_no_difference(shop: Shop, manager: Browser) -> None:
    put_in_stock(shop, Goods(MILK, 10_000))
    draft = begin(manager, "counted", "list")
    do(manager, draft, "scan", text=f"9*{MILK}")
    sell(shop, "s1", quantity=2)
    shown = manager.get(f"{draft}/differences").text
    assert "-1</td>" in shown
    enter(manager, draft, f"{draft}/differences")
    assert left(shop, MILK) == 7_000
    assert shop.rows(
        "SELECT quantity_thousandths, counted_thousandths, expected_thousandths FROM stock_movement_line "
        "WHERE counted_thousandths IS NOT NULL"
    ) == [(-1_000, 7_000, 8_000)]


def test_a_count_below_what_was_sold_since_is_to_be_done_again(shop: Shop, manager: Browser) -> None:
    put_in_stock(shop, Goods(MILK, 10_000))
    draft = begin(manager, "counted", "list")
    do(manager, draft, "line", sku=MILK, quantity="1")
    sell(shop, "s1", quantity=2)
    refused = enter(manager, draft, f"{draft}/differences", **{"from": "differences"})
    assert (refused.status_code, "Count it again" in refused.text, left(shop, MILK)) == (422, True, 8_000)
    do(manager, draft, "line", sku=MILK, quantity="6")
    enter(manager, draft, f"{draft}/differences")
    assert left(shop, MILK) == 6_000


def test_what_nobody_counted_stays_or_is_counted_as_nothing(shop: Shop, manager: Browser) -> None:
    put_in_stock(shop, Goods(MILK, 10_000), Goods(BREAD, 5_000), Goods(CHEESE, 3_000))
    draft = begin(manager, "counted", "category:Milk")
    do(manager, draft, "scan", text=MILK)
    page = manager.get(draft).text
    assert ("Not counted yet: 1" in page, "Сыр" in page, "Хлеб" in page) == (True, True, False)
    do(manager, draft, "rest")
    enter(manager, draft, f"{draft}/differences")
    assert [left(shop, sku) for sku in (MILK, BREAD, CHEESE)] == [1_000, 5_000, 0]


def test_the_list_is_searched_and_shows_what_is_below_zero(shop: Shop, cashier: Browser) -> None:
    assert "Nothing was received or counted here yet" in cashier.get("/stock").text
    put_in_stock(shop, Goods(MILK, 1_500))
    sell(shop, "s1", BREAD, 2)
    everything = cashier.get("/stock").text
    assert ("Молоко" in everything, "1.5" in everything, "Below zero: 1" in everything) == (True, True, True)
    below = cashier.get("/stock?negative=1").text
    assert ("Хлеб" in below, "-2" in below, "Молоко" in below) == (True, True, False)
    for text in ("мол", MILK, f"46000000{MILK:0>5}"):
        assert "Молоко" in cashier.get(f"/stock?q={text}").text
    assert "never counted" in cashier.get("/stock?q=сыр").text
    assert "Nothing is called so" in cashier.get("/stock?q=хурма").text


def test_movements_of_a_product_lead_to_their_documents(shop: Shop, cashier: Browser) -> None:
    put_in_stock(shop, Goods(MILK, 5_000))
    sell(shop, "s1", MILK, 2)
    page = cashier.get(f"/stock/product?sku={MILK}").text
    assert [text in page for text in ("+5", "-2", "1-000001", "received", "sold", "Maria")] == [True] * 6
    receipt = re.search(r'href="(/receipts/[0-9a-f-]{36})"', page)
    document = re.search(r'href="(/stock/documents/[0-9a-f-]{36})"', page)
    assert receipt is not None
    assert document is not None
    assert {cashier.get(found[1]).status_code for found in (receipt, document)} == {200}
    assert cashier.get("/stock/product?sku=none").status_code == 404


def test_a_cashier_sees_stock_and_writes_nothing(shop: Shop, manager: Browser, cashier: Browser) -> None:
    draft = begin(manager, "received")
    do(manager, draft, "scan", text=MILK)
    assert "/stock/new" not in cashier.get("/stock").text
    assert draft not in cashier.get("/stock").text
    for path in ("/stock/new", draft, f"{draft}/differences"):
        assert cashier.get(path).status_code == 403
    for act in ("scan", "file", "line", "remove", "rest", "enter", "discard"):
        assert cashier.post(f"{draft}/{act}", "/help", request="x").status_code == 403
    assert shop.count("stock_draft_line") == 1


def test_whoever_may_not_see_stock_has_no_way_there(staff: Staff, manager: Browser) -> None:
    staff.hire("root", "administrator")
    browser = Browser(manager.app)
    browser.log_in("root")
    assert browser.get("/stock").status_code == 403
    assert 'href="/stock"' not in browser.get("/help").text
    assert Browser(manager.app).get("/stock").headers["location"].startswith("/login")


def test_a_document_is_thrown_away_and_nothing_moves(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    do(manager, draft, "scan", text=MILK)
    assert do(manager, draft, "discard").status_code == 303
    assert (shop.count("stock_draft"), shop.count("stock_draft_line"), shop.count("stock_movement")) == (0, 0, 0)
    assert manager.get(draft).status_code == 404


def test_a_scales_code_brings_its_weight(shop: Shop, manager: Browser) -> None:
    shop.learn(change(RecordKind.PRODUCT, b"c" * 16, sku="4007", name="Творог", unit="кг"))
    draft = begin(manager, "received")
    do(manager, draft, "scan", text="200400701234" + check("200400701234"))
    assert 'value="1.234"' in manager.get(draft).text


def check(digits: str) -> str:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)


def test_the_script_gets_the_document_alone(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    token = manager.token(draft)
    headers = {"HX-Request": "true", "X-CSRF-Token": token}
    done = manager.client.post(f"{draft}/scan", data={"request": "a", "text": MILK}, headers=headers)
    assert (done.status_code, "<html" in done.text, "Молоко" in done.text) == (200, False, True)
    unknown = manager.client.post(f"{draft}/scan", data={"request": "b", "text": "хурма"}, headers=headers)
    assert (unknown.status_code, "No product has this code" in unknown.text) == (200, True)


def test_errors_are_said_in_russian(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "written_off")
    do(manager, draft, "scan", text=MILK)
    token = manager.token(draft)
    found = REVISION.search(manager.get(draft).text)
    assert found
    answer = manager.client.post(
        f"{draft}/enter", data={"csrf_token": token, "revision": found[1]}, headers={"Accept-Language": "ru"}
    )
    assert "Товар списывают по какой-то причине." in answer.text


def send_file(browser: Browser, draft: str, name: str, content: bytes, request: str = "f") -> Any:
    fields = {"csrf_token": browser.token(draft), "request": request}
    return browser.client.post(f"{draft}/file", data=fields, files={"file": (name, content)})


def test_a_suppliers_file_becomes_lines_once(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    rows = ("Артикул;Количество;Стоимость", f"{MILK};12,5;1 200,50", f"46000000{BREAD:0>5};3;", f"{MILK};1;")
    content = "\n".join(rows).encode("cp1251")
    for _ in range(2):
        assert send_file(manager, draft, "поставка.csv", content).status_code == 303
    assert shop.rows("SELECT sku, quantity_thousandths, cost_minor FROM stock_draft_line ORDER BY sku") == [
        (BREAD, 3_000, None),
        (MILK, 13_500, 120_050),
    ]
    assert shop.count("stock_movement") == 0
    enter(manager, draft)
    assert (left(shop, MILK), left(shop, BREAD)) == (13_500, 3_000)


def test_a_file_with_wrong_rows_is_not_taken_and_each_row_is_named(shop: Shop, manager: Browser) -> None:
    draft = begin(manager, "received")
    wrong = f"sku,quantity,cost\n{MILK},1,\nunheard,1,\n{BREAD},many,\n{BREAD},1,-5\n,2,\n"
    refused = send_file(manager, draft, "a.csv", wrong.encode())
    assert refused.status_code == 422
    for said in (
        "row 4: The quantity is no number.",
        "row 5: The cost is negative.",
        "row 6: The row names no product.",
    ):
        assert said in refused.text
    unknown = send_file(manager, draft, "a.csv", f"sku,quantity\n{MILK},1\nunheard,1\n{BREAD},0\n".encode())
    for said in ("row 3: There is no product unheard.", "row 4: The quantity is not between"):
        assert said in unknown.text
    assert shop.count("stock_draft_line") == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "No file was chosen."),
        ("a.csv", b"sku,quantity\n", "The file has no rows."),
        ("a.txt", b"sku,quantity\n1,1\n", "of no known kind"),
        ("a.xlsx", b"no spreadsheet", "not a sound XLSX file"),
        ("a.csv", b"sku,quantity\n" + b"952,1\n" * 1_001, "more than 1000 rows"),
    ],
)
def test_what_is_no_file_of_goods_is_refused(
    shop: Shop, manager: Browser, name: str, content: bytes, said: str
) -> None:
    draft = begin(manager, "received")
    refused = send_file(manager, draft, name, content)
    assert (refused.status_code, said in refused.text, "/tmp" in refused.text) == (422, True, False), refused.text
