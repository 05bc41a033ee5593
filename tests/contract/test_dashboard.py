"""What one looks at first at the head office, on both databases: today against a week ago, who is missing, the cash."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hq_server.operations.dashboard import CASH_SHOWN_MAX, Dashboard, read_dashboard
from shared.domain.business_time import MICROSECONDS
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission
from shared.domain.records import Record, RecordKind
from shared.wire.payloads import encode_shift_close
from tests.support.journal import line, z_report
from tests.support.journal import sale as make_sale
from tests.support.office import Office

ZONE = "Europe/Moscow"
"""It is 19:00 on Monday 23 November 2026 there."""


def look(office: Office, *permissions: Permission) -> Dashboard:
    actor: Actor = LOCAL_ADMINISTRATOR
    if permissions:
        actor = replace(actor, permissions=frozenset(permissions))
    with office.store.read() as connection:
        return read_dashboard(connection, actor, ZONE, office.clock.now_us(), 15)


def sell(office: Office, code: str, *sold: tuple[str, int]) -> None:
    """Sales of a new branch: moment and amount of each."""
    journal = office.journal(code)
    for number, (moment, amount) in enumerate(sold, 1):
        journal.add_sale(make_sale(number, [line("1", amount, 1, 0, None)], moment))
    office.merge(journal, journal.batch())


def test_whole_hours_of_today_stand_against_the_same_hours_a_week_ago(office: Office) -> None:
    sell(
        office,
        "B1",
        ("2026-11-23T10:05:00", 300),
        ("2026-11-23T19:00:00", 50),
        ("2026-11-16T10:59:00", 200),
        ("2026-11-16T19:30:00", 7_000),
        ("2026-11-15T10:00:00", 9_000),
    )
    today = look(office).today
    assert today is not None
    assert (today.net_minor, today.receipts) == (350, 2)
    assert (today.whole_hours_minor, today.before_minor, today.change_basis_points) == (300, 200, 5_000)
    assert today.hours == ((10, 300, 200), (19, 50, 7_000))


def test_a_chain_that_sold_nothing_has_nothing_to_compare(office: Office) -> None:
    found = look(office)
    assert found.today is not None
    assert (found.today.net_minor, found.today.change_basis_points, found.today.hours) == (0, None, ())
    assert found.missing == ()


def test_the_branches_that_are_missed_most_come_first(office: Office) -> None:
    sell(office, "B1", ("2026-11-23T10:05:00", 100))
    sell(office, "B2", ("2026-11-23T10:05:00", 900))
    assert [each.branch for each in look(office).missing] == ["B2", "B1"]


def close(office: Office, code: str, *variances: int | None) -> None:
    journal = office.journal(code)
    for place, variance in enumerate(variances):
        moment = f"2026-11-{20 + place // 10:02d}T{10 + place % 10}:00:00"
        report = replace(z_report(1, 100, moment), expected_cash_minor=10_000, cashier=f"c{place}")
        counted = None if variance is None else 10_000 + variance
        payload = encode_shift_close(replace(report, counted_cash_minor=counted))
        journal.add([Record(RecordKind.SHIFT_CLOSE, office.ids.new_id(), payload)])
    office.merge(journal, journal.batch())


def test_cash_that_differs_is_summed_and_the_largest_shown(office: Office) -> None:
    close(office, "B1", 0, -300, 20, None, -5_000, 1, 2, 3, 4)
    cash = look(office).cash
    assert cash is not None
    assert (cash.shifts, cash.differing, cash.short_minor, cash.over_minor) == (8, 7, -5_300, 30)
    assert len(cash.largest) == CASH_SHOWN_MAX
    first = cash.largest[0]
    assert (first.branch_code, first.cashier, first.variance_minor) == ("B1", "c4", -5_000)
    assert first.business_date == date(2026, 11, 20)


def test_shifts_of_longer_ago_are_left_to_the_report(office: Office) -> None:
    close(office, "B1", -300)
    office.clock.advance(7 * 86_400)
    cash = look(office).cash
    assert cash is not None
    assert cash.shifts == 0


def test_each_sees_what_he_may(office: Office) -> None:
    close(office, "B1", -300)
    seller = look(office, Permission.REPORT_CHAIN)
    assert seller.cash is None
    assert seller.today is not None
    auditor = look(office, Permission.AUDIT_VIEW)
    assert auditor.today is None
    assert auditor.cash is not None
    nobody = look(office, Permission.CATALOG_EDIT)
    assert (nobody.today, nobody.completeness, nobody.cash) == (None, None, None)


def test_each_branch_has_the_hour_of_its_own_zone(office: Office) -> None:
    """It is 23:00 in Novosibirsk: its ten o'clock in the evening is a whole hour, Moscow's seven is not yet."""
    from hq_server.operations.fleet import change_branch

    sell(office, "NSK", ("2026-11-23T19:30:00", 10))
    with office.store.write() as connection:
        change_branch(connection, office.ids, office.clock.now_us(), "NSK", timezone="Asia/Novosibirsk")
    sell(office, "MSK", ("2026-11-23T19:00:00", 5))
    today = look(office).today
    assert today is not None
    assert (today.net_minor, today.whole_hours_minor) == (15, 10)
    assert office.clock.now_us() % MICROSECONDS == 0
