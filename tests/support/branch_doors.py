"""A branch where every route has something to work on, somebody of every role, and what came of each trying each door.

Every route is asked of the application itself, so that a route that was added is tried without anybody naming it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from httpx2 import Response
from starlette.routing import Route

from branch_node.operations import basket, stock_drafts, tasks
from branch_node.operations.files import attach_file
from branch_node.operations.pairing import make_pairing_code
from branch_node.operations.stock import Goods, receive
from branch_node.operations.stock_drafts import DraftKind
from branch_node.settings import Settings
from branch_node.storage.transaction import ReceiptTexts
from branch_node.web.letters import address_mark
from branch_node.web.people import PAIRING_COOKIE, SESSION_COOKIE
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, format_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Permission
from shared.domain.records import RecordKind
from shared.errors import Refused
from shared.operations.people import employee_id, role_id
from shared.web.static_files import StaticFiles
from tests.support.basket_desk import Till, learn_goods, next_request
from tests.support.canaries import Canaries
from tests.support.clock import FakeClock, SeededIds
from tests.support.files import SMALL_MP3
from tests.support.shop import Shop, change, enrolled_store
from tests.support.staff import PASSWORD, Staff
from tests.support.till_pages import Browser, make_pages

NOBODY = "nobody"
BARE, SELLER = "bare", "seller"
"""Roles of a chain's own: one that allows nothing, and one that sells and does nothing else."""

WHO = (NOBODY, BARE, SELLER, *ROLES)
"""Whoever knocks; an employee has the code of his role."""

ALLOWED, REFUSED, TO_LOG_IN, ASKS_A_MANAGER = "+", "x", ">", "m"

CLIENT_NAME, CLIENT_PHONE, CLIENT_NOTE = "Канарейкина Зоя", "+79990001122", "канарейка в записке"
CLIENT_EMAIL, CLIENT_LETTER = "zoya@canary.example", "канарейке в письме"
LETTER_ID = derived_id("letter", b"canary")
COST_MINOR = 98_765_43
PIN = "739182"
UNTOUCHED = ("session", "log_in_failure")
"""Tables in which even an attempt leaves its trace."""


class Knock(NamedTuple):
    """One request and what came of it."""

    who: str
    method: str
    path: str
    outcome: str
    response: Response
    has_changed: bool


