"""Bytes of a five-line grocery receipt on the wire, in batches of 500, as they are and compressed."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

from benchmarks.figures import Figure, at_most
from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.operations.sale_request import parse_sale_request
from branch_node.operations.selling import sell
from branch_node.storage import migrations
from branch_node.storage.journal import read_entries
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import read_node
from shared.clock import SystemClock, SystemIds
from shared.storage.sqlite_engine import SqliteStore
from shared.sync.messages import Batch
from shared.wire.exchange import encode_branch_message

RECEIPTS = 500
PRODUCTS = 3_000
BYTES_MAX = 200.0
PRICES = (4990, 5990, 7990, 8990, 9990, 12990, 15990, 19990, 24990, 29990)


def measure_wire(folder: Path) -> list[Figure]:
    """Sells 500 receipts of products that follow Zipf's law, and encodes them as one batch."""
    store = _new_store(folder / "branch.db")
    rng = random.Random(7)
    weights = [1 / rank for rank in range(1, PRODUCTS + 1)]
    for number in range(RECEIPTS):
        lines = []
        for product in rng.choices(range(PRODUCTS), weights, k=5):
            price = PRICES[product % len(PRICES)]
            lines.append({"sku": f"46000000{product:05}", "quantity": 1, "amount_minor": price})
        total = sum(line["amount_minor"] for line in lines)  # type: ignore[misc]
        request = {
            "key": f"till-1-{number}",
            "register": "1",
            "cashier": "anna",
            "lines": lines,
            "payments": [{"method": "card", "amount_minor": total}],
        }
        with store.operation() as transaction:
            sell(transaction, parse_sale_request(request))
    with store.read_cursor() as cursor:
        _, chain = read_node(cursor)
        read = read_entries(cursor, 0, 10**9, 10**9)
    store.close()
    data = encode_branch_message(Batch(chain.incarnation, 1, read.entries, read.last_hash, chain.head.seq))
    return [
        Figure("five-line receipt on the wire, as it is", len(data) / RECEIPTS, "bytes"),
        at_most("five-line receipt, compressed (zlib 6)", len(zlib.compress(data, 6)) / RECEIPTS, BYTES_MAX, "bytes"),
    ]


def _new_store(path: Path) -> BranchStore:
    clock, ids = SystemClock(), SystemIds()
    bare = SqliteStore(path, clock)
    identity = BranchIdentity(ids.new_id(), "Chain", ids.new_id(), "B1", "Shop", "Europe/Moscow", "RUB", "")
    with bare.write() as connection:
        migrations.upgrade(connection)
        write_identity(connection, identity, "127.0.0.1:1", ids, clock.now_us())
    bare.close()
    return BranchStore(path, clock, ids)
