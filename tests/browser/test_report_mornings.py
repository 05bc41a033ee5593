"""Two people's mornings with the reports, in Russian: the head of sales with sales, the marketer with clients."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pypdf
import pytest
from playwright.sync_api import Page
from sqlalchemy import update

from hq_server.operations.fleet import change_branch
from hq_server.operations.kept_reports import KeptState, work_off
from hq_server.operations.people import Personnel
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from hq_server.storage.kept_report_tables import kept_report
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ClientScope, Permission, Role
from tests.browser.conftest import Visit
from tests.support.browsing import Visitor, screenshot, serious_barriers, serving
from tests.support.chain_sales import Shop
from tests.support.fleet import stand
from tests.support.journal import JournalWriter, line, sale
from tests.support.office_pages import OfficePages, office_pages
from tests.support.staff import PASSWORD

MISSING = "Данные полные до 23.11.2026 19:00: 2 из 3 филиалов."
"""It is Monday, 19:00; the South was heard on Saturday evening, and nothing since."""
SATURDAY_US = 47 * 3_600 * 1_000_000
"""How long ago that is."""

MARKETER = Role(
    "marketer",
    "Маркетолог",
    "Marketer",
    frozenset({Permission.REPORT_CHAIN, Permission.CLIENT_VIEW, Permission.CLIENT_EXPORT}),
    client_scope=ClientScope.CHAIN,
)


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template, name="Лавка") as served:
        yield served


@pytest.fixture
def address(pages: OfficePages) -> Iterator[str]:
    with serving(pages.app) as served:
        yield served


class Person:
    """Somebody who clicks, and counts it."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page: Page = visitor.open("/login")
        self.clicks = 0

    def log_in(self, code: str) -> None:
        self.page.fill("[name=code]", code)
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def click(self, what: str, shows: str) -> None:
        """Clicks on something, and waits for what it brings."""
        self.clicks += 1
        self.page.click(what)
        self.page.wait_for_selector(shows)
        self.page.wait_for_selector("html[data-ready]")

    def press(self, key: str, shows: str) -> None:
        self.page.keyboard.press(key)
        self.page.wait_for_selector(shows)
        self.page.wait_for_selector("html[data-ready]")

    def look(self, name: str, says: str = MISSING) -> None:
        """The page has no barriers and says how complete its numbers are, unless it has none; a picture is taken."""
        assert serious_barriers(self.page) == [], name
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        if says:
            assert says in self.page.inner_text(".completeness"), name
        screenshot(self.page, f"morning-{name}-ru-light")

    def total(self) -> str:
        """The last row of the table, without spaces that do not break."""
        return self.page.inner_text("table.report tfoot tr").replace("\xa0", " ")

    def rows(self) -> list[str]:
        """What the rows are called."""
        return self.page.locator("table.report tbody tr > :first-child").all_inner_texts()

    def download(self, what: str) -> bytes:
        with self.page.expect_download() as coming:
            self.page.click(what)
        return coming.value.path().read_bytes()


def arrive(pages: OfficePages, visitor: Visitor, code: str, role: str) -> Person:
    """Somebody hired in the morning who logs in."""
    pages.hire(code, role)
    person = Person(visitor)
    person.log_in(code)
    return person


def sell(pages: OfficePages, code: str, name: str, *sold: tuple[str, int, str]) -> JournalWriter:
    """A branch, its sales – moment, roubles and category of each –, and that it has sent all of it."""
    office = pages.office
    journal = office.journal(code)
    for number, (moment, roubles, category) in enumerate(sold, 1):
        fact = sale(number, [line(category.lower(), roubles * 100, category=category)], moment)
        journal.add_sale(fact._replace(change_minor=50_00))
    office.merge(journal, journal.batch())
    with office.store.write() as connection:
        change_branch(connection, office.ids, office.clock.now_us(), code, name=name)
    now_us = office.clock.now_us()
    stand(office, journal.branch_id, connected=True, watermark=now_us, last_seen_at=now_us, skew_ms=0)
    return journal


