"""The report `affinity`: which products, or which categories, are bought together more often than by chance.

Over the receipts of the period, each once, with what is on them; whatever came back later was bought all the same:

    receipts        receipts with both
    support         receipts with both ÷ all receipts
    confidence      receipts with both ÷ receipts with the first; confidence back ÷ receipts with the second
    lift            receipts with both × all receipts ÷ (receipts with the first × receipts with the second)

Pairs that are on fewer than `minimum` receipts (20) are left out: their lift is chance. Of the others the `limit` (200)
with the highest lift are shown, then those on more receipts, then by their codes. The first of a pair is the one whose
code comes first. Source: Agrawal, Imielinski, Swami, *Mining association rules between sets of items* (1993), whose
frequent items are the prefilter here too: what is on fewer receipts than the minimum is in no pair. Lift: Brin,
Motwani, Ullman, Tsur, *Dynamic itemset counting* (1997).

One item after another is counted against those behind it, so that the pairs of one item are in memory at a time, and
not the millions of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal, select

from shared.errors import InvalidInput, Refused
from shared.reports.fact_lists import keys_of, read_page, receipt_keys
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.items import Asked, Beneath, Kind
from shared.reports.parameters import Option, ReportParameters
from shared.reports.purchases import Window, within
from shared.reports.report import Report, Scope, divide, share_basis_points
from shared.reports.result import Column
from shared.storage.dialect_functions import TEXT_SEPARATOR, joined_texts
from shared.storage.tables import sale, sale_line

NAME = "affinity"

ITEMS_IN_MEMORY_MAX = 30_000_000
"""Products on receipts that are looked at; about 20 bytes each."""
NOTHING = frozenset({""})
"""A line without a category is in no pair; its receipt counts."""
_RECEIPTS_A_READ = 5_000
_PROGRESS_EVERY_ITEMS = 200

OPTIONS = (
    Option("minimum", 20, 2, 1_000_000, "On how many receipts a pair is at least."),
    Option("limit", 200, 1, 10_000, "How many pairs are shown, those with the highest lift."),
)

DIMENSIONS: dict[str, Column] = {
    "product": Column("product", "text"),
    "other_product": Column("other_product", "text", "Bought with"),
    "category": Column("category", "text"),
    "other_category": Column("other_category", "text", "Bought with the category"),
}

MEASURES: tuple[Column, ...] = (
    Column("pairs", "integer", "Pairs"),
    Column("receipts", "integer", "Receipts with both"),
    Column("support", "percent", "Support"),
    Column("confidence", "percent", "Confidence"),
    Column("confidence_back", "percent", "Confidence the other way"),
    Column("lift", "ratio", "Lift"),
)

DEFINITIONS: dict[str, str] = {
    "pairs": "pairs that are on at least the minimum of receipts; in the total also those that are not shown",
    "receipts": "receipts with both; in the total all receipts of the period",
    "support": "receipts with both ÷ all receipts",
    "confidence": "receipts with both ÷ receipts with the first",
    "confidence_back": "receipts with both ÷ receipts with the second",
    "lift": "receipts with both × all receipts ÷ (receipts with the first × receipts with the second)",
}

_BY = {
    (): sale_line.c.sku,
    ("product", "other_product"): sale_line.c.sku,
    ("category", "other_category"): sale_line.c.category,
}

_ITEMS = {name: item for names, item in _BY.items() for name in names}

Pair = tuple[int, int, int]
"""Receipts with both, then the codes of the two."""


def run_affinity(ground: Ground, parameters: ReportParameters) -> Answer:
    """The pairs with the highest lift first, and the totals: how many pairs there are, over how many receipts."""
    if parameters.by not in _BY:
        raise InvalidInput(
            "Pairs are of two products or of two categories.",
            "Group by product and other_product, or by category and other_category.",
        )
    receipts = _Receipts(_read(ground, parameters))
    minimum = parameters.option("minimum")
    pairs = list(_pairs(receipts, minimum, ground))
    total = (len(pairs), receipts.count, None, None, None, None)
    if not parameters.by:
        return [total], total
    names, on = receipts.names, receipts.on

    def order(pair: Pair) -> tuple[Any, ...]:
        both, one, other = pair
        # As a fraction: two lifts that are shown alike still have their order.
        return -both * receipts.count / (on[one] * on[other]), -both, names[one], names[other]

    rows: Rows = []
    for both, one, other in sorted(pairs, key=order)[: parameters.option("limit")]:
        rows.append(
            (
                names[one],
                names[other],
                1,
                both,
                share_basis_points(both, receipts.count),
                share_basis_points(both, on[one]),
                share_basis_points(both, on[other]),
                divide(both * receipts.count, on[one] * on[other], 1_000),
            )
        )
    return rows, total


class _Receipts:
    """What is on which receipt: items as numbers in the order of their codes. Raises Refused when it is too much."""

    def __init__(self, rows: Iterable[str]) -> None:
        numbers: dict[str, int] = {}
        baskets: list[tuple[int, ...]] = []
        items = self.count = 0
        for joined in rows:
            self.count += 1
            codes = set(joined.split(TEXT_SEPARATOR)) - NOTHING
            items += len(codes)
            if items > ITEMS_IN_MEMORY_MAX:
                raise Refused(
                    f"There are more than {ITEMS_IN_MEMORY_MAX} products on the receipts.", "Choose a shorter period."
                )
            baskets.append(tuple([numbers.setdefault(code, len(numbers)) for code in codes]))
        self.names = list(numbers)
        self.baskets = baskets
        self.on = Counter(chain.from_iterable(baskets))

    def frequent(self, minimum: int) -> tuple[list[int], list[list[int]]]:
        """The items on at least so many receipts in the order of their codes, and the receipts of these alone, as
        places in that order, each from the last place to the first."""
        kept = sorted((item for item, count in self.on.items() if count >= minimum), key=self.names.__getitem__)
        place = {item: number for number, item in enumerate(kept)}
        baskets = ([place[item] for item in basket if item in place] for basket in self.baskets)
        return kept, [sorted(basket, reverse=True) for basket in baskets if len(basket) > 1]


def _pairs(receipts: _Receipts, minimum: int, ground: Ground) -> Iterator[Pair]:
    kept, baskets = receipts.frequent(minimum)
    holding: list[list[list[int]]] = [[] for _ in kept]
    for basket in baskets:
        for place in basket:
            holding[place].append(basket)
    for place, item in enumerate(kept):
        if place % _PROGRESS_EVERY_ITEMS == 0:
            ground.progress(place, len(kept))
        # Every earlier item has been taken off the end of its receipts: what is left stands behind this one.
        for basket in holding[place]:
            basket.pop()
        together = Counter(chain.from_iterable(holding[place]))
        holding[place] = []
        for other, both in together.items():
            if both >= minimum:
                yield both, item, kept[other]


def _read(ground: Ground, parameters: ReportParameters) -> Iterator[str]:
    """What is on each receipt, as one text."""
    result = ground.connection.execution_options(yield_per=_RECEIPTS_A_READ).execute(_statement(ground, parameters))
    return iter(result.scalars())


LISTED = ("receipts",)
"""What the list of receipts adds up to."""


def list_receipts(ground: Ground, asked: Asked) -> Beneath:
    """The receipts with everything that is asked for, each once; with nothing asked for, all of them."""
    window = Window(asked.parameters.date_from, asked.parameters.date_to or ground.today)
    of_sale = and_(sale.c.branch_id == sale_line.c.branch_id, sale.c.id == sale_line.c.sale_id)
    held = [[_ITEMS[name].in_(values)] for name, values in asked.parameters.filters] or [[]]
    conditions = [exists(select(literal(1)).where(of_sale, *is_held)) for is_held in held]
    keys = {"branch_id": sale.c.branch_id, "id": sale.c.id, "at": sale.c.sold_at, **receipt_keys(sale)}
    found = select(*keys_of(Kind.SALE, keys), literal(1).label("receipts"))
    return read_page(ground, asked, found.where(*within(ground, asked.parameters, sale, window), *conditions))


def _statement(ground: Ground, parameters: ReportParameters) -> Select[Any]:
    item = _BY[parameters.by]
    keys = (sale.c.branch_id, sale.c.id)
    window = Window(parameters.date_from, parameters.date_to or ground.today)
    conditions = within(ground, parameters, sale, window)
    of_sale = and_(sale.c.branch_id == sale_line.c.branch_id, sale.c.id == sale_line.c.sale_id)
    source = sale.join(sale_line, of_sale)
    return select(joined_texts(func.coalesce(item, ""))).select_from(source).where(*conditions).group_by(*keys)


AFFINITY = Report(
    name=NAME,
    title="Bought together",
    summary="Pairs of products, or of categories, that are bought together more often than by chance.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_affinity,
    scope=Scope.CHAIN,
    options=OPTIONS,
    first_by=("product", "other_product"),
    first_period="last-90-days",
    is_slow=True,
    notes=("The pairs with the highest lift come first.",),
)
