"""The chain's words in a browser, in Russian: begun with, added, moved, put away and taken back."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Visit
from tests.support.browsing import screenshot, serious_barriers, serving
from tests.support.office_pages import office_pages
from tests.support.staff import PASSWORD


def test_the_words_of_calls_are_kept_by_clicks(tmp_path: Path, sqlite_template: Path, visit: Visit) -> None:
    with office_pages(tmp_path, sqlite_template) as pages, serving(pages.app) as address:
        pages.hire("olga", "head_of_sales")
        visitor = visit(address, "ru")
        page = visitor.open("/login")
        page.fill("[name=code]", "olga")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        page = visitor.open("/dictionaries")
        page.click("text=Начать с обычного набора")
        page.wait_for_selector("[value=договорились]")
        page.fill("#competitor-name", "Лента")
        page.press("#competitor-name", "Enter")
        page.wait_for_selector("#competitor [value=Лента]")
        page.click("#theme [aria-label='Ниже: цена']")
        page.wait_for_selector("#theme li:nth-child(2) [value=цена]")
        page.click("#outcome [aria-label='В архив: жалоба']")
        page.wait_for_selector("text=В архиве: 1")
        page.keyboard.press("Control+KeyZ")
        page.wait_for_selector("#outcome [value=жалоба]")
        assert serious_barriers(page) == []
        screenshot(page, "dictionaries-ru-light")
