"""The households of the real data set as clients of the stores they shop in: every number against the Parquet files.

All 457 stores are real stores over the real protocol, in this process: as programs they would be too many for one
machine. To each household a store sells its last FILIAL_HOUSEHOLD_RECEIPTS receipts (1, or `all`) and those with which
coupons were redeemed: who knows whom does not depend on it, and whole years are replayed by `make demo`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from branch_node.operations.client_timeline import read_client_timeline
from branch_node.storage.store import BranchStore
from deploy.demo.household_loading import BranchProcesses, bring_households, open_chain
from deploy.demo.household_player import play
from deploy.demo.households import StorePlan, Work, plan_stores
from deploy.demo.receipts import CURRENCY, TIMEZONE, read_table
from deploy.postgresql import PostgresqlServer
from hq_server.operations.dictionaries import add_default_terms
from hq_server.operations.founding import found_chain
from hq_server.storage.store import connect_store
from hq_server.storage.tables import branch, client_audience
from shared.domain.business_time import MICROSECONDS, local_moment
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.domain.timeline import ReceiptEntry, SpokenEntry
from shared.operations.clients import find_by_external_id
from shared.storage.tables import card, client, interaction, interaction_point, neighbour_fact, sale
from tests.support.clock import FakeClock, SeededIds
from tests.support.office import Office
from tests.support.pair import Node, Pair

STORES, HOUSEHOLDS, IN_SEVERAL, WITH_DEMOGRAPHICS, REDEMPTIONS = 457, 2_469, 2_140, 801, 2_102
SOME_STORES = (300, 370, 436, 31401)
RECEIPTS = os.environ.get("FILIAL_HOUSEHOLD_RECEIPTS", "1")
NEW_YEAR_US = int(datetime(2018, 1, 2, 12, tzinfo=UTC).timestamp()) * MICROSECONDS
ENTRIES_MAX = 3_000
_QUOTE = re.compile(r"campaign (\d+), coupon (\d+)")

Coupon = tuple[int, int, int, date]
"""Household, campaign, coupon, and the day of the store."""


class Place(NamedTuple):
    """A branch and its file."""

    branch_id: bytes
    path: Path


class EmbeddedStores:
    """Branches in this process. One is open at a time: hundreds would be too many files."""

    def __init__(self, pair: Pair, stores: Collection[int]) -> None:
        self.pair = pair
        self.places: dict[int, Place] = {}
        for store in sorted(stores):
            node = pair.join(f"S{store}")
            node.store.close()
            self.places[store] = Place(node.branch_id, node.path)

    @contextmanager
    def opened(self, store: int) -> Iterator[Node]:
        place, office = self.places[store], self.pair.office
        with closing(BranchStore(place.path, office.clock, office.ids)) as opened:
            yield Node(self.pair, f"S{store}", place.branch_id, place.path, opened)

    def play(self, store: int, work: Work) -> Mapping[str, int]:
        with self.opened(store) as node:
            return play(node.store, node.line(), work)

    def synchronise(self, store: int) -> None:
        with self.opened(store) as node:
            node.sync()


@pytest.fixture(params=[pytest.param("every store", marks=pytest.mark.slow), "some stores"])
def stores(request: pytest.FixtureRequest) -> frozenset[int]:
    """Every store; or some small ones with clients in common, so that `make test` sees the same in seconds."""
    if request.param == "every store":
        return frozenset(read_table("transactions")["store_id"].to_pylist())
    return frozenset(SOME_STORES)


@pytest.fixture
def office(request: pytest.FixtureRequest, stores: frozenset[int], tmp_path: Path) -> Iterator[Office]:
    """A head office that has just been founded; that of some stores on PostgreSQL."""
    clock = FakeClock(NEW_YEAR_US)
    ids = SeededIds(clock)
    url = "sqlite:///hq.db"
    if len(stores) < STORES:
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        url = server.create_database("households")
    with closing(connect_store(url, tmp_path, clock)) as store:
        chain = found_chain(store, "Complete Journey", CURRENCY, TIMEZONE, clock, ids)
        with store.write() as connection:
            add_default_terms(connection, ids, clock.now_us())
        yield Office(store, clock, ids, chain)


def test_households_are_clients_of_the_stores_they_shop_in(
    office: Office, stores: frozenset[int], tmp_path: Path
) -> None:
    plans = plan_stores(stores, None if RECEIPTS == "all" else int(RECEIPTS))
    embedded = EmbeddedStores(Pair(office, tmp_path), stores)
    played = bring_households(embedded, plans, print)
    source = Source.read(stores, frozenset().union(*(plan.baskets for plan in plans)))
    assert circles(office) == source.shopped
    assert tags_of_clients(office) == source.tags
    assert office.count(sale) == len(source.sold) == played["receipts"]
    redeemed = coupons_at_hq(office)
    assert source.coupons_after_the_first_day <= redeemed <= source.coupons
    for store in sorted(stores):
        with embedded.opened(store) as node:
            assert node.verify() == (), store
            assert cards_at_branch(node) == cards_at_hq(office, node), store
            check_what_others_did(node, store, source, redeemed)
    check_that_playing_again_changes_nothing(embedded, plans[-1])
    if len(stores) == STORES:
        assert len(source.shopped) == HOUSEHOLDS == played["cards"]
        assert sum(len(known) > 1 for known in source.shopped.values()) == IN_SEVERAL
        assert sum(map(bool, source.tags.values())) == WITH_DEMOGRAPHICS
        assert redeemed == source.coupons
        assert len(redeemed) == REDEMPTIONS == played["redemptions"]


@pytest.mark.slow
def test_programs_bring_the_households_of_their_stores(tmp_path: Path) -> None:
    plans = plan_stores(SOME_STORES[:2], receipts_per_client=1)
    office, branches = open_chain(tmp_path, SOME_STORES[:2])
    try:
        played = bring_households(BranchProcesses(branches), plans, print)
        assert played["redemptions"] == sum(len(plan.redemptions) for plan in plans) > 0
        for branch_process, plan in zip(branches.values(), plans, strict=True):
            assert branch_process.ask("sync", "verify")["equal"] is True
            redemption = plan.redemptions[-1]
            entries = branch_process.ask("client", "timeline", redemption.client)["entries"]
            assert any(f"Coupon {redemption.coupon}" in entry["text"] for entry in entries)
    finally:
        office.stop()


class Source(NamedTuple):
    """What the Parquet files say of the households of some stores, by their number."""

    shopped: dict[int, set[int]]
    """In which of these stores."""
    sold: dict[int, tuple[int, int]]
    """Of the receipts that were replayed: household and store."""
    tags: dict[int, set[str]]
    """The values of the demographics that are known."""
    coupons: set[Coupon]
    """What was redeemed on the day of the first receipt in these stores, or later."""
    coupons_after_the_first_day: set[Coupon]

    @classmethod
    def read(cls, stores: Collection[int], baskets: Collection[int]) -> Source:
        names = ["household_id", "store_id", "basket_id", "transaction_timestamp"]
        table = read_table("transactions").select(names).group_by(names[:3]).aggregate([(names[3], "min")])
        shopped: dict[int, set[int]] = defaultdict(set)
        sold: dict[int, tuple[int, int]] = {}
        first: dict[int, date] = {}
        for row in table.to_pylist():
            household, store, basket = row["household_id"], row["store_id"], row["basket_id"]
            if store in stores:
                shopped[household].add(store)
                day = row["transaction_timestamp_min"].replace(tzinfo=UTC).astimezone(ZoneInfo(TIMEZONE)).date()
                first[household] = min(first.get(household, day), day)
                if basket in baskets:
                    sold[basket] = household, store
        demographics = {row.pop("household_id"): row for row in read_table("demographics").to_pylist()}
        tags = {household: set(filter(None, demographics.get(household, {}).values())) for household in shopped}
        coupons = {
            (row["household_id"], row["campaign_id"], row["coupon_upc"], row["redemption_date"].date())
            for row in read_table("coupon_redemptions").to_pylist()
        }
        within = {coupon for coupon in coupons if coupon[0] in first and coupon[3] >= first[coupon[0]]}
        return cls(dict(shopped), sold, tags, within, {coupon for coupon in within if coupon[3] > first[coupon[0]]})


def circles(office: Office) -> dict[int, set[int]]:
    """By household the stores that know it, as the head office has them; each household is one client."""
    statement = (
        select(client.c.external_id, branch.c.code)
        .select_from(client)
        .join(client_audience, client_audience.c.client_id == client.c.id)
        .join(branch, branch.c.id == client_audience.c.branch_id)
    )
    known: dict[int, set[int]] = defaultdict(set)
    for external_id, code in office.rows(statement):
        known[int(external_id)].add(int(code.removeprefix("S")))
    assert office.count(client) == len(known)
    return known


def tags_of_clients(office: Office) -> dict[int, set[str]]:
    """By household what its tags say at the head office, without the words that say what of."""
    rows = office.rows(select(client.c.external_id, client.c.tags))
    of = re.compile(r"^(age|income|household of|kids) ")
    return {int(number): {of.sub("", tag) for tag in (tags or "").split("\n") if tag} for number, tags in rows}


def coupons_at_hq(office: Office) -> set[Coupon]:
    """The redemptions on the timelines of the head office, each of them once."""
    statement = (
        select(client.c.external_id, interaction_point.c.quote, interaction.c.at)
        .select_from(interaction)
        .join(client, client.c.id == interaction.c.client_id)
        .join(interaction_point, interaction_point.c.interaction_id == interaction.c.id)
    )
    coupons: Counter[Coupon] = Counter()
    for external_id, quote, at_us in office.rows(statement):
        said = _QUOTE.fullmatch(quote)
        assert said is not None, quote
        day = local_moment(at_us, TIMEZONE).business_date
        coupons[int(external_id), int(said[1]), int(said[2]), day] += 1
    assert set(coupons.values()) == {1}
    assert coupons.total() == office.count(interaction)
    return set(coupons)


def cards_at_branch(node: Node) -> dict[bytes, bytes]:
    """A digest of each client's card."""
    with node.store.read() as connection:
        rows = connection.execute(select(card.c.id, card.c.state).where(card.c.kind == int(RecordKind.CLIENT)))
        return {card_id: hashlib.sha256(state).digest() for card_id, state in rows}


