"""Everything of one client – every address that begins with the card's – is for whom that client is open to."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.routing import Route

from branch_node.operations import tasks
from branch_node.storage.store import BranchStore
from branch_node.web.people import CLIENT_PATH, OPENING_PATHS
from shared.domain.identifiers import derived_id, format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from tests.support.clock import FakeClock
from tests.support.shop import Shop, change
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages, staff_of

CLIENT, PHONE = derived_id("client", b"anna"), "+79123456789"
CARD = f"/clients/{format_id(CLIENT)}"
PAGES = ("", "/timeline", "/tasks", "/files", "/letters", "/letters/new", "/edit", "/changes", "/calls/new", "/points")


class Desk:
    """Rita sells; Anna is Roman's client."""

    def __init__(self, store: BranchStore, clock: FakeClock, home: Path) -> None:
        self.shop = Shop(store, clock)
        self.staff: Staff = staff_of(store, clock, home)
        self.staff.hire("rita", "sales_rep")
        self.staff.hire("roman", "sales_rep")
        owner = self.staff.identity("roman")
        self.shop.learn(change(RecordKind.CLIENT, CLIENT, name="Анна", phones=(PHONE,), owner_id=owner))
        self.rita = Browser(make_pages(store, home))
        self.rita.log_in("rita")

    def statuses(self) -> set[int]:
        return {self.rita.get(CARD + page).status_code for page in PAGES}


@pytest.fixture
def desk(branch_store: BranchStore, clock: FakeClock, tmp_path: Path) -> Desk:
    return Desk(branch_store, clock, tmp_path)


def test_a_new_task_names_no_colleagues_client_but_by_the_full_number(desk: Desk) -> None:
    typed = {"title": "Call back", "type": "call", "every": "1", "client": format_id(CLIENT)}
    typed |= {"assignee": format_id(desk.staff.identity("rita")), "day": "2026-08-01"}
    for answer in (
        desk.rita.get(f"/tasks/new?client={format_id(CLIENT)}"),
        desk.rita.post("/tasks/new", "/tasks/new", **typed),
        desk.rita.post("/tasks/new", "/tasks/new", **typed, client_text="Анна"),
        desk.rita.post("/tasks/new", "/tasks/new", **typed, client_text=PHONE[-4:]),
    ):
        assert answer.status_code == 403
        assert "Анна" not in answer.text
    assert desk.rita.post("/tasks/new", "/tasks/new", **typed, client_text=PHONE).status_code == 303


def test_no_address_of_a_colleagues_client_answers(desk: Desk) -> None:
    paths = [
        (method, route.path)
        for route in desk.rita.app.routes
        if isinstance(route, Route) and route.path.startswith(CLIENT_PATH) and route.path not in OPENING_PATHS
        for method in (route.methods or set()) - {"HEAD"}
    ]
    assert len(paths) > 20
    for method, path in paths:
        url = path.replace("{id}", format_id(CLIENT)).replace("{file}", format_id(CLIENT))
        answer = desk.rita.get(url) if method == "GET" else desk.rita.post(url)
        assert answer.status_code == 403, (method, path)
        assert "Анна" not in answer.text


def test_the_full_number_opens_everything(desk: Desk) -> None:
    assert desk.statuses() == {403}
    assert desk.rita.post(f"{CARD}/open", number=PHONE).status_code == 303
    assert desk.statuses() == {200}


def test_who_answers_the_clients_call_serves_the_client(desk: Desk) -> None:
    answer = desk.rita.get(f"/calls/incoming?phone={PHONE.replace('+', '%2B')}")
    assert answer.status_code == 303
    assert desk.rita.get(answer.headers["location"]).status_code == 200
    assert desk.shop.count("audit_entry") == 1


def test_a_task_that_one_gives_oneself_opens_nobody(desk: Desk) -> None:
    given = {"title": "Перезвонить", "client_id": CLIENT, "assignee_id": desk.staff.identity("rita")}
    tasks.add_task(desk.shop.processor.commit, LOCAL_ADMINISTRATOR, given)
    assert desk.statuses() == {403}
