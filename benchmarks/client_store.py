"""A branch's store as it is after years: many clients with cards, conversations and tasks, and the people who care.

Cards come as the head office sends them, so that their history, what duplicates share and the index of the search are
there; conversations and tasks are written straight into their tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from branch_node.operations.tasks import COLUMNS
from branch_node.storage.store import BranchStore
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY, from_us
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.domain.tasks import MINUTE_US, NO_DATE_US
from shared.storage.client_index import index_all_noted
from tests.support.shop import Shop, change
from tests.support.staff import Staff

PEOPLE = 20
TEAM = 8
ROWS_PER_INSERT = 50_000
CARDS_PER_BATCH = 1_000
ZONE = "Europe/Moscow"
YEARS = 3
DAY_US = 24 * 60 * MINUTE_US
DUPLICATES_EVERY = 50
"""Every so manieth client has the phone of the one before."""

_FIRST = (
    *("Анна", "Мария", "Елена", "Ольга", "Наталья", "Ирина", "Татьяна", "Светлана", "Юлия", "Екатерина", "Алёна"),
    *("Александр", "Сергей", "Дмитрий", "Алексей", "Андрей", "Михаил", "Иван", "Фёдор", "Пётр", "Юрий", "Илья"),
)
_SYLLABLES = ("ива", "пет", "сидо", "куз", "вол", "щер", "жу", "ха", "цве", "мо", "со", "ло", "ни", "гри", "тка")
_ENDINGS = ("нов", "нова", "ров", "рова", "кин", "кина", "енко", "ский", "ская", "цев", "цева", "чук", "ин", "ина")


def client_id(number: int) -> bytes:
    """The client of that number; small numbers have long histories."""
    return derived_id("bench client", number.to_bytes(4, "big"))


def client_name(number: int) -> str:
    """Surname and first name."""
    random = Random(number)
    surname = "".join(random.choices(_SYLLABLES, k=random.choice((1, 2, 2, 3)))) + random.choice(_ENDINGS)
    return f"{surname.capitalize()} {random.choice(_FIRST)}"


def client_phone(number: int) -> str:
    """Of which the last digits are spread."""
    shared = number - 1 if number and number % DUPLICATES_EVERY == 0 else number
    return f"+7912{shared * 7_919 % 10_000_000:07}"


def busy_clients(clients: int, interactions: int, least: int) -> int:
    """How many of the first clients have so many interactions: as many fall to the first k as √(k/clients)."""
    firsts = (int(interactions * (number / clients) ** 0.5) for number in range(clients + 1))
    counts = (after - before for before, after in itertools.pairwise(firsts))
    return max(1, sum(1 for _ in itertools.takewhile(lambda count: count >= least, counts)))


def hire_people(staff: Staff) -> list[bytes]:
    """The first leads a team of some of the others."""
    people = [staff.hire(f"person{number}", "manager" if number == 0 else "sales_rep") for number in range(PEOPLE)]
    for number, identity in enumerate(people[1 : TEAM + 1]):
        fields: dict[str, Value] = {"role_code": "sales_rep", "branches": ("*",), "valid_from": 1}
        fields |= {"employee_id": identity, "reports_to": people[0]}
        staff.shop.learn(change(RecordKind.POSITION, b"%016d" % (900 + number), **fields))
    return people


def fill(shop: Shop, people: Sequence[bytes], clients: int, interactions: int, tasks: int) -> None:
    """Everything."""
    store = shop.store
    for start in range(0, clients, CARDS_PER_BATCH):
        numbers = range(start, min(start + CARDS_PER_BATCH, clients))
        shop.learn(*(_card(number, people) for number in numbers), *(_note(each) for each in numbers if each % 3 == 0))
    with store.write() as connection:
        index_all_noted(connection)
    now_us = store.clock.now_us()
    _insert(store, "interaction", _interactions(store, now_us, clients, interactions))
    _insert(store, "interaction_point", _points(store, interactions))
    _insert(store, "task", _tasks(people, now_us, clients, tasks))
    with store.write() as connection:
        connection.exec_driver_sql("ANALYZE")


def _card(number: int, people: Sequence[bytes]) -> Any:
    fields: dict[str, Value] = {"name": client_name(number), "phones": (client_phone(number),)}
    fields |= {"emails": (f"client{number}@example.com",), "external_id": f"C-{number:06}"}
    fields |= {"owner_id": people[number % PEOPLE], "consent_data": True, "tags": ("постоянный",) * (number % 5 == 0)}
    if number % 9 == 0:
        fields["no_next_step"] = "lost"
    return change(RecordKind.CLIENT, client_id(number), **fields)


def _note(number: int) -> Any:
    return change(RecordKind.CLIENT, client_id(number), note=f"Просил звонить после обеда, {number}")


def _interactions(store: BranchStore, now_us: int, clients: int, interactions: int) -> Iterator[dict[str, Any]]:
    branch_id = store.node()[0].branch_id
    for number in range(interactions):
        at_us = now_us - (number * 7_919 % (YEARS * 365 * SECONDS_PER_DAY)) * MICROSECONDS - number % 997
        local = from_us(at_us + 3 * 3_600 * MICROSECONDS)
        yield {
            "branch_id": branch_id, "id": _interaction_id(number), "command_id": _interaction_id(number),
            "client_id": client_id(int(clients * (number / interactions) ** 2)), "channel": "call", "direction": "out",
            "employee": f"person{number % PEOPLE}", "contact": "+79120000000", "reached": 1, "outcome": "thinking",
            "duration_seconds": 95, "subject": "", "body": "Говорили о цене и о сроках; просил перезвонить.",
            "told": "Скидка 5 % до конца месяца." if number % 4 == 0 else "", "hour": local.hour, "at": at_us,
            "utc_offset_seconds": 10_800, "zone": ZONE, "business_date": local.date().isoformat(),
        }  # fmt: skip


def _points(store: BranchStore, interactions: int) -> Iterator[dict[str, Any]]:
    branch_id = store.node()[0].branch_id
    for number in range(0, interactions, 3):
        yield {
            "branch_id": branch_id, "interaction_id": _interaction_id(number), "point_number": 1, "theme": "price",
            "competitor": "", "sentiment": "negative", "quote": "дорого",
        }  # fmt: skip


def _tasks(people: Sequence[bytes], now_us: int, clients: int, tasks: int) -> Iterator[dict[str, Any]]:
    """Due some day within two months of now, or some day."""
    random = Random(1)
    for number in range(tasks):
        due = None if number % 50 == 0 else now_us + random.randint(-20, 40) * DAY_US + random.randint(0, DAY_US)
        fields: dict[str, Any] = dict.fromkeys(COLUMNS.split(", "))
        fields |= {"id": derived_id("task", b"%d" % number), "client_id": client_id(number * 7 % clients)}
        fields |= {"type": "call", "title": f"Call {number}", "assignee_id": people[number % PEOPLE], "due_at": due}
        yield fields | {"due_has_time": 1, "zone": ZONE, "state": "open", "archived": 0, "next_at": due or NO_DATE_US}


def _interaction_id(number: int) -> bytes:
    return b"interaction " + number.to_bytes(4, "big")


def _insert(store: BranchStore, table: str, rows: Iterator[dict[str, Any]]) -> None:
    while chunk := list(itertools.islice(rows, ROWS_PER_INSERT)):
        names = list(chunk[0])
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with store.write() as connection:
            connection.connection.cursor().executemany(sql, [tuple(row.values()) for row in chunk])
