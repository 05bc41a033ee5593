"""Fixtures of the browser tests: a browser, a served branch, a served gallery of components."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, sync_playwright
from starlette.routing import Route

from branch_node.storage.store import BranchStore
from deploy.browser import BROWSER
from tests.support.browsing import AXE, Visitor, serving
from tests.support.clock import FakeClock
from tests.support.gallery import Gallery
from tests.support.staff import PASSWORD, Staff
from tests.support.till_pages import make_pages, staff_of

Visit = Callable[..., Visitor]


def without_browser(reason: str) -> NoReturn:
    """Skips by name on a developer's machine; under CI the tests must run."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's chromium. Of this package alone: its event loop must end before other tests run theirs."""
    executable = shutil.which(BROWSER)
    if executable is None:
        without_browser(f"There is no {BROWSER}: python -m deploy.browser")
    if not AXE.exists():
        without_browser("The assets are missing: python -m deploy.assets")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield started
        started.close()


TELEPHONY_TOKEN = "a token of the telephone system"


@dataclass
class ServedBranch:
    """A branch's pages at an address. `standing` replaces parts of how the branch stands."""

    address: str
    store: BranchStore
    get_paths: tuple[str, ...]
    staff: Staff
    standing: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def branch(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Iterator[ServedBranch]:
    """Branch B7 and its pages, without synchronisation."""
    standing: dict[str, Any] = {}
    settings = {"payment_terminal": f"simulator:{tmp_path / 'terminal'}", "telephony_token": TELEPHONY_TOKEN}
    app = make_pages(branch_store, tmp_path, standing, **settings)
    staff = staff_of(branch_store, clock, tmp_path)
    routes = [route for route in app.routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    paths = tuple(route.path for route in routes if "{" not in route.path)
    with serving(app) as address:
        yield ServedBranch(address, branch_store, paths, staff, standing)


@pytest.fixture
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture
def gallery_address(gallery: Gallery) -> Iterator[str]:
    """Where the gallery of components is served."""
    with serving(gallery.app()) as address:
        yield address


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """`visit(address, "ru")` opens a window; at the end of the test no console may have shown an error."""
    visitors: list[Visitor] = []

    def enter(address: str, language: str = "en", colours: str = "light", width: int = 1280) -> Visitor:
        visitors.append(Visitor(browser, address, language, colours, width))
        return visitors[-1]

    yield enter
    for visitor in visitors:
        visitor.close()


def log_in(visitor: Visitor, code: str = "maria") -> None:
    """By password, at register 1 unless the browser has another."""
    page = visitor.open("/login")
    form = page.locator("form", has=page.locator("[name=password]"))
    form.locator("[name=code]").fill(code)
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
