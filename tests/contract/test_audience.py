"""Who is told of a client, on both databases: those who know the card, and those who named it in a sale."""

from __future__ import annotations

from sqlalchemy import select

from hq_server.operations.editing import HqEdit
from hq_server.storage.audience import note_references
from hq_server.storage.feed import Publication, audience_of_branch
from hq_server.storage.tables import client_audience, client_reference
from shared.domain.cards import Value
from shared.domain.records import RecordKind
from shared.operations.cards import load_card
from shared.sync.card_merge import HQ_ORIGIN
from shared.sync.messages import CardChange, CardFull
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
    with office.store.write() as connection:
        return note_references(connection, branch_id, external_ids, office.clock.now_us())


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
