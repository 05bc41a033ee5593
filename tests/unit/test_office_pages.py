"""What the head office's pages do: log-in, people, roles, products, promotions, imports, requests, audits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from hq_server.bootstrap.serving import WebChoice, choose_tls
from hq_server.operations.catalog_uploads import UPLOADS_KEPT_MAX
from hq_server.settings import Settings
from hq_server.storage.tables import catalog_upload
from hq_server.web.promotion_sentences import sentence
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import parse_local
from shared.domain.permissions import ROLES
from shared.domain.product_requests import product_request_id
from shared.domain.promotion_rules import Promotion, PromotionType
from shared.domain.records import Record, RecordKind
from shared.errors import Refused
from shared.operations.people import find_role
from shared.storage.tables import position, price, product, promotion, vat_rate
from shared.web.translations import speaking
from shared.wire.payloads import encode_branch_fact
from tests.support.journal import ZONE, line, sale
from tests.support.office_pages import Desk, OfficePages, office_pages
from tests.support.staff import PASSWORD

ANOTHER = "quite another password"
HEADER = "sku,name,price,category\n"


@pytest.fixture
def pages(tmp_path: Path, sqlite_template: Path) -> Iterator[OfficePages]:
    with office_pages(tmp_path, sqlite_template) as served:
        yield served


@pytest.fixture
def owner(pages: OfficePages) -> Desk:
    pages.hire("olga", "owner")
    return pages.logged_in("olga")


def test_the_first_link_makes_an_administrator_once_and_logs_in(pages: OfficePages) -> None:
    desk, token = pages.visitor(), pages.first_link()
    page = f"/first?token={token}"
    fields = {"token": token, "code": "root", "name": "Root", "password": ANOTHER, "repeated": "x"}
    wrong = desk.post("/first", fields, page=page)
    assert (wrong.status_code, "The two passwords differ." in wrong.text) == (422, True)
    assert 'value="root"' in wrong.text
    assert ANOTHER not in wrong.text
    done = desk.post("/first", {**fields, "repeated": ANOTHER})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert "now hire your people" in desk.get("/").text.lower()
    assert pages.visitor().get(page).status_code == 403


def test_a_wrong_password_is_refused_and_the_fifth_locks(pages: OfficePages) -> None:
    pages.hire("anna", "owner")
    desk = pages.visitor()
    for _ in range(5):
        answer = desk.post("/login", {"code": "anna", "password": "wrong wrong"}, page="/login")
        assert (answer.status_code, "do not belong together" in answer.text) == (403, True)
    locked = desk.post("/login", {"code": "anna", "password": PASSWORD})
    assert locked.status_code == 403
    assert "do not belong together" not in locked.text


def test_one_goes_where_one_wanted_and_never_to_another_site(pages: OfficePages) -> None:
    pages.hire("anna", "owner")
    desk = pages.visitor()
    led = desk.get("/products?words=tea")
    assert unquote(led.headers["location"]) == "/login?next=/products?words=tea"
    fields = {"code": "anna", "password": PASSWORD}
    answer = desk.post("/login", {**fields, "next": "https://evil.example"}, page="/login")
    assert answer.headers["location"] == "/"


def test_a_session_ends_with_log_out_dismissal_and_idleness(pages: OfficePages, owner: Desk) -> None:
    identity = pages.hire("anna", "administrator")
    anna = pages.logged_in("anna")
    assert anna.get("/people").status_code == 200
    where = f"/people/{identity.hex()}"
    assert owner.post(f"{where}/dismiss", {"on": ""}, page=where).status_code == 303
    assert anna.get("/people").status_code == 303
    owner.post("/logout", page="/")
    assert owner.get("/people").status_code == 303
    again = pages.logged_in("olga")
    pages.office.clock.advance(13 * 3_600)
    assert "why=ended" in again.get("/people").headers["location"]


def test_a_first_password_must_be_changed_before_anything_else(pages: OfficePages) -> None:
    pages.hire("anna", "administrator", must_change=True)
    desk = pages.logged_in("anna")
    assert desk.get("/people").headers["location"] == "/password"
    fields = {"old": PASSWORD, "password": ANOTHER, "repeated": ANOTHER}
    assert desk.post("/password", {**fields, "old": "no no no no"}, page="/password").status_code == 403
    assert desk.post("/password", {**fields, "password": PASSWORD, "repeated": PASSWORD}).status_code == 422
    assert desk.post("/password", fields).status_code == 303
    assert desk.get("/people").status_code == 200
    assert pages.logged_in("anna", ANOTHER).get("/people").status_code == 200


def test_somebody_is_hired_placed_and_found(pages: OfficePages, owner: Desk) -> None:
    pages.office.add_branch("North")
    fields = {"code": "anna", "name": "Анна Петрова", "role": "", "branches": "North", "language": "ru"}
    refused = owner.post("/people", fields, page="/people/new")
    assert (refused.status_code, "No role was chosen." in refused.text) == (422, True)
    assert "Анна Петрова" in refused.text
    assert re.search(r'name="branches" value="North" checked', refused.text)
    hired = owner.post("/people", {**fields, "role": "cashier", "password": ANOTHER, "repeated": ANOTHER})
    assert hired.status_code == 303
    where = hired.headers["location"]
    assert "Анна Петрова" in owner.get("/people?words=петро").text
    assert "Nobody is found." in owner.get("/people?words=zzz").text
    moved = {"role": "manager", "everywhere": "yes", "reports_to": "olga", "from": "2027-01-01"}
    assert owner.post(f"{where}/place", moved, page=where).status_code == 303
    assert len(pages.office.rows(select(position.c.id))) == 3
    assert "2027-01-01" in owner.get(where).text
    tree = owner.get("/people/tree?on=2027-02-01").text
    assert tree.index("Olga") < tree.index("Анна Петрова")
    assert owner.post(f"{where}/edit", {"name": "Анна Иванова", "language": "en"}).status_code == 303
    assert owner.post(f"{where}/password", {"password": "short", "repeated": "short"}).status_code == 422
    # Somebody whose password was set by another is asked for one of her own.
    assert pages.logged_in("anna", ANOTHER).get("/").headers["location"] == "/password"


def test_a_cashier_finds_nothing_to_do_at_the_head_office(pages: OfficePages) -> None:
    pages.hire("anna", "cashier")
    text = pages.logged_in("anna").get("/").text
    assert "There is nothing for you to do here." in text
    assert "/people" not in text


def test_a_role_is_changed_with_its_ticks_and_limits(pages: OfficePages, owner: Desk) -> None:
    fields = {
        "name": "Cashier",
        "permissions": ["sale.make", "drawer.open"],
        "discount_max": "7,5",
        "refund_max": "100.00",
    }
    assert owner.post("/roles/edit?code=cashier", fields, page="/roles/edit?code=cashier").status_code == 303
    text = owner.get("/roles/edit?code=cashier").text
    assert re.findall(r'name="permissions" value="([^"]+)" checked', text) == ["sale.make", "drawer.open"]
    assert ('value="7.5"' in text, 'value="100.00"' in text) == (True, True)
    # The name was not touched, so it goes on being the product's own in both languages.
    assert "Кассир" in owner.get("/roles", "ru").text
    assert owner.get("/roles/edit?code=none").status_code == 404
    assert owner.post("/roles/edit", {**fields, "code": "senior", "name": "Старший кассир"}).status_code == 303
    assert "Старший кассир" in owner.get("/roles").text


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_that_is_saved_as_it_was_allows_what_it_did(pages: OfficePages, owner: Desk, role: str) -> None:
    form = f"/roles/edit?code={role}"
    ticked = re.findall(r'name="permissions" value="([^"]+)" checked', owner.get(form).text)
    assert set(ticked) == set(map(str, ROLES[role].permissions))
    fields = {"name": ROLES[role].name_en, "permissions": ticked, "discount_max": "1", "refund_max": "0"}
    assert owner.post(form, fields, page=form).status_code == 303
    with pages.office.store.read() as connection:
        saved = find_role(connection, role)
    assert saved is not None
    assert saved.permissions == ROLES[role].permissions


def test_a_product_is_added_found_edited_and_priced(pages: OfficePages, owner: Desk) -> None:
    fields = {"sku": "tea", "name": "Чай Ёлочный", "barcode": "4600", "category": "Чай", "price": "149,90"}
    added = owner.post("/products", fields, page="/products/new")
    where = added.headers["location"]
    pages.office.clock.advance(1)
    for words in ("елочный чай", "4600", "TEA"):
        assert "149.90" in owner.get(f"/products?words={words}").text, words
    assert owner.get("/products?words=кофе").text.count("No product is found.") == 1
    twice = owner.post("/products", {**fields, "sku": "other"}, page="/products/new")
    assert (twice.status_code, "belongs to" in twice.text) == (409, True)
    assert owner.post(where, {**fields, "name": "Чай зелёный", "weighed": "yes"}, page=where).status_code == 303
    later = {"price": "159.90", "valid_from": "2027-01-01", "zone": ""}
    assert owner.post(f"{where}/prices", later).status_code == 303
    assert pages.office.count(price) == 2
    assert owner.post(f"{where}/prices", {"price": "x"}).status_code == 422
    shown = owner.get(where).text
    assert shown.index('class="price-now"') < shown.index("149.90") < shown.index('class="price-coming"')
    changed = owner.post(f"{where}/prices", {**later, "price": "169.90"})
    assert changed.status_code == 303
    price_id = re.findall(r'name="price_id" value="([^"]+)"', owner.get(where).text)[1]
    assert owner.post(f"{where}/prices/remove", {"price_id": price_id}).status_code == 303
    assert 'class="price-coming"' not in owner.get(where).text
    assert owner.post(where, {**fields, "archived": "yes"}).status_code == 303
    pages.office.clock.advance(1)
    assert "Чай Ёлочный" not in owner.get("/products").text
    assert "Чай Ёлочный" in owner.get("/products?archived=yes").text
    block = owner.get("/products?words=x", **{"HX-Request": "true"}).text
    assert block.strip().startswith('<div id="found"')


def test_a_promotion_says_what_it_does_and_stands_where_it_belongs(pages: OfficePages, owner: Desk) -> None:
    fields = {
        "code": "autumn", "name": "Осень", "type": "percent", "percent": "10", "categories": "Чай",
        "valid_from": "2026-11-01", "valid_to": "2026-11-30", "client_groups": "regular",
    }  # fmt: skip
    said = owner.post("/promotions/sentence", fields, page="/promotions/edit", language="ru").text
    assert "−10\u00a0% на Чай, с 1 ноября 2026 по 30 ноября 2026" in said
    assert owner.post("/promotions/edit", fields).status_code == 303
    for code, first, last in (("later", "2027-01-01", ""), ("gone", "", "2026-10-01")):
        dated = {**fields, "code": code, "name": code.title(), "valid_from": first, "valid_to": last}
        assert owner.post("/promotions/edit", dated).status_code == 303
    owner.get("/promotions")  # says what was saved last
    text = owner.get("/promotions").text
    places = [text.index(part) for part in ('id="now"', "Осень", 'id="coming"', "Later", 'id="ended"', "Gone")]
    assert places == sorted(places)
    assert owner.post("/promotions/edit", {**fields, "percent": "", "code": "none"}).status_code == 422
    changed = owner.post("/promotions/edit?code=autumn", {**fields, "type": "n_for_m", "n": "3", "m": "2"})
    assert changed.status_code == 303
    assert "3 for the price of 2 on Чай" in owner.get("/promotions").text
    assert owner.post("/promotions/end", {"code": "autumn", "on": ""}).status_code == 303
    assert "code=autumn" not in owner.get("/promotions").text
    assert pages.office.count(promotion) == 3


@pytest.mark.parametrize(
    ("wanted", "russian"),
    [
        (Promotion(b"", "a", "A", PromotionType.AMOUNT_OFF, 5_000), "−50,00\u00a0₽ с каждого на всё, без срока."),
        (
            Promotion(b"", "a", "A", PromotionType.FIXED_PRICE, 9_900, skus=frozenset({"x"}), weekdays="67"),
            "99,00\u00a0₽ за штуку на x, без срока, только сб, вс.",
        ),
    ],
)
def test_sentences_are_said_in_russian(wanted: Promotion, russian: str) -> None:
    with speaking("ru"):
        assert sentence(wanted, "RUB") == russian


def test_a_vat_rate_is_set_and_shown(pages: OfficePages, owner: Desk) -> None:
    assert owner.post("/vat", {"code": "20", "rate": "20"}, page="/vat").status_code == 303
    assert owner.post("/vat", {"code": "none", "rate": ""}).status_code == 303
    assert owner.post("/vat", {"code": "20", "rate": "200"}).status_code == 422
    assert "20%" in owner.get("/vat").text
    assert pages.office.count(vat_rate) == 2


def upload(desk: Desk, content: str, name: str = "list.csv") -> str:
    answer = desk.post("/catalog/upload", page="/catalog", files={"file": (name, content.encode())})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def hidden(text: str) -> dict[str, str]:
    return dict(re.findall(r'name="(upload_id|expected)" value="([^"]+)"', text))


def test_a_spreadsheet_is_previewed_imported_and_taken_back(pages: OfficePages, owner: Desk) -> None:
    where = upload(owner, HEADER + "tea,Чай,10.00,Чай\nbad,Bad,zehn,X\n")
    text = owner.get(where).text
    assert ("Чай" in text, "zehn" in text) == (True, True)
    assert pages.office.count(product) == 0
    taken = owner.post("/catalog/import", hidden(text))
    assert taken.status_code == 303
    listed = owner.get("/catalog").text
    assert ("list.csv" in listed, pages.office.count(product), pages.office.count(catalog_upload)) == (True, 1, 0)
    pages.office.clock.advance(1)
    second = owner.get(upload(owner, HEADER + "tea,Чай,12.00,Чай\n")).text
    assert ("10.00" in second, "12.00" in second) == (True, True)
    assert owner.post("/catalog/discard", hidden(second)).status_code == 303
    import_id = re.findall(r'name="import_id" value="([^"]+)"', listed)[0]
    assert owner.post("/catalog/revert", {"import_id": import_id}).status_code == 303
    assert "taken back" in owner.get("/catalog").text
    assert pages.office.rows(select(product.c.archived)) == [(True,)]


def test_an_import_that_would_do_something_else_than_its_preview_said_is_refused(
    pages: OfficePages, owner: Desk
) -> None:
    first, second = upload(owner, HEADER + "tea,Чай,10.00,Чай\n"), upload(owner, HEADER + "tea,Чай,10.00,Чай\n")
    stale = hidden(owner.get(first).text)
    assert owner.post("/catalog/import", hidden(owner.get(second).text)).status_code == 303
    refused = owner.post("/catalog/import", stale)
    assert (refused.status_code, "changed since this preview" in refused.text) == (409, True)


@pytest.mark.parametrize(("name", "content"), [("x.exe", b"MZ"), ("x.xlsx", b"no zip"), ("x.csv", b""), ("", b"")])
def test_a_file_that_cannot_be_read_is_refused_by_its_own_name(owner: Desk, name: str, content: bytes) -> None:
    answer = owner.post("/catalog/upload", page="/catalog", files={"file": (name or "none", content)})
    assert answer.status_code == 422
    assert "/tmp" not in answer.text


def test_large_files_are_taken_from_who_has_a_session_alone(pages: OfficePages, owner: Desk) -> None:
    rows = "".join(f"s{number},Название товара номер {number},1.00,X\n" for number in range(25_000))
    content = HEADER + rows
    assert len(content.encode()) > 1_048_576
    stranger = pages.visitor()
    refused = stranger.post("/catalog/upload", page="/login", files={"file": ("a.csv", content.encode())})
    assert refused.status_code == 413
    assert upload(owner, content).startswith("/catalog/preview/")


def test_files_that_nobody_imports_are_forgotten(pages: OfficePages, owner: Desk) -> None:
    for _ in range(UPLOADS_KEPT_MAX + 2):
        pages.office.clock.advance(1)
        upload(owner, HEADER + "tea,Чай,10.00,Чай\n")
    assert pages.office.count(catalog_upload) == UPLOADS_KEPT_MAX


def test_an_unknown_code_is_answered(pages: OfficePages, owner: Desk) -> None:
    office = pages.office
    journal = office.journal("B1")
    for code in ("4600", "4601", "4602"):
        fields = {"code": code, "name": f"Зонт {code}", "amount_minor": 99_900, "times": 3, "problem": "unknown"}
        now_us = office.clock.now_us()
        journal.add_edit(
            RecordKind.PRODUCT_REQUEST, product_request_id(journal.branch_id, code), {}, last_seen_at=now_us, **fields
        )
    office.merge(journal, journal.batch())
    assert "3 unknown codes wait" in owner.get("/").text
    links = dict(re.findall(r'<a href="/requests/([0-9a-f-]+)">(\d+)</a>', owner.get("/requests").text))
    where = {code: f"/requests/{link}" for link, code in links.items()}
    text = owner.get(where["4600"]).text
    assert ('value="Зонт 4600"' in text, 'value="999.00"' in text) == (True, True)
    new = {"sku": "parasol", "name": "Зонт", "barcode": "4600", "price": "999.00"}
    assert owner.post(f"{where['4600']}/new", new, page=where["4600"]).status_code == 303
    office.clock.advance(1)
    known = owner.post(f"{where['4601']}/known", {"sku": "parasol"})
    assert (known.status_code, "room for one" in known.text) == (409, True)
    assert owner.post(f"{where['4601']}/known", {"sku": "parasol", "replace": "yes"}).status_code == 303
    assert owner.post(f"{where['4602']}/decline", {"note": "Купон"}).status_code == 303
    assert "No code waits." in owner.get("/requests").text
    answered = unescape(owner.get("/requests?answered=yes", "ru").text)
    assert "Купон" in answered
    # From the list, and from the page of the code; each says what an answer did.
    (command,) = re.findall(
        rf'value="{where["4602"].rpartition("/")[2]}"><input type="hidden" name="command" value="([^"]+)"', answered
    )
    fields = {"noun": "request", "card": where["4602"].rpartition("/")[2], "command": command}
    back = owner.post("/changes/take-back", fields)
    assert (back.status_code, back.headers["location"]) == (303, where["4602"])
    page = unescape(re.sub(r"<[^>]+>", "", owner.get(where["4602"], "ru").text))
    assert "Ответ: по нему ничего не продаётся" in " ".join(page.split())
    assert "4602" in owner.get("/requests").text
    page = unescape(re.sub(r"<[^>]+>", "", owner.get(where["4601"], "ru").text))
    assert "Штрихкод: 4600 → 4601" in " ".join(page.split())


def test_the_audits_show_what_was_done(pages: OfficePages, owner: Desk) -> None:
    office = pages.office
    journal = office.journal("B1")
    sale_id = office.ids.new_id()
    journal.add_sale(sale(1, [line("tea", 10_000)]), sale_id)
    at = parse_local("2026-11-20T12:00:00", ZONE, "at")
    entries = [("override", "sale.price", "mary"), ("line_removed", "Молоко", None)]
    for action, detail, by in entries:
        kind, payload = RecordKind.AUDIT_ENTRY, encode_branch_fact(AuditEntry(action, "1", "anna", by, 500, detail, at))
        journal.add([Record(kind, office.ids.new_id(), payload)])
    office.merge(journal, journal.batch())
    text = owner.get("/audit/tills?from=2026-11-01&to=2026-11-30").text
    assert ("change a price by hand" in text, "Молоко" in text, "mary" in text) == (True, True, True)
    only = owner.get("/audit/tills?from=&to=&action=override&cashier=anna&branch=B1").text
    assert ("Молоко" in only, "mary" in only) == (False, True)
    assert "Nothing was done by hand" in owner.get("/audit/tills?from=2020-01-01&to=2020-01-02").text
    assert owner.get("/audit/tills?branch=none").status_code == 404
    assert owner.get("/audit/tills?from=yesterday").status_code == 422
    for path in ("/audit/shifts", "/audit/refunds", "/audit/people"):
        assert owner.get(path).status_code == 200
    assert owner.get("/audit").headers["location"] == "/audit/shifts"


def test_other_machines_need_tls(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert choose_tls(settings, WebChoice("127.0.0.1:7480")) is None
    assert choose_tls(settings, WebChoice("0.0.0.0:7480", insecure=True)) is None
    with pytest.raises(Refused, match="no certificate"):
        choose_tls(settings, WebChoice("0.0.0.0:7480"))
    settings.web_certificate_path.write_text("x")
    with pytest.raises(Refused, match="without"):
        choose_tls(settings, WebChoice("127.0.0.1:7480"))
    settings.web_key_path.write_text("x")
    assert choose_tls(settings, WebChoice("0.0.0.0:7480")) is not None
