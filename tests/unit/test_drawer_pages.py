"""The drawer's pages: open, cash, refund by receipt, blind close, Z-report; who may, and what is said when not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from branch_node.storage.print_jobs import list_jobs
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import ReceiptTexts
from tests.support.clock import FakeClock
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of

KEY = re.compile(r'name="key" value="([^"]+)"')
PATHS = ("/shift", "/shift/close", "/shift/x", "/shift/history", "/receipts", "/refunds/new", "/refunds/loose")


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    branch_store.printing = ReceiptTexts("ru")
    return staff_of(branch_store, clock, tmp_path)


@pytest.fixture
def cashier(staff: Staff) -> Browser:
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("anna")
    return browser


@pytest.fixture
def manager(cashier: Browser) -> Browser:
    browser = Browser(cashier.app)
    browser.log_in("maria")
    return browser


def kinds(staff: Staff) -> list[str]:
    with staff.shop.store.read_cursor() as cursor:
        return [job.kind for job in list_jobs(cursor)]


def refund_key(browser: Browser, receipt: str = "1-000001") -> str:
    found = KEY.search(browser.get(f"/refunds/new?receipt={receipt}").text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", PATHS)
def test_pages_ask_who_it_is(cashier: Browser, path: str) -> None:
    assert Browser(cashier.app).get(path).headers["location"].startswith("/login")


def test_a_day_from_opening_to_a_blind_close(staff: Staff, cashier: Browser, manager: Browser) -> None:
    assert cashier.post("/shift/open", "/shift", float="1000").headers["location"] == "/shift"
    staff.shop.sell("k1", 70_000)
    (key,) = re.findall(r'name="key" value="(cash:[^"]+)"', manager.get("/shift").text)
    for _ in range(2):
        moved = manager.post("/shift/cash", "/shift", key=key, direction="out", amount="500", reason="такси")
        assert moved.status_code == 303
    close = cashier.get("/shift/close").text
    assert "1,200.00" not in close
    assert cashier.post("/shift/close", "/shift/close").status_code == 422
    answer = cashier.post("/shift/close", "/shift/close", **{"pieces-100000": "1", "pieces-10000": "1"})
    z_report = cashier.get(answer.headers["location"])
    assert (z_report.status_code, "100.00" in z_report.text) == (200, True)
    assert "are missing" in z_report.text
    assert "&lt;" not in z_report.text
    assert kinds(staff) == ["cash_in", "sale", "cash_out", "z_report"]
    assert answer.headers["location"] in cashier.get("/shift/history").text


def test_a_cashier_may_not_move_cash_or_see_what_there_should_be(staff: Staff, cashier: Browser) -> None:
    cashier.post("/shift/open", "/shift", float="10")
    assert cashier.get("/shift/x").status_code == 403
    refused = cashier.post("/shift/cash", "/shift", direction="in", amount="1", reason="x")
    assert (refused.status_code, "may not do this" in refused.text) == (403, True)
    assert staff.shop.count("cash_movement") == 0


def test_goods_come_back_once_for_a_form(staff: Staff, cashier: Browser) -> None:
    sold = staff.shop.sell("k1", 700)
    page = cashier.get("/refunds/new?receipt=1").text
    assert "1-000001" in page
    fields = {"key": refund_key(cashier), "receipt": sold.receipt, "line": "1"}
    assert "7.00" in cashier.post("/refunds/reckon", **fields).text
    answers = [cashier.post("/refunds", **fields) for _ in range(2)]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert staff.shop.count("refund") == 1
    assert "1-000002" in cashier.get(answers[0].headers["location"]).text
    assert "given back already" in cashier.get("/refunds/new?receipt=1-000001").text


def test_without_a_receipt_a_role_has_its_limit(staff: Staff, cashier: Browser, manager: Browser) -> None:
    fields = {"sku-1": "100", "quantity-1": "1", "amount-1": "700", "reason": "нет чека"}
    assert cashier.post("/refunds/loose", key="a", **fields).status_code == 403
    assert manager.post("/refunds/loose", key="b", **fields | {"amount-1": "10001"}).status_code == 403
    assert manager.post("/refunds/loose", key="c", **fields).status_code == 303
    assert staff.shop.count("refund") == 1


def test_a_receipt_is_found_shown_and_printed_again_as_a_copy(staff: Staff, cashier: Browser, manager: Browser) -> None:
    staff.shop.sell("k1", 700)
    address = cashier.get("/receipts?q=1-000001").headers["location"]
    assert "7.00" in cashier.get(address).text
    assert cashier.get(f"{address}.pdf").content.startswith(b"%PDF")
    assert cashier.post(f"{address}/print").status_code == 403
    assert manager.post(f"{address}/print").status_code == 303
    assert kinds(staff) == ["sale", "sale"]
    assert staff.shop.rows("SELECT action, cashier FROM audit_entry") == [("receipt_reprinted", "maria")]
    assert "1-000001" in cashier.get("/receipts").text
    assert cashier.get("/receipts?q=9-999999").status_code == 422
