"""What waits for a decision, as an auditor works through it in a browser, in Russian; each page is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from hq_server.storage.proposals import keep_proposals
from hq_server.storage.review_tables import audit_verdict
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import parse_local
from shared.domain.records import Record, RecordKind
from shared.operations.cards import load_card, shown_fields
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldState, FieldVersion, Stamp
from shared.sync.messages import CardFull
from shared.wire.cards import encode_state
from shared.wire.exchange import encode_feed_record
from shared.wire.payloads import encode_branch_fact, encode_refund, encode_sale
from tests.browser.conftest import Visit
from tests.support.browsing import keys_of_two, screenshot, serious_barriers, serving
from tests.support.journal import ZONE, JournalWriter, line, refund, sale
from tests.support.office_pages import OfficePages, office_pages
from tests.support.staff import PASSWORD

PAGES = (
    "/conflicts", "/conflicts?state=decided", "/parked", "/parked?state=aside", "/proposals",
    "/proposals?state=decided",
    "/audit/shifts?show=all", "/audit/refunds?from=&to=", "/audit/people", "/audit/tills?from=&to=",
)  # fmt: skip


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template, name="Сеть") as served:
        yield served


@pytest.fixture
def address(pages: OfficePages) -> Iterator[str]:
    with serving(pages.app) as served:
        yield served


def furnish(pages: OfficePages) -> str:
    """Two branches that disagree, entries that cannot be applied, a card handed back, and a sale given back twice."""
    office = pages.office
    pages.hire("vera", "auditor")
    north, south = office.journal("Север"), office.journal("Юг")
    client_id, other = office.ids.new_id(), office.ids.new_id()
    for journal, group, phone in ((north, "золото", "+79123456789"), (south, "серебро", "+79031112233")):
        office.clock.advance(60)
        journal.add_edit(RecordKind.CLIENT, client_id, {}, name="Анна Белова", group=group, phones=(phone,))
        journal.add_edit(RecordKind.CLIENT, other, {}, name="Пётр Смирнов", address=f"{group}, дом 1", tier=group)
    sale_id = north.add_sale(sale(1, [line("Чай", 12_300), line("Молоко", 8_900)]))
    for journal, number in ((north, 2), (south, 3)):
        back = refund(number, sale_id, [(1, line("Чай", 12_300))])
        journal.add([Record(RecordKind.REFUND, office.ids.new_id(), encode_refund(back))])
    by_hand(north)
    receipt = Record(RecordKind.SALE, office.ids.new_id(), encode_sale(sale(7, [line("Мыло", 5_000)])))
    north.add([receipt, Record(999, office.ids.new_id(), b"?")])
    office.clock.advance(3 * 3_600)
    south.add_edit(RecordKind.CLIENT, client_id, {}, note="из будущего")
    office.clock.advance(-3 * 3_600)
    for journal in (north, south):
        office.merge(journal, journal.batch())
    hand_back(pages, north.branch_id)
    return client_id.hex()


def by_hand(journal: JournalWriter) -> None:
    at = parse_local("2026-11-20T12:00:00", ZONE, "at")
    for detail in ("Чай", "Кофе"):
        fact = AuditEntry("line_removed", "1", "anna", None, 12_300, detail, at)
        journal.add([Record(RecordKind.AUDIT_ENTRY, journal.ids.new_id(), encode_branch_fact(fact))])


def hand_back(pages: OfficePages, branch_id: bytes) -> None:
    office = pages.office
    stamp = Stamp(0, office.clock.now_us() // 1_000 << 16, office.ids.new_id(), b"a" * 16, HQ_ORIGIN)
    fields = {"sku": "100", "name": "Кофе в зёрнах", "category": "Кофе"}
    state = CardState({name: FieldState((FieldVersion(stamp, value),)) for name, value in fields.items()})
    full = CardFull(RecordKind.PRODUCT, office.ids.new_id(), encode_state(state))
    with office.store.write() as connection:
        keep_proposals(connection, branch_id, (encode_feed_record(full),), office.clock.now_us())


def group_of(pages: OfficePages, client_id: bytes) -> Any:
    with pages.office.store.read() as connection:
        state = load_card(connection, RecordKind.CLIENT, client_id)
    assert state is not None
    return shown_fields(RecordKind.CLIENT, state)["group"]


def log_in(page: Page, address: str) -> None:
    page.fill("[name=code]", "vera")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{address}/")


def said(page: Page, text: str) -> None:
    page.wait_for_selector(f".notice:has-text('{text}')")


def test_an_auditor_decides_takes_back_sets_aside_and_judges(pages: OfficePages, address: str, visit: Visit) -> None:
    client_id = bytes.fromhex(furnish(pages))
    visitor = visit(address, "ru")
    log_in(visitor.open("/login"), address)
    page = visitor.page
    page.click("nav >> text=На решение")
    # A conflict is decided for the other value, and taken back.
    group = page.locator(".review", has_text="Группа для акций")
    assert "показано сейчас" in group.locator(".side", has_text="серебро").inner_text()
    screenshot(page, "review-conflicts-ru")
    group.locator(".side", has_text="золото").locator("button").click()
    said(page, "Решён 1 конфликт.")
    assert group_of(pages, client_id) == "золото"
    page.keyboard.press("Control+z")
    said(page, "Снова открыт 1 конфликт.")
    assert group_of(pages, client_id) == "серебро"
    # Several at once, by keys; then from the list of what was decided.
    for box in page.locator("input[name=keep]").all():
        box.check()
    page.keyboard.press("F9")
    said(page, "Решено 3 конфликта.")
    assert page.locator(".review").count() == 1, "the address is hidden from an auditor, who does not decide about it"
    visitor.open("/conflicts?state=decided")
    screenshot(page, "review-decided-ru")
    page.locator(".outcome button").first.click()
    said(page, "Снова открыто 3 конфликта.")
    # A parked entry is set aside after a look, and parked again.
    page.click("nav.tabs >> text=Отложенные записи")
    assert "Данные неполны, пока не решено: Север" in page.inner_text("main")
    screenshot(page, "review-parked-ru")
    page.click(".review:has-text('1-000007') a[role=button]")
    screenshot(page, "review-set-aside-ru")
    page.fill("[name=note]", "проба кассы")
    page.keyboard.press("F9")
    said(page, "Запись отклонена.")
    assert page.locator(".review").count() == 1
    visitor.open("/parked?state=aside")
    assert "проба кассы" in page.inner_text(".review")
    page.click(".review button")
    said(page, "Запись снова отложена.")
    assert page.locator(".review").count() == 2
    page.keyboard.press("F9")
    said(page, "Применено: 1. Осталось отложенными: 1")
    # What came back twice is looked at from both sides.
    visitor.open("/audit/refunds?from=&to=")
    screenshot(page, "review-refunds-ru")
    page.click("tr.wrong a")
    assert page.locator(".side").count() == 3
    screenshot(page, "review-case-ru")
    page.check("input[name=subject]")
    page.fill("[name=note]", "по камере всё верно")
    page.keyboard.press("F8")
    said(page, "В порядке: 1 замечание.")
    assert "по камере всё верно" in page.inner_text("main")
    visitor.open("/audit/refunds?from=&to=")
    assert page.locator("tr.wrong").count() == 0
    rows = pages.office.rows(select(audit_verdict.c.verdict, audit_verdict.c.taken_back_at))
    assert ("in_order", None) in [tuple(row) for row in rows]
    # A card that was handed back is taken up.
    _decide_about_cards(visitor, page)


def _decide_about_cards(visitor: Any, page: Any) -> None:
    visitor.open("/proposals")
    screenshot(page, "review-proposals-ru")
    page.check("input[name=card]")
    page.keyboard.press("F9")
    said(page, "Принята 1 карточка.")
    page.keyboard.press("Control+KeyZ")
    said(page, "1 карточка снова ждёт решения.")
    page.check("input[name=card]")
    page.click("button[value=reject]")
    visitor.open("/proposals?state=decided")
    assert page.locator("tbody tr").count() == 2
    assert serious_barriers(page) == []
    screenshot(page, "review-proposals-decided-ru")
    page.click("td button:has-text('Отменить') >> nth=0")
    said(page, "1 карточка снова ждёт решения.")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_are_without_barriers_in_the_dark(pages: OfficePages, address: str, visit: Visit, width: int) -> None:
    furnish(pages)
    visitor = visit(address, "ru", "dark", width=width)
    log_in(visitor.open("/login"), address)
    for path in PAGES:
        page = visitor.open(path)
        assert serious_barriers(page) == [], path
        assert keys_of_two(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        screenshot(page, f"review{path.split('?')[0].replace('/', '-')}-dark-{width}")
