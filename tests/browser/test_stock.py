"""Stock in a browser: a scanner that is faster than the pages loses nothing; every page is looked at."""

from __future__ import annotations

import pytest

from branch_node.operations import stock
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import screenshot, serious_barriers
from tests.support.stocked import furnish_stock, learn_goods


def test_a_fast_scanner_loses_nothing_and_the_delivery_is_entered_by_keys(branch: ServedBranch, visit: Visit) -> None:
    learn_goods(branch.staff.shop)
    visitor = visit(branch.address, "ru")
    log_in(visitor)
    page = visitor.open("/stock/new")
    page.keyboard.press("F8")
    page.wait_for_selector("#scan:focus")
    # Two codes a breath, without waiting for any answer.
    page.keyboard.type("952\n871\n952\n4600000000952\n2*871\n")
    # The last of them is heard.
    page.wait_for_selector(".draft-newest:has-text('Rye bread') [name=quantity][value='3']")
    page.keyboard.press("F4")
    page.keyboard.type("7\n")
    page.wait_for_selector(".draft-newest [name=quantity][value='7']")
    page.keyboard.press("F9")
    page.wait_for_url("**/stock/documents/*")
    assert "Товар оприходован." in page.inner_text("body")
    amounts = [stock.on_hand(branch.store, LOCAL_ADMINISTRATOR, sku).quantity_thousandths for sku in ("952", "871")]
    assert sorted(amounts) == [3_000, 7_000]


@pytest.mark.parametrize(("language", "colours"), [("ru", "light"), pytest.param("en", "dark", marks=pytest.mark.slow)])
def test_the_pages_of_stock_are_without_barriers(
    branch: ServedBranch, visit: Visit, language: str, colours: str
) -> None:
    stocked = furnish_stock(branch.staff.shop)
    visitor = visit(branch.address, language, colours)
    log_in(visitor)
    paths = {
        "list": "/stock", "negative": "/stock?negative=1", "product": "/stock/product?sku=952",
        "documents": "/stock/documents", "new": "/stock/new", "delivery": stocked.delivery,
        "found": f"{stocked.delivery}?q=milk", "count": stocked.counting,
        "differences": f"{stocked.counting}/differences",
    }  # fmt: skip
    for name, path in paths.items():
        page = visitor.open(path)
        assert serious_barriers(page) == [], path
        screenshot(page, f"stock-{name}-{language}-{colours}")
    small = visit(branch.address, language, colours, width=390)
    log_in(small)
    for name in ("list", "delivery", "differences"):
        page = small.open(paths[name])
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        screenshot(page, f"stock-{name}-narrow-{language}-{colours}")