@dataclass
class BranchDoors:
    """One branch, its pages, and a browser of everybody."""

    shop: Shop
    staff: Staff
    browsers: dict[str, Browser]
    ids: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    line: str = "1"

    @property
    def routes(self) -> list[tuple[str, str]]:
        """Method and path of every route of the application."""
        return sorted(
            (method, route.path)
            for route in self.browsers[NOBODY].app.routes
            if isinstance(route, Route)
            for method in (route.methods or set()) - {"HEAD"}
        )

    def knock(self, who: str, method: str, path: str) -> Knock:
        """Asks for a route as somebody; a POST with what its form would carry, and the right token."""
        browser = self.browsers[who]
        self._prepare(path)
        url = self.address(path)
        if method == "GET":
            response = browser.get(url)
            return Knock(who, method, path, _outcome(path, response), response, False)
        fields = {"csrf_token": self.token(who), **self.fields(who, path)}
        before = self.fingerprint()
        response = browser.client.post(url, data=fields)
        has_changed = self.fingerprint() != before
        self._clean_up(who, path)
        return Knock(who, method, path, _outcome(path, response), response, has_changed)

    def address(self, path: str) -> str:
        """The route's address with ids of what is there."""
        path = path.replace("{id}", self.ids.get(next((each for each in OWN_IDS if path.startswith(each)), ""), "{id}"))
        for name, value in {**self.ids, "line:int": self.line, "name": "sales", "kind": "csv"}.items():
            path = path.replace("{" + name + "}", value)
        return path

    def fields(self, who: str, path: str) -> dict[str, Any]:
        """What the form of that path sends when everything is filled in."""
        code = "cashier" if who == NOBODY else who
        if path == "/pair":
            return {"code": make_pairing_code(self.shop.store, LOCAL_ADMINISTRATOR, "9").code}
        current = basket.current_basket(self.shop.store, "1")
        common = {
            "code": code, "password": PASSWORD, "method": "password", "pin": PIN, "again": PIN, "register": "1",
            "basket": format_id(current) if current else "", "request": next_request(), "line": self.line,
            "scan": f"{next_request()} milk", "sku": "milk", "quantity": "0.5", "price": "70", "discount": "20",
            "kind": "percent", "reason": "because", "client": self.ids["client"], "action": "1", "tab": "a tab",
            "float": "10", "amount": "5", "direction": "in", "key": next_request(), "receipt": "1-000001",
            "sku-1": "milk", "quantity-1": "1", "amount-1": "10", "language": "en", "theme": "light",
            "next": "/help", "reference": "none", "pieces-1000": "1", "carry_over": "yes", "title": "later",
        }  # fmt: skip
        if path in ("/sale/give-up", "/sale/take-back"):
            common["basket"] = self.ids["held"]
        return {**common, **OWN_FIELDS.get(path, {})}

    def fingerprint(self) -> bytes:
        """Of every row that a refused request must leave as it is."""
        digest = hashlib.sha256()
        with self.shop.store.read_cursor() as cursor:
            names = cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            for (name,) in names:
                if name not in UNTOUCHED:
                    digest.update(repr(cursor.execute(f'SELECT * FROM "{name}"').fetchall()).encode())
        return digest.digest()

    def canaries(self, who: str) -> Canaries:
        """What nobody may be shown, what some may, and the sessions of all others."""
        planted = Canaries({"a password": PASSWORD, "a PIN": PIN, **self._sessions_but(who)}, dict(FOR_SOME))
        planted.add_bytes("the pepper", (self.staff.settings.pepper_path).read_bytes())
        planted.add_bytes("the pages' key", (self.staff.settings.web_secret_path).read_bytes())
        for row in self.shop.rows("SELECT token_hash FROM session"):
            planted.add_bytes("a session's hash", row[0])
        return planted

    def _sessions_but(self, who: str) -> dict[str, str]:
        held = {name: browser.client.cookies.get(SESSION_COOKIE) for name, browser in self.browsers.items()}
        others = {name: cookie for name, cookie in held.items() if cookie and name != who}
        return {f"the session of {name}": cookie.partition(".")[0] for name, cookie in others.items()}

    def log_in(self, who: str) -> None:
        """Somebody's browser is logged in, at register 1."""
        if who != NOBODY:
            assert self.browsers[who].log_in(who, register="1").status_code == 303
        self.tokens.pop(who, None)

    def token(self, who: str) -> str:
        """What the forms of somebody's pages carry."""
        if who not in self.tokens:
            self.tokens[who] = self.browsers[who].token()
        return self.tokens[who]

    def _prepare(self, path: str) -> None:
        """Register 1 is open, and one bottle of milk stands in its basket."""
        if path.startswith("/sale"):
            till = Till(self.shop)
            if till.lines() != [("milk", 1_000, 8_350)]:
                till.do(basket.clear, basket.NO_LIMITS)
                till.scan("milk")
            if till.view().client is None:
                till.do(basket.attach_client, self.ids["client"])
            self.line = str(till.view().lines[0].line_id)
        if path == "/sale/give-up":
            self.ids["held"] = _hold_one(self.shop)
        if path.startswith("/stock/drafts"):
            self.ids["/stock/drafts"] = _begin_document(self.shop)
        if path.startswith("/tasks"):
            self.ids["/tasks"] = _add_task(self.shop, self.ids["client"])
        if path.startswith("/shift"):
            with contextlib.suppress(Refused):
                self.shop.open_shift()

    def _clean_up(self, who: str, path: str) -> None:
        """What a request did to the browser itself."""
        if path == "/pair":
            self.browsers[who].client.cookies.delete(PAIRING_COOKIE)
        if path in ("/login", "/logout"):
            self.browsers[who].client.cookies.delete(SESSION_COOKIE)
            self.log_in(who)


