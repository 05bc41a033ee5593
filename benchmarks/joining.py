"""A new branch takes the head office's feed: what compaction spares it, and what a hundred branches cost HQ."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.chains import found_office
from benchmarks.figures import Figure, at_most
from deploy.postgresql import PostgresqlServer
from hq_server.operations.editing import HqEdit
from hq_server.storage.compaction import compact_feed
from hq_server.storage.feed import EVERYONE, number_feed
from hq_server.sync_server.gateway import Gateway
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.sync.messages import FeedCursor
from tests.support.office import Office

PRICES, EDITS = 3_000, 12
BRANCHES = 100
RECORDS_RATIO_MAX = 0.1
"""Of what a new branch takes, after compaction and before: one record a card, in place of one an edit."""

BRANCH_RATIO_MAX = 1.5


class _Taken(NamedTuple):
    records: int
    seconds: float


def measure_joining(server: PostgresqlServer, folder: Path) -> list[Figure]:
    """On SQLite and on PostgreSQL."""
    urls = {"SQLite": "sqlite:///hq.db", "PostgreSQL": server.create_database("joining")}
    figures: list[Figure] = []
    for name, url in urls.items():
        office = found_office(url, folder)
        figures += _measure(office, name)
        office.store.close()
    return figures


def _measure(office: Office, name: str) -> list[Figure]:
    _edit_prices(office)
    gateway = Gateway(office.store, None, office.clock, 1)  # type: ignore[arg-type]
    first = office.add_branch("first")
    number_feed(office.store, office.clock.now_us())
    whole = _take(gateway, first.id)
    began = time.perf_counter()
    folded = compact_feed(office.store).folded
    compacting = time.perf_counter() - began
    compacted = _take(gateway, first.id)
    detail = (
        f"{compacted.records:,} of {whole.records:,} records, {compacted.seconds:.2f} of {whole.seconds:.2f} s at HQ; "
        f"{folded:,} rows folded in {compacting:.1f} s"
    )
    others = [office.add_branch(f"B{number}") for number in range(BRANCHES)]
    number_feed(office.store, office.clock.now_us())
    seconds = [_take(gateway, row.id).seconds for row in others]
    shared = statistics.median(seconds) / compacted.seconds
    return [
        at_most(
            f"a new branch takes {PRICES:,} prices of {EDITS} edits, {name}",
            compacted.records / whole.records,
            RECORDS_RATIO_MAX,
            "ratio",
            detail,
        ),
        at_most(
            f"HQ's time for each of {BRANCHES} branches against the first, {name}", shared, BRANCH_RATIO_MAX, "ratio"
        ),
    ]


def _edit_prices(office: Office) -> None:
    for amount_minor in range(1, EDITS + 1):
        with office.store.write() as connection:
            edit = HqEdit(connection, office.ids, office.clock.now_us())
            ids = [derived_id("price", str(number).encode()) for number in range(PRICES)]
            prepared = [
                edit.prepare(RecordKind.PRICE, each, {"zone": "", "amount_minor": amount_minor}) for each in ids
            ]
            edit.apply([each for each in prepared if each], dict.fromkeys(ids, EVERYONE))
        number_feed(office.store, office.clock.now_us())


def _take(gateway: Gateway, branch_id: bytes) -> _Taken:
    """Everything HQ does to give a branch the whole feed."""
    cursor, records = FeedCursor(), 0
    began = time.perf_counter()
    while True:
        read = gateway.read_feed(branch_id, cursor, 1_000, 1_000_000)
        if read.cursor == cursor:
            return _Taken(records, time.perf_counter() - began)
        records += len(read.records)
        cursor = read.cursor
