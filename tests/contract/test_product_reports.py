"""ABC and XYZ, and what is bought together, at the head office on both databases, against sums by hand."""

from __future__ import annotations

import itertools
import random
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from hq_server.operations.importing import import_catalog
from shared.errors import InvalidInput, Refused
from shared.operations.tabular_files import FileRow
from shared.reports import affinity
from shared.reports.parameters import ReportAsk
from shared.reports.purchases import Window
from shared.reports.registry import REPORTS
from shared.reports.report import Scope
from shared.reports.stock_intervals import Intervals
from shared.storage.tables import sale
from tests.support.chain_sales import Shop, ask, told, total
from tests.support.drilled import listed, require_adds_up
from tests.support.office import Office

PERIOD: dict[str, Any] = {"date_from": "2026-10-26", "date_to": "2026-11-22"}
"""Four weeks, the last of which ends on the day before the clock's."""
WEEKS = ("2026-10-28", "2026-11-04", "2026-11-11", "2026-11-18")


@pytest.fixture
def shop(office: Office) -> Shop:
    return Shop(office, "B1")


# ABC and XYZ.


def test_products_are_classed_by_net_and_by_how_evenly_they_are_sold(office: Office, shop: Shop) -> None:
    for day, a, b, c in zip(WEEKS, (20, 20, 20, 19), (4, 3, 4, 5), (4, 0, 0, 0), strict=True):
        shop.basket(day, {"A": a, "B": b, "C": c} if c else {"A": a, "B": b})
    shop.basket("2026-10-25", {"D": 1_000})
    shop.give_back("2026-11-20", None, 50, sku="E")
    shop.give_back("2026-11-20", None, 20, sku="C")
    shop.send()
    result = ask(office, "abc-xyz", "product", "class", **PERIOD)
    assert told(result, "units", "net", "share", "cumulative", "variation", "intervals") == {
        ("A", "AX"): (79_000, 7_900, 7_996, 7_995, 219, 4),
        ("B", "AY"): (16_000, 1_600, 1_619, 9_615, 1_767, 4),
        ("C", "CZ"): (4_000, 380, 385, 10_000, 17_320, 4),
        ("E", "CZ"): (0, -50, -51, 10_000, None, 4),
    }
    assert total(result, "products") == 4
    assert total(result, "net") == 7_900 + 1_600 + 380 - 50
    assert told(ask(office, "abc-xyz", "abc", **PERIOD), "products") == {"A": 2, "C": 2}
    assert told(ask(office, "abc-xyz", "product", filters=["abc=C"], **PERIOD), "net") == {"C": 380, "E": -50}


def test_days_before_the_first_whole_interval_count_for_the_net_alone(office: Office, shop: Shop) -> None:
    for day in WEEKS:
        shop.basket(day, {"A": 10})
    shop.basket("2026-10-24", {"A": 90})
    shop.send()
    longer = ask(office, "abc-xyz", "product", "xyz", date_from="2026-10-24", date_to="2026-11-22")
    assert told(longer, "units", "variation", "intervals") == {("A", "X"): (130_000, 0, 4)}
    monthly = ask(office, "abc-xyz", "product", "xyz", options=["interval=28"], **PERIOD)
    assert told(monthly, "variation", "intervals") == {("A", "Z"): (None, 1)}


def test_without_a_period_it_goes_from_the_first_sale_to_yesterday(office: Office, shop: Shop) -> None:
    shop.basket("2026-11-09", {"A": 10})
    shop.basket("2026-11-18", {"A": 10})
    shop.basket("2026-11-23", {"A": 10})
    shop.send()
    assert told(ask(office, "abc-xyz", "product"), "units", "intervals") == {"A": (20_000, 2)}
    assert ask(office, "abc-xyz", "product", date_to="2026-01-01").rows == ()