STATIC = StaticFiles()

OWN_IDS = ("/stock/drafts", "/stock/documents", "/clients", "/tasks")
"""What `{id}` stands for, by how the address begins."""


def _hold_one(shop: Shop) -> str:
    """A held basket with a line."""
    till = Till(shop, "7")
    till.scan("milk")
    basket.hold(shop.store, till.basket_id)
    return format_id(till.basket_id)


def _begin_document(shop: Shop) -> str:
    """Goods received, with a line."""
    store = shop.store
    draft_id = stock_drafts.begin(store, LOCAL_ADMINISTRATOR, DraftKind.RECEIVED)
    stock_drafts.enter_code(store, LOCAL_ADMINISTRATOR, draft_id, next_request(), "milk")
    return format_id(draft_id)


def _add_task(shop: Shop, client: str) -> str:
    """The manager's, about the client."""
    manager = employee_id(shop.store.node()[0].chain_id, "manager")
    said = {"title": "Call back", "client_id": parse_id(client), "assignee_id": manager}
    return format_id(tasks.add_task(shop.processor.commit, LOCAL_ADMINISTRATOR, said).task_id)


def _who_may(permission: Permission) -> frozenset[str]:
    return frozenset(code for code, role in ROLES.items() if permission in role.permissions)


FOR_SOME = {
    "a client's name": (CLIENT_NAME, _who_may(Permission.CLIENT_CONTACTS)),
    "a client's surname": (CLIENT_NAME.split()[0], _who_may(Permission.CLIENT_CONTACTS)),
    "a client's phone": (CLIENT_PHONE, _who_may(Permission.CLIENT_CONTACTS)),
    "a phone's digits": (CLIENT_PHONE[2:], _who_may(Permission.CLIENT_CONTACTS)),
    "a client's address": (CLIENT_EMAIL, _who_may(Permission.CLIENT_CONTACTS)),
    "a client's letter": (CLIENT_LETTER, _who_may(Permission.CLIENT_CONTACTS)),
    "a client's note": (CLIENT_NOTE, _who_may(Permission.CLIENT_CONTACTS)),
    **{
        f"what goods cost, as {shown}": (shown, _who_may(Permission.STOCK_EDIT))
        for shown in (str(COST_MINOR), "98,765.43", "98765.43", "98 765,43", "98\u00a0765,43", "98\u202f765,43")
    },
}
"""What is planted, and the roles that may see it."""

OWN_FIELDS = {
    "/clients/new": {"kind": "person", "name": "Anna"},
    "/clients/{id}/edit": {"tags": "vip"},
    "/calls/incoming": {"phone": CLIENT_PHONE},
    "/tasks/{id}/move": {"state": "waiting"},
    "/tasks/{id}/snooze": {"choice": "1h"},
    "/tasks/{id}/undo": {"command": "00000000-0000-7000-8000-000000000000"},
    "/tasks/no-step/undo": {"command": "00000000-0000-7000-8000-000000000000"},
    "/account": {"old": "not it at all", "password": "another long word", "repeated": "a third"},
    "/pairing/revoke": {"reference": "8"},
    "/quick-keys/change": {"position": "1", "do": "rename", "label": "milk"},
    "/quick-keys/put-back": {"position": "2"},
    "/clients/{id}/letters/new": {
        "letter": format_id(derived_id("letter", b"new")),
        "address": address_mark(CLIENT_EMAIL),
        "purpose": "service",
        "subject": "?",
        "body": "!",
    },
    "/clients/{id}/letters/back": {"letter": format_id(LETTER_ID)},
    "/clients/{id}/letters/send": {"letter": format_id(LETTER_ID)},
    "/sale/unknown": {"code": "4699999999999", "do": "dismiss"},
    "/shift/charges": {"what": "ask"},
}
"""Where a field means something else than elsewhere."""


