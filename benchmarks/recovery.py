"""A branch with a million lines: verifying it, and bringing a lost store back. Both stores are SQLite."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from benchmarks.figures import Figure, at_most
from branch_node.operations.sale_request import parse_sale_request
from branch_node.operations.selling import sell
from branch_node.operations.verification import bring_counters_up_to_date, verify_rows
from branch_node.storage.counters import read_counters
from hq_server.operations.founding import found_chain
from hq_server.operations.verification import verify_branch
from hq_server.storage import migrations
from hq_server.storage.branches import branch_by_code
from hq_server.storage.store import connect_store
from shared.sync.counting import digest_counters
from shared.sync.messages import VerifyRequest
from tests.support.clock import FakeClock, SeededIds
from tests.support.office import Office
from tests.support.pair import Node, Pair

VERIFY_SECONDS_MAX = 1.0
DEEP_SECONDS_MAX = 60.0
RESEED_SECONDS_MAX = 60.0
LINES = 5
DAMAGE = (
    "UPDATE sale_line SET amount_minor = 7 WHERE line_number = 3 "
    "AND sale_id = (SELECT id FROM sale LIMIT 1 OFFSET 1000)",
    "DELETE FROM sale_line WHERE line_number = 2 AND sale_id = (SELECT id FROM sale LIMIT 1 OFFSET 2000)",
    "INSERT INTO payment SELECT branch_id, sale_id, 9, method, amount_minor, received_at FROM payment "
    "LIMIT 1 OFFSET 3000",
)


def measure_recovery(folder: Path, receipts: int, reseeded: int) -> list[Figure]:
    """Sells and pushes the receipts, re-seeds a lost store on the way, then verifies on both sides."""
    clock = FakeClock()
    ids = SeededIds(clock)
    store = connect_store("sqlite:///hq.db", folder, clock)
    with store.write() as connection:
        migrations.upgrade(connection)
    office = Office(store, clock, ids, found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids))
    pair = Pair(office, folder)
    node = pair.join("north")
    figures: list[Figure] = []
    for count in (reseeded, receipts - reseeded):
        _sell(node, count)
        node.sync()
        if count == reseeded and not figures:
            new = pair.replace("north")
            with _watch() as seconds:
                new.sync()
            figures.append(
                at_most(f"a lost store of {count:,} receipts comes back", seconds[0], RESEED_SECONDS_MAX, "s")
            )
            node.store.close()
            node = new
    bring_counters_up_to_date(node.store)
    with _watch() as seconds:
        with node.store.read_cursor() as cursor:
            digest = digest_counters(read_counters(cursor))
        head = node.store.node()[1]
        reply = pair.gateway.verify(node.branch_id, VerifyRequest(head.incarnation, head.head, digest))
    assert reply.counters is None
    figures.append(at_most(f"verify, {receipts * LINES:,} lines, equal", seconds[0], VERIFY_SECONDS_MAX, "s"))
    with _watch() as seconds:
        assert verify_rows(node.store) == []
    figures.append(at_most("verify --deep at the branch", seconds[0], DEEP_SECONDS_MAX, "s"))
    with store.write() as connection:
        for statement in DAMAGE:
            assert connection.execute(text(statement)).rowcount == 1
    with _watch() as seconds, store.read() as connection:
        found = verify_branch(connection, branch_by_code(connection, "north"), deep=True).differences
    assert sum(difference.startswith("sale ") for difference in found) == len(DAMAGE), found
    figures.append(at_most("verify --deep at HQ, naming three damaged records", seconds[0], DEEP_SECONDS_MAX, "s"))
    store.close()
    return figures


def _sell(node: Node, receipts: int) -> None:
    for number in range(receipts):
        if number % 200 == 0:
            node.clock.advance(60)
        lines = [{"sku": f"{number % 97}{line}", "quantity": 1, "amount_minor": 100 + line} for line in range(LINES)]
        total = sum(100 + line for line in range(LINES))
        document = {
            "key": f"{node.path.name}-{node.clock.now_us()}-{number}",
            "register": "1",
            "cashier": "anna",
            "lines": lines,
            "payments": [{"method": "cash", "amount_minor": total}],
        }
        with node.store.operation() as transaction:
            sell(transaction, parse_sale_request(json.loads(json.dumps(document))))


@contextmanager
def _watch() -> Iterator[list[float]]:
    seconds = [0.0]
    began = time.perf_counter()
    yield seconds
    seconds[0] = time.perf_counter() - began
