"""Stock and loyalty at the head office: what is below zero where; a programme changed after a look, and its history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from hq_server.operations.loyalty import current_program, list_programs, set_program
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from hq_server.operations.stock_overview import StockWanted, branches_stock, list_stock
from shared.domain.business_time import parse_local
from shared.domain.loyalty import make_program
from shared.domain.permissions import LOCAL_ADMINISTRATOR, NO_LIMITS, ROLES, Actor
from shared.domain.records import Record, RecordKind
from shared.domain.stock import MovementLine, StockMovement
from shared.errors import NotPermitted
from shared.wire.payloads import encode_branch_fact
from tests.support.journal import ZONE, line, sale
from tests.support.office_pages import Desk, OfficePages, office_pages

FORM: dict[str, Any] = {
    "name": "Club", "tier": ["", "gold", ""], "category": ["", "", ""], "percent": ["3", "5,5", ""],
    "payable": "50", "value": "1.00", "expires_days": "365",
}  # fmt: skip
AT = parse_local("2026-11-20T10:00:00", ZONE, "moved_at")
SEEN = re.compile(r'name="seen" value="([^"]*)"')


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        yield served


@pytest.fixture
def owner(pages: OfficePages) -> Desk:
    pages.hire("olga", "owner")
    return pages.logged_in("olga")


def programs(pages: OfficePages) -> list[dict[str, Any]]:
    with pages.office.store.read() as connection:
        return list_programs(connection)


def save(owner: Desk, **changes: Any) -> Any:
    """Previews a form and saves what the preview shows."""
    fields = {**FORM, **changes}
    shown = owner.post("/loyalty/preview", fields, page="/loyalty")
    found = SEEN.search(shown.text)
    assert found, shown.text
    return owner.post("/loyalty/save", {**fields, "seen": unescape(found[1])})


def furnish_stock(pages: OfficePages) -> None:
    """B1 has five of milk; B2 sold two of bread that never came."""
    office = pages.office
    with office.store.write() as connection:
        goods = Assortment(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR)
        goods.add(ProductFields("952", "Молоко", category="Milk"), WantedPrice(100))
        goods.add(ProductFields("871", "Хлеб", category="Bread"), WantedPrice(100))
    first, second = office.journal("B1"), office.journal("B2")
    came = StockMovement("received", "", None, "anna", (MovementLine("952", None, 5_000),), AT)
    first.add([Record(RecordKind.STOCK_MOVEMENT, office.ids.new_id(), encode_branch_fact(came))])
    second.add_sale(sale(1, [line("871", quantity=2)]))
    for journal in (first, second):
        office.merge(journal, journal.batch())


def test_branches_are_shown_with_what_is_below_zero(pages: OfficePages, owner: Desk) -> None:
    assert "There is no branch yet." in owner.get("/stock").text
    furnish_stock(pages)
    page = owner.get("/stock").text
    assert ('href="/stock?branch=B2&amp;negative=yes">1</a>' in page, "Not complete" in page) == (True, True)
    below = owner.get("/stock?negative=yes").text
    assert ("Хлеб" in below, "-2" in below, "Молоко" in below) == (True, True, False)


def test_goods_of_a_branch_are_found_by_name_and_sku(pages: OfficePages, owner: Desk) -> None:
    furnish_stock(pages)
    here = owner.get("/stock?branch=B1").text
    assert ("Молоко" in here, ">5<" in here, "Хлеб" in here) == (True, True, False)
    assert "Хлеб" in owner.get("/stock?words=хле").text
    assert "Молоко" in owner.get("/stock?words=952").text
    assert "Nothing is called so." in owner.get("/stock?words=хурма").text
    assert "Nothing is below zero." in owner.get("/stock?branch=B1&negative=yes").text
    assert owner.get("/stock?branch=none").status_code == 404


def test_a_programme_is_saved_after_a_look_at_what_it_does(pages: OfficePages, owner: Desk) -> None:
    assert "nobody earns points" in owner.get("/loyalty").text
    shown = owner.post("/loyalty/preview", FORM, page="/loyalty")
    assert (shown.status_code, programs(pages)) == (200, [])
    assert "earns 30 points" in shown.text
    assert save(owner).status_code == 303
    assert programs(pages) == [
        {
            "code": "main", "name": "Club", "rules": ["*:*:300", "gold:*:550"], "expires_days": 365,
            "payable_share_basis_points_max": 5_000, "point_value_minor": 100,
        }
    ]  # fmt: skip
    page = owner.get("/loyalty").text
    assert ("everybody, on everything: 3%" in page, "tier gold, on everything: 5.5%" in page) == (True, True)


def test_the_preview_says_only_what_changes(owner: Desk) -> None:
    save(owner)
    changes = {"tier": ["", "silver"], "category": ["", "Tea"], "percent": ["3", "7"], "payable": "30"}
    shown = owner.post("/loyalty/preview", {**FORM, **changes}, page="/loyalty").text
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", shown)
    assert rows == [
        ("tier silver, on Tea", "–", "7%"),
        ("Points pay of a receipt, at most", "50%", "30%"),
        ("tier gold, on everything", "5.5%", "nothing any more"),
    ]
    assert "Nothing changes." in owner.post("/loyalty/preview", FORM).text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(pages: OfficePages, owner: Desk) -> None:
    found = SEEN.search(owner.post("/loyalty/preview", FORM, page="/loyalty").text)
    assert found
    pages.office.clock.advance(1)
    save(owner, payable="10")
    late = owner.post("/loyalty/save", {**FORM, "seen": unescape(found[1])})
    assert (late.status_code, "Somebody else has changed the programme." in late.text) == (409, True)
    assert programs(pages)[0]["payable_share_basis_points_max"] == 1_000


def test_the_history_says_who_changed_what(pages: OfficePages, owner: Desk) -> None:
    office = pages.office
    with office.store.write() as connection:
        program = make_program("main", ["*:*:100"], 5_000, 365, 100)
        set_program(connection, office.ids, office.clock.now_us(), program, "Club")
    office.clock.advance(60)
    save(owner)
    office.clock.advance(60)
    owner.post("/loyalty/end", {"code": "main"}, page="/loyalty")
    text = owner.get("/loyalty").text
    page = text[text.index('id="history"') :]
    assert [said in page for said in ("on the command line", "Olga", "1% → 3%", "The programme was ended.")] == [
        True
    ] * 4
    assert programs(pages) == []
    assert "nobody earns points" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"percent": ["", "", ""]}, "No rate is given."),
        ({"percent": ["101", "", ""]}, "no percentage"),
        ({"tier": ["", ""], "category": ["", ""], "percent": ["3", "4"]}, "same tier and category"),
        ({"payable": "150"}, "no percentage"),
        ({"value": "0"}, "at least the smallest coin"),
        ({"expires_days": "soon"}, "no whole number"),
        ({"expires_days": "9999"}, "days"),
    ],
)
def test_a_form_that_cannot_be_is_shown_again_with_what_was_typed(
    pages: OfficePages, owner: Desk, changes: dict[str, Any], said: str
) -> None:
    refused = owner.post("/loyalty/preview", {**FORM, "name": "Typed name", **changes}, page="/loyalty")
    assert (refused.status_code, said in refused.text, 'value="Typed name"' in refused.text) == (422, True, True)
    assert programs(pages) == []


def test_stock_of_the_chain_is_asked_for_by_whoever_may_see_the_chain(pages: OfficePages) -> None:
    cashier = Actor(b"e" * 16, "anna", "Anna", "cashier", ROLES["cashier"].permissions, NO_LIMITS)
    with pages.office.store.read() as connection:
        with pytest.raises(NotPermitted):
            branches_stock(connection, cashier, 0, 15)
        with pytest.raises(NotPermitted):
            list_stock(connection, cashier, StockWanted("B1"), 1, 0, 15)
        with pytest.raises(NotPermitted):
            current_program(connection, cashier)
