"""A cashier's day at the drawer, in Russian: a receipt scanned and given back with at most four keys, a blind close."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from branch_node.storage.print_jobs import list_jobs
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import ReceiptTexts
from tests.support.browsing import Visitor, screenshot, serious_barriers, serving
from tests.support.clock import FakeClock
from tests.support.staff import PASSWORD
from tests.support.till_pages import make_pages, staff_of


def test_open_refund_by_four_keys_and_close_blindly(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path, visit: Callable[..., Visitor]
) -> None:
    branch_store.printing = ReceiptTexts("ru")
    staff = staff_of(branch_store, clock, tmp_path)
    with serving(make_pages(branch_store, tmp_path)) as address:
        page = visit(address, "ru", "dark").open("/login?next=/shift")
        page.fill("[name=code]", "anna")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_selector("#field-float")
        screenshot(page, "drawer-open")
        page.fill("#field-float", "1000")
        page.press("#field-float", "Enter")
        page.wait_for_url("**/sale*")
        staff.shop.sell("k1", 30_000, lines=[{"sku": sku, "quantity": 1, "amount_minor": 15_000} for sku in ("A", "B")])
        page.add_init_script(
            "document.addEventListener('DOMContentLoaded', () => { window.firstKeys = document.activeElement.id })"
        )
        page.goto("/refunds/new")
        assert page.evaluate("window.firstKeys") == "field-receipt"
        # A scanner types the number and Enter; after that the cashier presses two keys.
        page.keyboard.type("1-000001\n")
        page.wait_for_selector("html[data-ready] [data-line='2']")
        page.keyboard.press("Digit2")
        page.wait_for_selector("#reckoning .total")
        assert serious_barriers(page) == []
        screenshot(page, "drawer-refund")
        page.keyboard.press("Enter")
        page.wait_for_selector(".paper")
        assert "К чеку 1-000001" in page.inner_text(".paper")
        screenshot(page, "drawer-receipt")
        page.goto("/shift/close")
        assert "1 150" not in page.inner_text("main")
        page.fill("#pieces-100000", "1")
        assert serious_barriers(page) == []
        screenshot(page, "drawer-close")
        page.click("#count button")
        page.wait_for_selector(".verdict-short")
        screenshot(page, "drawer-z")
        page.close()  # or it would ask a server that is gone
    with branch_store.read_cursor() as cursor:
        assert [job.kind for job in list_jobs(cursor)] == ["cash_in", "sale", "refund", "z_report"]
