"""The administrator in a browser, in Russian: a price for tomorrow and back, a branch's mode, a promotion tried."""

from __future__ import annotations

from pathlib import Path

from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from shared.domain.business_time import date_from_days
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from tests.browser.conftest import Visit
from tests.support.browsing import screenshot, serious_barriers, serving
from tests.support.journal import line, sale
from tests.support.office_pages import OfficePages, office_pages
from tests.support.staff import PASSWORD


def furnish(pages: OfficePages) -> None:
    office = pages.office
    pages.hire("olga", "administrator")
    journal = office.journal("B1")
    for number in range(1, 16):
        goods = [line("tea", 14_990, 1 + number % 3, 0, "Чай"), line("mug", 35_000, 1, 0, "Посуда")]
        journal.add_sale(sale(number, goods, f"2026-11-20T{8 + number % 12:02d}:05:00"))
    office.merge(journal, journal.batch())
    office.add_branch("B2", "north")
    with office.store.write() as connection:
        goods_of_chain = Assortment(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR)
        goods_of_chain.add(ProductFields("tea", "Чай зелёный", "Чай", "4600"), WantedPrice(14_990))


def test_a_price_is_planned_and_undone_a_mode_changed_and_a_promotion_tried(
    tmp_path: Path, sqlite_template: Path, visit: Visit
) -> None:
    with office_pages(tmp_path, sqlite_template, name="Сеть") as pages, serving(pages.app) as address:
        furnish(pages)
        tomorrow = date_from_days(pages.app.state.context.today() + 1).isoformat()
        visitor = visit(address, "ru")
        page = visitor.open("/login")
        page.fill("[name=code]", "olga")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        page = visitor.open("/products?words=чай")
        page.click("text=Чай зелёный")
        page.fill("#field-price", "159,90")
        page.fill("#field-valid_from", tomorrow)
        pages.office.clock.advance(60)
        page.click("text=Задать цену")
        page.wait_for_selector(".price-coming:has-text('159,90')")
        page.wait_for_selector("section.changes >> text=Olga")
        assert serious_barriers(page) == []
        screenshot(page, "product-prices-ru-light")
        pages.office.clock.advance(60)
        page.keyboard.press("Control+KeyZ")
        page.wait_for_selector(".notice >> text=Отменено")
        assert page.locator(".price-coming").count() == 0
        page.click("nav >> text=Филиалы")
        page.click("table >> text=B1")
        page.check("[name=mode][value=centralized]")
        pages.office.clock.advance(60)
        page.click("main button:has-text('Сохранить')")
        page.wait_for_selector("section.changes >> text=Как работает")
        assert "самостоятельно: продаёт сразу" in page.inner_text("section.changes")
        assert "получили филиалы: 0 из 1" in page.inner_text("section.changes")
        assert serious_barriers(page) == []
        screenshot(page, "branch-ru-light")
        page = visitor.open("/promotions/edit")
        page.fill("[name=name]", "Осень")
        page.fill("[name=code]", "autumn")
        page.fill("[name=percent]", "10")
        page.fill("[name=categories]", "Чай")
        page.click("text=Проверить на вчерашних чеках")
        page.wait_for_selector("h1:has-text('Что дала бы акция «Осень»')")
        page.fill("[name=preview_day]", "2026-11-20")
        page.click("main >> button:text-is('Проверить')")
        page.wait_for_selector("text=15 из 15")
        assert serious_barriers(page) == []
        screenshot(page, "promotion-preview-ru-light")
        page.click("text=Сохранить акцию")
        page.wait_for_selector("section[aria-labelledby=now] >> text=Осень")
