"""What a branch that lies can put into entries, on both databases: it harms nobody but itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from hq_server.storage import effects
from hq_server.storage.branches import open_session
from hq_server.storage.rollups import compare_rollups
from hq_server.storage.tables import parked_entry, record_counter
from shared.domain.cards import Value
from shared.domain.money import AMOUNT_MINOR_MAX
from shared.domain.records import Record, RecordKind
from shared.domain.shifts import ShiftClose
from shared.errors import DecodeError, ProtocolViolation, StoreError
from shared.operations.cards import load_card, shown_fields
from shared.storage.tables import conflict, sale
from shared.sync.card_merge import FieldPatch
from shared.sync.limits import FENCE_AHEAD_MAX
from shared.wire.cards import encode_patch
from shared.wire.payloads import RECEIPTS_MAX, decode_sale, decode_shift_close, encode_sale, encode_shift_close
from tests.support.journal import JournalWriter, line
from tests.support.journal import sale as make_sale
from tests.support.office import Office

CARD = b"c" * 16


def reasons(office: Office) -> list[str]:
    return [row[0] for row in office.rows(select(parked_entry.c.reason).order_by(parked_entry.c.seq))]


@pytest.mark.parametrize("value", [("a", "b"), 5, True, b"i" * 16])
def test_a_value_of_the_wrong_type_is_parked_and_stops_nobody(office: Office, value: Value) -> None:
    rogue, honest = office.journal("B1"), office.journal("B2")
    rogue.add_edit(RecordKind.CLIENT, CARD, {}, external_id=value)
    rogue.add_sale(make_sale(1))
    office.merge(rogue, rogue.batch())
    honest.add_edit(RecordKind.CLIENT, CARD, {}, name="Anna", external_id="900")
    honest.add_sale(make_sale(1, client="900"))
    assert office.merge(honest, honest.batch()).ack.outcomes == ()
    assert reasons(office) == ["undecodable"]
    assert office.count(sale) == 2


def test_a_card_that_grows_too_large_to_be_told_is_left_as_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "CARD_STATE_BYTES_MAX", 3_000)
    rogue = office.journal("B1")
    rogue.add_edit(RecordKind.CLIENT, CARD, {}, external_id="777")
    for number in range(9):
        rogue.add_edit(RecordKind.CLIENT, CARD, {}, **{f"invented{number}": "x" * 1_000})
    rogue.add_sale(make_sale(1))
    office.merge(rogue, rogue.batch())
    assert reasons(office)[0] == "refused_by_store"
    with office.store.read() as connection:
        state = load_card(connection, RecordKind.CLIENT, CARD)
    assert state is not None
    assert shown_fields(RecordKind.CLIENT, state)["external_id"] == "777"
    assert office.count(sale) == 1


def test_sums_beyond_what_a_column_holds_are_parked_and_stay_whole_numbers(office: Office) -> None:
    journal = office.journal("B1")
    with office.store.write() as connection:
        day = make_sale(1).business_date
        row = {"branch_id": journal.branch_id, "kind": 1, "business_date": day, "records": 1, "fingerprint": 0}
        connection.execute(record_counter.insert().values(**row, amount_minor=2**63 - 10))
    journal.add_sale(make_sale(1, [line(amount=50)]))
    journal.add_sale(make_sale(2, [line(amount=1)]))
    office.merge(journal, journal.batch())
    assert reasons(office) == ["refused_by_store"]
    assert [row[0] for row in office.rows(select(record_counter.c.amount_minor))] == [2**63 - 9]
    with office.store.read() as connection:
        assert compare_rollups(connection) == []


def test_amounts_that_no_report_could_add_up_are_no_amounts() -> None:
    lines = [line(amount=0, discount=AMOUNT_MINOR_MAX)] * 10
    with pytest.raises(DecodeError, match="discounts"):
        decode_sale(encode_sale(make_sale(1, lines)))
    moment = make_sale(1).sold_at
    closed = ShiftClose(
        b"s" * 16, "1", "anna", moment, moment.business_date, "RUB", RECEIPTS_MAX + 1, 1, 1, 0, 0, 0, (), 0, 0, None
    )
    with pytest.raises(DecodeError):
        decode_shift_close(encode_shift_close(closed))


def test_a_session_that_no_head_office_has_given_is_not_believed(office: Office) -> None:
    journal = office.journal("B1")
    fence = office.open(journal).known.fence
    with pytest.raises(ProtocolViolation, match="which no head office has given"):
        hello_again(office, journal, fence + FENCE_AHEAD_MAX + 1)
    assert hello_again(office, journal, fence + 5) == fence + 6


def hello_again(office: Office, journal: JournalWriter, last_fence: int) -> int:
    with office.store.write() as connection:
        said = replace(office.hello(journal), last_fence=last_fence)
        return open_session(connection, said, office.clock.now_us()).known.fence


def test_another_branch_s_command_id_takes_nothing_away(office: Office) -> None:
    honest, rogue = office.journal("B1"), office.journal("B2")
    command_id = honest.add_edit(RecordKind.CLIENT, CARD, {}, name="Clara")
    office.merge(honest, honest.batch())
    forged = Record(RecordKind.CLIENT, CARD, patch_of("Hijacked"))
    rogue.add([forged], command_id)
    office.merge(rogue, rogue.batch())
    with office.store.read() as connection:
        state = load_card(connection, RecordKind.CLIENT, CARD)
    assert state is not None
    assert {version.value for version in state.fields["name"].live} == {"Clara", "Hijacked"}
    assert office.count(conflict) == 1


def patch_of(name: str) -> bytes:
    return encode_patch([FieldPatch("name", name)])


def test_a_database_that_refuses_for_a_reason_of_its_own_parks_nothing(office: Office) -> None:
    """A right that was taken away, a table that is gone: no entry's fault, and none is acknowledged."""
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    fence = office.open(journal).known.fence
    with office.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE payment RENAME TO payment_gone")
    with pytest.raises(StoreError):
        office.merge_raw(journal.branch_id, journal.batch(), fence)
    assert reasons(office) == []
    assert office.count(sale) == 0