def furnish_sales(pages: OfficePages) -> None:
    """Two weeks and the same a year ago; of the South the end is missing, the New one opened last week."""
    sell(
        pages, "B1", "Север", ("2026-11-23T10:05:00", 300, "Чай"), ("2026-11-16T10:40:00", 200, "Чай"),
        ("2026-11-18T12:00:00", 1_000, "Чай"), ("2026-11-19T13:00:00", 500, "Посуда"),
        ("2026-11-10T12:00:00", 1_000, "Чай"), ("2025-11-18T12:00:00", 850, "Чай"),
    )  # fmt: skip
    south = sell(
        pages, "B2", "Юг", ("2026-11-17T12:00:00", 400, "Чай"), ("2026-11-11T12:00:00", 500, "Чай"),
        ("2025-11-17T12:00:00", 800, "Посуда"),
    )  # fmt: skip
    before_us = pages.office.clock.now_us() - SATURDAY_US
    stand(pages.office, south.branch_id, connected=False, watermark=before_us, last_seen_at=before_us)
    sell(pages, "B3", "Новый", ("2026-11-20T12:00:00", 900, "Чай"))


def test_the_head_of_sales_goes_from_the_day_to_a_receipt(pages: OfficePages, address: str, visit: Visit) -> None:
    furnish_sales(pages)
    olga = arrive(pages, visit(address, "ru"), "olga", "head_of_sales")
    page = olga.page
    today = page.inner_text("#now").replace("\xa0", " ")
    assert "За полные часы: 300,00 ₽, неделю назад 200,00 ₽ +50 %" in today
    assert "Юг: был на связи 21.11.2026 20:00" in today
    drawn = page.locator("svg.hours").bounding_box()
    # One hour of a morning takes no more room than one of a whole day.
    assert drawn is not None
    assert drawn["height"] < 250
    olga.look("dashboard")

    olga.click("nav >> text=Отчёты", "h1:text-is('Отчёты')")
    olga.look("reports", says="")
    olga.click("main >> text='Продажи'", "table.report")
    olga.click("button:text-is('Прошлая неделя')", "legend:has-text('16.11.2026 – 22.11.2026')")
    assert sorted(olga.rows()) == ["Новый", "Север", "Юг"]
    assert "3 000,00 ₽" in olga.total()
    olga.look("week")

    # Without a mouse: what to compare with, and show it.
    page.keyboard.press("F4")
    assert page.evaluate("document.activeElement.name") == "compare"
    page.keyboard.press("ArrowDown")
    olga.press("F8", "text=Под каждым числом – насколько оно отличается от 09.11.2026 – 15.11.2026")
    assert "+100 %" in olga.total()
    olga.look("week-before")

    page.select_option("[name=compare]", label="с тем же год назад")
    page.check("[name=like]")
    olga.press("F8", "text=только филиалы, торговавшие в оба периода).")
    assert sorted(olga.rows()) == ["Север", "Юг"]
    assert "2 100,00 ₽" in olga.total()
    assert "+27,3 %" in olga.total()
    olga.look("like-for-like")

    page.click("text=Филиалы, отборы, команда")
    page.select_option("[name=where_by]", label="Категория")
    page.fill("[name=where_value]", "Чай")
    olga.press("Enter", "label:has-text('Категория: Чай')")
    assert "1 600,00 ₽" in olga.total()
    olga.look("filtered")

    olga.click("tbody >> text=Север", "h1:has-text('Чеки, из которых сложилась цифра')")
    assert "1 200,00 ₽" in olga.total()
    assert len(olga.rows()) == 2
    olga.look("receipts")
    olga.click("tbody th a >> nth=0", "text=В журнале филиала")
    assert "Сдача" in page.inner_text("section[aria-labelledby=paid]")
    assert "1 000,00 ₽" in olga.total()
    olga.look("receipt", says="")
    # From logging in to a receipt of one branch: the list, the report, its week, a row, a receipt.
    assert olga.clicks == 5


