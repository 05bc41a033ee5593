"""Clients from a spreadsheet in Russian: chosen, mapped, previewed, imported, corrected, taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from branch_node.storage.store import BranchStore
from tests.support.browsing import Visitor, screenshot, serious_barriers, serving
from tests.support.clock import FakeClock
from tests.support.staff import PASSWORD
from tests.support.till_pages import make_pages, staff_of

FILE = """ФИО;Телефон;Почта;ДР;Откуда
Иванова Анна;8 (912) 345-67-89;anna@example.com;31.12.1985;выставка
Петров Борис;9123456780;;;сайт
Сидорова Клара;не скажу;;;сайт
"""


def test_a_manager_brings_clients_and_takes_them_back(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path, visit: Callable[..., Visitor]
) -> None:
    staff_of(branch_store, clock, tmp_path)
    file = tmp_path / "клиенты.csv"
    file.write_bytes(FILE.encode("cp1251"))
    with serving(make_pages(branch_store, tmp_path)) as address:
        page = visit(address, "ru").open("/login?next=/clients/import")
        page.fill("[name=code]", "maria")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_selector("#file")
        assert serious_barriers(page) == []
        screenshot(page, "import-choose")
        page.set_input_files("#file", file)
        page.keyboard.press("F8")
        page.wait_for_selector(".import-settings")
        page.select_option("[name=column-4]", "note")
        page.fill("#tag", "осень")
        page.keyboard.press("F4")
        page.wait_for_selector("#preview-title")
        assert "2" in page.inner_text(".import-figures")
        assert "телефон: «не скажу»" in page.inner_text("main")
        assert serious_barriers(page) == []
        screenshot(page, "import-preview")
        page.keyboard.press("F8")
        expect(page.locator("[data-opens=revert]")).to_be_visible(timeout=20_000)
        assert serious_barriers(page) == []
        screenshot(page, "import-done")
        with branch_store.read_cursor() as cursor:
            rows = cursor.execute("SELECT name, phones, note, tags FROM client ORDER BY name").fetchall()
        assert rows == [
            ("Иванова Анна", "+79123456789", "выставка", "осень"),
            ("Петров Борис", "+79123456780", "сайт", "осень"),
        ]
        page.click("[data-opens=revert]")
        page.click("#revert form button")
        expect(page.locator("h1 + .lead, .page-header .lead")).to_have_text("отменена", timeout=20_000)
        with branch_store.read_cursor() as cursor:
            assert cursor.execute("SELECT COUNT(*) FROM client WHERE NOT archived").fetchone() == (0,)
        page.close()  # or it would ask a server that is gone
