"""The first page of a practice chain: five things for whoever works in a shop, and a search that finds somebody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from branch_node.storage.store import BranchStore
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.till_pages import Browser, make_pages, staff_of

SEARCH = re.compile(r'href="(/clients\?q=[^"]*)"')


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Shop:
    (tmp_path / "practice").touch()
    made = Shop(branch_store, clock)
    staff = staff_of(branch_store, clock, tmp_path)
    staff.hire("rita", "sales_rep")
    made.learn(
        change(RecordKind.CLIENT, derived_id("client", b"anna"), name="Анна Ежевикина", owner_id=staff.identity("rita"))
    )
    return made


@pytest.mark.parametrize("code", ["anna", "maria", "rita"])
def test_everybody_in_a_shop_is_given_five_things(shop: Shop, tmp_path: Path, code: str) -> None:
    browser = Browser(make_pages(shop.store, tmp_path))
    browser.log_in(code)
    assert browser.get("/start").text.count('<li class="panel">') == 5


def test_the_search_in_the_wrong_layout_finds_a_client_of_ones_own(shop: Shop, tmp_path: Path) -> None:
    browser = Browser(make_pages(shop.store, tmp_path))
    browser.log_in("rita")
    found = SEARCH.search(browser.get("/start").text)
    assert found
    assert "Ежевикина" not in found[1]
    assert "Анна Ежевикина" in browser.get(found[1]).text


def test_a_real_shop_has_nothing_to_try(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "practice").unlink()
    browser = Browser(make_pages(shop.store, tmp_path))
    browser.log_in("rita")
    assert browser.get("/start").status_code == 404
