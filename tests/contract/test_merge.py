"""The merge, on both databases: whole batches, once, in order, with everything that hangs on them."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from hq_server.operations.fleet import revoke_branch
from hq_server.storage.parking import APPLIED, DUPLICATE, PARKED
from hq_server.storage.rollups import compare_rollups, rebuild_rollups
from hq_server.storage.tables import branch_cursor, command, journal_entry, parked_entry
from shared.domain.records import Record, RecordKind
from shared.errors import NotAuthorised, ProtocolViolation, SessionReplaced
from shared.storage.rollup_tables import sales_by_category, sales_by_day
from shared.storage.tables import client, conflict, payment, refund, refund_line, refund_payment, sale, sale_line
from shared.sync.messages import CardChange, CardFull
from shared.wire.payloads import encode_refund, encode_sale
from tests.support.journal import line
from tests.support.journal import refund as make_refund
from tests.support.journal import sale as make_sale
from tests.support.office import Office


def test_a_batch_becomes_rows_and_an_ack(office: Office) -> None:
    journal = office.journal("B1")
    for number in range(1, 4):
        journal.add_sale(make_sale(number, [line("1", 50), line("2", 70, quantity=2)]))
    result = office.merge(journal, journal.batch())
    assert result.ack.acknowledged == journal.head
    assert result.ack.outcomes == ()
    assert [office.count(table) for table in (sale, sale_line, payment, journal_entry, command)] == [3, 6, 3, 3, 3]


def test_what_comes_back_is_a_return_of_its_day_in_every_rollup(office: Office) -> None:
    journal = office.journal("B1")
    sale_id = journal.add_sale(make_sale(1, [line("1", 50, category="A"), line("2", 70)], "2026-10-31T12:00:00"))
    back = make_refund(2, sale_id, [(2, line("2", 70))], "2026-11-01T09:00:00", cashier="vera")
    journal.add([Record(RecordKind.REFUND, b"r" * 16, encode_refund(back))])
    office.merge(journal, journal.batch())
    assert [office.count(table) for table in (refund, refund_line, refund_payment)] == [1, 1, 1]
    by_day = select(sales_by_day.c.receipts, sales_by_day.c.returns_minor, sales_by_day.c.net_minor)
    assert office.rows(by_day.order_by(sales_by_day.c.business_date)) == [(1, 0, 120), (0, 70, -70)]
    with office.store.write() as connection:
        assert compare_rollups(connection) == []
        rebuild_rollups(connection)
        assert compare_rollups(connection) == []
    assert office.rows(by_day.order_by(sales_by_day.c.business_date)) == [(1, 0, 120), (0, 70, -70)]


def test_every_row_says_when_it_was_received(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    office.clock.advance(60)
    office.merge(journal, journal.batch())
    for table in (sale, sale_line, payment, journal_entry):
        assert {row[0] for row in office.rows(select(table.c.received_at))} == {office.clock.now_us()}


def test_entries_are_kept_as_they_came(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    office.merge(journal, journal.batch())
    assert office.rows(select(journal_entry.c.data, journal_entry.c.entry_hash)) == [
        (journal.entries[0], journal.hashes[1])
    ]


def test_a_replayed_batch_is_refused_and_changes_nothing(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    office.merge(journal, journal.batch())
    with pytest.raises(ProtocolViolation):
        office.merge(journal, journal.batch())
    assert office.count(sale) == 1


def test_a_gap_is_refused(office: Office) -> None:
    journal = office.journal("B1")
    for number in range(1, 4):
        journal.add_sale(make_sale(number))
    with pytest.raises(ProtocolViolation, match="Entry 1 was expected"):
        office.merge(journal, journal.batch(after_seq=1))
    assert office.count(journal_entry) == 0


def test_an_altered_entry_is_refused(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1, [line("1", 50)]))
    batch = journal.batch()
    other = office.journal("B2")
    other.incarnation = journal.incarnation
    other.add_sale(make_sale(1, [line("1", 5)]))
    forged = type(batch)(batch.incarnation, 1, (other.entries[0],), batch.last_hash, 1)
    with pytest.raises(ProtocolViolation, match="hash"):
        office.merge(journal, forged)
    assert office.count(sale) == 0


def test_a_command_takes_effect_once_whatever_entry_brings_it(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1), command_id=b"c" * 16)
    journal.add_sale(make_sale(2))
    office.merge(journal, journal.batch())
    journal.add_sale(make_sale(1), command_id=b"c" * 16)
    journal.add_sale(make_sale(3))
    result = office.merge(journal, journal.batch(after_seq=2))
    assert [(outcome.seq, outcome.duplicate) for outcome in result.ack.outcomes] == [(3, True)]
    assert office.count(sale) == 3
    statuses = office.rows(select(journal_entry.c.status).order_by(journal_entry.c.seq))
    assert [row[0] for row in statuses] == [APPLIED, APPLIED, DUPLICATE, APPLIED]


def test_two_branches_may_use_the_same_command_id(office: Office) -> None:
    for code in ("B1", "B2"):
        journal = office.journal(code)
        journal.add_sale(make_sale(1), command_id=b"c" * 16)
        office.merge(journal, journal.batch())
    assert office.count(sale) == 2


def test_a_poisonous_entry_is_parked_and_the_rest_flows(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    journal.add([Record(RecordKind.SALE, b"x" * 16, b"\xff\xff\xff")])
    journal.add([Record(999, b"y" * 16, b"from the future")])
    journal.add_sale(make_sale(2))
    result = office.merge(journal, journal.batch())
    assert [outcome.seq for outcome in result.ack.outcomes] == [2, 3]
    assert result.ack.acknowledged == journal.head
    assert office.count(sale) == 2
    parked = office.rows(select(parked_entry.c.seq, parked_entry.c.reason).order_by(parked_entry.c.seq))
    assert parked == [(2, "undecodable"), (3, "unknown_kind")]


def test_an_entry_that_the_store_refuses_is_parked_alone(office: Office) -> None:
    journal = office.journal("B1")
    first = journal.add_sale(make_sale(1))
    journal.add_sale(make_sale(2), sale_id=first)
    journal.add_sale(make_sale(3))
    result = office.merge(journal, journal.batch())
    assert [(o.seq, (o.parked_reason or "").split(":")[0]) for o in result.ack.outcomes] == [(2, "refused_by_store")]
    assert office.count(sale) == 2
    statuses = office.rows(select(journal_entry.c.status).order_by(journal_entry.c.seq))
    assert [row[0] for row in statuses] == [APPLIED, PARKED, APPLIED]
    with office.store.read() as connection:
        assert compare_rollups(connection) == []


def test_a_branch_may_not_edit_what_head_office_edits(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_edit(RecordKind.PRODUCT, b"p" * 16, {}, sku="1", name="Free beer")
    result = office.merge(journal, journal.batch())
    assert (result.ack.outcomes[0].parked_reason or "").startswith("not_for_branches")


def test_an_older_session_may_not_write(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    old = office.open(journal).known.fence
    office.open(journal)
    with pytest.raises(SessionReplaced):
        office.merge(journal, journal.batch(), fence=old)
    assert office.count(sale) == 0


def test_a_revoked_branch_may_not_write(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    fence = office.open(journal).known.fence
    with office.store.write() as connection:
        revoke_branch(connection, "B1", office.clock.now_us())
    with pytest.raises(NotAuthorised):
        office.merge(journal, journal.batch(), fence=fence)


def test_a_failure_after_the_rows_leaves_nothing_behind(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from hq_server.storage import merge as merge_module

    journal = office.journal("B1")
    journal.add_sale(make_sale(1, client="900"))
    fence = office.open(journal).known.fence

    def fail(*_: object) -> None:
        raise RuntimeError("the power failed")

    with monkeypatch.context() as patched:
        patched.setattr(merge_module.Merge, "_move_cursor", fail)
        with pytest.raises(RuntimeError):
            office.merge(journal, journal.batch(), fence=fence)
    assert [office.count(table) for table in (sale, journal_entry, command, sales_by_day)] == [0, 0, 0, 0]
    office.merge(journal, journal.batch(), fence=fence)
    assert office.count(sale) == 1


def test_rollups_are_what_the_facts_add_up_to(office: Office) -> None:
    journal = office.journal("B1")
    for number in range(1, 30):
        day = f"2026-{1 + number % 3:02d}-{1 + number % 5:02d}T{number % 24:02d}:30:00"
        lines = [line("1", 50 + number, category="A"), line("2", 70, category="B", discount=5), line("3", 0)]
        journal.add_sale(make_sale(number, lines, sold_at=day, cashier="anna" if number % 2 else "boris"))
    office.merge(journal, journal.batch(to_seq=10))
    office.merge(journal, journal.batch(after_seq=10))
    with office.store.read() as connection:
        assert compare_rollups(connection) == []
    with office.store.write() as connection:
        connection.execute(update(sales_by_category).values(net_minor=sales_by_category.c.net_minor + 1))
    with office.store.read() as connection:
        assert compare_rollups(connection) != []


def test_two_branches_that_edit_one_client_leave_a_conflict_with_both_values(office: Office) -> None:
    first, second = office.journal("B1"), office.journal("B2")
    card = b"k" * 16
    origin = first.add_edit(RecordKind.CLIENT, card, {}, name="Anna", external_id="900")
    office.merge(first, first.batch())
    office.clock.advance(1)
    first.add_edit(RecordKind.CLIENT, card, {"name": (origin,)}, name="Anna Petrova")
    office.merge(first, first.batch(after_seq=1))
    office.clock.advance(1)
    second.add_edit(RecordKind.CLIENT, card, {"name": (origin,)}, name="Anna Orlova")
    office.merge(second, second.batch())
    found = office.rows(select(conflict.c.older_value, conflict.c.newer_value, conflict.c.closed_at))
    assert found == [('"Anna Petrova"', '"Anna Orlova"', None)]
    assert office.rows(select(client.c.name)) == [("Anna Orlova",)]


def test_the_branch_whose_value_is_not_shown_learns_it(office: Office) -> None:
    first, second = office.journal("B1"), office.journal("B2")
    card = b"k" * 16
    second.add_edit(RecordKind.CLIENT, card, {}, name="Older")
    office.clock.advance(1)
    first.add_edit(RecordKind.CLIENT, card, {}, name="Newer")
    office.merge(first, first.batch())
    result = office.merge(second, second.batch())
    (outcome,) = result.ack.outcomes
    assert [(lost.field, lost.winner_command_id) for lost in outcome.fields_lost] == [("name", first.command_ids[0])]


def test_an_edit_that_saw_both_values_closes_the_conflict(office: Office) -> None:
    first, second = office.journal("B1"), office.journal("B2")
    card = b"k" * 16
    one = first.add_edit(RecordKind.CLIENT, card, {}, name="One")
    office.merge(first, first.batch())
    two = second.add_edit(RecordKind.CLIENT, card, {}, name="Two")
    office.merge(second, second.batch())
    office.clock.advance(1)
    settled = first.add_edit(RecordKind.CLIENT, card, {"name": (one, two)}, name="Three")
    office.merge(first, first.batch(after_seq=1))
    assert office.rows(select(conflict.c.closed_by_command_id)) == [(settled,)]
    assert office.rows(select(client.c.name)) == [("Three",)]


def test_a_branch_that_names_a_client_receives_the_card(office: Office) -> None:
    owner, buyer = office.journal("B1"), office.journal("B2")
    owner.add_edit(RecordKind.CLIENT, b"k" * 16, {}, name="Anna", external_id="900")
    office.merge(owner, owner.batch())
    buyer.add_sale(make_sale(1, client="900"))
    office.merge(buyer, buyer.batch())
    assert [type(record) for record in office.feed_of(buyer.branch_id)][-1] is CardFull


def test_a_client_that_was_named_before_it_existed_reaches_who_named_it(office: Office) -> None:
    owner, buyer = office.journal("B1"), office.journal("B2")
    buyer.add_sale(make_sale(1, client="900"))
    office.merge(buyer, buyer.batch())
    owner.add_edit(RecordKind.CLIENT, b"k" * 16, {}, name="Anna", external_id="900")
    office.merge(owner, owner.batch())
    assert [type(record) for record in office.feed_of(buyer.branch_id)][-1] is CardFull


def test_an_edit_reaches_the_other_branches_that_know_the_client_and_not_its_maker(office: Office) -> None:
    owner, buyer, stranger = office.journal("B1"), office.journal("B2"), office.journal("B3")
    origin = owner.add_edit(RecordKind.CLIENT, b"k" * 16, {}, name="Anna", external_id="900")
    office.merge(owner, owner.batch())
    buyer.add_sale(make_sale(1, client="900"))
    office.merge(buyer, buyer.batch())
    before = {journal: len(office.feed_of(journal.branch_id)) for journal in (owner, buyer, stranger)}
    owner.add_edit(RecordKind.CLIENT, b"k" * 16, {"name": (origin,)}, name="Anna P.")
    office.merge(owner, owner.batch(after_seq=1))
    after = {journal: office.feed_of(journal.branch_id)[before[journal] :] for journal in before}
    assert [type(record) for record in after[buyer]] == [CardChange]
    assert after[owner] == []
    assert after[stranger] == []


def test_the_cursor_counts_entries_and_remembers_the_branch_head(office: Office) -> None:
    journal = office.journal("B1")
    for number in range(1, 6):
        journal.add_sale(make_sale(number))
    office.merge(journal, journal.batch(to_seq=2))
    rows = office.rows(select(branch_cursor.c.entries, branch_cursor.c.acknowledged_seq, branch_cursor.c.head_seq))
    assert rows == [(2, 2, 5)]


@pytest.mark.parametrize("code", [b"R\x00B", b"R\xd1\x8f", b"1.5"])
def test_a_sale_that_breaks_its_own_types_is_parked_not_lost(office: Office, code: bytes) -> None:
    journal = office.journal("B1")
    payload = encode_sale(make_sale(1)).replace(b"RUB", code)
    journal.add([Record(RecordKind.SALE, b"x" * 16, payload)])
    journal.add_sale(make_sale(2))
    result = office.merge(journal, journal.batch())
    assert result.ack.acknowledged == journal.head
    assert [outcome.seq for outcome in result.ack.outcomes] == [1]
    assert office.count(sale) == 1
