"""A product's prices as a calendar: held against the way in which a till reads them."""

from __future__ import annotations

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from branch_node.operations.price_lists import _PRICE
from hq_server.operations.price_periods import PriceState, calendar_of
from hq_server.operations.products import PriceRow

TODAY = 100
days = st.none() | st.integers(TODAY - 5, TODAY + 5)
rows_of_zone = st.lists(st.tuples(days, days), max_size=6).map(
    lambda periods: [PriceRow(bytes([number]) * 16, "", 100 + number, *period) for number, period in enumerate(periods)]
)


def till_price(rows: list[PriceRow], day: int) -> int | None:
    """What the till's own query finds."""
    with sqlite3.connect(":memory:") as store:
        store.execute("CREATE TABLE price (product_id, zone, amount_minor, archived, valid_from, valid_to, id)")
        for row in rows:
            fields = (b"p", row.zone, row.amount_minor, 0, row.valid_from, row.valid_to, row.price_id)
            store.execute("INSERT INTO price VALUES (?, ?, ?, ?, ?, ?, ?)", fields)
        found = store.execute(_PRICE, (b"p", "", day)).fetchone()
    return None if found is None else int(found[0])


@given(rows_of_zone)
def test_the_price_of_now_is_the_tills(rows: list[PriceRow]) -> None:
    periods = [each for zone in calendar_of(rows, TODAY) for each in zone.periods]
    now = [each.row.amount_minor for each in periods if each.state is PriceState.NOW]
    expected = till_price(rows, TODAY)
    assert now == ([] if expected is None else [expected])
    assert sorted(each.row for each in periods) == sorted(rows, key=lambda row: row)


@given(rows_of_zone)
def test_what_waits_holds_again_from_the_day_that_is_said_and_the_past_never(rows: list[PriceRow]) -> None:
    later = range(TODAY, TODAY + 12)
    for each in (period for zone in calendar_of(rows, TODAY) for period in zone.periods):
        holds = [day for day in later if till_price(rows, day) == each.row.amount_minor]
        match each.state:
            case PriceState.PAST:
                assert holds == []
            case PriceState.BEHIND:
                assert holds[0] == each.again_from


def test_a_price_for_some_days_stands_before_the_usual_one() -> None:
    usual = PriceRow(b"a" * 16, "", 100, None, None)
    week = PriceRow(b"b" * 16, "", 80, TODAY - 1, TODAY + 2)
    coming = PriceRow(b"c" * 16, "", 120, TODAY + 30, None)
    north = PriceRow(b"d" * 16, "north", 110, None, TODAY - 1)
    everywhere, zone = calendar_of([coming, usual, week, north], TODAY)
    assert [(each.row.amount_minor, str(each.state), each.again_from) for each in everywhere.periods] == [
        (80, "now", None),
        (120, "coming", None),
        (100, "behind", TODAY + 3),
    ]
    assert ([each.row for each in zone.past], zone.current) == ([north], ())