def sell_baskets(office: Office) -> None:
    """Baskets of two branches, some of them given back; only some of the products have a card with a category."""
    chance = random.Random(7)
    with office.store.write() as connection:
        rows = [FileRow(number, {"sku": sku, "name": sku, "category": category, "price": "1"})
                for number, (sku, category) in enumerate({"A": "Dairy", "B": "Dairy", "C": ""}.items(), 2)]  # fmt: skip
        import_catalog(connection, office.ids, office.clock.now_us(), office.chain.chain_id, "RUB", rows)
    for code in ("B1", "B2"):
        shop = Shop(office, code)
        for _ in range(30):
            day = f"2026-{chance.choice((10, 11))}-{chance.randint(1, 22):02d}"
            shop.basket(day, {sku: chance.randint(1, 3) for sku in chance.sample("ABCD", chance.randint(1, 3))})
            if chance.random() < 0.2:
                shop.give_back(day, None, chance.randint(10, 90), sku=chance.choice("ABCD"))
        shop.send()


def test_products_without_a_category_are_a_group_of_their_own(office: Office) -> None:
    sell_baskets(office)
    grouped = told(ask(office, "abc-xyz", "category", **PERIOD), "products")
    assert grouped == {"Dairy": 2, None: 2}
    assert set(told(ask(office, "abc-xyz", "product", filters=["category="], **PERIOD), "net")) == {"C", "D"}


def test_the_receipts_behind_products_and_categories_add_up_to_them(office: Office) -> None:
    sell_baskets(office)
    for by in (("product",), ("category",), ("category", "product"), ()):
        require_adds_up(office, "abc-xyz", ReportAsk(by, **PERIOD))
        require_adds_up(office, "abc-xyz", ReportAsk(by, branches=("B2",)))
    assert require_adds_up(office, "abc-xyz", ReportAsk(("product",), filters=("category=Dairy",))) > 0


def test_the_receipts_behind_a_pair_are_those_with_both(office: Office) -> None:
    sell_baskets(office)
    for by in (("product", "other_product"), ("category", "other_category"), ()):
        for branches in ((), ("B1",)):
            asked = ReportAsk(by, branches=branches, options=("minimum=2",), **PERIOD)
            assert require_adds_up(office, "affinity", asked) > 0
    found = listed(office, REPORTS["affinity"], ReportAsk(filters=("product=A", "other_product=B"), **PERIOD))
    assert 0 < found.total == len({each.record_id for each in found.rows})


def test_intervals_out_of_stock_are_left_out(office: Office, shop: Shop) -> None:
    shop.receive("2026-10-26", "A", 20)
    shop.basket("2026-10-28", {"A": 10})
    shop.basket("2026-11-04", {"A": 10})
    shop.receive("2026-11-18", "A", 10)
    shop.basket("2026-11-18", {"A": 10, "B": 1})
    shop.send()
    assert told(ask(office, "abc-xyz", "product", "xyz", **PERIOD), "variation", "intervals") == {
        ("A", "X"): (0, 3),
        ("B", "Z"): (17_320, 4),
    }


def test_goods_on_hand_that_nobody_bought_count_as_nothing_sold(office: Office, shop: Shop) -> None:
    shop.receive("2026-10-01", "A", 21)
    for day in ("2026-10-28", "2026-11-04"):
        shop.basket(day, {"A": 10})
    shop.send()
    assert told(ask(office, "abc-xyz", "product", **PERIOD), "intervals") == {"A": 4}
    shop.receive("2026-11-05", "A", -1)
    shop.send()
    assert told(ask(office, "abc-xyz", "product", **PERIOD), "intervals") == {"A": 2}
    shop.give_back("2026-11-12", None, 100, sku="A")
    shop.send()
    assert told(ask(office, "abc-xyz", "product", **PERIOD), "intervals") == {"A": 4}


def test_a_product_sold_where_no_stock_is_kept_is_always_in_stock(office: Office, shop: Shop) -> None:
    other = Shop(office, "B2")
    shop.receive("2026-10-26", "A", 10)
    shop.basket("2026-10-28", {"A": 10})
    shop.send()
    assert told(ask(office, "abc-xyz", "product", **PERIOD), "intervals") == {"A": 1}
    other.basket("2026-11-11", {"A": 10})
    other.send()
    assert told(ask(office, "abc-xyz", "product", **PERIOD), "intervals") == {"A": 4}
    assert told(ask(office, "abc-xyz", "product", branches=["B1"], **PERIOD), "intervals") == {"A": 1}


def test_these_reports_need_the_whole_chain() -> None:
    assert {name for name, each in REPORTS.items() if each.scope == Scope.CHAIN} >= {"abc-xyz", "affinity", "rfm"}


