"""A page that is left open asks by itself every few seconds, and that keeps nobody's session from ending."""

from __future__ import annotations

from pathlib import Path

import pytest

from branch_node.storage.store import BranchStore
from shared.domain.identifiers import derived_id, format_id
from shared.domain.records import RecordKind
from shared.operations.sessions import TOUCHED_EVERY_SECONDS
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.till_pages import Browser, make_pages, staff_of

CLIENT = derived_id("client", b"anna")
CARD = f"/clients/{format_id(CLIENT)}"


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Shop:
    made = Shop(branch_store, clock)
    staff_of(branch_store, clock, tmp_path)
    made.learn(change(RecordKind.CLIENT, CLIENT, name="Анна"))
    return made


@pytest.mark.parametrize(
    ("path", "is_use"),
    [
        ("/clients", True),
        (f"{CARD}/revision?seen=x", False),
        (f"{CARD}/arriving", False),
        ("/calls/ringing?shown=", False),
        ("/tasks/chip", False),
        ("/team/figures", False),
        ("/chip", False),
        ("/status", True),
        ("/status/standing", False),
        ("/printer", False),
    ],
)
def test_only_what_somebody_asks_for_is_use(shop: Shop, tmp_path: Path, path: str, is_use: bool) -> None:
    browser = Browser(make_pages(shop.store, tmp_path))
    browser.log_in("maria")
    before = shop.one("SELECT MAX(last_used_at) FROM session")
    shop.clock.advance(TOUCHED_EVERY_SECONDS + 1)
    assert browser.get(path).status_code < 400
    assert (shop.one("SELECT MAX(last_used_at) FROM session") > before) is is_use
