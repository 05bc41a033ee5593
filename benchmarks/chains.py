"""Stores filled for a measurement: branches with sales in their journals, and a head office on PostgreSQL."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from branch_node.operations.sale_request import SaleRequest, parse_sale_request
from branch_node.operations.selling import sell
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from hq_server.operations.authority import Authority
from hq_server.operations.founding import found_chain
from hq_server.settings import Settings
from hq_server.storage.store import connect_store
from shared.certificates import certificate_to_pem, key_to_pem, new_key
from shared.clock import SystemClock, SystemIds
from tests.support.clock import FakeClock, SeededIds
from tests.support.office import Office

SKUS = 2_000
CLIENTS = 500
LINES_PER_SALE = 3
ROWS_PER_SALE = LINES_PER_SALE + 2
FILL_TRANSACTION_SALES = 500


def sale_requests(count: int, seed: int, days: int = 60, lines: int = LINES_PER_SALE) -> Iterator[SaleRequest]:
    """Sales of some lines and one payment each, over some days."""
    source = random.Random(seed)
    for number in range(count):
        day = number * days // max(1, count)
        amounts = [source.randint(50, 2_000) for _ in range(lines)]
        sold = [{"sku": str(source.randint(1, SKUS)), "quantity": 1, "amount_minor": amount} for amount in amounts]
        document = {
            "key": f"{seed}-{number}",
            "register": str(1 + number % 2),
            "cashier": ("anna", "boris", "vera", "gleb")[number % 4],
            "sold_at": f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T{9 + number % 12:02d}:{number % 60:02d}:00",
            "client": str(source.randint(1, CLIENTS)),
            "lines": sold,
            "payments": [{"method": "cash", "amount_minor": sum(amounts)}],
        }
        yield parse_sale_request(json.loads(json.dumps(document)))


def fill_branch(home: Path, count: int, seed: int, lines: int = LINES_PER_SALE) -> None:
    """Sells into a branch's store, many sales a transaction: only the result matters here."""
    store = BranchStore(home / "branch.db", SystemClock(), SystemIds())
    pending = list(sale_requests(count, seed, lines=lines))
    while pending:
        chunk, pending = pending[:FILL_TRANSACTION_SALES], pending[FILL_TRANSACTION_SALES:]
        turn = store.write()
        with turn as connection:
            for request in chunk:
                transaction = BranchTransaction(connection, turn.driver, store.nodes, store.ids, store.clock.now_us())
                sell(transaction, request)
                transaction.seal()
    store.close()


def prepare_certificates(folder: Path) -> None:
    """An authority with its server's identity and one branch's, for a bare reference that speaks mTLS."""
    authority = Authority.found("bench")
    authority.save(Settings(home=folder))
    key = new_key()
    (folder / "branch.key").write_bytes(key_to_pem(key))
    issued = authority.issue_branch(key.public_key(), b"b" * 16, "bench")
    (folder / "branch.crt").write_bytes(certificate_to_pem(issued.certificate))


def found_office(url: str, folder: Path) -> Office:
    """A new head office in that database, without a server."""
    clock = FakeClock()
    ids = SeededIds(clock)
    store = connect_store(url, folder, clock)
    return Office(store, clock, ids, found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids))
