"""Who may open and send what at the head office: every route tried by every role, and by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import Route

from hq_server.operations.authority import Authority
from hq_server.operations.product_requests import list_requests
from hq_server.operations.products import Assortment, ProductFields, WantedPrice
from hq_server.operations.promotions import add_promotion
from hq_server.operations.report_templates import save_template
from hq_server.web.app import PAGES
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Permission
from shared.domain.product_requests import product_request_id
from shared.domain.promotion_rules import Promotion, PromotionType
from shared.domain.records import Record, RecordKind
from shared.reports.parameters import ReportAsk
from shared.storage.session_tables import session
from shared.web.report_links import LISTS
from tests.support.canaries import Canaries
from tests.support.journal import sale
from tests.support.office_pages import Desk, OfficePages, office_pages
from tests.support.staff import PASSWORD

EVERYBODY: tuple[Permission, ...] = ()
PEOPLE = (Permission.EMPLOYEE_EDIT,)
GOODS = (Permission.CATALOG_EDIT,)
AUDITS = (Permission.AUDIT_VIEW,)
REVIEWS = (Permission.RECORDS_REVIEW,)
WORDS = (Permission.DICTIONARY_EDIT,)
MAIL = (Permission.MAIL_SEND, Permission.REPORT_CHAIN)
CLIENTS = (Permission.CLIENT_VIEW, Permission.REPORT_CHAIN)
MERGES = (Permission.CLIENT_MERGE, Permission.CLIENT_CONTACTS, Permission.REPORT_CHAIN)
HAND_OVERS = (Permission.CLIENT_TRANSFER, Permission.REPORT_CHAIN)
ERASING = (Permission.CLIENT_ERASE,)
REPORTS = (Permission.REPORT_CHAIN,)
BRANCHES = (Permission.BRANCH_EDIT,)
FLEET = (Permission.FLEET_VIEW,)
FLEET_ACTS = (Permission.FLEET_EDIT,)
STOCK = (Permission.STOCK_VIEW, Permission.REPORT_CHAIN)

CARRIED = "/fleet/files/{id}/export"
"""It holds what its branch must know, the hashes of passwords among it, and is no page."""

OPEN = {("GET", "/healthz"), ("GET", "/login"), ("POST", "/login"), ("GET", "/first"), ("POST", "/first")}
NEEDS: dict[tuple[str, str], tuple[Permission, ...]] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/now"): EVERYBODY,
    ("GET", "/password"): EVERYBODY,
    ("POST", "/password"): EVERYBODY,
    ("POST", "/logout"): EVERYBODY,
    ("POST", "/reports/tell-branches"): REPORTS,
    ("GET", "/reports/{name}/prove"): REPORTS,
    ("GET", "/reports/sales/proof.jsonl"): (Permission.AUDIT_VIEW, Permission.REPORT_CHAIN),
    ("POST", "/changes/take-back"): EVERYBODY,  # what it needs depends on what is taken back
    **{(method, path): BRANCHES for method in ("GET", "POST") for path in ("/branches", "/branches/{code:path}")},
    ("GET", "/audit"): EVERYBODY,  # leads to /audit/shifts
    **{("GET", path): PEOPLE for path in ("/people", "/people/new", "/people/tree", "/people/{id}")},
    **{("POST", f"/people/{{id}}/{act}"): PEOPLE for act in ("edit", "place", "dismiss", "password")},
    ("POST", "/people"): PEOPLE,
    ("GET", "/roles"): PEOPLE,
    ("GET", "/roles/edit"): PEOPLE,
    ("POST", "/roles/edit"): PEOPLE,
    **{("GET", path): GOODS for path in ("/products", "/products/new", "/products/{id}")},
    **{("POST", path): GOODS for path in ("/products", "/products/{id}", "/products/{id}/prices")},
    ("POST", "/products/{id}/prices/remove"): GOODS,
    **{("GET", path): GOODS for path in ("/promotions", "/promotions/edit", "/vat", "/catalog", "/requests")},
    **{("POST", f"/promotions/{act}"): GOODS for act in ("edit", "sentence", "end", "preview", "again")},
    ("POST", "/vat"): GOODS,
    ("GET", "/catalog/preview/{id}"): GOODS,
    **{("POST", f"/catalog/{act}"): GOODS for act in ("upload", "import", "discard", "revert")},
    ("GET", "/requests/{id}"): GOODS,
    **{("POST", f"/requests/{{id}}/{act}"): GOODS for act in ("new", "known", "price", "decline")},
    ("GET", "/clients"): CLIENTS,
    ("GET", "/clients/{id}"): CLIENTS,
    ("GET", "/stock"): STOCK,
    **{("GET", f"/reports{rest}"): REPORTS for rest in ("", "/{name}", "/{name}/export.{kind}")},
    **{("GET", f"/templates{rest}"): REPORTS for rest in ("", "/new", "/{id}")},
    **{("POST", f"/templates/{rest}"): REPORTS for rest in ("new", "{id}", "{id}/plan", "{id}/send", "{id}/away")},
    ("POST", "/templates/{id}/question"): REPORTS,
    **{("GET", path): REPORTS for path in (*LISTS.values(), "/receipts/{branch}/{id}")},
    ("GET", "/dictionaries"): WORDS,
    **{("POST", f"/dictionaries{act}"): WORDS for act in ("", "/change", "/move", "/away", "/default")},
    ("GET", "/clients/{id}/timeline"): (Permission.CLIENT_VIEW, Permission.REPORT_CHAIN),
    ("GET", "/loyalty"): GOODS,
    **{("POST", f"/loyalty/{act}"): GOODS for act in ("preview", "save", "end")},
    ("GET", "/letters"): MAIL,
    **{("POST", f"/letters/{{id}}/{act}"): MAIL for act in ("resend", "mark", "assign", "dismiss", "bring-back")},
    ("GET", "/hand-over"): HAND_OVERS,
    **{("POST", f"/hand-over{act}"): HAND_OVERS for act in ("", "/undo", "/end")},
    **{("GET", path): MERGES for path in ("/clients/duplicates", "/clients/{id}/merge")},
    **{("POST", f"/clients/{{id}}/{act}"): MERGES for act in ("merge", "unmerge", "different", "not-different")},
    ("GET", "/erasures"): ERASING,
    ("GET", "/erasures/{id}"): ERASING,
    ("POST", "/erasures/{id}"): ERASING,
    **{("GET", f"/fleet{path}"): FLEET for path in ("", "/progress", "/alerts", "/explain")},
    **{("GET", f"/fleet/branch/{{id}}{path}"): FLEET for path in ("", "/checks", "/repair")},
    **{("POST", f"/fleet/{path}"): FLEET for path in ("check", "branch/{id}/check")},
    ("GET", "/fleet/files"): FLEET_ACTS,
    **{("POST", f"/fleet/branch/{{id}}/{act}"): FLEET_ACTS for act in ("repair", "token", "heir", "revoke")},
    **{
        ("POST", f"/fleet/{act}"): FLEET_ACTS for act in ("alerts", "alerts/trial", "files/import", "files/{id}/export")
    },
    **{("GET", f"/audit/{name}"): AUDITS for name in ("shifts", "refunds", "people", "tills", "refunds/{id}")},
    **{("POST", f"/audit/verdicts{act}"): (*AUDITS, *REVIEWS) for act in ("", "/back")},
    **{("GET", path): REVIEWS for path in ("/conflicts", "/parked", "/parked/entry", "/proposals")},
    **{("POST", f"/conflicts/{act}"): REVIEWS for act in ("decide", "undo")},
    **{("POST", f"/parked/{act}"): REVIEWS for act in ("retry", "discard", "restore")},
    ("POST", "/proposals/decide"): REVIEWS,
    ("POST", "/proposals/back"): REVIEWS,
}
FIELDS: dict[str, Any] = {
    "code": "new", "name": "New", "role": "cashier", "sku": "s-new", "price": "10.00", "type": "percent",
    "percent": "10", "rate": "20", "note": "no", "old": "not it at all", "password": "another long word",
    "repeated": "another long word", "upload_id": format_id(b"u" * 16), "import_id": format_id(b"i" * 16),
    "price_id": format_id(b"p" * 16),
}  # fmt: skip
CANARY_PHONE, CANARY_NAME = "+79990001122", "Канарейкина"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[OfficePages]:
    """A head office with somebody of every role, a product, a request, and what no page may show."""
    with office_pages(tmp_path_factory.mktemp("office"), sqlite_template) as served:
        for role in ROLES:
            served.hire(role, role)
        yield served


@pytest.fixture(scope="module")
def ids(pages: OfficePages) -> dict[str, str]:
    return things(pages)


def things(pages: OfficePages) -> dict[str, str]:
    """Something for every page; the ids that stand in addresses, by their first part."""
    office = pages.office
    now_us = office.clock.now_us()
    Authority.found("Сеть").save(pages.app.state.context.settings)
    journal = office.journal("B1")
    request_id = product_request_id(journal.branch_id, "4600")
    journal.add_edit(RecordKind.PRODUCT_REQUEST, request_id, {}, code="4600", name="Зонт", last_seen_at=now_us)
    client_id = office.ids.new_id()
    journal.add_edit(RecordKind.CLIENT, client_id, {}, name=CANARY_NAME, phones=(CANARY_PHONE,))
    sale_id = journal.add_sale(sale(1))
    other = office.journal("B2")
    other.add_edit(RecordKind.CLIENT, client_id, {}, name=f"{CANARY_NAME} О.", phones=(CANARY_PHONE[:-1] + "0",))
    other.add([Record(999, office.ids.new_id(), b"?")])
    for each in (journal, other):
        office.merge(each, each.batch())
    with office.store.write() as connection:
        assert list_requests(connection, LOCAL_ADMINISTRATOR).total == 1
        goods = Assortment(connection, office.ids, now_us, LOCAL_ADMINISTRATOR)
        product_id = goods.add(ProductFields("tea", "Чай"), WantedPrice(100))
        wanted = Promotion(b"", "autumn", "Осень", PromotionType.PERCENT, 1_000)
        add_promotion(connection, office.ids, now_us, wanted)
        template_id = save_template(
            connection, office.ids, now_us, LOCAL_ADMINISTRATOR, "Продажи", "sales", ReportAsk(), is_shared=True
        )
    person = pages.hire("somebody", "cashier")
    return {
        "people": format_id(person), "products": format_id(product_id), "requests": format_id(request_id),
        "catalog": format_id(b"c" * 16), "clients": format_id(client_id), "letters": format_id(b"l" * 16),
        "fleet": format_id(journal.branch_id),
        "erasures": format_id(client_id), "templates": format_id(template_id),
        "receipts": format_id(client_id),
        "audit": format_id(sale_id),
    }  # fmt: skip


@pytest.fixture(scope="module")
def desks(pages: OfficePages, ids: dict[str, str]) -> dict[str, Desk]:
    """Somebody of every role, logged in once."""
    found = {role: pages.logged_in(role) for role in ROLES}
    for desk in found.values():
        desk.post("/promotions/sentence", page="/password")
    return found


def routes() -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for route in PAGES
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


def address(path: str, ids: dict[str, str]) -> str:
    path = path.replace("{name}", "sales").replace("{kind}", "csv").replace("{code:path}", "B1")
    path = path.replace("{branch}", "B1")
    return path.replace("{id}", ids.get(path.split("/")[1], ""))


def test_every_route_is_in_the_table_and_no_other() -> None:
    assert routes() == OPEN | NEEDS.keys()


@pytest.mark.parametrize(("method", "path"), sorted(NEEDS))
@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_reaches_exactly_what_its_permissions_open(
    pages: OfficePages, ids: dict[str, str], desks: dict[str, Desk], role: str, method: str, path: str
) -> None:
    if path == "/logout":
        return
    desk, url = desks[role], address(path, ids)
    allowed = all(permission in ROLES[role].permissions for permission in NEEDS[method, path])
    if not allowed or method == "GET":
        pages.office.clock.advance(1)
        answer = desk.get(url) if method == "GET" else desk.post(url, FIELDS)
        assert (answer.status_code == 403) == (not allowed), answer.text
        assert answer.status_code < 500
        _assert_no_secret(answer, canaries(pages, desks, role), role)


@pytest.mark.parametrize(("method", "path"), sorted(NEEDS))
def test_nobody_is_led_to_the_log_in(pages: OfficePages, ids: dict[str, str], method: str, path: str) -> None:
    desk, url = pages.visitor(), address(path, ids)
    answer = desk.get(url) if method == "GET" else desk.post(url, FIELDS, page="/login")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", sorted(path for method, path in NEEDS if method == "POST"))
def test_no_form_is_taken_without_its_token_or_from_another_site(
    desks: dict[str, Desk], ids: dict[str, str], path: str
) -> None:
    client, token = desks["owner"].client, desks["owner"].token
    url = address(path, ids)
    assert client.post(url, data=FIELDS).status_code == 403
    foreign = client.post(url, data={**FIELDS, "csrf_token": token}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert desks["owner"].get("/").status_code == 200


def canaries(pages: OfficePages, desks: dict[str, Desk], role: str) -> Canaries:
    """What no page of the head office shows: clients to whom they are hidden, and other people's sessions."""
    held = {name: desk.client.cookies.get("session", "") for name, desk in desks.items() if name != role}
    tokens = {f"the session of {name}": cookie.split(".")[0] for name, cookie in held.items() if cookie}
    seeing = {*CLIENTS, Permission.CLIENT_CONTACTS}
    may_see = frozenset(name for name, known in ROLES.items() if seeing <= known.permissions)
    erasing = frozenset(name for name in ROLES if Permission.CLIENT_ERASE in ROLES[name].permissions)
    of_clients = {"a client's phone": (CANARY_PHONE, may_see), "a name": (CANARY_NAME, may_see | erasing)}
    planted = Canaries({"a password": PASSWORD, **tokens}, of_clients)
    context = pages.app.state.context
    planted.add_bytes("the pages' key", context.settings.web_secret_path.read_bytes())
    with pages.office.store.read() as connection:
        for token_hash in connection.execute(select(session.c.token_hash)).scalars():
            planted.add_bytes("a session's hash", token_hash)
    return planted


def test_no_answer_to_a_form_tells_a_secret(tmp_path: Path, sqlite_template: Path) -> None:
    """Everything is sent by everybody, and done where it may be."""
    with office_pages(tmp_path, sqlite_template) as pages:
        for role in ROLES:
            pages.hire(role, role)
        found = things(pages)
        own = {role: pages.logged_in(role) for role in ROLES}
        for role, desk in own.items():
            desk.post("/promotions/sentence", page="/password")
            for method, path in sorted(NEEDS):
                if method == "POST" and path != "/logout":
                    pages.office.clock.advance(1)
                    answer = desk.post(address(path, found), {**FIELDS, "code": f"new-{role}", "sku": f"s-{role}"})
                    assert answer.status_code < 500, (path, answer.text)
                    if path == CARRIED and answer.status_code == 200:
                        continue
                    _assert_no_secret(answer, canaries(pages, own, role), role)


def _assert_no_secret(answer: Any, planted: Canaries, role: str) -> None:
    assert planted.seen_in(answer, role) == []
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_health_needs_nobody_and_any_name(pages: OfficePages) -> None:
    answer = pages.visitor().get("/healthz", Host="probe.example")
    assert (answer.status_code, set(answer.json())) == (200, {"status", "release"})
