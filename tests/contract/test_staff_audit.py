"""Acts without right, on both databases: they are taken when they arrive, and named for audit."""

from __future__ import annotations

from datetime import date

import pytest

from hq_server.operations.people import Personnel, Placement
from hq_server.operations.staff_audit import audit_staff
from shared.domain.branch_facts import CashMovement
from shared.domain.business_time import parse_local
from shared.domain.permissions import ROLES, Permission, Role
from shared.domain.records import Record, RecordKind
from shared.domain.shifts import ShiftClose, ShiftOpen
from shared.storage.tables import sale as sale_table
from shared.wire.payloads import encode_branch_fact, encode_refund, encode_shift_close, encode_shift_open
from tests.support.clock import START_US
from tests.support.journal import ZONE, JournalWriter, line, refund, sale
from tests.support.office import Office
from tests.support.staff import TODAY

HIRED = TODAY - 10
"""2026-11-13; the test's day is the 23rd, 19:00 in Moscow."""


@pytest.fixture
def journal(office: Office) -> JournalWriter:
    """Branch B1, where anna is a cashier since HIRED; there is a B2 as well."""
    journal = office.journal("B1")
    office.add_branch("B2")
    people(office).hire("anna", "Anna", Placement("cashier", ("B1",), None, HIRED))
    return journal


def people(office: Office) -> PeopleInTransactions:
    return PeopleInTransactions(office)


