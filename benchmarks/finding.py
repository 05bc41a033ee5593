"""Finding a client of a large branch and of a large chain, beside the bare index queries of the same search.

The bare queries are those that the search itself asks, in the same order with the same parameters, through the driver
alone. Ours reads what was typed, decides what to ask, judges typos, puts in order and makes rows of it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, insert

from benchmarks.chains import found_office
from benchmarks.client_store import client_name
from benchmarks.figures import Figure, at_most, spread
from benchmarks.till import new_store
from branch_node.operations.client_search import FoundClient, find_at_till
from branch_node.storage.store import BranchStore
from deploy.postgresql import PostgresqlServer
from hq_server.storage.feed import index_committed
from shared.domain.identifiers import parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.text_folding import search_text, sort_key
from shared.operations import client_finding
from shared.operations.clients import find_clients
from shared.storage.client_index import index_all_noted, note_all
from shared.storage.tables import client

SLOWER_MAX = 3.0
SEARCHES_A_RUN = 100
LIST_MAX = 50


def measure_finding(
    server: PostgresqlServer, folder: Path, clients: int, chain_clients: int, runs: int
) -> list[Figure]:
    """`clients` of a branch with ten interactions each, `chain_clients` at a head office on PostgreSQL."""
    store = new_store(folder, 100)
    with store.write() as connection:
        took = _fill(connection, clients)
        _speak(connection, clients * 10)
    note = f"{clients:,} clients, {clients * 10:,} interactions; indexed in {took:.0f} s."
    figures = [
        *_at_branch(store, "a client by the end of a phone", _ends(clients), runs, note),
        *_at_branch(store, "a client by name", _names(clients), runs),
        *_at_branch(store, "a client by a part, while it is typed", _parts(clients), runs),
        *_at_branch(store, "a client by a name with a typo", _typos(clients), runs),
        *_at_branch(store, "a client with the other keyboard layout", ["bdfyjd", "gtnhjdf fyyf", "oth"], runs),
    ]
    store.close()
    return figures + _in_chain(server, folder, chain_clients, runs)


def _at_branch(store: BranchStore, name: str, texts: list[str], runs: int, note: str = "") -> list[Figure]:
    def ours(text: str) -> list[FoundClient]:
        return find_at_till(store, LOCAL_ADMINISTRATOR, text, LIST_MAX)

    asked = [_questions(ours, text) for text in texts]
    with store.read() as connection:
        cursor = connection.connection.cursor()

        def bare(questions: list[tuple[str, Any]]) -> None:
            for sql, parameters in questions:
                cursor.execute(sql, parameters).fetchall()

        measured = [(_times(bare, asked), _times(ours, texts)) for _ in range(runs)]
    ratios = [statistics.median(mine) / statistics.median(theirs) for theirs, mine in measured]
    median = [statistics.median(mine) for _, mine in measured]
    late = [sorted(mine)[int(len(mine) * 0.95)] for _, mine in measured]
    return [
        Figure(name, statistics.median(median), "ms", detail=spread(median), note=note),
        Figure(f"{name}, 95th percentile", statistics.median(late), "ms", detail=spread(late)),
        at_most(f"{name} ÷ its bare queries, time", statistics.median(ratios), SLOWER_MAX, "ratio", spread(ratios)),
    ]


def _questions(search: Callable[[str], list[FoundClient]], text: str) -> list[tuple[str, Any]]:
    """What a search asks the store, the rows that it shows included."""
    asked: list[tuple[str, Any]] = []
    rows = client_finding._Search.rows

    def noting(self: Any, sql: str, parameters: Any) -> list[Any]:
        asked.append((sql, tuple(parameters)))
        return rows(self, sql, parameters)

    with patch.object(client_finding._Search, "rows", noting):
        shown = [parse_id(found.reference) for found in search(text)]
    return [*asked, (f"SELECT * FROM client WHERE id IN ({', '.join('?' * len(shown))})", shown)]


def _times(work: Callable[[Any], object], inputs: list[Any]) -> list[float]:
    times = []
    for number in range(SEARCHES_A_RUN):
        began = time.perf_counter()
        work(inputs[number % len(inputs)])
        times.append((time.perf_counter() - began) * 1_000)
    return times


def _in_chain(server: PostgresqlServer, folder: Path, clients: int, runs: int) -> list[Figure]:
    store = found_office(server.create_database("finding"), folder).store
    with store.write() as connection:
        _fill(connection, clients, is_noted_only=True)
    index_committed(store)
    times = []
    for _ in range(runs):
        with store.read() as connection:
            times.append(
                statistics.median(_times(lambda text: find_clients(connection, text, LIST_MAX), _ends(clients)))
            )
    store.close()
    name = f"a client of {clients:,} by the end of a phone, at the head office"
    return [Figure(name, statistics.median(times), "ms", detail=spread(times), note="On PostgreSQL.")]


def _people(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        name, phone = client_name(number), f"+7912{number * 7_919 % 10_000_000:07}"
        email = f"client{number}@example.com"
        yield {
            "id": number.to_bytes(16, "big"),
            "external_id": f"C-{number:06}",
            "name": name,
            "phones": phone,
            "emails": email,
            "do_not_contact": False,
            "archived": False,
            "sort_key": sort_key(name),
            "search_text": search_text(name, phone, email),
        }


def _fill(connection: Connection, count: int, is_noted_only: bool = False) -> float:
    """Writes the cards' rows; returns the seconds that it takes to index them."""
    people: list[dict[str, Any]] = []
    for person in _people(count):
        people.append(person)
        if len(people) == 5_000:
            connection.execute(insert(client), people)
            people = []
    if people:
        connection.execute(insert(client), people)
    note_all(connection)
    began = time.perf_counter()
    if not is_noted_only:
        index_all_noted(connection)
    return time.perf_counter() - began


def _speak(connection: Connection, count: int) -> None:
    """Interactions of all clients in turn."""
    columns = "branch_id, id, command_id, client_id, channel, direction, employee, contact, outcome, duration_seconds"
    ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM client")]
    cursor: Any = connection.connection.cursor()
    random = Random(1)
    columns += ", subject, body, told, hour, at, utc_offset_seconds, zone, business_date"
    values = "x'00', ?, x'00', ?, 'call', 'out', 'e', '', '', 60, '', 'Spoken', '', 12, ?, 0, 'UTC', '2026-01-01'"
    statement = f"INSERT INTO interaction ({columns}) VALUES ({values})"
    cursor.executemany(
        statement,
        ((number.to_bytes(16, "big"), random.choice(ids), 1_700_000_000_000_000 + number) for number in range(count)),
    )


def _ends(clients: int) -> list[str]:
    return [f"{number * 7_919 % 10_000:04}" for number in range(0, clients, clients // 50)]


def _names(clients: int) -> list[str]:
    return [client_name(number) for number in range(0, clients, clients // 50)] + ["Иванова", "Анна"]


def _parts(clients: int) -> list[str]:
    return [client_name(number)[: 2 + number % 5] for number in range(0, clients, clients // 50)]


def _typos(clients: int) -> list[str]:
    surnames = (client_name(number).split()[0] for number in range(0, clients, clients // 50))
    return [f"{surname[:2]}{surname[3:]}" for surname in surnames if len(surname) > 5]
