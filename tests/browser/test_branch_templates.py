"""Templates of reports at a branch in a browser, in Russian: none yet, then from the list to the printed report."""

from __future__ import annotations

from playwright.sync_api import expect

from shared.domain.records import RecordKind
from shared.reports.asks import ask_document
from shared.reports.parameters import ReportAsk
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import keys_of_two, screenshot, serious_barriers
from tests.support.shop import change


def test_a_shared_template_is_run_printed_and_taken_as_a_file(branch: ServedBranch, visit: Visit) -> None:
    shop = branch.staff.shop
    shop.sell("k1", 50)
    visitor = visit(branch.address, "ru")
    log_in(visitor)
    page = visitor.open("/reports")
    page.click(".page-actions >> text=Шаблоны отчётов")
    page.wait_for_selector("text=Головной офис пока не открыл вам ни одного шаблона")
    page.wait_for_selector("text=Попросите открыть шаблон вашей роли")
    assert serious_barriers(page) == []
    assert keys_of_two(page) == []
    screenshot(page, "branch-templates-none-ru-light")
    today = ask_document(ReportAsk(by=("cashier",), period="today"))
    others = ask_document(ReportAsk(by=("branch",), branches=("B1",)))
    shop.learn(
        change(RecordKind.REPORT_TEMPLATE, b"1" * 16, name="Касса за день", report="sales", ask=today, is_shared=True),
        change(RecordKind.REPORT_TEMPLATE, b"2" * 16, name="Первый", report="sales", ask=others, is_shared=True),
    )
    page = visitor.open("/templates")
    expect(page.locator("td", has_text="Первый")).to_contain_text("его строят в головном офисе")
    assert serious_barriers(page) == []
    screenshot(page, "branch-templates-ru-light")
    with page.expect_download() as taken:
        page.click("[aria-label='Касса за день: CSV']")
    assert taken.value.suggested_filename.endswith(".csv")
    page.click("text=Касса за день")
    page.wait_for_selector("th >> text=anna")
    page.evaluate("window.print = () => document.body.setAttribute('data-printed', 'yes')")
    page.keyboard.press("F7")
    page.wait_for_selector("body[data-printed]")
