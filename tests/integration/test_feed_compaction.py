"""A head office that compacts its feed while it serves, and a branch that joins it late."""

from __future__ import annotations

import json

from sqlalchemy import func, select

from hq_server.storage.tables import feed, feed_compaction, feed_head
from tests.support.chains import Chain
from tests.support.deadlines import wait_until

PRODUCTS, EDITS = 20, 4


def catalogue(amount_minor: int) -> list[str]:
    return [
        json.dumps({"sku": f"S{number}", "name": f"Product {number}, {amount_minor}", "price_minor": amount_minor})
        for number in range(PRODUCTS)
    ]


def test_a_late_branch_reads_each_card_once_and_sells_at_the_newest_price(own_chain: Chain) -> None:
    for edit in range(EDITS):
        assert own_chain.office.import_lines("catalog", catalogue(100 + edit))["refused"] == 0
    own_chain.office.stop()
    own_chain.serve()
    with own_chain.inside().store.read() as connection:
        head = connection.execute(select(feed_head.c.position)).scalar_one()
    wait_until(lambda: compacted_to(own_chain) == head, "the server's compaction")
    assert told(own_chain) == 2 * PRODUCTS
    late = own_chain.join()
    late.run("sync", "run")
    line = {"key": "k", "register": "1", "cashier": "anna", "lines": [{"sku": "S3", "quantity": 1}]}
    line["payments"] = [{"method": "cash", "amount_minor": 100 + EDITS - 1}]
    assert late.sell([json.dumps(line)])[0]["total_minor"] == 100 + EDITS - 1
    done = own_chain.office.ask("db", "compact-feed")
    assert done["folded"] == 0


def compacted_to(chain: Chain) -> int:
    with chain.inside().store.read() as connection:
        return int(connection.execute(select(feed_compaction.c.position)).scalar_one())


def told(chain: Chain) -> int:
    """Records for every branch."""
    with chain.inside().store.read() as connection:
        statement = select(func.count()).select_from(feed).where(feed.c.audience == "all")
        return int(connection.execute(statement).scalar_one())
