"""Templates of reports on a branch's page: whose they are, what runs them, and what cannot be run here."""

from __future__ import annotations

import html
import re
from html import unescape
from pathlib import Path

import pytest

from branch_node.operations.report_templates import list_templates
from branch_node.storage.store import BranchStore
from shared.domain.records import RecordKind
from shared.errors import NotPermitted
from shared.reports.asks import ask_document
from shared.reports.parameters import ReportAsk
from tests.support.clock import FakeClock
from tests.support.shop import change
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of

ASK = ask_document(ReportAsk(by=("cashier",), period="today"))


@pytest.fixture
def staff(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Staff:
    return staff_of(branch_store, clock, tmp_path)


def share(staff: Staff, number: int, name: str, report: str = "sales", ask: str = ASK, **fields: object) -> None:
    described = {"name": name, "report": report, "ask": ask, "is_shared": True, **fields}
    staff.shop.learn(change(RecordKind.REPORT_TEMPLATE, b"%016d" % number, **described))  # type: ignore[arg-type]


def page_of(staff: Staff, code: str = "maria") -> str:
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in(code)
    return unescape(browser.get("/templates").text)


def test_without_any_the_page_says_whom_to_ask_and_offers_the_ready_made(staff: Staff) -> None:
    text = page_of(staff)
    assert "The head office has shared no template with you yet." in text
    assert "Ask it to share one with your role" in text
    assert "Yesterday’s sales by branch" in text
    assert "branches of both" not in text
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("maria")
    ready = re.findall(r'class="template-name" href="([^"]+)"', text)
    assert len(ready) > 1
    for url in ready:
        assert browser.get(html.unescape(url)).status_code == 200, url


def test_one_sees_what_is_shared_with_one_s_role_and_one_s_own(staff: Staff) -> None:
    share(staff, 1, "Всем")
    share(staff, 2, "Управляющим", roles=("manager",))
    share(staff, 3, "Владельцу", roles=("owner",))
    share(staff, 4, "Мой", is_shared=False, owner_id=staff.identity("maria"))
    share(staff, 5, "Чужой", is_shared=False, owner_id=staff.identity("anna"))
    share(staff, 6, "Старый", archived=True)
    text = page_of(staff)
    shown = [name for name in ("Всем", "Управляющим", "Владельцу", "Мой", "Чужой", "Старый") if f">{name}<" in text]
    assert shown == ["Всем", "Управляющим", "Мой"]
    actor = staff.log_in("anna").actor
    with staff.shop.store.read() as connection, pytest.raises(NotPermitted):
        list_templates(connection, actor)


def test_a_template_runs_by_one_click_and_is_taken_as_a_file(staff: Staff) -> None:
    staff.shop.sell("k1", 50)
    share(staff, 1, "Касса")
    text = page_of(staff)
    browser = Browser(make_pages(staff.shop.store, staff.settings.home))
    browser.log_in("maria")
    assert 'href="/reports/sales?by=cashier&period=today"' in text
    assert "anna" in browser.get("/reports/sales?by=cashier&period=today").text
    assert browser.get("/reports/sales/export.pdf?by=cashier&period=today").content.startswith(b"%PDF")
    assert "/reports/sales/export.pdf?by=cashier&period=today" in text


def test_what_cannot_be_run_here_says_why(staff: Staff) -> None:
    share(staff, 1, "Завтра", report="of-a-newer-release")
    share(staff, 2, "Странный", ask='{"colour":"red"}')
    share(staff, 3, "Первый", ask=ask_document(ReportAsk(branches=("B1",))))
    share(staff, 4, "Часами", report="margin", ask=ask_document(ReportAsk(by=("category",), period="this-year")))
    share(staff, 5, "Месяц", report="margin", ask=ask_document(ReportAsk(by=("category",), period="this-month")))
    text = page_of(staff)
    assert "Branches are not sent the answer to this question: run it at the head office." in text
    assert [name for name in ("Завтра", "Странный", "Первый", "Часами", "Месяц") if f">{name}</a>" in text] == ["Месяц"]
    assert "This program does not know that report yet." in text
    assert "The template asks “colour”, which this program does not know." in text
    assert "It asks about other branches: run it at the head office." in text
