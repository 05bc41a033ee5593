"""The real receipts in a head office's store, through the real merge: branches as journals, without their programs.

Some households have a card at the head office and are sold to by it, some of those were entered twice and merged; the
others are known by their number alone. What the reports must make of them is `Loaded.client_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from itertools import groupby
from operator import itemgetter
from typing import Any

from deploy.demo.receipts import CURRENCY, TIMEZONE, cashier_of, read_table
from shared.domain.business_time import LocalMoment, parse_local
from shared.domain.records import RecordKind
from shared.domain.sales import CASH, Payment, Sale, SaleLine
from tests.support.journal import JournalWriter
from tests.support.office import Office

BATCH_SALES = 400
EVERY_NTH_HAS_A_CARD = 40
"""Of the households, by their number. A card makes every sale news for the other stores, which takes time."""
EVERY_NTH_CARD_IS_A_SECOND = 3

Row = tuple[Any, ...]


@dataclass(slots=True)
class Loaded:
    """What was loaded; `client_of` says of a household whose client it is now, where that is another."""

    stores: int = 0
    receipts: int = 0
    lines: int = 0
    cards: dict[int, bytes] = field(default_factory=dict)
    client_of: dict[int, int] = field(default_factory=dict)


def load_real_chain(office: Office, stores: Collection[int], say: Callable[[str], None] = lambda _: None) -> Loaded:
    """Merges every receipt of these stores."""
    departments = {
        str(row["product_id"]): row["department"]
        for row in read_table("products").select(["product_id", "department"]).to_pylist()
    }
    loaded = Loaded()
    for number, (store, rows) in enumerate(groupby(_rows(stores), itemgetter(0)), 1):
        journal = office.journal(f"S{store}")
        fence = office.open(journal).known.fence
        if not loaded.cards:
            _enter_cards(office, journal, fence, loaded)
        _load_store(office, journal, fence, rows, departments, loaded)
        if number % 50 == 0:
            say(f"{number} stores, {loaded.lines} lines")
    loaded.stores = number
    return loaded


def _rows(stores: Collection[int]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table("transactions")
    kept = table.filter(pc.is_in(table["store_id"], value_set=pa.array(sorted(stores))))
    order = ["store_id", "transaction_timestamp", "basket_id", "household_id"]
    names = [*order, "product_id", "quantity", "sales_value", "retail_disc", "coupon_match_disc"]
    ordered = kept.select(names).sort_by([(name, "ascending") for name in order])
    for batch in ordered.to_batches(max_chunksize=50_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _enter_cards(office: Office, journal: JournalWriter, fence: int, loaded: Loaded) -> None:
    """Cards of some households; every third of them turned out to be of the household before it."""
    households = sorted(read_table("transactions")["household_id"].unique().to_pylist())
    before = 0
    for number, household in enumerate(each for each in households if each % EVERY_NTH_HAS_A_CARD == 0):
        card_id = office.ids.new_id()
        fields: dict[str, Any] = {"external_id": str(household), "name": f"Household {household}"}
        if number % EVERY_NTH_CARD_IS_A_SECOND == EVERY_NTH_CARD_IS_A_SECOND - 1:
            fields["merged_into"] = loaded.cards[before]
            loaded.client_of[household] = before
        journal.add_edit(RecordKind.CLIENT, card_id, {}, **fields)
        loaded.cards[household] = card_id
        before = household
    _merge(office, journal, fence, 0)


def _load_store(
    office: Office,
    journal: JournalWriter,
    fence: int,
    rows: Iterator[Row],
    departments: dict[str, str],
    loaded: Loaded,
) -> None:
    merged = journal.head.seq
    for receipt, (_, lines) in enumerate(groupby(rows, itemgetter(2)), 1):
        kept = list(lines)
        journal.add_sale(_sale(receipt, kept, departments, loaded.cards))
        loaded.receipts += 1
        loaded.lines += len(kept)
        if receipt % BATCH_SALES == 0:
            _merge(office, journal, fence, merged)
            merged = journal.head.seq
    _merge(office, journal, fence, merged)


def _merge(office: Office, journal: JournalWriter, fence: int, after_seq: int) -> None:
    if journal.head.seq > after_seq:
        result = office.merge(journal, journal.batch(after_seq), fence)
        assert all(not outcome.parked_reason for outcome in result.ack.outcomes), result.ack.outcomes


def _sale(receipt: int, rows: list[Row], departments: dict[str, str], cards: dict[int, bytes]) -> Sale:
    _, stamp, basket, household = rows[0][:4]
    moment: LocalMoment = parse_local(stamp.replace(tzinfo=UTC).isoformat(timespec="seconds"), TIMEZONE, "sold_at")
    lines = tuple(
        SaleLine(sku, None, departments.get(sku), row[5] * 1_000, _cents(row[6]), _cents(row[7]) + _cents(row[8]))
        for row in rows
        for sku in (str(row[4]),)
    )
    total = sum(line.amount_minor for line in lines)
    return Sale(
        b"s" * 16,
        "1",
        receipt,
        cashier_of(basket),
        str(household),
        cards.get(household),
        moment,
        moment.business_date,
        CURRENCY,
        lines,
        (Payment(CASH, total),),
        0,
    )


def _cents(value: float) -> int:
    """The file's dollars are decimal numbers of two places: this rounds each to the cents that it was written as."""
    return round(value * 100)
