"""The households of the Complete Journey data set as clients: where they shop, who they are, their coupons.

Plain values for the stores of a chain, no store is opened here. What the data set calls the time of a receipt is UTC:
seen so, and only so, every redemption, of which it gives the day alone, falls on a day on which its household shopped.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from deploy.demo.receipts import TIMEZONE, UTC_OFFSET, cashier_of, read_table, receipts_of

LOYALTY_PREFIX: Final = "CJ-"
LOYALTY_DIGITS: Final = 4
TAG_SEPARATOR: Final = "; "
_DEMOGRAPHICS: Final = (
    ("age", "age {}"),
    ("income", "income {}"),
    ("home_ownership", "{}"),
    ("marital_status", "{}"),
    ("household_size", "household of {}"),
    ("household_comp", "{}"),
    ("kids_count", "kids {}"),
)
"""The columns of the demographics, and how each is written as a tag: in the data set's own words."""


class Visit(NamedTuple):
    """A basket that a household bought. `at` is UTC."""

    household: int
    store: int
    basket: int
    at: datetime


class HouseholdCard(NamedTuple):
    """A household as a client's card says it. The data set has no names."""

    external_id: str
    name: str
    loyalty_number: str
    tags: tuple[str, ...]


class Redemption(NamedTuple):
    """A coupon that a household handed in: at which till and moment (ISO 8601 with its offset), of which campaign."""

    client: str
    at: str
    cashier: str
    campaign: int
    campaign_type: str
    coupon: int


class Work(NamedTuple):
    """What a branch is to do at one go, in this order. Receipts are JSON, as `sell -` takes them."""

    cards: Sequence[HouseholdCard] = ()
    receipts: Sequence[str] = ()
    redemptions: Sequence[Redemption] = ()


class StorePlan(NamedTuple):
    """What one store does: cards of the households that come to it before any other, receipts, and redemptions."""

    store: int
    cards: tuple[HouseholdCard, ...]
    baskets: frozenset[int]
    redemptions: tuple[Redemption, ...]

    def receipts(self) -> list[str]:
        """Its receipts in the order in which they were sold, as `sell -` takes them."""
        found = receipts_of(self.store, baskets=self.baskets, offset=UTC_OFFSET)
        return [receipt.line for receipt in found]


def encode_work(work: Work) -> str:
    """As text, for another process."""
    return json.dumps(work._asdict())


def decode_work(text: str) -> Work:
    """What `encode_work` wrote."""
    document = json.loads(text)
    return Work(
        [HouseholdCard(*row) for row in document["cards"]],
        document["receipts"],
        [Redemption(*row) for row in document["redemptions"]],
    )


def external_id_of(household: int) -> str:
    """By which sales name a household: the same in every store, so that it is one card."""
    return str(household)


def card_of(household: int, demographics: Mapping[str, Any] | None) -> HouseholdCard:
    """The card of a household. What is known of it are tags: lists and selections are made by them, while preferences
    and notes are for what a client said; and several stores may add to them without taking anything away."""
    known = demographics or {}
    tags = tuple(sorted(words.format(known[column]) for column, words in _DEMOGRAPHICS if known.get(column)))
    number = external_id_of(household)
    return HouseholdCard(number, f"Household {household}", f"{LOYALTY_PREFIX}{household:0{LOYALTY_DIGITS}}", tags)


def household_cards() -> list[HouseholdCard]:
    """The cards of all households, by number."""
    demographics = _demographics()
    households = sorted(read_table("transactions")["household_id"].unique().to_pylist())
    return [card_of(household, demographics.get(household)) for household in households]


def household_lines() -> Iterator[str]:
    """The same as JSON Lines for the head office's `client import`."""
    for card in household_cards():
        fields = card._asdict() | {"tags": TAG_SEPARATOR.join(card.tags)}
        yield json.dumps({name: value for name, value in fields.items() if value})


def _demographics() -> dict[int, dict[str, Any]]:
    return {row["household_id"]: row for row in read_table("demographics").to_pylist()}


def read_visits(stores: Collection[int] | None = None) -> list[Visit]:
    """What was bought in these stores, or in all, by moment."""
    import pyarrow as pa

    columns = {"household": "household_id", "store": "store_id", "at": "transaction_timestamp"}
    table = read_table("transactions").select(["basket_id", *columns.values()])
    seconds = table["transaction_timestamp"].cast(pa.timestamp("s")).cast(pa.int64())
    table = table.set_column(table.schema.get_field_index("transaction_timestamp"), "transaction_timestamp", seconds)
    # All rows of a basket are of one household, store and moment.
    rows = table.group_by("basket_id").aggregate([(column, "min") for column in columns.values()]).to_pydict()
    of_baskets = zip(*(rows[f"{column}_min"] for column in columns.values()), rows["basket_id"], strict=True)
    visits = [
        Visit(household, store, basket, datetime.fromtimestamp(at, UTC))
        for household, store, at, basket in of_baskets
        if stores is None or store in stores
    ]
    return sorted(visits, key=lambda visit: (visit.at, visit.basket))


