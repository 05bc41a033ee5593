"""The administrator's morning with the branches, in Russian: who needs somebody, a check, an heir, alerts."""

from __future__ import annotations

from pathlib import Path

from hq_server.operations.authority import Authority
from hq_server.operations.fleet_checks import run_waiting
from tests.browser.conftest import Visit
from tests.support.browsing import screenshot, serious_barriers, serving
from tests.support.fleet import heard, stand
from tests.support.office_pages import office_pages
from tests.support.staff import PASSWORD


def test_the_morning_with_the_branches(tmp_path: Path, sqlite_template: Path, visit: Visit) -> None:
    with office_pages(tmp_path, sqlite_template) as pages, serving(pages.app) as address:
        office = pages.office
        Authority.found("Сеть").save(pages.app.state.context.settings)
        pages.hire("anna", "administrator")
        heard(office, "Север")
        south = heard(office, "Юг")
        stand(office, south.branch_id, trouble="Two stores.", quarantine="Two stores.")
        visitor = visit(address, "ru")
        page = visitor.open("/login")
        page.fill("[name=code]", "anna")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        page = visitor.open("/fleet")
        page.wait_for_selector("text=1 филиал требует внимания")
        assert page.locator("tbody th a").first.inner_text() == "Юг"
        assert serious_barriers(page) == []
        screenshot(page, "fleet-ru-light")

        page.click("tbody a:has-text('Юг')")
        page.check("[name=life]")
        page.click("text=Продолжит эта копия")
        page.wait_for_selector("text=Филиал продолжит работу с выбранной копией.")
        page.click("button:has-text('Проверить глубоко')")
        page.wait_for_selector("text=Глубокая проверка: в очереди")
        run_waiting(office.store, office.clock)
        # It comes by itself.
        page.wait_for_selector("text=Глубокая проверка: всё сходится")
        page.click("text=Выпустить ключ")
        assert len(page.input_value(".fleet-token textarea")) > 100
        assert serious_barriers(page) == []
        screenshot(page, "fleet-branch-ru-light")

        page = visitor.open("/fleet/alerts")
        page.fill("[name=recipients]", "it@shop.example")
        page.fill("[name=threshold-waiting]", "50")
        page.click("text=Сохранить")
        page.wait_for_selector("text=Оповещения настроены.")
        page.click("text=Отправить пробное")
        page.wait_for_selector("td:has-text('Проба оповещений')")
        assert page.input_value("[name=threshold-waiting]") == "50"
        assert serious_barriers(page) == []

        visitor.open("/fleet")
        page.wait_for_selector("text=Внимания не требует ни один филиал.")