def test_the_head_of_sales_runs_a_template_prints_it_and_takes_it_away(
    pages: OfficePages, address: str, visit: Visit
) -> None:
    furnish_sales(pages)
    olga = arrive(pages, visit(address, "ru"), "olga", "head_of_sales")
    page = olga.visitor.open("/reports/sales?by=branch&period=last-week&compare=previous")
    olga.click("text=Сохранить как шаблон", "h1:has-text('Сохранить как шаблон')")
    olga.look("template-new", says="")
    page.fill("[name=name]", "Неделя по филиалам")
    olga.press("Enter", "text=Шаблон сохранён")

    olga.visitor.open("/")
    olga.clicks = 0
    page.evaluate("window.print = () => {}")
    olga.click("nav >> text=Шаблоны отчётов", "h1:text-is('Шаблоны отчётов')")
    olga.look("templates", says="")
    olga.click("text=Неделя по филиалам", "table.report")
    page.evaluate("window.print = () => { document.body.dataset.printed = 'yes'; }")
    olga.click("text=Напечатать", "body[data-printed]")
    assert olga.clicks <= 3
    assert "3 000,00 ₽" in olga.total()
    olga.look("template-run")
    require_print(page)

    book = openpyxl.load_workbook(io.BytesIO(olga.download("a:text-is('Excel')")))
    cells = {cell.value for row in book.worksheets[0].iter_rows() for cell in row}
    assert {"Север", "Юг", "Новый"} <= {str(cell).partition(" (")[0] for cell in cells}
    assert 3_000 in cells
    said = " ".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value)
    assert "2 из 3" in said
    text = olga.download("a:text-is('CSV')").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    place = rows[0].index("Выручка, RUB")
    assert sorted(row[place] for row in rows if row[0].startswith(("Север", "Юг", "Новый"))) == [
        "1700,00",
        "400,00",
        "900,00",
    ]


def require_print(page: Page) -> None:
    """On paper stand the question, the moment, how complete it is and the table, and nothing that is clicked."""
    page.emulate_media(media="print")
    for hidden in (".bar", ".foot", ".report-form", ".page-actions", ".help"):
        assert not page.locator(hidden).first.is_visible(), hidden
    for shown in (".report-asked", ".completeness", "table.report", ".report-chart svg"):
        assert page.locator(shown).first.is_visible(), shown
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(printed.pages) == 1
    paper = printed.pages[0]
    assert paper.mediabox.width > paper.mediabox.height
    text = " ".join(paper.extract_text().split())
    for said in ("16.11.2026 – 22.11.2026", "Olga", "Europe/Moscow", "2 из 3 филиалов", "Итого"):
        assert said in text, (said, text)
    screenshot(page, "morning-print-ru-light")
    page.emulate_media(media="screen")


def furnish_clients(pages: OfficePages) -> None:
    """Habits of clients over four months, and a pair that is bought together: tea and a cup."""
    office = pages.office
    shop = Shop(office, "B1")
    for number in range(1, 9):
        for month in range(8, 12) if number % 2 else (8, 9):
            shop.basket(f"2026-{month:02}-{number + 5:02}", {"tea": 1, "cup": 1}, str(number), 300_00 + number)
        shop.sell(f"2026-10-{number + 10:02}", str(100 + number), 90_00)
    for day in ("02", "09", "16"):
        shop.basket(f"2026-09-{day}", {"sugar": 1}, "77", 500_00)
    shop.send()
    with office.store.write() as connection:
        goods = Assortment(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR)
        goods.add(ProductFields("tea", "Чай чёрный", "Чай"), WantedPrice(300_00))
        goods.add(ProductFields("cup", "Чашка синяя", "Посуда"), WantedPrice(300_00))
        people = Personnel(connection, office.ids, office.clock.now_us())
        people.set_role(MARKETER)


def compute_waiting(pages: OfficePages) -> None:
    office = pages.office
    while work_off(office.store, office.clock, 15):
        pass


