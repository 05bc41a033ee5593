"""The mark of a practice chain: on every page in the reader's language, on every paper in both."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from branch_node.bootstrap import open_processor
from branch_node.bootstrap.status import read_status
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.web.app import create_app
from branch_node.web.context import WebContext
from hq_server.settings import Settings as HqSettings
from shared.domain.business_time import local_moment
from shared.domain.receipt_document import ReceiptShop, as_practice, as_reprint
from shared.domain.receipt_document import test_page as page_of_test
from tests.support.clock import START_US

PAGE = page_of_test(ReceiptShop("Сеть", "Центр", "C"), local_moment(START_US, "Europe/Moscow"), ())


def page(store: BranchStore, settings: Settings, language: str) -> str:
    sell = open_processor(settings, store).sell
    app = create_app(WebContext(store, settings, lambda: read_status(settings, store), sell))
    client = TestClient(app, base_url="http://127.0.0.1")
    return client.get("/help", headers={"Accept-Language": language}).text


@pytest.mark.parametrize(("language", "words"), [("ru", "УЧЕБНЫЙ РЕЖИМ"), ("en", "PRACTICE")])
def test_every_page_of_a_practice_branch_says_so(
    branch_store: BranchStore, tmp_path: Path, language: str, words: str
) -> None:
    assert words not in page(branch_store, Settings(home=tmp_path), language)
    assert words in page(branch_store, Settings(home=tmp_path, practice=1), language)


def test_the_file_in_the_folder_marks_it_however_it_is_started(tmp_path: Path) -> None:
    assert not Settings(home=tmp_path).is_practice
    assert not HqSettings(home=tmp_path).is_practice
    (tmp_path / "practice").touch()
    assert Settings(home=tmp_path).is_practice
    assert HqSettings(home=tmp_path).is_practice


def test_paper_is_marked_once_in_both_languages_and_stays_no_fiscal_document() -> None:
    marked = as_practice(as_practice(PAGE))
    assert marked.fiscal_lines == ("УЧЕБНЫЙ РЕЖИМ", "PRACTICE", *PAGE.fiscal_lines)
    assert as_reprint(marked).fiscal_lines == marked.fiscal_lines