def test_an_interval_is_so_many_days_back_from_the_last_one() -> None:
    days = Intervals(Window(date(2026, 11, 1), date(2026, 11, 22)), 7, 3)
    assert "julianday" in str(days.number_of(sale.c.business_date).compile(dialect=sqlite.dialect()))


# Bought together.


def baskets(shop: Shop, count: int = 120) -> list[set[str]]:
    """Random baskets; a SKU's category is its first letter."""
    source = random.Random(3)
    skus = [f"{letter}{number}" for letter in "ABC" for number in range(4)]
    made = []
    for _ in range(count):
        goods = source.sample(skus, source.randint(1, 6))
        shop.basket(f"2026-11-{source.randint(1, 20):02d}", dict.fromkeys(goods, 1))
        made.append(set(goods))
    shop.send()
    return made


def by_hand(made: list[set[str]], minimum: int) -> dict[tuple[str, str], tuple[int, Fraction, Fraction, Fraction]]:
    """Receipts with both, both confidences and the lift of each pair, as fractions."""
    items = sorted(set().union(*made))
    on = {item: sum(item in basket for basket in made) for item in items}
    found = {}
    for one, other in itertools.combinations(items, 2):
        both = sum({one, other} <= basket for basket in made)
        if both >= minimum:
            lift = Fraction(both * len(made), on[one] * on[other])
            found[one, other] = (both, Fraction(both, on[one]), Fraction(both, on[other]), lift)
    return found


@pytest.mark.parametrize("by", [("product", "other_product"), ("category", "other_category")])
def test_every_pair_equals_the_count_by_hand(office: Office, shop: Shop, by: tuple[str, str]) -> None:
    made = baskets(shop)
    if by[0] == "category":
        made = [{item[0] for item in basket} for basket in made]
    expected = by_hand(made, 5)
    result = ask(office, "affinity", *by, options=["minimum=5", "limit=10000"])
    names = ("receipts", "support", "confidence", "confidence_back", "lift")
    found = told(result, *names)
    assert found.keys() == expected.keys()
    for pair, (both, there, back, lift) in expected.items():
        support = Fraction(both, len(made))
        assert found[pair][0] == both
        for shown, exact, scale in zip(found[pair][1:], (support, there, back, lift), (10**4, 10**4, 10**4, 10**3)):
            assert abs(shown - exact * scale) <= Fraction(1, 2)
    assert result.totals[:2] == (len(expected), len(made))
    order = [(-expected[row[:2]][3], -expected[row[:2]][0], *row[:2]) for row in result.rows]
    assert order == sorted(order)


def test_only_the_pairs_with_the_highest_lift_are_shown_and_all_are_counted(office: Office, shop: Shop) -> None:
    baskets(shop)
    whole = ask(office, "affinity", "product", "other_product", options=["minimum=2"])
    best = ask(office, "affinity", "product", "other_product", options=["minimum=2", "limit=3"])
    assert best.rows == whole.rows[:3]
    assert best.totals == whole.totals
    assert ask(office, "affinity", options=["minimum=2"]).rows == (whole.totals,)


def test_a_period_and_branches_restrict_the_receipts(office: Office, shop: Shop) -> None:
    other = Shop(office, "B2")
    for day in ("2026-11-01", "2026-11-02"):
        shop.basket(day, {"A": 1, "B": 2})
        other.basket(day, {"A": 1, "C": 1})
        other.basket(day, {"A": 1, "A1": 1})
    for each in (shop, other):
        each.send()
    pair = {"options": ["minimum=2"], "branches": ["B1"]}
    assert told(ask(office, "affinity", "product", "other_product", **pair), "receipts") == {("A", "B"): 2}
    assert ask(office, "affinity", date_from="2026-11-02", options=["minimum=2"]).totals[:2] == (0, 3)
    assert ask(office, "affinity", "product", "other_product", date_to="2026-01-01").rows == ()


def test_pairs_are_of_two_of_a_kind_and_memory_has_a_bound(
    office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for by in (("product",), ("product", "category"), ("other_product", "product")):
        with pytest.raises(InvalidInput):
            ask(office, "affinity", *by)
    baskets(shop, 10)
    monkeypatch.setattr(affinity, "ITEMS_IN_MEMORY_MAX", 5)
    with pytest.raises(Refused):
        ask(office, "affinity")
