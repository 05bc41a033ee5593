"""Who is told of what, on both databases: of a client those who know the card or named it, of a price its zone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hq_server.operations.editing import HqEdit
from hq_server.operations.fleet import change_branch
from hq_server.storage import audience
from hq_server.storage.audience import new_references, read_feed_of, reference_row, welcome_references
from hq_server.storage.feed import Publication, audience_of_branch, audience_of_zone, number_feed, read_head
from hq_server.storage.tables import client_audience, client_reference
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.operations.cards import load_card, shown_fields
from shared.sync.card_merge import HQ_ORIGIN
from shared.sync.messages import CardChange, CardForgotten, CardFull, FeedCursor, FeedRecord
from shared.wire.cards import decode_state
from shared.wire.exchange import decode_feed_record
from tests.support.office import Office


def edit(office: Office, client_id: bytes, **fields: Value) -> HqEdit:
    """An edit of a client at the head office, applied."""
    office.clock.advance(1)
    with office.store.write() as connection:
        work = HqEdit(connection, office.ids, office.clock.now_us())
        prepared = work.prepare(RecordKind.CLIENT, client_id, fields)
        work.apply([prepared] if prepared else [])
    return work


def note(office: Office, branch_id: bytes, *external_ids: str) -> list[Publication]:
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        new = new_references(connection, {(branch_id, name) for name in external_ids})
        office.store.bulk.insert(connection, client_reference, [reference_row(each, now_us) for each in new])
        return welcome_references(connection, new, now_us)


def members(office: Office) -> set[bytes]:
    return {row[0] for row in office.rows(select(client_audience.c.branch_id))}


def test_a_branch_that_names_a_client_is_told_the_whole_card_once(office: Office) -> None:
    branch, client_id = office.add_branch("B1"), office.ids.new_id()
    edit(office, client_id, first_name="Anna", external_id="900")
    (told,) = note(office, branch.id, "900", "unknown")
    assert told.audience == audience_of_branch(branch.id)
    assert isinstance(told.record, CardFull)
    assert (told.record.kind, told.record.card_id) == (RecordKind.CLIENT, client_id)
    assert members(office) == {branch.id}
    assert note(office, branch.id, "900") == []
    assert office.count(client_reference) == 2


def test_a_client_that_comes_after_its_sale_reaches_the_branch_that_named_it(office: Office) -> None:
    named = office.journal("B1")
    assert note(office, named.branch_id, "900") == []
    edit(office, office.ids.new_id(), first_name="Anna", external_id="900")
    assert members(office) == {named.branch_id}


def test_an_edit_goes_to_those_who_know_the_card_and_to_nobody_else(office: Office) -> None:
    knows, stranger = office.journal("B1"), office.journal("B2")
    client_id = knows.ids.new_id()
    knows.add_edit(RecordKind.CLIENT, client_id, {}, first_name="Anna", external_id="900")
    office.merge(knows, knows.batch())
    edit(office, client_id, first_name="Anne")
    stranger.add_edit(RecordKind.CLIENT, stranger.ids.new_id(), {}, first_name="Boris")
    office.merge(stranger, stranger.batch())  # numbers the feed
    (change,) = [told for told in office.feed_of(knows.branch_id) if isinstance(told, CardChange)]
    assert [(patch.field, patch.value) for patch in change.patches] == [("first_name", "Anne")]
    assert client_id not in {
        told.card_id for told in office.feed_of(stranger.branch_id) if isinstance(told, CardChange)
    }


def test_many_references_are_noted_at_once(office: Office) -> None:
    branch = office.add_branch("B1")
    client_ids = [office.ids.new_id() for _ in range(3)]
    for number, client_id in enumerate(client_ids):
        edit(office, client_id, external_id=str(number * 600))
    told = note(office, branch.id, *(str(number) for number in range(1_500)))
    assert {each.record.card_id for each in told} == set(client_ids)
    assert office.count(client_reference) == 1_500


def test_an_edit_at_head_office_changes_what_it_names_once(office: Office) -> None:
    client_id = office.ids.new_id()
    first = edit(office, client_id, first_name="Anna", city="Tver")
    again = edit(office, client_id, first_name="Anna", city="Tver")
    assert first.stamp.branch_id == again.stamp.branch_id == HQ_ORIGIN
    assert again.stamp.hlc > first.stamp.hlc
    with office.store.read() as connection:
        work = load_card(connection, RecordKind.CLIENT, client_id)
    assert work is not None
    assert {version.stamp.command_id for known in work.fields.values() for version in known.live} == {
        first.stamp.command_id
    }


def test_the_feed_is_read_for_the_zone_that_the_branch_was_in_by_then(office: Office) -> None:
    """A cursor must mean the same to a head office that was restored from before the branch changed its zone."""
    row = office.add_branch("B1", "east")
    price(office, "east", 1)
    price(office, "west", 2)
    with office.store.write() as connection:
        change_branch(connection, office.ids, office.clock.now_us(), "B1", price_zone="west")
    price(office, "east", 3)
    price(office, "west", 4)
    number_feed(office.store, office.clock.now_us())
    cursor, amounts, stops = FeedCursor(), [], []
    with office.store.read() as connection:
        while cursor.position < read_head(connection).position:
            read = read_feed_of(connection, row.id, cursor, 100, 10**6)
            cursor = read.cursor
            stops.append(cursor.position)
            records = [decode_feed_record(data) for data in read.records]
            amounts += [record for record in records if record.kind == RecordKind.PRICE]
    told = [
        "forgotten"
        if isinstance(record, CardForgotten)
        else next(v for v in shown(record).values() if isinstance(v, int))
        for record in amounts
    ]
    # The zone's edits while it was in it, then what it loses and gains with the change, then the new zone's.
    assert told == [1, "forgotten", 2, 4]
    assert stops == [1, 4, 8]


def test_settings_are_found_by_their_own_index(office: Office) -> None:
    if office.store.dialect != "sqlite":
        pytest.skip("PostgreSQL scans a table this small")
    with office.store.read() as connection:
        statement = str(audience._SETTINGS.compile(connection.engine))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (b"b" * 16,)).all()
    assert "feed_of_settings" in plan[0][-1]


def price(office: Office, zone: str, amount_minor: int) -> None:
    with office.store.write() as connection:
        edit = HqEdit(connection, office.ids, office.clock.now_us())
        price_id = derived_id("price", zone.encode())
        prepared = edit.prepare(RecordKind.PRICE, price_id, {"zone": zone, "amount_minor": amount_minor})
        edit.apply([prepared] if prepared else [], {price_id: audience_of_zone(zone)})


def shown(record: FeedRecord) -> dict[str, Value]:
    match record:
        case CardFull(kind, _, state):
            return shown_fields(kind, decode_state(state))
        case CardChange(_, _, _, patches):
            return {patch.field: patch.value for patch in patches}
    return {}