def cards_at_hq(office: Office, node: Node) -> dict[bytes, bytes]:
    """The same at the head office of the clients whom it says that the branch knows."""
    statement = (
        select(card.c.id, card.c.state)
        .join(client_audience, client_audience.c.client_id == card.c.id)
        .where(card.c.kind == int(RecordKind.CLIENT), client_audience.c.branch_id == node.branch_id)
    )
    return {card_id: hashlib.sha256(state).digest() for card_id, state in office.rows(statement)}


def check_what_others_did(node: Node, store: int, source: Source, redeemed: Collection[Coupon]) -> None:
    """The branch holds every receipt that other stores sold to its households and every coupon that was redeemed there;
    the timeline of whoever redeemed most elsewhere shows them all."""
    bought = Counter(h for h, at in source.sold.values() if at != store and store in source.shopped[h])
    handed_in = Counter(coupon[0] for coupon in redeemed if store in source.shopped[coupon[0]])
    handed_in -= coupons_here(node)
    told = facts_of_others(node)
    assert told[RecordKind.SALE] == bought
    assert told[RecordKind.INTERACTION] == handed_in
    for household, coupons in handed_in.most_common(1):
        assert timeline_of(node, household) == {ReceiptEntry: bought[household], SpokenEntry: coupons}


def check_that_playing_again_changes_nothing(embedded: EmbeddedStores, plan: StorePlan) -> None:
    with embedded.opened(plan.store) as node:
        before = node.store.node()[1].head
        play(node.store, node.line(), Work(plan.cards, plan.receipts(), plan.redemptions))
        assert node.store.node()[1].head == before