def plan_stores(stores: Collection[int] | None = None, receipts_per_client: int | None = None) -> list[StorePlan]:
    """What each of these stores, or of all, does; by number.

    With `receipts_per_client` a store sells only the last so many to each household, and those in which coupons were
    redeemed.
    """
    everywhere = read_visits()
    visits = [visit for visit in everywhere if stores is None or visit.store in stores]
    demographics = _demographics()
    homes: dict[int, int] = {}
    for visit in visits:
        homes.setdefault(visit.household, visit.store)
    cards: dict[int, list[HouseholdCard]] = defaultdict(list)
    for household, store in sorted(homes.items()):
        cards[store].append(card_of(household, demographics.get(household)))
    redemptions: dict[int, list[Redemption]] = defaultdict(list)
    baskets: dict[int, set[int]] = defaultdict(set)
    for visit, redemption in place_redemptions(everywhere, visits):
        redemptions[visit.store].append(redemption)
        baskets[visit.store].add(visit.basket)
    for visit in _last(visits, receipts_per_client):
        baskets[visit.store].add(visit.basket)
    return [
        StorePlan(store, tuple(cards[store]), frozenset(baskets[store]), tuple(sorted(redemptions[store])))
        for store in sorted({visit.store for visit in visits})
    ]


def _last(visits: Sequence[Visit], receipts_per_client: int | None) -> Iterable[Visit]:
    """The last visits of each household to each store."""
    if receipts_per_client is None:
        return visits
    kept: dict[tuple[int, int], list[Visit]] = defaultdict(list)
    for visit in visits:
        kept[visit.household, visit.store].append(visit)
    return (visit for own in kept.values() for visit in own[-receipts_per_client:])


def place_redemptions(everywhere: Sequence[Visit], visits: Sequence[Visit]) -> Iterator[tuple[Visit, Redemption]]:
    """Each coupon with the receipt it was redeemed with, and the last visit up to then to one of the chain's stores.

    `everywhere` are the visits to all stores, `visits` those to the stores of the chain, both by moment. What was
    redeemed before a household came to the chain is left out.
    """
    zone = ZoneInfo(TIMEZONE)
    redeemed_coupons = read_table("coupon_redemptions").to_pylist()
    redeemers = {row["household_id"] for row in redeemed_coupons}
    on_day: dict[tuple[int, date], list[Visit]] = defaultdict(list)
    for visit in everywhere:
        if visit.household in redeemers:
            on_day[visit.household, visit.at.astimezone(zone).date()].append(visit)
    known: dict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        known[visit.household].append(visit)
    types = {row["campaign_id"]: row["campaign_type"] for row in read_table("campaign_descriptions").to_pylist()}
    discounted, goods = _discounted(), _goods_of_coupons()
    for row in redeemed_coupons:
        household, campaign, coupon = row["household_id"], row["campaign_id"], row["coupon_upc"]
        bought = on_day[household, row["redemption_date"].date()]
        redeemed = _redeemed_with(bought, discounted, goods.get((campaign, coupon), frozenset()))
        place = next((visit for visit in reversed(known[household]) if visit.at <= redeemed.at), None)
        if place is not None:
            moment = redeemed.at.isoformat()
            yield (
                place,
                Redemption(
                    external_id_of(household), moment, cashier_of(place.basket), campaign, types[campaign], coupon
                ),
            )


def _redeemed_with(bought: Sequence[Visit], discounted: Mapping[int, set[int]], goods: Collection[int]) -> Visit:
    """Of the receipts of a day the last one with goods of the coupon made cheaper by one; else with any goods made
    cheaper so; else the last."""

    def rank(visit: Visit) -> tuple[bool, bool, datetime]:
        cheaper = discounted.get(visit.basket, set())
        return not cheaper.isdisjoint(goods), bool(cheaper), visit.at

    return max(bought, key=rank)


def _discounted() -> dict[int, set[int]]:
    """By basket the goods that coupons made cheaper."""
    import pyarrow.compute as pc

    table = read_table("transactions").select(["basket_id", "product_id", "coupon_disc"])
    rows = table.filter(pc.greater(table["coupon_disc"], 0)).to_pydict()
    found: dict[int, set[int]] = defaultdict(set)
    for basket, product in zip(rows["basket_id"], rows["product_id"], strict=True):
        found[basket].add(product)
    return found


def _goods_of_coupons() -> dict[tuple[int, int], frozenset[int]]:
    """By campaign and coupon the goods that it is for."""
    rows = read_table("coupons").to_pydict()
    found: dict[tuple[int, int], set[int]] = defaultdict(set)
    for campaign, coupon, product in zip(rows["campaign_id"], rows["coupon_upc"], rows["product_id"], strict=True):
        found[campaign, coupon].add(product)
    return {key: frozenset(products) for key, products in found.items()}
