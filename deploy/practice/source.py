"""Real baskets for the practice chain, from the Complete Journey data set: what was bought together, by whom, when.

Prices and names are not taken over; days are shifted by whole weeks, so that a Saturday stays a Saturday.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from deploy.demo.receipts import busiest_stores, read_table

LAST_DAY = date(2017, 12, 14)
"""The last day of the data set that is used: later ones are holidays of another country."""

LOCAL_SHIFT = timedelta(hours=5)
"""The data set's clock is ahead of its shops by so much."""

OPENING_HOUR, CLOSING_HOUR = 9, 22
QUANTITY_MAX = 12
"""Pieces of one product in one basket: more of it is another trade."""

LINES_MAX = 40


class SourceLine(NamedTuple):
    """A product of the data set in a basket."""

    product_id: int
    department: str | None
    kind: str | None
    quantity: int


class SourceBasket(NamedTuple):
    """A basket of the data set on its shifted day. `second` is since midnight; `place` counts the shops from 0."""

    basket_id: int
    household: int
    place: int
    day: date
    second: int
    lines: tuple[SourceLine, ...]


def read_baskets(today: date, days: int, places: int, stores_per_place: int) -> list[SourceBasket]:
    """The baskets of so many days up to and with today, of the busiest stores dealt out to so many shops; by moment."""
    stores = busiest_stores(places * stores_per_place)
    place_of = {store: number % places for number, store in enumerate(stores)}
    last = source_day(today)
    shift = today - last
    first = last - timedelta(days=days - 1)
    products = _products()
    found: dict[int, list[dict[str, Any]]] = {}
    for row in _rows(stores, first, last):
        found.setdefault(row["basket_id"], []).append(row)
    baskets = []
    for basket_id, rows in found.items():
        at: datetime = rows[0]["transaction_timestamp"] - LOCAL_SHIFT
        lines = [
            SourceLine(row["product_id"], *products.get(row["product_id"], (None, None)), row["quantity"])
            for row in rows[:LINES_MAX]
            if 0 < row["quantity"] <= QUANTITY_MAX
        ]
        day = at.date()
        if lines and first <= day <= last:
            place = place_of[rows[0]["store_id"]]
            household = rows[0]["household_id"]
            baskets.append(
                SourceBasket(basket_id, household, place, day + shift, _opening_second(basket_id, at), tuple(lines))
            )
    return sorted(baskets, key=lambda basket: (basket.day, basket.second, basket.basket_id))


def source_day(today: date) -> date:
    """The day of the data set that becomes today: the last usable one of the same weekday."""
    return LAST_DAY - timedelta(days=(LAST_DAY.weekday() - today.weekday()) % 7)


def _opening_second(basket_id: int, at: datetime) -> int:
    """When the basket was sold, put into the shop's hours: what was bought at night is bought by day."""
    second = at.hour * 3_600 + at.minute * 60 + at.second
    if OPENING_HOUR * 3_600 <= second < CLOSING_HOUR * 3_600:
        return second
    return Random(f"{basket_id}:second").randrange(OPENING_HOUR * 3_600, CLOSING_HOUR * 3_600)


def _products() -> dict[int, tuple[str | None, str | None]]:
    columns = read_table("products").select(["product_id", "department", "product_category"]).to_pydict()
    return dict(
        zip(columns["product_id"], zip(columns["department"], columns["product_category"], strict=True), strict=True)
    )


def _rows(stores: Sequence[int], first: date, last: date) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table("transactions").select(
        ["household_id", "store_id", "basket_id", "product_id", "quantity", "transaction_timestamp"]
    )
    column = table["transaction_timestamp"]
    begin = datetime.combine(first, datetime.min.time()) + LOCAL_SHIFT
    end = datetime.combine(last + timedelta(days=1), datetime.min.time()) + LOCAL_SHIFT
    kind = column.type
    within = pc.and_(pc.greater_equal(column, pa.scalar(begin, type=kind)), pc.less(column, pa.scalar(end, type=kind)))
    kept = table.filter(pc.and_(within, pc.is_in(table["store_id"], value_set=pa.array(stores))))
    ordered = kept.sort_by([("basket_id", "ascending"), ("product_id", "ascending")])
    rows: list[dict[str, Any]] = ordered.to_pylist()
    return rows
