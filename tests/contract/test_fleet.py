"""Adding branches and changing their settings, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from hq_server.operations.fleet import add_branch, change_branch, revoke_branch
from hq_server.operations.importing import import_catalog
from hq_server.storage.feed import number_feed
from hq_server.storage.tables import branch, chain
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound, Refused
from shared.operations.tabular_files import FileRow
from shared.sync.messages import CardChange, CardForgotten, CardFull, FeedRecord
from tests.support.office import Office


def change(office: Office, code: str, **settings: Any) -> None:
    office.clock.advance(1)
    with office.store.write() as connection:
        change_branch(connection, office.ids, office.clock.now_us(), code, **settings)
    number_feed(office.store, office.clock.now_us())


def prices_of(records: list[FeedRecord]) -> list[FeedRecord]:
    return [record for record in records if record.kind == RecordKind.PRICE]


def test_a_branch_has_the_chains_zone_unless_it_names_one(office: Office) -> None:
    assert office.add_branch("B1").timezone == "Europe/Moscow"
    with office.store.write() as connection:
        row = add_branch(connection, office.ids, 0, "B2", "Shop", "Asia/Omsk", "")
    assert (row.timezone, row.name) == ("Asia/Omsk", "Shop")


@pytest.mark.parametrize(("code", "timezone"), [("", None), ("x" * 65, None), (" B1", None), ("B1", "Mars/Olympus")])
def test_bad_codes_and_zones_are_refused(office: Office, code: str, timezone: str | None) -> None:
    with office.store.write() as connection, pytest.raises(InvalidInput):
        add_branch(connection, office.ids, 0, code, None, timezone, "")


def test_a_code_is_given_once(office: Office) -> None:
    office.add_branch("B1")
    with pytest.raises(AlreadyExists):
        office.add_branch("B1")


def test_a_branch_is_told_its_settings_and_their_changes(office: Office) -> None:
    row = office.add_branch("B1")
    number_feed(office.store, 0)
    change(office, "B1", name="Centre", timezone="Asia/Omsk")
    first, second = office.feed_of(row.id)
    assert isinstance(first, CardFull)
    assert isinstance(second, CardChange)
    assert {patch.field: patch.value for patch in second.patches} == {"name": "Centre", "timezone": "Asia/Omsk"}


def test_other_branches_are_not_told(office: Office) -> None:
    office.add_branch("B1")
    other = office.add_branch("B2")
    number_feed(office.store, 0)
    before = len(office.feed_of(other.id))
    change(office, "B1", name="Centre")
    assert len(office.feed_of(other.id)) == before


def test_a_branch_that_changes_its_price_zone_gets_the_new_prices_and_forgets_the_old(office: Office) -> None:
    row = office.add_branch("B1", price_zone="north")
    rows = [
        FileRow(2, {"sku": "1", "price_minor": "100", "zone": "north"}),
        FileRow(3, {"sku": "1", "price_minor": "200", "zone": "south"}),
        FileRow(4, {"sku": "1", "price_minor": "300"}),
    ]
    with office.store.write() as connection:
        import_catalog(connection, office.ids, 0, office.chain.chain_id, "RUB", rows)
    number_feed(office.store, 0)
    before = len(office.feed_of(row.id))
    change(office, "B1", price_zone="south")
    told = prices_of(office.feed_of(row.id)[before:])
    assert [type(record) for record in told] == [CardForgotten, CardFull]


def test_a_change_is_noticed_by_running_servers(office: Office) -> None:
    office.add_branch("B1")
    before = office.rows(select(chain.c.fleet_revision))[0][0]
    change(office, "B1", name="Centre")
    with office.store.write() as connection:
        revoke_branch(connection, "B1", 5)
    assert office.rows(select(chain.c.fleet_revision))[0][0] == before + 2
    assert office.rows(select(branch.c.revoked_at)) == [(5,)]


def test_nothing_to_change_and_nobody_to_change_are_said(office: Office) -> None:
    office.add_branch("B1")
    with pytest.raises(InvalidInput):
        change(office, "B1")
    with pytest.raises(NotFound):
        change(office, "nowhere", name="x")
    with office.store.write() as connection:
        revoke_branch(connection, "B1", 5)
    with office.store.write() as connection, pytest.raises(Refused):
        revoke_branch(connection, "B1", 6)