class PeopleInTransactions:
    """Each change in a transaction of its own, a second after the last."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def hire(self, code: str, name: str, placement: Placement) -> None:
        with self.office.store.write() as connection:
            self._personnel(connection).hire(code, name, placement)

    def place(self, code: str, placement: Placement) -> None:
        with self.office.store.write() as connection:
            self._personnel(connection).place(code, placement)

    def dismiss(self, code: str, day: int | None = None) -> None:
        with self.office.store.write() as connection:
            self._personnel(connection).dismiss(code, day)

    def set_role(self, role: Role, archived: bool = False) -> None:
        with self.office.store.write() as connection:
            self._personnel(connection).set_role(role, archived=archived)

    def _personnel(self, connection: object) -> Personnel:
        self.office.clock.advance(1)
        return Personnel(connection, self.office.ids, self.office.clock.now_us())  # type: ignore[arg-type]


def sell(office: Office, journal: JournalWriter, *moments: str, cashier: str = "anna") -> None:
    """Sales at these local times, merged."""
    before = journal.head.seq
    for moment in moments:
        journal.add_sale(sale(journal.head.seq + 1, sold_at=moment, cashier=cashier))
    office.merge(journal, journal.batch(after_seq=before))


def found(office: Office, first: date | None = None, last: date | None = None) -> list[str]:
    """The acts without right, one line each."""
    with office.store.read() as connection:
        acts = audit_staff(connection, first, last)
    return [
        f"{act.business_date} {act.branch_code} {act.employee_code} {act.kind} {act.acts}: {act.reason}" for act in acts
    ]


def test_who_does_what_the_position_allows_is_not_listed(office: Office, journal: JournalWriter) -> None:
    sell(office, journal, "2026-11-13T09:00:00", "2026-11-23T18:00:00")
    assert found(office) == []


def test_what_came_before_the_first_position_and_what_free_codes_did_is_no_offence(
    office: Office, journal: JournalWriter
) -> None:
    sell(office, journal, "2026-11-12T23:59:59")
    sell(office, journal, "2026-11-20T12:00:00", cashier="somebody")
    assert found(office) == []


def test_sales_after_a_dismissal_are_taken_and_listed_to_the_minute(office: Office, journal: JournalWriter) -> None:
    sell(office, journal, "2026-11-23T10:00:00", "2026-11-23T18:59:00")
    office.clock.set(START_US)
    people(office).dismiss("anna")
    sell(office, journal, "2026-11-23T19:00:30", "2026-11-23T19:00:40", "2026-11-24T10:00:00")
    assert office.count(sale_table) == 5
    assert found(office) == [
        "2026-11-23 B1 anna sale 2: after dismissal",
        "2026-11-24 B1 anna sale 1: after dismissal",
    ]


def test_of_a_dismissal_dated_back_the_day_counts(office: Office, journal: JournalWriter) -> None:
    people(office).dismiss("anna", TODAY - 3)
    sell(office, journal, "2026-11-19T10:00:00", "2026-11-20T10:00:00", "2026-11-21T10:00:00")
    assert found(office) == [
        "2026-11-20 B1 anna sale 1: after dismissal",
        "2026-11-21 B1 anna sale 1: after dismissal",
    ]
    assert found(office, date(2026, 11, 21), date(2026, 11, 21)) == ["2026-11-21 B1 anna sale 1: after dismissal"]
    assert found(office, last=date(2026, 11, 19)) == []


def test_of_a_dismissal_to_come_only_what_comes_after_it(office: Office, journal: JournalWriter) -> None:
    people(office).dismiss("anna", TODAY + 1)
    sell(office, journal, "2026-11-23T20:00:00", "2026-11-24T00:00:01")
    assert found(office) == ["2026-11-24 B1 anna sale 1: after dismissal"]


def test_sales_at_another_branch_and_on_days_without_a_position_are_listed(
    office: Office, journal: JournalWriter
) -> None:
    people(office).hire("boris", "Boris", Placement("cashier", ("B2",), None, HIRED, TODAY - 2))
    sell(office, journal, "2026-11-20T10:00:00", "2026-11-22T10:00:00", cashier="boris")
    assert found(office) == [
        "2026-11-20 B1 boris sale 1: does not work at B1 on that day",
        "2026-11-22 B1 boris sale 1: no position on that day",
    ]
    people(office).place("boris", Placement("cashier", ("*",), None, HIRED))
    assert found(office) == []


def test_shifts_are_judged_by_the_role_of_their_day(office: Office, journal: JournalWriter) -> None:
    people(office).place("anna", Placement("auditor", ("B1",), None, TODAY - 1))
    for moment, implicit in (
        ("2026-11-21T09:00:00", False),
        ("2026-11-22T09:00:00", False),
        ("2026-11-23T09:00:00", True),
    ):
        at = parse_local(moment, ZONE, "at")
        opened = ShiftOpen("1", "anna", at, at.business_date, implicit, 0, "RUB")
        journal.add([Record(RecordKind.SHIFT_OPEN, office.ids.new_id(), encode_shift_open(opened))])
    at = parse_local("2026-11-22T20:00:00", ZONE, "at")
    closed = ShiftClose(b"s" * 16, "1", "anna", at, at.business_date, "RUB", 0, 0, 0, 0, 0, 0, (), 0, 0, None)
    journal.add([Record(RecordKind.SHIFT_CLOSE, office.ids.new_id(), encode_shift_close(closed))])
    office.merge(journal, journal.batch())
    sell(office, journal, "2026-11-22T12:00:00")
    assert found(office) == [
        "2026-11-22 B1 anna sale 1: the role auditor lacks sale.make",
        "2026-11-22 B1 anna shift_close 1: the role auditor lacks shift.close",
        "2026-11-22 B1 anna shift_open 1: the role auditor lacks shift.open",
    ]
    people(office).set_role(Role("auditor", "", "", frozenset(Permission)))
    assert found(office) == []


def test_refunds_and_cash_are_judged_too_but_not_what_somebody_allowed(office: Office, journal: JournalWriter) -> None:
    sold = journal.add_sale(sale(1, sold_at="2026-11-21T12:00:00"))
    loose = [(0, line("1", 50))]
    facts = [
        refund(2, sold, [(1, line("1", 50))], "2026-11-21T13:00:00")._replace(sale_receipt="1-000001"),
        refund(3, None, loose, "2026-11-21T14:00:00"),
        refund(4, None, loose, "2026-11-21T15:00:00")._replace(authorised_by="boss"),
    ]
    for number, fact in enumerate(facts):
        journal.add([Record(RecordKind.REFUND, b"r%015d" % number, encode_refund(fact))])
    at = parse_local("2026-11-21T16:00:00", ZONE, "at")
    moved = CashMovement(b"s" * 16, "1", "anna", "out", 50, "bread", at)
    journal.add([Record(RecordKind.CASH_MOVEMENT, b"c" * 16, encode_branch_fact(moved))])
    office.merge(journal, journal.batch())
    people(office).place("anna", Placement("auditor", ("B1",), None, TODAY - 2))
    assert found(office) == [
        "2026-11-21 B1 anna cash_movement 1: the role auditor lacks cash.move",
        "2026-11-21 B1 anna refund 1: the role auditor lacks refund.by_receipt",
        "2026-11-21 B1 anna refund without receipt 1: the role auditor lacks refund.without_receipt",
        "2026-11-21 B1 anna sale 1: the role auditor lacks sale.make",
    ]


def test_a_role_that_is_put_away_allows_nothing(office: Office, journal: JournalWriter) -> None:
    sell(office, journal, "2026-11-20T10:00:00")
    people(office).set_role(ROLES["cashier"], archived=True)
    assert found(office) == ["2026-11-20 B1 anna sale 1: the role cashier lacks sale.make"]
