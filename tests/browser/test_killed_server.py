"""The branch's process is killed in mid-basket, under a browser that scans on: the page recovers, nothing is lost."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from branch_node.operations import basket
from branch_node.storage.store import BranchStore
from deploy.demo.chain import Serving
from tests.browser.conftest import Visit, log_in
from tests.browser.test_sale import scan
from tests.support.basket_desk import learn_goods
from tests.support.clock import FakeClock
from tests.support.till_pages import staff_of

CODES = [f"sku-{number:02d}" for number in range(18)]
BEFORE, IN_FLIGHT = 6, 12


def test_a_killed_server_loses_no_scan_and_doubles_none(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path, visit: Visit
) -> None:
    staff = staff_of(branch_store, clock, tmp_path)
    for place, code in enumerate(CODES):
        learn_goods(staff.shop, code, 100 + place)
    staff.shop.open_shift()
    serving = Serving("branch_node", tmp_path, "--no-sync", "--web", "127.0.0.1:0")
    address = serving.addresses["web"]
    try:
        visitor = visit(f"http://{address}")
        log_in(visitor, "anna")
        page = visitor.open("/sale")
        page.wait_for_selector("html[data-till=ready]")
        scan(page, *CODES[:BEFORE])
        expect(page.locator("[data-line]")).to_have_count(BEFORE)
        # Of these some are on their way, some done and not yet answered, some not sent.
        scan(page, *CODES[BEFORE:IN_FLIGHT])
        serving.kill()
        scan(page, *CODES[IN_FLIGHT:])
        expect(page.locator("#waiting-scans")).to_be_visible()
        serving = Serving("branch_node", tmp_path, "--no-sync", "--web", address)
        expect(page.locator("[data-line]")).to_have_count(len(CODES), timeout=30_000)
        expect(page.locator("#waiting-scans")).to_be_hidden()
        current = basket.current_basket(branch_store, "1")
        assert current is not None
        seen = basket.view(branch_store, current)
        assert [(line.sku, line.quantity_thousandths) for line in seen.lines] == [(code, 1_000) for code in CODES]
        page.keyboard.press("F12")
        expect(page.locator("#sold-title")).to_contain_text("1-000001")
        # Before the server ends in order, that the page asks for how it stands no more.
        page.close()
    finally:
        serving.stop()
    assert staff.shop.count("sale") == 1
    assert staff.shop.count("sale_line") == len(CODES)
    # What it asked for while nobody was there.
    visitor.wrong = [said for said in visitor.wrong if "net::ERR_" not in said and not said.startswith("htmx:")]