@contextmanager
def branch_doors(folder: Path, template: Path) -> Iterator[BranchDoors]:
    """Branch B7 with goods, a client, receipts, Z-reports, held sales, and everybody logged in."""
    clock = FakeClock()
    store = enrolled_store(folder, template, clock, SeededIds(clock))
    store.printing = ReceiptTexts("ru")
    shop = Shop(store, clock)
    app = make_pages(store, folder, payment_terminal=f"simulator:{folder / 'terminal'}")
    staff = Staff(shop, Settings(home=folder))
    (folder / "authority.crt").write_text("a root")
    for code, permissions in ((BARE, ()), (SELLER, ("sale.make",))):
        shop.learn(change(RecordKind.ROLE, role_id(store.node()[0].chain_id, code), code=code, permissions=permissions))
    for code in WHO[1:]:
        staff.hire(code, code)
        staff.give_pin(code, PIN)
    doors = BranchDoors(shop, staff, {who: Browser(app) for who in WHO}, _things(shop))
    staff.pair("8")
    with doors.browsers[NOBODY].client as running:
        for who in WHO:
            # One loop and its threads for everybody, as in a server: each thread that writes holds a connection.
            doors.browsers[who].client.portal = running.portal
            doors.log_in(who)
        yield doors
    store.close()


def _things(shop: Shop) -> dict[str, str]:
    """What addresses and forms name: a sold receipt, a closed shift, a client, a line."""
    product_id = learn_goods(shop, "milk", 8_350, name="Milk 1 l", barcode="4600000000015")
    assert product_id
    client_id = derived_id("client", b"canary")
    fields: dict[str, Value] = {"name": CLIENT_NAME, "phones": (CLIENT_PHONE,), "note": CLIENT_NOTE}
    fields |= {"emails": (CLIENT_EMAIL,), "consent_data": True}
    # A sales rep's own client: of others such a one sees nothing without their full number.
    fields["owner_id"] = employee_id(shop.store.node()[0].chain_id, "sales_rep")
    assert shop.learn(change(RecordKind.CLIENT, client_id, **fields)) == []
    letter: dict[str, Value] = {"client_id": client_id, "direction": "out", "subject": "?", "body": CLIENT_LETTER}
    assert shop.learn(change(RecordKind.MAIL, LETTER_ID, **letter)) == []
    with shop.store.operation() as transaction:
        received = receive(
            transaction, LOCAL_ADMINISTRATOR, "manager", [Goods("milk", 50_000, COST_MINOR)], "invoice 1"
        )
    shop.open_shift("2")
    shop.sell("of-two", 700, register="2")
    shift = shop.close_shift("2", 700)
    shop.open_shift("1")
    sold = shop.sell("of-one", 700)
    file_id = attach_file(
        shop.store, shop.processor.commit, LOCAL_ADMINISTRATOR, client_id, io.BytesIO(SMALL_MP3), f"{CLIENT_NAME}.mp3"
    )
    return {
        "client": format_id(client_id),
        "file": format_id(file_id),
        "/clients": format_id(client_id),
        "/stock/documents": format_id(received.movement_id),
        "held": _hold_one(shop),
        "record_id": format_id(sold.sale_id),
        "shift_id": format_id(shift.shift_id),
        "rest:path": STATIC.url("filial.css").removeprefix("/static/"),
    }


LEAD_TO_THE_LOG_IN = ("/logout", "/pair")
"""After these one logs in, whoever one was."""


def _outcome(path: str, response: Response) -> str:
    assert response.status_code < 500, response.text
    if response.headers.get("location", "").partition("?")[0] == "/login" and path not in LEAD_TO_THE_LOG_IN:
        return TO_LOG_IN
    if response.headers.get("x-sheet") == "allow":
        return ASKS_A_MANAGER
    return REFUSED if response.status_code == 403 else ALLOWED
