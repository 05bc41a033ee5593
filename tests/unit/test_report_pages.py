"""Reports' pages: the list, the form, the table, the files; at the head office and at a branch."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import pytest

from branch_node.operations import report_room as branch_room
from branch_node.storage.store import BranchStore
from hq_server.operations import report_room as office_room
from hq_server.operations.chain_answers import tell_branches
from hq_server.operations.kept_reports import work_off
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from hq_server.storage.branches import branch_by_code
from hq_server.storage.feed import number_feed
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import parse_local
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, NO_LIMITS, Actor, Permission
from shared.domain.records import Record, RecordKind
from shared.errors import NotPermitted
from shared.operations.people import employee_id
from shared.reports.branch_questions import QUESTIONS, questions_of
from shared.reports.drilling import DRILLS
from shared.reports.naming import NAMES_AT_ONCE_MAX, name_values
from shared.reports.parameters import ReportAsk
from shared.reports.registry import REPORTS, find_report
from shared.reports.report import Scope
from shared.sync.messages import ChainAnswer
from shared.web.report_links import LISTS
from shared.wire.payloads import encode_branch_fact, encode_shift_close
from tests.support.chain_sales import Shop as ChainShop
from tests.support.clock import FakeClock
from tests.support.journal import ZONE, line, sale, z_report
from tests.support.office_pages import Desk, OfficePages, office_pages
from tests.support.shop import Shop, change
from tests.support.till_pages import Browser, make_pages, staff_of

NOBODY = Actor(b"", "nobody", "", "bare", frozenset(), NO_LIMITS)


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        served.hire("olga", "owner")
        for code, amounts in (("B1", (100_00, 250_00)), ("B2", (70_00,))):
            journal = served.office.journal(code)
            for number, amount in enumerate(amounts, 1):
                journal.add_sale(sale(number, [line("tea", amount, category="Чай")], "2026-11-20T10:00:00"))
            served.office.merge(journal, journal.batch())
        yield served


@pytest.fixture
def desk(pages: OfficePages) -> Desk:
    return pages.logged_in("olga")


def test_every_report_is_in_the_list_and_opens(desk: Desk) -> None:
    text = desk.get("/reports", "ru").text
    for name in REPORTS:
        assert f'href="/reports/{name}"' in text
        answer = desk.get(f"/reports/{name}", "ru")
        assert answer.status_code == 200, answer.text
        shown = 'class="completeness' in answer.text
        assert shown or (REPORTS[name].is_slow and "Отчёт считается" in answer.text), name


def test_a_report_shows_its_rows_and_beside_the_total_how_complete_it_is(desk: Desk) -> None:
    text = desk.get("/reports/sales?by=branch&period=this-month", "ru").text
    assert "420,00\u00a0₽" in text
    assert text.index("Полных данных нет пока ни от одного филиала") < text.index("Итого")
    assert "обычно это 100" in text


def test_a_question_that_cannot_be_answered_shows_the_form_again_with_why(desk: Desk) -> None:
    answer = desk.get("/reports/sales?by=month&period=someday", "ru")
    assert answer.status_code == 422
    assert "Периода «someday» нет." in answer.text
    assert '<option value="month" selected>' in answer.text
    assert "<table" not in answer.text
    assert desk.get("/reports/sales?branch=nowhere").status_code == 404
    assert desk.get("/reports/nothing").status_code == 404


def test_a_filter_stands_in_the_form_as_words(desk: Desk) -> None:
    text = desk.get("/reports/sales?by=branch&where=category%3D%D0%A7%D0%B0%D0%B9", "ru").text
    assert "Категория: Чай" in text
    assert 'name="where" value="category=Чай" checked' in text


def test_the_same_answer_is_a_file(desk: Desk) -> None:
    for kind, beginning in (("csv", "\ufeff".encode()), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        answer = desk.get(f"/reports/sales/export.{kind}?by=branch&period=this-month")
        assert answer.status_code == 200
        assert answer.content.startswith(beginning)
        assert f'filename="sales-2026-11-23.{kind}"' in answer.headers["content-disposition"]
    assert desk.get("/reports/sales/export.exe").status_code == 404
    assert desk.get("/reports/sales/export.csv?by=colour").status_code == 422


def test_a_row_leads_to_its_receipts_and_a_receipt_to_its_place_in_the_journal(desk: Desk) -> None:
    text = desk.get("/reports/sales?by=branch&period=this-month", "ru").text
    leading = html.unescape(
        next(part for part in text.split('"') if part.startswith("/reports/receipts") and "B1" in part)
    )
    listed = desk.get(leading, "ru").text
    assert ("350,00\u00a0₽" in listed, "70,00\u00a0₽" in listed) == (True, False)
    assert "Филиал" in listed
    assert "стр. 1 из 1" in listed or "1 из 1" in listed
    receipt = next(part for part in listed.split('"') if part.startswith("/receipts/B1/"))
    shown = desk.get(receipt, "ru")
    assert shown.status_code == 200
    assert "250,00\u00a0₽" in shown.text
    assert "В журнале филиала" in shown.text
    assert desk.get("/receipts/B2/" + receipt.rpartition("/")[2]).status_code == 404


def linked(text: str, beginning: str) -> str:
    """The first address on a page that begins so."""
    return html.unescape(next(part for part in text.split('"') if part.startswith(beginning)))


def test_a_class_leads_to_its_products_and_a_product_to_its_receipts(pages: OfficePages, desk: Desk) -> None:
    asked = "/reports/abc-xyz?by=abc&period=this-month&to="
    desk.get(asked)
    work_off(pages.office.store, pages.office.clock, 15)
    products = linked(desk.get(asked, "ru").text, "/reports/abc-xyz?by=product")
    assert "where=abc%3DA" in products
    desk.get(products)
    work_off(pages.office.store, pages.office.clock, 15)
    listed = desk.get(linked(desk.get(products, "ru").text, "/reports/receipts"), "ru").text
    assert "420,00\u00a0₽" in listed
    assert listed.count('"/receipts/B') == 3


def test_a_segment_leads_to_its_clients_for_whom_may_see_them(pages: OfficePages, desk: Desk) -> None:
    shop = ChainShop(pages.office, "B4")
    pages.hire("rita", "sales_rep")
    owner = employee_id(pages.office.chain.chain_id, "rita")
    card = shop.put_card("900", name="Анна Петрова", owner_id=owner)
    shop.sell("2026-11-20", None, 100_00, card)
    shop.send()
    address = linked(desk.get("/reports/rfm?by=segment&period=this-month").text, "/reports/clients-list")
    listed = desk.get(address, "ru").text
    assert "Анна Петрова" in listed
    opened = desk.get(linked(listed, f"/clients/{format_id(card)}"), "ru")
    assert opened.status_code == 200
    assert "Анна Петрова" in opened.text
    assert "Сотрудник" not in listed.partition("<table")[2]
    # An administrator sees reports and no clients.
    pages.hire("petr", "administrator")
    other = pages.logged_in("petr")
    assert "/reports/clients-list" not in other.get("/reports/rfm?by=segment&period=this-month").text
    refused = other.get(address, "ru")
    assert refused.status_code == 403
    assert "Анна" not in refused.text


def test_a_branch_s_stock_leads_to_its_products_and_they_to_what_moved_them(pages: OfficePages, desk: Desk) -> None:
    asked = "/reports/stock?by=branch&period=always"
    products = linked(desk.get(asked).text, "/reports/stock?by=product")
    assert "where=branch%3DB1" in products
    listed = desk.get(linked(desk.get(products).text, "/reports/movements-list"), "ru").text
    assert listed.count('"/receipts/B1/') == 2
    shop = ChainShop(pages.office, "B5")
    shop.receive("2026-11-19", "milk", 1)
    shop.basket("2026-11-20", {"milk": 2})
    shop.send()

    def computed(address: str) -> str:
        desk.get(address)
        work_off(pages.office.store, pages.office.clock, 15)
        return str(desk.get(address, "ru").text)

    products = linked(computed("/reports/stock-outs?by=branch&period=always"), "/reports/stock-outs?by=product")
    assert "branch=B5" in products
    listed = desk.get(linked(computed(products), "/reports/movements-list"), "ru").text
    assert "/receipts/B5/" in listed
    assert "приход" in listed or "получен" in listed or "поступ" in listed


def test_acts_and_shifts_lead_to_their_audits(pages: OfficePages, desk: Desk) -> None:
    journal, office = pages.office.journal("B3"), pages.office
    at = parse_local("2026-11-20T12:00:00", ZONE, "at")
    act = AuditEntry("drawer_opened", "1", "anna", None, 0, "", at)
    for kind, payload in (
        (RecordKind.AUDIT_ENTRY, encode_branch_fact(act)),
        (RecordKind.SHIFT_CLOSE, encode_shift_close(z_report(1, 50))),
    ):
        journal.add([Record(kind, office.ids.new_id(), payload)])
    office.merge(journal, journal.batch())
    listed = desk.get(linked(desk.get("/reports/loss?by=cashier&period=this-month").text, "/reports/acts"), "ru").text
    assert "ящик" in listed
    assert desk.get(linked(listed, "/audit/tills")).status_code == 200
    page = desk.get("/reports/cash-variance?by=register&period=this-month").text
    listed = desk.get(linked(page, "/reports/shifts-list"), "ru").text
    assert "до чека 1-000001" in listed
    assert "1-000001" in desk.get(linked(listed, "/audit/shifts")).text


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_total_of_every_report_that_has_a_list_leads_to_one(desk: Desk, language: str) -> None:
    for name, drill in DRILLS.items():
        asked = "".join(f"&where={dimension}=tea" for dimension in drill.required)
        answer = desk.get(f"{LISTS[drill.rests_on]}?report={name}&period=always{asked}", language)
        assert answer.status_code == 200, (name, answer.text)
        assert str(find_report(name).title) in answer.text or language == "ru"
    assert set(DRILLS) == set(REPORTS)


def test_what_a_report_does_not_rest_on_is_no_page(desk: Desk) -> None:
    assert desk.get("/reports/receipts?report=stock&period=this-month").status_code == 404
    assert desk.get("/reports/calls-list?report=sales&period=this-month").status_code == 404
    assert desk.get("/reports/receipts").status_code == 404
    assert desk.get("/reports/calls-list?report=calls&period=this-month").status_code == 200


def test_no_value_of_the_data_is_taken_for_html(pages: OfficePages, desk: Desk) -> None:
    journal = pages.office.journal("B3")
    journal.add_sale(sale(1, [line("tea", 100, category="<b>bold")], "2026-11-20T10:00:00"))
    pages.office.merge(journal, journal.batch())
    text = desk.get("/reports/sales?by=category&where=category%3D%3Cb%3Ebold&team=%3Cb%3Ebold").text
    assert "<b>bold" not in text
    assert "<b>bold" not in desk.get("/reports/sales?by=category").text


def test_a_branch_shows_what_it_can_answer_and_what_it_is_told(shop: Shop, tmp_path: Path, clock: FakeClock) -> None:
    shop.sell("k1", 50)
    staff_of(shop.store, clock, tmp_path)
    browser = Browser(make_pages(shop.store, tmp_path))
    assert browser.log_in("maria").status_code == 303
    text = browser.get("/reports").text
    for name, report in REPORTS.items():
        assert f'href="/reports/{name}"' in text
        page = browser.get(f"/reports/{name}")
        assert page.status_code == 200
        assert ("has not sent this report yet" in page.text) == (report.scope == Scope.CHAIN)
        file = browser.get(f"/reports/{name}/export.csv")
        assert file.status_code == (303 if report.scope == Scope.CHAIN else 200)
    assert "1 of 1 branch complete" in browser.get("/reports/sales?by=cashier").text
    assert browser.get("/reports/sales/export.csv?by=cashier").status_code == 200


def test_a_branch_says_of_what_it_was_told_when_and_of_whom(
    pages: OfficePages, desk: Desk, shop: Shop, tmp_path: Path, clock: FakeClock
) -> None:
    third = ChainShop(pages.office, "B3")
    anna = third.put_card("900")
    third.sell("2026-11-20", "900", card=anna)
    third.send()
    assert "None has been sent yet" in desk.get("/reports").text
    assert desk.post("/reports/tell-branches", page="/reports").status_code == 303
    assert f"Still being computed: {len(QUESTIONS)}." in desk.get("/reports").text
    for question in QUESTIONS:
        tell_branches(pages.office.store, pages.office.clock, question, 4, 15)
    number_feed(pages.office.store, pages.office.clock.now_us())
    assert "branches: " in desk.get("/reports").text
    with pages.office.store.read() as connection:
        branch_id = branch_by_code(connection, "B3").id
    shop.learn(change(RecordKind.CLIENT, anna, external_id="900"))
    shop.learn(*[each for each in pages.office.feed_of(branch_id) if isinstance(each, ChainAnswer)])
    staff_of(shop.store, clock, tmp_path)
    browser = Browser(make_pages(shop.store, tmp_path))
    browser.log_in("maria")
    for question in QUESTIONS:
        text = browser.get(f"/reports/{question.report}?by={'&by='.join(question.by)}&period={question.period}").text
        assert "Computed at the head office" in text
        assert text.count('aria-current="page"') >= (len(questions_of(question.report)) > 1)
        assert 'class="completeness' in text
    assert 'href="/clients?q=900"' in browser.get("/reports/rfm?by=segment&by=client&period=last-365-days").text
    assert browser.get("/reports/margin/export.xlsx").status_code == 200
    assert browser.get("/reports/margin?by=product").status_code == 422


def test_nobody_without_the_permission_is_answered(pages: OfficePages, branch_store: BranchStore) -> None:
    assert office_room.open_reports(NOBODY) == branch_room.open_reports(NOBODY) == []
    assert len(office_room.open_reports(LOCAL_ADMINISTRATOR)) == len(REPORTS)
    report = find_report("sales")
    with pages.office.store.read() as connection:
        with pytest.raises(NotPermitted):
            office_room.ask_report(connection, NOBODY, report, ReportAsk(), 0, 15)
        with pytest.raises(NotPermitted):
            office_room.branches_and_people(connection, NOBODY)
    with branch_store.read() as connection:
        with pytest.raises(NotPermitted):
            branch_room.ask_report(connection, NOBODY, report, ReportAsk(), 0)
        with pytest.raises(NotPermitted):
            branch_room.people_here(connection, NOBODY)
    assert not NOBODY.may(Permission.REPORT_CHAIN)


def test_products_are_called_by_their_names_however_many_there_are(pages: OfficePages) -> None:
    with pages.office.store.write() as connection:
        goods = Assortment(connection, pages.office.ids, pages.office.clock.now_us(), LOCAL_ADMINISTRATOR)
        goods.add(ProductFields("tea", "Чай"), WantedPrice(100))
    asked = {"product": {"tea", *map(str, range(NAMES_AT_ONCE_MAX + 1))}, "outcome": {"x"}, "client": {"7"}}
    with pages.office.store.read() as connection:
        assert name_values(connection, asked, "ru") == {"product": {"tea": "Чай"}, "outcome": {}}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_a_file_of_a_report_that_takes_long_is_of_the_kept_answer(pages: OfficePages, desk: Desk, kind: str) -> None:
    asked = "by=product&period=this-month"
    waiting = desk.get(f"/reports/abc-xyz/export.{kind}?{asked}")
    assert waiting.status_code == 303
    # There is no answer yet: the page that it leads to shows how far it is.
    assert "Отчёт считается" in desk.get(waiting.headers["location"], "ru").text
    assert work_off(pages.office.store, pages.office.clock, 15)
    kept = desk.get(f"/reports/abc-xyz/export.{kind}?{asked}")
    assert kept.status_code == 200
    pages.office.clock.advance(3_600)
    journal = pages.office.journal("B9")
    journal.add_sale(sale(1, [line("coffee", 900_00)], "2026-11-21T10:00:00"))
    pages.office.merge(journal, journal.batch())
    # While a newer answer is computed, the file is still of the older one.
    again = desk.get(f"/reports/abc-xyz/export.{kind}?{asked}")
    assert again.status_code == 200
    if kind == "csv":
        assert again.content == kept.content
        assert work_off(pages.office.store, pages.office.clock, 15)
        newer = desk.get(f"/reports/abc-xyz/export.{kind}?{asked}")
        assert b"coffee" in newer.content
        assert b"coffee" not in again.content


def test_a_kept_answer_says_when_it_was_computed(pages: OfficePages, desk: Desk) -> None:
    office = pages.office
    address = "/reports/stock-outs?by=branch"
    assert "Отчёт считается" in desk.get(address, "ru").text
    while work_off(office.store, office.clock, 15):
        pass
    office.clock.advance(30)
    assert "Посчитано 23.11.2026 19:00;" in desk.get(address, "ru").text
