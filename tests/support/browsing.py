"""A browser on served pages: what a test needs to open them, look at them and hold them to the house's rules."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page

from shared.web.serving import WebServer
from tests.support.deadlines import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "tests" / "browser" / "vendor" / "axe.min.js"
SCREENSHOTS = ROOT / ".screenshots"
LOCALES = {"ru": "ru-RU", "en": "en-GB"}
SERIOUS = ("serious", "critical")


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serves an application on a free port of this machine, in a thread. Gives its address."""
    server = WebServer(app, "127.0.0.1:0")
    thread = threading.Thread(target=lambda: asyncio.run(server.run_until_stopped()), name="web")
    thread.start()
    try:
        wait_until(lambda: server.started, "the pages to be served")
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.should_exit = True
        thread.join()


class Visitor:
    """One browser window with its own cookies. What goes wrong on its pages fails the test at the end."""

    def __init__(
        self, browser: Browser, address: str, language: str, colours: str = "light", width: int = 1280
    ) -> None:
        self.address = address
        self.wrong: list[str] = []
        scheme: Any = colours
        self._context = browser.new_context(
            base_url=address, locale=LOCALES[language], color_scheme=scheme, viewport={"width": width, "height": 800}
        )
        self.page: Page = self._context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.wrong.append(said.text)

    def open(self, path: str) -> Page:
        """Opens a page and waits until its script is ready."""
        self.page.goto(path)
        self.page.wait_for_selector("html[data-ready]")
        return self.page

    def press(self, code: str, key: str, control: bool = False) -> None:
        """Presses the key at a place of the keyboard that means `key` in the layout at hand."""
        session = self._context.new_cdp_session(self.page)
        modifiers = 2 if control else 0
        for kind in ("rawKeyDown", "keyUp"):
            session.send("Input.dispatchKeyEvent", {"type": kind, "code": code, "key": key, "modifiers": modifiers})
        session.detach()

    def allow(self, part: str) -> None:
        """What a test provoked is no error."""
        kept = [said for said in self.wrong if part not in said]
        assert kept != self.wrong, f"nothing said “{part}”: {self.wrong}"
        self.wrong = kept

    def close(self) -> None:
        """Raises AssertionError when the console showed an error."""
        self._context.close()
        assert self.wrong == [], self.wrong


def keys_of_two(page: Page) -> list[str]:
    """The keys that two things on the page as it is now would answer to."""
    keys = page.eval_on_selector_all(
        "[data-hotkey]",
        "all => all.filter(e => e.checkVisibility() && !e.closest('dialog:not([open])')).map(e => e.dataset.hotkey)",
    )
    return sorted({key for key in keys if keys.count(key) > 1})


def serious_barriers(page: Page) -> list[str]:
    """What axe-core calls serious or critical on the page as it is now."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => JSON.stringify((await axe.run({ resultTypes: ['violations'] })).violations)")
    return [
        f"{violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for violation in json.loads(found)
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def screenshot(page: Page, name: str) -> Path:
    """The whole page as a picture, in a folder that git ignores."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


def linked_paths(page: Page) -> set[str]:
    """Every page of ours that this one links to."""
    links: list[str] = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    return {link.split("#")[0] for link in links if link.startswith("/") and not link.startswith("//")}
