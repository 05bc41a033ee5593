"""A manager arranges the quick keys, and the till shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from branch_node.operations import basket, quick_key_editing
from branch_node.operations.quick_key_editing import Keyboard
from branch_node.storage.store import BranchStore
from shared.domain.permissions import Permission
from shared.errors import NotPermitted
from tests.support.basket_desk import learn_goods
from tests.support.clock import FakeClock
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    staff = staff_of(branch_store, clock, tmp_path)
    learn_goods(staff.shop, "bread", 4_000, name="Bread")
    learn_goods(staff.shop, "bun", 2_500, name="Bun")
    return staff


@pytest.fixture
def browser(staff: Staff) -> Browser:
    """Maria's, the manager's, at register 1."""
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("maria", register="1")
    return browser


def shown(staff: Staff, register: str = "") -> list[tuple[int, str, str, str]]:
    keys = basket.list_quick_keys(staff.shop.store, register)
    return [(key.position, key.sku, key.label, key.group) for key in keys]


def test_a_key_is_found_added_renamed_and_removed_with_a_way_back(browser: Browser, staff: Staff) -> None:
    assert "There are no keys yet." in browser.get("/quick-keys").text
    assert "Add Bread" in browser.get("/quick-keys?q=brea").text
    added = browser.post("/quick-keys", sku="bread", group="Bakery", q="brea")
    assert added.headers["location"] == "/quick-keys?q=brea"
    browser.post("/quick-keys/change", position="1", label="Loaf", group="Oven")
    assert shown(staff) == [(1, "bread", "Loaf", "Oven")]
    till = browser.get("/sale").text
    assert re.search(r"quick-group.*Oven", till)
    assert "Loaf" in till
    browser.post("/quick-keys/change", position="1", do="remove")
    page = browser.get("/quick-keys").text
    assert "Removed: Loaf" in page
    assert shown(staff) == []
    fields = dict(re.findall(r'name="(position|sku|label|colour|group)" value="([^"]*)"', page))
    browser.post("/quick-keys/put-back", **fields)
    assert shown(staff) == [(1, "bread", "Loaf", "Oven")]


def test_the_order_is_changed_and_the_pressed_button_keeps_the_focus(browser: Browser, staff: Staff) -> None:
    for sku in ("bread", "bun"):
        browser.post("/quick-keys", sku=sku)
    moved = browser.post("/quick-keys/change", position="2", do="up")
    assert moved.headers["location"] == "/quick-keys?at=up-1"
    assert [sku for _, sku, _, _ in shown(staff)] == ["bun", "bread"]
    page = browser.get("/quick-keys?at=up-1").text
    assert re.search(r'value="up" aria-label="Bun: further up" autofocus', page)


def test_a_register_has_keys_of_its_own(browser: Browser, staff: Staff) -> None:
    browser.post("/quick-keys", sku="bread")
    browser.post("/quick-keys", sku="bun", register="1")
    assert shown(staff) == [(1, "bread", "Bread", "")]
    assert shown(staff, "1") == [(1, "bun", "Bun", "")]
    assert "Only register 1" in browser.get("/quick-keys?register=1").text
    before = browser.get("/sale/tab").json()["keys"]
    assert f'data-keys="{before}"' in browser.get("/sale").text
    browser.post("/quick-keys/change", position="1", do="remove", register="1")
    assert browser.get("/sale/tab").json()["keys"] != before


def test_what_cannot_be_is_said_on_the_page(browser: Browser, staff: Staff) -> None:
    refused = browser.post("/quick-keys", sku="nothing")
    assert refused.status_code == 422
    assert "There is no product nothing." in refused.text
    assert "is not there any more" in browser.post("/quick-keys/change", position="7", do="remove").text
    assert browser.post("/quick-keys/change", position="x").status_code == 422
    browser.post("/quick-keys", sku="bread")
    assert "at most 40" in browser.post("/quick-keys/change", position="1", label="x" * 41).text
    assert "There is no product" in browser.post("/quick-keys/put-back", position="1", sku="nothing").text


def test_only_who_may_set_the_branch_up_arranges_keys(staff: Staff) -> None:
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("anna", register="1")
    assert browser.get("/quick-keys").status_code == 403
    for path in ("", "/change", "/put-back"):
        assert browser.post(f"/quick-keys{path}", sku="bread", position="1").status_code == 403
    assert "Arrange the quick keys" not in browser.get("/sale").text
    cashier = staff.current(staff.log_in("anna").token)
    assert cashier is not None
    assert not cashier.may(Permission.SETTINGS_BRANCH)
    with pytest.raises(NotPermitted):
        quick_key_editing.add(Keyboard(staff.shop.store, cashier), "bread")
    with pytest.raises(NotPermitted):
        quick_key_editing.remove(Keyboard(staff.shop.store, cashier), 1)
