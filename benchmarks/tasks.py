"""Pages of tasks in a branch with 100 000 clients and 50 000 open tasks, beside the bare queries that they ask.

Bare: the same statements by the driver alone, and a page that asks the store for nothing, in the same process and run:
the queries take a millisecond or two, and no page is made in three times that. Ours finds out who asks, reads, counts
what the tabs show, and makes the page; asked through the application itself, without a network. In processor's time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.figures import Figure, at_most, spread
from benchmarks.till import new_store
from branch_node.operations import task_lists
from branch_node.operations.tasks import COLUMNS
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id, format_id
from shared.domain.records import RecordKind
from shared.domain.tasks import MINUTE_US, NO_DATE_US, end_of_day
from tests.support.shop import Shop, change
from tests.support.staff import Staff
from tests.support.till_pages import Browser, make_pages

PEOPLE = 20
TEAM = 8
SLOWER_MAX = 3.0
ZONE = "Europe/Moscow"
DAY_US = 24 * 60 * MINUTE_US
Bare = Callable[[], object]


def measure_tasks(folder: Path, clients: int, tasks: int, asked: int, runs: int) -> list[Figure]:
    """Each page is asked for `asked` times a run, in turn with its bare queries."""
    folder.mkdir(parents=True, exist_ok=True)
    store = new_store(folder, products=1)
    staff = Staff(Shop(store, store.clock), Settings(home=folder))  # type: ignore[arg-type]
    people = _hire(staff)
    _fill(store, people, clients, tasks)
    browser = Browser(make_pages(store, folder))
    with browser.client:
        browser.log_in("person0")
        figures = [
            figure
            for name, path, bare in _pages(store, people)
            for figure in _measure(browser, name, path, bare, asked, runs, tasks)
        ]
    store.close()
    return figures


def _hire(staff: Staff) -> list[bytes]:
    """The first leads a team of some of the others."""
    people = [staff.hire(f"person{number}", "manager" if number == 0 else "sales_rep") for number in range(PEOPLE)]
    for number, identity in enumerate(people[1 : TEAM + 1]):
        fields: dict[str, Value] = {"role_code": "sales_rep", "branches": ("*",), "valid_from": 1}
        fields |= {"employee_id": identity, "reports_to": people[0]}
        staff.shop.learn(change(RecordKind.POSITION, b"%016d" % (900 + number), **fields))
    return people


def _fill(store: BranchStore, people: list[bytes], clients: int, tasks: int) -> None:
    """Clients by owner; about half have a task, due some day within two months of now, or none."""
    random, now_us = Random(1), store.clock.now_us()
    ids = [derived_id("client", b"%d" % number) for number in range(clients)]
    client = "INSERT INTO client (id, name, sort_key, search_text, owner_id, do_not_contact, archived, no_next_step)"
    names = COLUMNS.split(", ")
    task = f"INSERT INTO task ({COLUMNS}) VALUES ({', '.join('?' * len(names))})"

    def row(number: int) -> tuple[Any, ...]:
        due = None if number % 50 == 0 else now_us + random.randint(-20, 40) * DAY_US + random.randint(0, DAY_US)
        fields: dict[str, Any] = {"id": derived_id("task", b"%d" % number), "client_id": ids[number * 7 % clients]}
        fields |= {"type": "call", "title": f"Call {number}", "assignee_id": people[number % PEOPLE], "due_at": due}
        fields |= {"due_has_time": 1, "zone": ZONE, "state": "open", "archived": 0, "next_at": due or NO_DATE_US}
        return tuple(fields.get(name) for name in names)

    with store.write() as connection:
        cursor: Any = connection.connection.cursor()
        cursor.executemany(
            f"{client} VALUES (?, ?, ?, '', ?, 0, 0, ?)",
            (
                (
                    each,
                    f"Client {number}",
                    f"client {number:06}",
                    people[number % PEOPLE],
                    None if number % 9 else "lost",
                )
                for number, each in enumerate(ids)
            ),
        )
        cursor.executemany(task, (row(number) for number in range(tasks)))
        cursor.execute("ANALYZE")


def _pages(store: BranchStore, people: list[bytes]) -> list[tuple[str, str, Bare]]:
    """Each page's name and address, and what it asks the store."""
    now_us = store.clock.now_us()
    tomorrow, limit = end_of_day(now_us, ZONE), task_lists.TASKS_SHOWN_MAX + 1
    mine, team = people[:1], sorted(people[1 : TEAM + 1])
    ranges = [(0, now_us), (now_us, tomorrow), (tomorrow, NO_DATE_US), (NO_DATE_US, NO_DATE_US + 1)]
    client = derived_id("client", b"0")

    def ask(statement: str, *values: Any) -> Any:
        with store.read_cursor() as cursor:
            return cursor.execute(statement, values).fetchall()

    def counted(who: list[bytes]) -> None:
        marks = ", ".join("?" * len(who))
        for since, until in ranges:
            ask(task_lists._COUNT.format(marks), *who, since, until, task_lists.COUNTED_MAX)
        ask(task_lists._COUNT_NO_STEP.format(marks), *who, task_lists.COUNTED_MAX)
        ask(task_lists._COUNT.format("?"), people[0], 0, tomorrow, task_lists.COUNTED_MAX)

    def listed(who: list[bytes], place: int) -> None:
        counted(who)
        for each in who:
            ask(task_lists._OPEN, each, ranges[place][0], b"", ranges[place][1], limit)

    def without_step(who: list[bytes]) -> None:
        counted(who)
        for each in who:
            ask(task_lists._NO_STEP, each, "", b"", limit)

    def of_client() -> None:
        ask(task_lists._OF_CLIENT_OPEN, client, task_lists.TASKS_SHOWN_MAX)
        ask(task_lists._OF_CLIENT_CLOSED, client, task_lists.CLOSED_SHOWN_MAX)
        ask(task_lists._COUNT.format("?"), people[0], 0, tomorrow, task_lists.COUNTED_MAX)

    return [
        ("my tasks, overdue", "/tasks?tab=overdue", lambda: listed(mine, 0)),
        ("my team’s tasks, later", "/tasks?tab=later&who=team", lambda: listed(team, 2)),
        ("my clients without a step", "/tasks?tab=no-step", lambda: without_step(mine)),
        ("my team’s clients without a step", "/tasks?tab=no-step&who=team", lambda: without_step(team)),
        ("a client’s tasks", f"/clients/{format_id(client)}/tasks", of_client),
    ]