def test_the_marketer_looks_at_clients(pages: OfficePages, address: str, visit: Visit) -> None:
    furnish_clients(pages)
    anna = arrive(pages, visit(address, "ru"), "anna", "marketer")
    page = anna.page
    incomplete = "Полных данных нет пока ни от одного филиала"
    anna.click("nav >> text=Отчёты", "h1:text-is('Отчёты')")
    anna.click("main >> text='RFM-анализ'", "table.report")
    assert "Лучшие" in anna.rows()
    assert {"Лучшие", "Выручка"} <= set(page.locator(".report-chart").inner_text().splitlines())
    anna.look("rfm", incomplete)

    anna.visitor.open("/reports")
    anna.click("main >> text='Клиенты под угрозой ухода'", "table.report")
    assert "77" in anna.rows()
    anna.look("at-risk", incomplete)
    text = anna.download("a:text-is('CSV')").decode("utf-8-sig")
    rows = {row[0]: row for row in csv.reader(io.StringIO(text), delimiter=";") if row}
    assert rows["77"][1:] == ["1", "3", "7", "68", "1500,00"]

    anna.visitor.open("/reports")
    anna.click("main >> text='Когорты'", "table.report")
    drawn = page.locator(".report-chart").inner_text()
    assert "Удержание" in drawn
    assert "август 2026" in drawn
    cells = page.locator(".chart-cell").count()
    # A triangle: who first bought later has had fewer months since.
    assert cells == len(anna.rows())
    anna.look("cohorts", incomplete)


def test_the_marketer_sees_a_report_being_computed_until_it_is_there(
    pages: OfficePages, address: str, visit: Visit
) -> None:
    furnish_clients(pages)
    anna = arrive(pages, visit(address, "ru"), "anna", "marketer")
    page = anna.page
    incomplete = "Полных данных нет пока ни от одного филиала"
    page = anna.visitor.open("/reports/abc-xyz?by=product&period=last-365-days")
    page.wait_for_selector("text=Отчёт считается: 0 %")
    compute_waiting(pages)
    # It comes by itself.
    page.wait_for_selector("table.report")
    assert page.locator(".chart .chart-bar").count() >= 3
    assert page.locator("svg.chart text >> text=100 %").count() == 1
    assert {"Чай чёрный", "Чашка синяя"} <= set(anna.rows())
    anna.look("abc-xyz", incomplete)

    anna.visitor.open("/reports")
    anna.click("main >> text='Покупают вместе'", "text=Отчёт считается: 0 %")
    anna.click("button:text-is('365 дней')", "[aria-pressed=true]:text-is('365 дней')")
    with pages.office.store.write() as connection:
        half = {"state": KeptState.RUNNING, "done_basis_points": 5_000}
        connection.execute(update(kept_report).where(kept_report.c.state == KeptState.WAITING).values(**half))
    page.wait_for_selector("text=Отчёт считается: 50 %")
    anna.look("affinity-computing", says="")
    with pages.office.store.write() as connection:
        again = {"state": KeptState.WAITING, "done_basis_points": 0}
        connection.execute(update(kept_report).where(kept_report.c.state == KeptState.RUNNING).values(**again))
    compute_waiting(pages)
    page.wait_for_selector("table.report")
    row = page.locator("table.report tbody tr").first.inner_text()
    assert {"Чай чёрный", "Чашка синяя", "24"} <= set(row.split("\t"))
    anna.look("affinity", incomplete)


def test_reports_fit_a_phone(pages: OfficePages, address: str, visit: Visit) -> None:
    furnish_sales(pages)
    visitor = arrive(pages, visit(address, "ru", "dark", width=390), "olga", "head_of_sales").visitor
    for path in ("/", "/reports", "/reports/sales?by=branch&period=last-week&compare=previous", "/templates"):
        page = visitor.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert serious_barriers(page) == [], path
        screenshot(page, f"morning{path.partition('?')[0].replace('/', '-')}-phone-ru-dark")
    page = visitor.open("/reports/sales")
    box = page.locator("button:text-is('Сегодня')").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    page.click("button:text-is('Прошлый месяц')")
    page.wait_for_selector("legend:has-text('01.10.2026 – 31.10.2026')")
