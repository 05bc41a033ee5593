"""Branches, “What changed” and “Undo” on the head office's pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hq_server.storage.tables import branch
from hq_server.web.card_words import FIELD_NAMES, says_nothing
from shared.domain.cards import CARD_FIELDS
from shared.domain.records import OFFICE_HISTORY_KINDS, RecordKind
from shared.storage.tables import product, promotion
from tests.support.journal import line, sale
from tests.support.office_pages import Desk, OfficePages, office_pages

UNDO = re.compile(r'<form method="post" action="/changes/take-back">.*?</form>', re.DOTALL)
FIELD = re.compile(r'name="(noun|card|command)" value="([^"]+)"')
ASKED = {"problem", "register", "times", "first_seen_at", "last_seen_at"}
THE_PROGRAMS_OWN = {"product_id", "employee_id", "dictionary", "currency", "scheduled_at", "answered_at", *ASKED}
"""Fields of which people never read: whose a card is, and what never changes."""


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        served.hire("admin", "administrator")
        yield served


@pytest.fixture
def admin(pages: OfficePages) -> Desk:
    desk = pages.logged_in("admin")
    desk.get("/branches")
    return desk


def send(pages: OfficePages, desk: Desk, path: str, fields: dict[str, Any], page: str = "/branches") -> Any:
    pages.office.clock.advance(1)
    return desk.post(path, fields, page=page)


def forms(text: str) -> list[dict[str, str]]:
    return [dict(FIELD.findall(form)) for form in UNDO.findall(text)]


def said(text: str) -> str:
    """What a page's section of changes says, without its marks."""
    section = text[text.index('id="what-changed"') :]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", section)).split())


def test_a_branch_is_added_and_its_mode_is_changed_and_undone(pages: OfficePages, admin: Desk) -> None:
    assert "There is no branch yet." in admin.get("/branches").text
    fields = {"code": "B7", "name": "Север", "timezone": "Asia/Omsk", "price_zone": "north"}
    added = send(pages, admin, "/branches", fields)
    assert (added.status_code, added.headers["location"]) == (303, "/branches/B7")
    shown = admin.get("/branches/B7").text
    assert "filial-hq branch token B7" in shown
    wanted = {**fields, "mode": "centralized", "when_unreachable": "fall_back"}
    assert send(pages, admin, "/branches/B7", wanted).status_code == 303
    shown = admin.get("/branches/B7").text
    assert "How it works: by itself" in said(shown)
    undo, first = forms(shown)[:2]
    assert undo == first
    assert send(pages, admin, "/changes/take-back", undo).headers["location"] == "/branches/B7"
    with pages.office.store.read() as connection:
        assert connection.execute(select(branch.c.mode, branch.c.when_unreachable)).one() == ("distributed", "refuse")
    again = send(pages, admin, "/changes/take-back", undo)
    assert again.status_code == 409
    assert "“How it works” was changed again since" in html.unescape(again.text)


def test_bad_settings_are_said_and_nothing_is_half_done(pages: OfficePages, admin: Desk) -> None:
    send(pages, admin, "/branches", {"code": "B7", "name": "", "timezone": "", "price_zone": ""})
    good = {"name": "One", "timezone": "Europe/Moscow", "price_zone": "", "mode": "distributed"}
    for bad in ({"timezone": "Mars"}, {"mode": ""}, {"when_unreachable": "x"}, {"name": ""}):
        answer = send(pages, admin, "/branches/B7", {**good, "when_unreachable": "refuse", **bad})
        assert answer.status_code == 422, bad
    with pages.office.store.read() as connection:
        assert connection.execute(select(branch.c.name)).scalar() == "B7"
    assert admin.get("/branches/none").status_code == 404
    assert send(pages, admin, "/branches", {"code": "B7"}).status_code == 409


def test_nothing_changed_offers_no_undo(pages: OfficePages, admin: Desk) -> None:
    added = send(pages, admin, "/products", {"sku": "tea", "name": "Чай"}, "/products/new")
    where = added.headers["location"]
    admin.get(where)
    assert send(pages, admin, where, {"sku": "tea", "name": "Чай"}, where).status_code == 303
    shown = admin.get(where).text
    assert "Nothing was changed." in shown
    assert len(forms(shown)) == 1


def test_a_product_says_who_changed_what_and_is_taken_back(pages: OfficePages, admin: Desk) -> None:
    added = send(pages, admin, "/products", {"sku": "tea", "name": "Чай", "price": "100.00"}, "/products/new")
    where = added.headers["location"]
    assert send(pages, admin, where, {"sku": "tea", "name": "Чай чёрный", "weighed": "yes"}, where).status_code == 303
    shown = admin.get(where).text
    told = said(shown)
    assert "Admin Name: Чай → Чай чёрный sold by weight: no → yes Take back" in told
    assert "The usual price, everywhere: added Price: RUB\xa0100.00".replace("\xa0", " ") in told
    assert send(pages, admin, "/changes/take-back", forms(shown)[0]).headers["location"] == where
    with pages.office.store.read() as connection:
        assert connection.execute(select(product.c.name, product.c.weighed)).one() == ("Чай", False)
    assert "It is taken back." in admin.get(where).text


def test_a_promotion_is_tried_before_it_is_saved(pages: OfficePages, admin: Desk) -> None:
    journal = pages.office.journal("B1")
    journal.add_sale(sale(1, [line("чай", 10_000, 1, 0, "Чай")]))
    pages.office.merge(journal, journal.batch())
    fields = {"code": "ten", "name": "Десять", "type": "percent", "percent": "10", "categories": "Чай"}
    shown = send(pages, admin, "/promotions/preview", {**fields, "preview_day": "2026-11-20"}, "/promotions/edit")
    text = html.unescape(re.sub(r"<[^>]+>", "", shown.text)).replace("\xa0", " ")
    assert (shown.status_code, "1 of 1" in text, "RUB10.00" in text.replace(" ", "")) == (200, True, True)
    assert pages.office.count(promotion) == 0
    nothing = send(pages, admin, "/promotions/preview", {**fields, "preview_day": "2026-11-19"}, "/promotions/edit")
    assert "There are no receipts of that day." in nothing.text
    again = send(pages, admin, "/promotions/again", fields, "/promotions/edit")
    assert (again.status_code, 'value="Десять"' in again.text) == (200, True)
    wrong = send(pages, admin, "/promotions/preview", {**fields, "percent": ""}, "/promotions/edit")
    assert (wrong.status_code, 'value="Десять"' in wrong.text) == (422, True)


def test_a_role_tells_what_came_and_what_went(pages: OfficePages, admin: Desk) -> None:
    cashier = {"name": "Cashier", "permissions": ["sale.make"], "discount_max": "5", "client_scope": "branch"}
    assert send(pages, admin, "/roles/edit?code=cashier", cashier, "/roles").status_code == 303
    shown = admin.get("/roles/edit?code=cashier").text
    assert "May: − " in said(shown)
    assert "Largest discount by hand" not in said(shown)
    assert send(pages, admin, "/changes/take-back", forms(shown)[0]).headers["location"] == "/roles/edit?code=cashier"


def test_every_field_that_is_kept_has_a_name_for_people() -> None:
    for kind in OFFICE_HISTORY_KINDS:
        kept = set(CARD_FIELDS[RecordKind(kind)]) - THE_PROGRAMS_OWN
        assert kept - set(FIELD_NAMES[kind]) <= {"code"}, RecordKind(kind)
    assert says_nothing(int(RecordKind.PRODUCT), "weighed", False)
    assert not says_nothing(int(RecordKind.PRICE), "amount_minor", 5)
