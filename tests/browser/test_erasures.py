"""A person is erased in a browser, in Russian: found, shown, refused without the name, done, listed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.domain.records import RecordKind
from shared.storage.tables import client
from tests.browser.conftest import Visit
from tests.support.browsing import screenshot, serious_barriers, serving
from tests.support.office_pages import OfficePages, office_pages
from tests.support.persons import EMAIL, NAME, PHONE
from tests.support.staff import PASSWORD


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template, name="Сеть") as served:
        yield served


@pytest.fixture
def address(pages: OfficePages) -> Iterator[str]:
    with serving(pages.app) as served:
        yield served


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_person_is_erased(pages: OfficePages, address: str, visit: Visit, colours: str) -> None:
    pages.hire("olga", "owner")
    journal, office = pages.office.journal("B1"), pages.office
    journal.add_edit(RecordKind.CLIENT, office.ids.new_id(), {}, name=NAME, phones=(PHONE,), emails=(EMAIL,))
    journal.add_edit(RecordKind.CLIENT, office.ids.new_id(), {}, name="Иван Белов", external_id="C-2")
    office.merge(journal, journal.batch())
    visitor = visit(address, "ru", colours)
    page = visitor.open("/login")
    page.fill("[name=code]", "olga")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{address}/")
    page.click("main a[href='/erasures']")
    screenshot(page, f"erasures-empty-{colours}")
    page.keyboard.press("F3")
    page.keyboard.type("поляк")
    page.keyboard.press("Enter")
    page.wait_for_url("**/erasures?words=*")
    screenshot(page, f"erasures-found-{colours}")
    page.click("main table a")
    page.wait_for_selector("[name=word]")
    screenshot(page, f"erasures-preview-{colours}")
    assert serious_barriers(page) == []
    page.fill("[name=reason]", "письмо от 20 ноября")
    page.fill("[name=word]", "Мария")
    page.click("main form button")
    page.wait_for_selector("text=Введено не имя этого человека")
    visitor.allow("422")
    assert page.input_value("[name=reason]") == "письмо от 20 ноября"
    page.fill("[name=word]", NAME)
    page.click("main form button")
    page.wait_for_url(f"{address}/erasures")
    text = page.inner_text("main")
    assert "письмо от 20 ноября" in text
    assert NAME not in text
    assert "B1" in text
    assert serious_barriers(page) == []
    screenshot(page, f"erasures-listed-{colours}")
    assert office.count(client) == 1
