"""Takes a picture of every page of both programs, in both languages, light and dark, to be looked at.

`python -m tests.browser.pictures` writes them to `.screenshots`, with sheets of several pages each; `… ru-light` takes
those alone. It proves nothing.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from branch_node.operations.pairing import make_pairing_code
from branch_node.storage import migrations as branch_migrations
from deploy.browser import BROWSER
from hq_server.storage import migrations as hq_migrations
from hq_server.storage.store import connect_store
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.storage.sqlite_engine import SqliteStore
from tests.browser.test_office import PATHS as OFFICE_PATHS
from tests.browser.test_office import furnish
from tests.support.branch_doors import BranchDoors, branch_doors
from tests.support.browsing import SCREENSHOTS, Visitor, serving
from tests.support.clock import FakeClock
from tests.support.office_pages import office_pages
from tests.support.staff import PASSWORD

LOOKS = [
    (language, colours)
    for language in ("ru", "en")
    for colours in ("light", "dark")
    if sys.argv[1:] in ([], [f"{language}-{colours}"])
]
WIDE, NARROW = 1280, 390
PICTURES_PER_SHEET = 9
BRANCH_PATHS = (
    "/account", "/pin", "/pairing", "/status", "/help", "/sale", "/sale/goods?q=milk",
    "/sale/clients?q=1122", "/sale/lines/{line:int}", "/sale/discount", "/sale/unknown?code=4699999999999",
    "/sale/held", "/sale/pay", "/shift", "/shift/x", "/shift/close", "/shift/history", "/shift/z/{shift_id}",
    "/receipts", "/receipts/{record_id}", "/refunds/new", "/refunds/new?receipt=1-000001", "/refunds/loose",
    "/start", "/clients", "/clients?q=1122", "/clients?q=nobody", "/clients/new", "/clients/{client}",
    "/clients/{client}/edit", "/clients/{client}/changes", "/clients/{client}/calls/new",
    "/clients/{client}/letters/new", "/clients/duplicates", "/clients/import", "/hand-over", "/tasks",
    "/tasks?list=overdue", "/tasks/new?client={client}", "/tasks/calendar", "/team",
)  # fmt: skip
TILL_PATHS = (
    "/sale", "/sale/pay", "/sale/lines/{line:int}", "/shift", "/receipts", "/account",
    "/clients", "/clients/{client}", "/clients/{client}/calls/new", "/tasks", "/team",
)  # fmt: skip
OPEN_PATHS = ("/login", "/pair")


def main() -> int:
    """Takes them all; returns how many pages are wider than their window."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which(BROWSER), args=["--no-sandbox"])
        wrong = [*_branch_pictures(browser, Path(folder)), *_office_pictures(browser, Path(folder))]
        browser.close()
    for each in wrong:
        sys.stdout.write(f"{each}\n")
    return len(wrong)


def _branch_pictures(browser: Browser, folder: Path) -> Iterator[str]:
    with _template(folder / "b.db", branch=True) as template, _home(folder / "branch") as home:
        with branch_doors(home, template) as doors, serving(doors.browsers["owner"].app) as address:
            doors.knock("owner", "GET", "/sale")
            for language, colours in LOOKS:
                name = f"branch-{language}-{colours}"
                yield from _take(browser, address, doors, BRANCH_PATHS, WIDE, name)
                yield from _take(browser, address, doors, TILL_PATHS, NARROW, f"{name}-narrow")


def _take(
    browser: Browser, address: str, doors: BranchDoors, paths: tuple[str, ...], width: int, name: str
) -> Iterator[str]:
    language, colours = name.split("-")[1:3]
    visitor = Visitor(browser, address, language, colours, width)
    taken: list[Path] = []
    for path in OPEN_PATHS:
        yield from _picture(visitor.open(path), f"{name}{_named(path)}", taken)
    _log_in_at_branch(visitor, doors)
    for path in paths:
        yield from _picture(visitor.open(doors.address(path)), f"{name}{_named(path)}", taken)
    _sheets(browser, taken, name)
    visitor.page.context.close()


def _log_in_at_branch(visitor: Visitor, doors: BranchDoors) -> None:
    page = visitor.open("/pair")
    page.fill("[name=code]", make_pairing_code(doors.shop.store, LOCAL_ADMINISTRATOR, "1").code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    form = page.locator("form", has=page.locator("[name=password]"))
    form.locator("[name=code]").fill("manager")
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def _office_pictures(browser: Browser, folder: Path) -> Iterator[str]:
    with _template(folder / "hq.db", branch=False) as template, _home(folder / "office") as home:
        with office_pages(home, template) as pages, serving(pages.app) as address:
            furnish(pages)
            for language, colours in LOOKS:
                yield from _take_office(browser, address, language, colours)


def _take_office(browser: Browser, address: str, language: str, colours: str) -> Iterator[str]:
    visitor = Visitor(browser, address, language, colours)
    taken: list[Path] = []
    name = f"hq-{language}-{colours}"
    page = visitor.open("/login")
    yield from _picture(page, f"{name}-login", taken)
    page.fill("[name=code]", "olga")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{address}/")
    for path in OFFICE_PATHS:
        yield from _picture(visitor.open(path), f"{name}{_named(path)}", taken)
    _sheets(browser, taken, name)
    visitor.page.context.close()


def _picture(page: Page, name: str, taken: list[Path]) -> Iterator[str]:
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    taken.append(path)
    if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
        yield f"{name} is wider than its window"


def _sheets(browser: Browser, taken: list[Path], name: str) -> None:
    """Several pictures on one, each as wide as it can be."""
    for start in range(0, len(taken), PICTURES_PER_SHEET):
        chunk = taken[start : start + PICTURES_PER_SHEET]
        figures = "".join(
            f'<figure><img src="{path.as_uri()}"><figcaption>{path.stem}</figcaption></figure>' for path in chunk
        )
        sheet = SCREENSHOTS / f"sheet-{name}-{start // PICTURES_PER_SHEET}"
        style = (
            "body{margin:8px;display:grid;grid-template-columns:repeat(3,1fr);gap:8px;background:#888}"
            "figure{margin:0}img{width:100%;max-height:900px;object-fit:cover;object-position:top}"
        )
        sheet.with_suffix(".html").write_text(f"<!doctype html><style>{style}</style>{figures}")
        page = browser.new_page(viewport={"width": 1_950, "height": 900})
        page.goto(sheet.with_suffix(".html").as_uri())
        page.screenshot(path=sheet.with_suffix(".png"), full_page=True)
        page.close()
        sheet.with_suffix(".html").unlink()


def _named(path: str) -> str:
    return re.sub("[^a-z]+", "-", path.lower()).rstrip("-")


@contextmanager
def _home(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    yield folder


@contextmanager
def _template(path: Path, branch: bool) -> Iterator[Path]:
    """A file that holds the schema and nothing else."""
    if branch:
        store = SqliteStore(path, FakeClock())
        with store.write() as connection:
            branch_migrations.upgrade(connection)
        store.checkpoint()
        store.close()
    else:
        office = connect_store(f"sqlite:///{path.name}", path.parent, FakeClock())
        with office.write() as connection:
            hq_migrations.upgrade(connection)
        office.close()
    yield path


if __name__ == "__main__":
    raise SystemExit(main())
