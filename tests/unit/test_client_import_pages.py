"""The page of an import that runs beside it: it never stands still while it says that work goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from branch_node.operations import client_importing
from branch_node.operations.client_importing import read_progress, revert_import, start_reverting
from branch_node.operations.client_importing.running import SILENT_US_MAX
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import format_id
from tests.support.clock import FakeClock
from tests.support.till_pages import Browser, make_pages, staff_of
from tests.unit.test_client_importing import BOSS, keep, run

TAKEN_BACK, RUNS = '<p class="lead">taken back</p>', "every 1s"


def test_an_import_taken_back_while_its_page_is_drawn_is_shown_so(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = staff_of(branch_store, clock, tmp_path)
    browser = Browser(make_pages(branch_store, tmp_path))
    browser.log_in("maria")
    import_id = keep(staff.shop)
    run(staff.shop, import_id)
    start_reverting(branch_store, BOSS, import_id)
    address = f"/clients/import/{format_id(import_id)}"
    shown = browser.get(address).text
    assert "is being taken back" in shown
    assert RUNS in shown

    def end_and_read(*asked: Any) -> Any:
        revert_import(branch_store, BOSS, import_id, staff.shop.processor.commit)
        return read_progress(*asked)

    monkeypatch.setattr(client_importing, "read_progress", end_and_read)
    shown = browser.get(address).text
    assert TAKEN_BACK in shown
    assert RUNS not in shown


def test_taking_back_that_was_interrupted_can_be_gone_on_with(
    branch_store: BranchStore, clock: FakeClock, tmp_path: Path
) -> None:
    staff = staff_of(branch_store, clock, tmp_path)
    browser = Browser(make_pages(branch_store, tmp_path))
    browser.log_in("maria")
    import_id = keep(staff.shop)
    run(staff.shop, import_id)
    start_reverting(branch_store, BOSS, import_id)
    clock.advance(SILENT_US_MAX // 1_000_000 + 1)
    shown = browser.get(f"/clients/import/{format_id(import_id)}").text
    assert "Take it back once more" in shown
    assert 'data-opens="revert"' in shown
