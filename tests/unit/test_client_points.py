"""A client's points on a page at the branch: what was earned, spent and taken back; names masked as at the till."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.operations.refund_request import parse_refund_request
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from tests.support.clock import FakeClock
from tests.support.shop import change
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of

CLIENT = b"c" * 16
PAGE = f"/clients/{format_id(CLIENT)}/points"


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    staff = staff_of(branch_store, clock, tmp_path)
    fields: dict[str, Value] = {
        "name": "Анна Петрова",
        "external_id": "900",
        "phones": ("+79123454567",),
        "tier": "gold",
    }
    staff.shop.learn(change(RecordKind.CLIENT, CLIENT, **fields))
    return staff


@pytest.fixture
def manager(staff: Staff) -> Browser:
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("maria", register="1")
    return browser


@pytest.fixture
def cashier(manager: Browser) -> Browser:
    browser = Browser(manager.app)
    browser.log_in("anna", register="1")
    return browser


def learn_program(staff: Staff, expires_days: int = 30) -> None:
    fields: dict[str, Value] = {
        "code": "main",
        "earn_basis_points": ("*:*:1000",),
        "expires_days": expires_days,
        "point_value_minor": 100,
        "payable_share_basis_points_max": 5_000,
    }
    staff.shop.learn(change(RecordKind.LOYALTY_PROGRAM, b"l" * 16, **fields))


def trade(staff: Staff) -> None:
    """Two things for 100.00 each earn 20 points; one comes back and takes 10 of them."""
    lines = [{"sku": "952", "quantity": 2, "amount_minor": 200_00}]
    receipt = staff.shop.sell("k1", 200_00, lines=lines, client="900").receipt
    asked = {"key": "r1", "register": "1", "cashier": "anna", "receipt": receipt, "lines": [{"line": 1, "quantity": 1}]}
    staff.shop.processor.refund(parse_refund_request(asked))


def test_points_are_shown_with_what_they_came_from(staff: Staff, manager: Browser) -> None:
    learn_program(staff)
    assert "No points yet." in manager.get(PAGE).text
    trade(staff)
    page = manager.get(PAGE).text
    for said in ("Анна Петрова", "tier gold", "earned", "+20", "taken back with a refund", "-10", "23 Dec 2026"):
        assert said in page
    assert page.count('href="/receipts/') == 2
    assert '<span class="figure-value">10</span>' in page


def test_points_expire_and_the_page_says_so(staff: Staff, manager: Browser) -> None:
    learn_program(staff, expires_days=1)
    trade(staff)
    staff.shop.clock.advance(2 * 86_400)
    manager.log_in("maria", register="1")
    page = manager.get(PAGE).text
    assert ('<span class="figure-value">0</span>' in page, "expired unused: 10" in page) == (True, True)


def test_a_cashier_reads_the_name_masked(staff: Staff, cashier: Browser) -> None:
    page = cashier.get(PAGE).text
    assert ("А. Петр…" in page, "Петрова" in page, "4567" in page) == (True, False, False)
    assert "There is no loyalty programme." in page


def test_the_till_leads_to_the_points_of_its_client(staff: Staff, cashier: Browser) -> None:
    staff.shop.learn_product("952", everywhere=100_00)
    cashier.post("/sale/add", "/sale", request="a", sku="952")
    cashier.post("/sale/client", "/sale", request="b", client=format_id(CLIENT))
    assert f'href="{PAGE}"' in cashier.get("/sale").text
    sheet = cashier.get(PAGE, **{"HX-Request": "true"}).text
    assert ("<html" in sheet, "А. Петр…" in sheet) == (False, True)


def test_who_may_not_see_clients_and_who_nobody_knows(staff: Staff, manager: Browser) -> None:
    staff.hire("root", "administrator")
    root = Browser(manager.app)
    root.log_in("root", register="1")
    assert root.get(PAGE).status_code == 403
    assert Browser(manager.app).get(PAGE).headers["location"].startswith("/login")
    for nobody in (format_id(b"n" * 16), "none"):
        assert manager.get(f"/clients/{nobody}/points").status_code == 404
    staff.shop.learn(change(RecordKind.CLIENT, CLIENT, archived=True))
    assert manager.get(PAGE).status_code == 404
