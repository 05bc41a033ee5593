"""What one branch costs the others: reconnecting with a long history, and an entry that HQ cannot apply."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.chains import found_office
from benchmarks.figures import Figure, at_most, spread
from deploy.postgresql import PostgresqlServer
from hq_server.storage.tables import certificate
from hq_server.sync_server.gateway import Gateway
from hq_server.sync_server.identity import Peer
from shared.domain.records import Record
from shared.domain.sales import Sale
from tests.support.journal import JournalWriter, line
from tests.support.journal import sale as make_sale
from tests.support.office import Office

SHORT, LONG = 1_000, 100_000
RECONNECTS = 60
RECONNECT_RATIO_MAX = 1.5
BATCH_SALES = 400
BATCHES = 12
POISON_BATCHES_MAX = 1.0
UNKNOWN_KIND = 999


def measure_streams(server: PostgresqlServer, folder: Path) -> list[Figure]:
    """On SQLite and on PostgreSQL."""
    urls = {"SQLite": "sqlite:///hq.db", "PostgreSQL": server.create_database("streams")}
    figures: list[Figure] = []
    for name, url in urls.items():
        office = found_office(url, folder)
        figures += [_measure_reconnecting(office, name), *_measure_poison(office, name)]
        office.store.close()
    return figures


# Reconnecting.


def _measure_reconnecting(office: Office, name: str) -> Figure:
    """A session with nothing to say, of a branch with a short history and of one with a long, in turn."""
    gateway = Gateway(office.store, None, office.clock, 1)  # type: ignore[arg-type]
    journals = [_grow(office, code, entries) for code, entries in (("short", SHORT), ("long", LONG))]
    seconds: list[list[float]] = [[], []]
    for _ in range(RECONNECTS):
        for number, journal in enumerate(journals):
            office.clock.advance(1)
            seconds[number].append(_reconnect(office, gateway, journal, ("short", "long")[number]))
    short, long = (statistics.median(times) for times in seconds)
    detail = f"{short * 1_000:.2f} ms with {SHORT:,} entries, {long * 1_000:.2f} ms with {LONG:,}"
    return at_most(f"reconnecting, a hundredfold history, {name}", long / short, RECONNECT_RATIO_MAX, "ratio", detail)


def _grow(office: Office, code: str, entries: int) -> JournalWriter:
    """A branch with that many entries at HQ."""
    journal = office.journal(code)
    with office.store.write() as connection:
        connection.execute(
            certificate.insert().values(serial=code, branch_id=journal.branch_id, purpose="branch", issued_at=1)
        )
    fence = office.open(journal).known.fence
    for number in range(1, entries + 1):
        journal.add_sale(make_sale(number))
        if number % 1_000 == 0:
            office.merge(journal, journal.batch(after_seq=number - 1_000), fence)
    return journal


def _reconnect(office: Office, gateway: Gateway, journal: JournalWriter, code: str) -> float:
    """Everything HQ does between a hello and a goodbye."""
    peer = Peer(code, journal.branch_id, may_enrol=False)
    began = time.perf_counter()
    opened = office.open(journal)
    fence = opened.known.fence
    gateway.read_feed(journal.branch_id, opened.decision.feed, 1_000, 1_000_000)
    gateway.store_tick(peer, journal.branch_id, fence, office.clock.now_us(), journal.head.seq)
    gateway.store_departure(journal.branch_id, fence, True)
    return time.perf_counter() - began


# Poison.


def _measure_poison(office: Office, name: str) -> list[Figure]:
    """Batches with one entry that HQ cannot apply, beside clean ones: the difference, in clean batches."""
    clean = office.journal("clean")
    poisons: dict[str, tuple[JournalWriter, Callable[[JournalWriter], object]]] = {
        "of an unknown kind": (
            office.journal("unknown"),
            lambda journal: journal.add([Record(UNKNOWN_KIND, office.ids.new_id(), b"from the future")]),
        ),
        "that the database refuses": (
            office.journal("refused"),
            lambda journal: journal.add_sale(_basket(1), sale_id=journal.first_sale),  # type: ignore[attr-defined]
        ),
    }
    for journal, _ in poisons.values():
        journal.first_sale = journal.add_sale(_basket(1))  # type: ignore[attr-defined]
        office.merge(journal, journal.batch())
    bare: list[float] = []
    with_poison: dict[str, list[float]] = {kind: [] for kind in poisons}
    for _ in range(BATCHES):
        bare.append(_merge(office, clean, None))
        for kind, (journal, add_poison) in poisons.items():
            with_poison[kind].append(_merge(office, journal, add_poison))
    figures = []
    for kind, seconds in with_poison.items():
        delays = [(poisoned - plain) / plain for poisoned, plain in zip(seconds, bare, strict=True)]
        label = f"delay by an entry {kind}, {name}"
        figures.append(at_most(label, statistics.median(delays), POISON_BATCHES_MAX, "batches", spread(delays)))
    return figures


def _merge(office: Office, journal: JournalWriter, add_poison: Callable[[JournalWriter], object] | None) -> float:
    after_seq = journal.head.seq
    for number in range(BATCH_SALES):
        if number == BATCH_SALES // 2 and add_poison is not None:
            add_poison(journal)
        else:
            journal.add_sale(_basket(after_seq + number))
    batch = journal.batch(after_seq=after_seq)
    fence = office.open(journal).known.fence
    began = time.perf_counter()
    office.merge(journal, batch, fence)
    return time.perf_counter() - began


def _basket(number: int) -> Sale:
    return make_sale(number, lines=[line(str(sku)) for sku in range(5)])
