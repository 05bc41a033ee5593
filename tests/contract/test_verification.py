"""What `filial-hq sync verify` finds, on both databases: an altered, a missing, an uncounted and a parked entry."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from hq_server.operations.verification import Verification, repair_branch, verify_branch
from hq_server.storage.branches import branch_by_id
from hq_server.storage.parking import count_parked, list_parked, parked_by_branch
from hq_server.storage.tables import branch_cursor, journal_entry, parked_entry, record_counter
from shared.domain.records import Record, RecordKind
from shared.sync.card_merge import FieldPatch
from shared.wire.cards import encode_patch
from shared.wire.payloads import encode_sale
from tests.support.journal import JournalWriter, sale
from tests.support.office import Office


def merged(office: Office, count: int = 5) -> JournalWriter:
    journal = office.journal("B1")
    for number in range(1, count + 1):
        journal.add_sale(sale(number))
    office.merge(journal, journal.batch())
    return journal


def verify(office: Office, journal: JournalWriter) -> Verification:
    with office.store.read() as connection:
        return verify_branch(connection, branch_by_id(connection, journal.branch_id))


def test_an_unaltered_chain_is_equal(office: Office) -> None:
    journal = merged(office)
    assert verify(office, journal) == Verification("B1", 5, journal.head, ())


def test_a_branch_that_never_spoke_is_equal(office: Office) -> None:
    assert verify(office, office.journal("B1")).differences == ()


def test_an_altered_entry_is_named(office: Office) -> None:
    journal = merged(office)
    with office.store.write() as connection:
        forged = journal.entries[2][:-1] + bytes([journal.entries[2][-1] ^ 1])
        connection.execute(update(journal_entry).where(journal_entry.c.seq == 3).values(data=forged))
    first, *_ = verify(office, journal).differences
    assert first.startswith("Entry 3 ")


def test_an_entry_that_cannot_be_read_is_named(office: Office) -> None:
    journal = merged(office)
    with office.store.write() as connection:
        connection.execute(update(journal_entry).where(journal_entry.c.seq == 2).values(data=b"\xff"))
    first, *_ = verify(office, journal).differences
    assert first.startswith("Entry 2 cannot be read")


def test_a_missing_entry_is_named_and_the_count_differs(office: Office) -> None:
    journal = merged(office)
    with office.store.write() as connection:
        connection.execute(delete(journal_entry).where(journal_entry.c.seq == 4))
    assert verify(office, journal).differences == (
        "Entry 4 is missing.",
        "4 entries are stored, 3 are in unbroken chains, 5 were counted.",
    )


def test_a_chain_that_ends_before_its_acknowledged_head_is_told(office: Office) -> None:
    journal = merged(office)
    with office.store.write() as connection:
        connection.execute(update(branch_cursor).values(acknowledged_seq=6))
    assert verify(office, journal).differences == ("The chain ends at entry 5, but 6 were acknowledged.",)


def test_parked_entries_are_a_difference_until_they_are_resolved(office: Office) -> None:
    journal = merged(office, 1)
    journal.add([Record(999, b"y" * 16, b"from the future")])
    office.merge(journal, journal.batch(1))
    assert verify(office, journal).differences == (
        "1 entries are parked: held, but not applied. See: filial-hq sync parked",
    )
    with office.store.write() as connection:
        assert count_parked(connection, journal.branch_id) == 1
        assert parked_by_branch(connection) == {journal.branch_id: 1}
        assert [(row.code, row.seq, row.reason) for row in list_parked(connection)] == [("B1", 2, "unknown_kind")]
        connection.execute(update(parked_entry).values(resolved_at=office.clock.now_us()))
    with office.store.read() as connection:
        assert count_parked(connection, journal.branch_id) == 0
        assert parked_by_branch(connection) == {}
        assert list_parked(connection) == []
    assert verify(office, journal).differences == ()


def test_the_sale_of_an_entry_whose_edits_alone_wait_is_counted(office: Office) -> None:
    """A clock that was ahead: the facts were applied, only the patches are parked."""
    journal = office.journal("B1")
    office.clock.advance(3_600)
    patch = encode_patch([FieldPatch("name", "Anna")])
    fact = encode_sale(sale(1))
    journal.add([Record(RecordKind.SALE, b"s" * 16, fact), Record(RecordKind.CLIENT, b"c" * 16, patch)])
    office.clock.advance(-3_600)
    office.merge(journal, journal.batch())
    with office.store.write() as connection:
        row = branch_by_id(connection, journal.branch_id)
        (only,) = verify_branch(connection, row, deep=True).differences
        assert only.startswith("1 entries are parked")
        assert repair_branch(connection, row).done == []
    assert office.rows(select(record_counter.c.records)) == [(1,)]
