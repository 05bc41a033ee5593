"""The supervisor's day in Russian: who called whom with what outcome, by hour, and what is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.team_day import HOUR_US
from branch_node.storage.store import BranchStore
from shared.domain.business_time import local_moment
from shared.domain.interactions import Interaction
from shared.domain.records import RecordKind
from tests.support.browsing import Visitor, screenshot, serious_barriers, serving
from tests.support.clock import FakeClock
from tests.support.shop import change
from tests.support.staff import PASSWORD
from tests.support.till_pages import make_pages, staff_of


def test_a_supervisor_sees_the_day_without_a_report(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path, visit: Callable[..., Visitor]
) -> None:
    staff = staff_of(branch_store, clock, tmp_path)
    for number, (code, name, is_target) in enumerate((("agreed", "Договорились", True), ("thinks", "Думает", False))):
        term: dict[str, Any] = {"dictionary": "outcome", "code": code, "name": name, "is_target": is_target}
        staff.shop.learn(change(RecordKind.DICTIONARY_TERM, b"t%015d" % number, **term))
    for hours_ago, outcome in ((0, "agreed"), (0, "thinks"), (2, "thinks"), (2, "")):
        at = local_moment(clock.now_us() - hours_ago * HOUR_US, "Europe/Moscow")
        fact = Interaction(
            b"c" * 16, "call", "out", "anna", at, reached=bool(outcome), outcome=outcome, duration_seconds=150
        )
        with branch_store.operation() as transaction:
            record_branch_fact(transaction, fact)
    staff.shop.sell("k1", 12_000)
    with serving(make_pages(branch_store, tmp_path)) as address:
        page = visit(address, "ru").open("/login?next=/team")
        page.fill("[name=code]", "maria")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_selector("#figures table")
        assert "Договорились" in page.inner_text("#figures")
        assert serious_barriers(page) == []
        screenshot(page, "team-today")
        page.click("text=Последний час")
        page.wait_for_url("**/team?hours=1")
        assert page.inner_text("#figures tfoot td >> nth=0") == "2"
        page.emulate_media(media="print")
        screenshot(page, "team-print")
        page.emulate_media(media="screen")
        the_menu_of_seldom_pages(page)
        page.close()  # or it would ask a server that is gone


def the_menu_of_seldom_pages(page: Page) -> None:
    """It opens and closes by keys, and what stands in it has its own key while it is closed."""
    expect(page.locator(".bar-more a[href='/status']")).to_be_hidden()
    page.click(".bar-more > summary")
    expect(page.locator(".bar-more a[href='/status']")).to_be_visible()
    screenshot(page, "team-menu")
    page.keyboard.press("Escape")
    expect(page.locator(".bar-more > summary")).to_be_focused()
    expect(page.locator(".bar-more a[href='/status']")).to_be_hidden()
    page.keyboard.press("Alt+KeyS")
    page.wait_for_url("**/status")
    expect(page.locator(".bar-more-here")).to_be_visible()
