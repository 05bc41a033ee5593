"""Templates of reports in a browser, in Russian: from a report to a saved one, sent by itself, run and put away."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Visit
from tests.support.browsing import keys_of_two, screenshot, serious_barriers, serving
from tests.support.journal import line, sale
from tests.support.office_pages import office_pages
from tests.support.staff import PASSWORD


def test_a_report_is_saved_scheduled_and_run_again_by_clicks(
    tmp_path: Path, sqlite_template: Path, visit: Visit
) -> None:
    with office_pages(tmp_path, sqlite_template) as pages, serving(pages.app) as address:
        pages.hire("olga", "head_of_sales")
        journal = pages.office.journal("B1")
        journal.add_sale(sale(1, [line("tea", 100_00, category="Чай")], "2026-11-20T10:00:00"))
        pages.office.merge(journal, journal.batch())
        visitor = visit(address, "ru")
        page = visitor.open("/login")
        page.fill("[name=code]", "olga")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        page = visitor.open("/reports/sales?by=branch&period=last-week")
        page.click("text=Сохранить как шаблон")
        page.fill("[name=name]", "Прошлая неделя по филиалам")
        page.click("text=Могут строить и другие")
        assert serious_barriers(page) == []
        screenshot(page, "report-template-new-ru-light")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Шаблон сохранён")
        page.select_option("[name=rhythm]", "weekly")
        page.fill("[name=clock]", "08:30")
        page.fill("[name=recipients]", "boss@shop.example")
        page.click("text=Сохранить расписание")
        page.wait_for_selector("text=Пн в 08:30")
        page.click("text=Отправить сейчас")
        page.wait_for_selector("td small >> text=вручную")
        assert serious_barriers(page) == []
        screenshot(page, "report-template-ru-light")
        # Its question is changed on the report's own page, and back.
        page.click("text=Изменить параметры отчёта")
        page.wait_for_selector("text=Вы меняете параметры шаблона")
        page.select_option("[name=by] >> nth=0", "category")
        page.press("[name=by] >> nth=0", "F8")
        page.wait_for_selector("text=В шаблоне будет: Прошлая неделя; по полям: Категория")
        page.wait_for_selector("text=Чай")
        assert keys_of_two(page) == []
        assert serious_barriers(page) == []
        screenshot(page, "report-template-question-ru-light")
        page.keyboard.press("F9")
        page.wait_for_selector("text=Параметры шаблона изменены")
        page.wait_for_selector("ins >> text=Прошлая неделя; по полям: Категория")
        assert serious_barriers(page) == []
        screenshot(page, "report-template-changed-ru-light")
        page.keyboard.press("Control+KeyZ")
        page.wait_for_selector(".page-header >> text=Прошлая неделя; по полям: Филиал")
        # Templates, the template's name: the third click prints.
        page = visitor.open("/templates")
        assert serious_barriers(page) == []
        screenshot(page, "report-templates-ru-light")
        page.emulate_media(color_scheme="dark")
        screenshot(page, "report-templates-ru-dark")
        page.click("text=Прошлая неделя по филиалам")
        page.wait_for_selector("text=Напечатать")
        page = visitor.open("/templates")
        page.click("text=Изменить и задать расписание")
        page.click("button >> text=В архив")
        page.wait_for_selector("text=Шаблон в архиве")
        page.keyboard.press("Control+KeyZ")
        page.wait_for_selector("text=Шаблон снова в списке")
