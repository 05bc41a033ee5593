"""Every page of the client base in a branch with many clients, conversations and tasks, beside its bare queries."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from benchmarks.client_store import TEAM, busy_clients, client_id, client_name, client_phone, fill, hire_people
from benchmarks.figures import Figure
from benchmarks.page_costs import Page, PageMeter
from benchmarks.till import new_store
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.web.people import SESSION_COOKIE
from shared.domain.identifiers import format_id
from tests.support.shop import Shop
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages

SAMPLE = 400
"""Clients of whom pages are asked."""

BUSY_INTERACTIONS = 60
"""A client with more than a page of them."""


def measure_client_pages(folder: Path, clients: int, asked: int, runs: int) -> list[Figure]:
    """Ten conversations a client, and a task for every second; each page is asked for `asked` times a run."""
    folder.mkdir(parents=True, exist_ok=True)
    store = new_store(folder, 10)
    people = fill_store(store, folder, clients)
    meter = open_meter(store, folder, asked, runs)
    note = f"{clients:,} clients, {clients * 10:,} conversations, {clients // 2:,} tasks; processor time."
    figures = []
    for page in pages_of(clients, people):
        figures += meter.measure(page, note)
        # It is the same of all, and said once.
        note = ""
    store.close()
    return figures


def fill_store(store: BranchStore, folder: Path, clients: int) -> list[bytes]:
    """The people of the store, and everything they did."""
    shop = Shop(store, store.clock)  # type: ignore[arg-type]
    people = hire_people(Staff(shop, Settings(home=folder)))
    fill(shop, people, clients, clients * 10, clients // 2)
    return people


def open_meter(store: BranchStore, folder: Path, asked: int, runs: int) -> PageMeter:
    """Asks as the manager."""
    app = make_pages(store, folder)
    browser = Browser(app)
    assert browser.log_in("person0").status_code == 303
    cookie = f"{SESSION_COOKIE}={browser.client.cookies[SESSION_COOKIE]}"
    return PageMeter(app, cookie, Settings(home=folder).store_path, asked, runs)


def pages_of(clients: int, people: list[bytes]) -> list[Page]:
    """What people look at all day."""
    numbers = range(0, clients, max(1, clients // SAMPLE))
    names = [format_id(client_id(number)) for number in numbers]
    busy = busy_clients(clients, clients * 10, BUSY_INTERACTIONS)
    busy_names = [format_id(client_id(number)) for number in range(min(busy, SAMPLE))]

    def of_clients(end: str, among: list[str]) -> list[str]:
        return [f"/clients/{name}{end}" for name in among]

    def searches(texts: list[str]) -> list[str]:
        return [f"/clients?q={quote(text)}" for text in texts]

    successor = format_id(people[TEAM + 1])
    return [
        Page("clients, the list", ["/clients", "/clients?whose=mine", "/clients?whose=team"]),
        Page("clients, by a name", searches([client_name(number) for number in numbers])),
        Page("clients, by a phone's end", searches([client_phone(number)[-4:] for number in numbers])),
        Page("clients, by a part", searches([client_name(number)[: 2 + number % 5] for number in numbers])),
        Page("a client's card", of_clients("", names)),
        Page("a client's changes", of_clients("/changes", names)),
        Page("any client's timeline", of_clients("/timeline", names)),
        Page("a busy client's timeline", of_clients("/timeline", busy_names)),
        Page("a client's tasks", of_clients("/tasks", names)),
        Page("my overdue tasks", ["/tasks?tab=overdue"]),
        Page("my team's later tasks", ["/tasks?tab=later&who=team"]),
        Page("my clients without a step", ["/tasks?tab=no-step"]),
        Page("duplicates", ["/clients/duplicates"]),
        Page("the team's day", ["/team", "/team?hours=2"]),
        Page("a hand-over's preview", [f"/hand-over?from={format_id(people[1])}&to={successor}"]),
    ]
