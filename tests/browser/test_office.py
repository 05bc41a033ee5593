"""The head office in a browser: from the first administrator's link to a promotion, and every page without barriers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hq_server.operations.hand_over import hand_over_employee
from hq_server.operations.loyalty import set_program
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from hq_server.operations.promotions import add_promotion
from shared.domain.loyalty import make_program
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.product_requests import product_request_id
from shared.domain.promotion_rules import Promotion, PromotionType
from shared.domain.records import RecordKind
from shared.operations.people import employee_id
from shared.web.translations import UNTRANSLATED_MARKS, marking_untranslated
from tests.browser.conftest import Visit
from tests.support.browsing import Visitor, linked_paths, screenshot, serious_barriers, serving
from tests.support.journal import line, sale
from tests.support.office_pages import OfficePages, office_pages
from tests.support.staff import PASSWORD

CYRILLIC = re.compile(r"[А-Яа-яЁё]")
PATHS = (
    "/", "/people", "/people/new", "/people/tree", "/roles", "/roles/edit?code=cashier", "/products", "/products/new",
    "/promotions", "/promotions/edit?code=autumn", "/vat", "/catalog", "/requests", "/audit/shifts", "/audit/refunds",
    "/audit/people", "/audit/tills", "/conflicts", "/parked", "/proposals", "/password", "/stock",
    "/stock?branch=B1", "/stock?negative=yes", "/loyalty",
    "/clients", "/clients?q=anna", "/clients/duplicates", "/hand-over", "/dictionaries", "/letters",
    "/erasures", "/erasures?words=anna", "/branches", "/branches/B1",
    "/erasures", "/erasures?words=anna", "/fleet", "/fleet/alerts", "/fleet/explain",
    "/fleet/explain?record=tea&branch=B1", "/fleet/files", "/conflicts", "/parked", "/proposals",
    "/templates", "/reports", "/reports/sales",
)  # fmt: skip


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template, name="Chain") as served:
        yield served


@pytest.fixture
def address(pages: OfficePages) -> Iterator[str]:
    with serving(pages.app) as served:
        yield served


def furnish(pages: OfficePages) -> None:
    """A little of everything."""
    office = pages.office
    pages.hire("olga", "owner")
    pages.hire("anna", "cashier")
    journal = office.journal("B1")
    request_id = product_request_id(journal.branch_id, "4600000000017")
    journal.add_sale(sale(1, [line("tea", quantity=2)]))
    journal.add_edit(
        RecordKind.PRODUCT_REQUEST, request_id, {}, code="4600000000017", name="Parasol", amount_minor=99_900,
        times=2, last_seen_at=office.clock.now_us(), register="1",
    )  # fmt: skip
    for name in ("Ann White", "White Ann"):
        journal.add_edit(RecordKind.CLIENT, office.ids.new_id(), {}, name=name, phones=("+79123456789",))
    office.merge(journal, journal.batch())
    olga, anna = (employee_id(office.chain.chain_id, code) for code in ("olga", "anna"))
    hand_over_employee(pages.app.state.context.change, office.ids, anna, olga, "moved")
    with office.store.write() as connection:
        now_us = office.clock.now_us()
        goods = Assortment(connection, office.ids, now_us, LOCAL_ADMINISTRATOR)
        goods.add(ProductFields("tea", "Tea", barcode="4600", category="Drinks"), WantedPrice(14_990))
        wanted = Promotion(
            b"", "autumn", "Autumn", PromotionType.PERCENT, 1_000, categories=frozenset({"Drinks"}), valid_from=20_400
        )
        add_promotion(connection, office.ids, now_us, wanted)
        program = make_program("main", ["*:*:300", "gold:Drinks:500"], 5_000, 365, 100)
        set_program(connection, office.ids, now_us, program, "Club")


def log_in(visitor: Visitor) -> None:
    page = visitor.open("/login")
    page.fill("[name=code]", "olga")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{visitor.address}/")


def test_the_first_administrator_hires_a_cashier_and_makes_a_promotion(
    pages: OfficePages, address: str, visit: Visit
) -> None:
    pages.office.add_branch("Север")
    visitor = visit(address, "ru")
    page = visitor.open(f"/first?token={pages.first_link()}")
    page.fill("[name=code]", "root")
    page.fill("[name=name]", "Ольга Смирнова")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=repeated]", PASSWORD)
    page.click("main button")
    page.wait_for_selector("text=Вы администратор сети")
    page.click("nav >> text=Сотрудники")
    page.click("text=Принять")
    page.fill("[name=name]", "Анна Петрова")
    page.fill("[name=code]", "anna")
    page.select_option("[name=role]", label="Кассир")
    page.check("[name=branches][value=Север]")
    page.click("main form button")
    page.wait_for_selector("text=Сотрудник Анна Петрова принят.")
    page.click("nav >> text=Акции")
    page.click("text=Новая акция")
    page.fill("[name=name]", "Осень")
    page.fill("[name=code]", "autumn")
    page.fill("[name=percent]", "10")
    page.fill("[name=categories]", "Чай")
    # The sentence is said while the form is filled in.
    page.wait_for_selector("#said:has-text('на Чай')")
    page.click("text=Сохранить")
    page.wait_for_selector("section[aria-labelledby=now] >> text=Осень")
    assert "−10" in page.inner_text("section[aria-labelledby=now]")
    assert serious_barriers(page) == []


@pytest.mark.parametrize(("language", "colours"), [("en", "light"), ("ru", "dark")])
def test_every_page_speaks_one_language_and_has_no_barriers(
    pages: OfficePages, address: str, visit: Visit, language: str, colours: str
) -> None:
    furnish(pages)
    visitor = visit(address, language, colours)
    with marking_untranslated():
        log_in(visitor)
        waiting, seen = list(PATHS), set[str]()
        while waiting:
            path = waiting.pop(0)
            if path in seen:
                continue
            seen.add(path)
            page = visitor.open(path)
            text = page.inner_text("body") + page.title()
            assert not set(UNTRANSLATED_MARKS) & set(page.content()), f"{path}: {text}"
            if language == "en":
                assert CYRILLIC.findall(text.replace("Русский", "")) == [], path
            assert serious_barriers(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            screenshot(page, f"office{re.sub('[^a-z]+', '-', path.lower())[:30]}-{language}-{colours}")
            kinds = {"/products/", "/requests/", "/people/"}
            deeper = [link for link in linked_paths(page) if re.search("/[0-9a-f-]{36}$", link)]
            waiting += [link for kind in kinds for link in deeper if link.startswith(kind)][:1]


def test_the_promotion_form_fits_a_phone(pages: OfficePages, address: str, visit: Visit) -> None:
    furnish(pages)
    visitor = visit(address, "ru", "light", width=390)
    log_in(visitor)
    page = visitor.open("/promotions/edit?code=autumn")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    small = page.eval_on_selector_all(
        "button, input:not([type=hidden]):not([type=checkbox]):not([type=radio]), select, [role=button], .bar a, .tick",
        "all => all.filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 44)"
        ".map(e => e.outerHTML)",
    )
    assert small == []