def coupons_here(node: Node) -> Counter[int]:
    """By household how many coupons were redeemed in this store."""
    statement = select(client.c.external_id, func.count()).join(interaction, interaction.c.client_id == client.c.id)
    with node.store.read() as connection:
        rows = connection.execute(statement.group_by(client.c.external_id))
        return Counter({int(external_id): count for external_id, count in rows})


def facts_of_others(node: Node) -> dict[int, Counter[int]]:
    """By kind and household how many facts of other branches are here."""
    statement = select(neighbour_fact.c.kind, client.c.external_id, func.count()).join(
        client, client.c.id == neighbour_fact.c.client_id
    )
    found: dict[int, Counter[int]] = defaultdict(Counter)
    with node.store.read() as connection:
        for kind, external_id, count in connection.execute(statement.group_by(neighbour_fact.c.kind, client.c.id)):
            found[kind][int(external_id)] = count
    return found


def timeline_of(node: Node, household: int) -> Counter[type]:
    """What the client's page shows of other stores, by what it is."""
    with node.store.read() as connection:
        client_id = find_by_external_id(connection, str(household))
    assert client_id is not None
    told = read_client_timeline(node.store, LOCAL_ADMINISTRATOR, client_id, entries_max=ENTRIES_MAX)
    return Counter(type(entry.what) for entry in told.page.entries if entry.branch_code)