def _measure(browser: Browser, name: str, path: str, bare: Bare, asked: int, runs: int, tasks: int) -> list[Figure]:
    def page() -> None:
        assert browser.get(path).status_code == 200

    def empty() -> None:
        assert browser.get("/help").status_code == 200

    for work in (page, bare, empty):
        work()
    measured = [(_times(bare, asked), _times(empty, asked), _times(page, asked)) for _ in range(runs)]
    queries_ms = [statistics.median(queries) for queries, _, _ in measured]
    bare_ms = [statistics.median(queries) + statistics.median(nothing) for queries, nothing, _ in measured]
    ours_ms = [statistics.median(mine) for _, _, mine in measured]
    late = sorted(each for _, _, mine in measured for each in mine)[int(asked * runs * 0.95)]
    ratios = [mine / theirs for theirs, mine in zip(bare_ms, ours_ms, strict=True)]
    what = f"{name}: page ÷ bare queries and an empty page, time"
    note = f"{tasks:,} open tasks; the page with its frame, asked in this process."
    return [
        Figure(f"bare queries of: {name}", statistics.median(queries_ms), "ms", detail=spread(queries_ms)),
        Figure(f"page: {name}", statistics.median(ours_ms), "ms", detail=spread(ours_ms), note=note),
        Figure(f"page: {name}, 95th percentile", late, "ms"),
        at_most(what, statistics.median(ratios), SLOWER_MAX, "ratio", spread(ratios)),
    ]


def _times(work: Callable[[], object], count: int) -> list[float]:
    """Milliseconds of the processor of each."""
    found = []
    for _ in range(count):
        begun = time.process_time()
        work()
        found.append((time.process_time() - begun) * 1_000)
    return found
