"""Every page of the branch: one language at a time, no barriers, nothing on the console; and a picture to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from shared.web.report_links import LISTS
from shared.web.translations import UNTRANSLATED_MARKS, marking_untranslated
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import keys_of_two, linked_paths, screenshot, serious_barriers
from tests.support.stocked import furnish_stock

CYRILLIC = re.compile(r"[А-Яа-яЁё]")
NOT_PAGES = {
    "/healthz", "/authority.crt", "/chip", "/printer", "/sale/tab", "/refunds/reckon", "/login", "/", "/tasks.ics",
    "/tasks/chip", "/team/figures", "/clients/similar", "/clients/chain", "/calls/incoming", "/calls/ringing",
    "/start", "/status/standing",
    # Of what is asked of them a row of a report knows; the crawl comes to them from one.
    *LISTS.values(),
}  # fmt: skip

FILES = (".pdf", ".csv", ".xlsx")


@pytest.fixture
def marked() -> Iterator[None]:
    with marking_untranslated():
        yield


@pytest.mark.parametrize("standing", ["quiet", "busy"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_page_speaks_one_language_and_has_no_barriers(
    branch: ServedBranch, visit: Visit, marked: None, language: str, standing: str
) -> None:
    if standing == "busy":
        branch.standing |= BUSY
        furnish_stock(branch.staff.shop)
    visitor = visit(branch.address, language)
    log_in(visitor)
    waiting, seen = {path for path in branch.get_paths if path not in NOT_PAGES}, set[str]()
    assert len(waiting) >= 3
    while waiting:
        # In the order of their names: which of the questions to a report is asked must not be chance.
        path = min(waiting)
        waiting.remove(path)
        seen.add(path)
        page = visitor.open(path)
        text = page.inner_text("body") + page.title()
        # What is printed speaks the language of the shop, not of the person.
        for paper in page.locator(".paper").all_inner_texts():
            text = text.replace(paper, "")
        if language == "en":
            assert CYRILLIC.findall(text) == [], path
        assert not set(UNTRANSLATED_MARKS) & set(page.content()), f"{path}: {text}"
        assert serious_barriers(page) == [], path
        assert keys_of_two(page) == [], path
        # Of a page that goes on by days, one day is enough.
        known = {each.partition("?")[0] for each in seen | waiting}
        links = {each for each in linked_paths(page) - NOT_PAGES if not each.partition("?")[0].endswith(FILES)}
        waiting |= {each for each in links if each.partition("?")[0] not in known}


BUSY = {
    "online": False,
    "waiting": 12,
    "oldest_waiting_seconds": 250.0,
    "parked": 2,
    "undecided": 1,
    "skew_ms": 7_200_000,
    "mode": "centralized",
    "last_sync_at": "2026-11-23T15:00:00Z",
}


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_pictures_are_taken_to_be_looked_at(
    branch: ServedBranch, visit: Visit, language: str, colours: str, gallery_address: str
) -> None:
    branch.standing |= BUSY
    visitor = visit(branch.address, language, colours)
    log_in(visitor)
    for path in ("/status", "/help"):
        page = visitor.open(path)
        assert serious_barriers(page) == []
        screenshot(page, f"branch{path.replace('/', '-')}-{language}-{colours}")
    components = visit(gallery_address, language, colours).open("/")
    assert serious_barriers(components) == []
    screenshot(components, f"gallery-{language}-{colours}")
    small = visit(branch.address, language, colours, width=390)
    log_in(small)
    narrow = small.open("/status")
    assert narrow.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    screenshot(narrow, f"branch-status-narrow-{language}-{colours}")


def test_whatever_is_touched_is_large_enough_for_a_finger(gallery_address: str, visit: Visit) -> None:
    page = visit(gallery_address).open("/")
    small = page.eval_on_selector_all(
        "button, input:not([type=hidden]), select, [role=button], .bar a",
        "all => all.filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 44)"
        ".map(e => e.outerHTML)",
    )
    assert small == []
