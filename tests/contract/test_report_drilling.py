"""What a row rests on, on both databases: whatever it is grouped and filtered by, the list adds up to the row."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from sqlalchemy import select

from shared.domain.business_time import parse_local
from shared.domain.interactions import Interaction
from shared.domain.records import Record, RecordKind
from shared.errors import InvalidInput, NotFound, Refused
from shared.reports import drilling
from shared.reports.fact_lists import did
from shared.reports.parameters import ReportAsk, ReportParameters
from shared.reports.registry import find_report
from shared.storage.tables import sale
from shared.wire.client_payloads import encode_interaction
from shared.wire.payloads import encode_refund
from tests.contract.test_report_running import hire
from tests.support.drilled import answered, listed, require_adds_up
from tests.support.journal import line, refund
from tests.support.journal import sale as make_sale
from tests.support.office import Office

SALES, CALLS = find_report("sales"), find_report("calls")
DIMENSIONS = tuple(SALES.dimensions)


def sell_some(office: Office) -> None:
    """Sales and refunds of two branches over three months, some without client or category."""
    source = random.Random(11)
    for code in ("B1", "B2"):
        journal = office.journal(code)
        for number in range(1, 25):
            lines = [
                line(source.choice("1234"), source.randint(100, 190), 1, 0, source.choice([None, "A", "B"]))
                for _ in range(source.randint(1, 3))
            ]  # fmt: skip
            day = f"2026-{source.randint(9, 11):02d}-{source.randint(1, 20):02d}"
            cashier, client = source.choice(["anna", "carl"]), source.choice([None, "900"])
            sale_id = journal.add_sale(make_sale(number, lines, f"{day}T1{number % 3}:10:00", "1", cashier, client))
            if number % 4 == 0:
                back = refund(number, sale_id, [(1, lines[0])], f"2026-11-2{number % 3}T15:00:00", cashier="carl")
                journal.add([Record(RecordKind.REFUND, office.ids.new_id(), encode_refund(back))])
        office.merge(journal, journal.batch())


def test_the_receipts_behind_every_row_add_up_to_it(office: Office) -> None:
    sell_some(office)
    source = random.Random(3)
    filters = [
        (),
        ("category=A", "category="),
        ("cashier=carl",),
        ("client=",),
        ("month=2026-11", "branch=B1"),
        ("product=2",),
    ]
    periods = [(None, None), ("2026-10-01", "2026-11-30"), ("2026-09-10", "2026-11-15")]
    for size in (1, 2):
        for by in itertools.combinations(DIMENSIONS, size):
            first, last = source.choice(periods)
            ask = ReportAsk(by, first, last, filters=source.choice(filters))
            rows = answered(office, SALES, ask)
            require_adds_up(office, "sales", ask, source.sample(rows, min(3, len(rows))))


def test_the_receipts_behind_the_total_add_up_to_it(office: Office) -> None:
    sell_some(office)
    ask = ReportAsk()
    require_adds_up(office, "sales", ask, answered(office, SALES, ask))


def test_the_receipts_of_a_team_are_those_of_its_members_on_their_days(office: Office) -> None:
    with office.store.write() as connection:
        hire(connection, office)
    sell_some(office)
    for ask in (ReportAsk(("team",)), ReportAsk(("team", "month"), team="eva"), ReportAsk(("branch",), team="boris")):
        rows = answered(office, SALES, ask)
        assert rows
        require_adds_up(office, "sales", ask, rows)


def test_a_team_that_changed_too_often_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with office.store.write() as connection:
        hire(connection, office)
    sell_some(office)
    monkeypatch.setattr(drilling, "TEAM_CONDITIONS_MAX", 0)
    with pytest.raises(Refused, match="too often"):
        listed(office, SALES, ReportAsk(team="boris"))


def test_the_receipts_of_a_like_for_like_comparison_are_those_of_the_branches_that_sold_in_both(office: Office) -> None:
    for code, days in (("B1", ("2026-10-05", "2026-11-05")), ("B2", ("2026-11-05",))):
        journal = office.journal(code)
        for number, day in enumerate(days, 1):
            journal.add_sale(make_sale(number, [line("1", 100)], f"{day}T10:00:00"))
        office.merge(journal, journal.batch())
    ask = ReportAsk(period="this-month", compare="previous", like_for_like=True)
    found = listed(office, SALES, ask)
    assert [each.branch for each in found.rows] == ["B1"]
    assert found.sums[-1] == 100


def test_pages_follow_each_other_from_the_newest(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    sell_some(office)
    everything = listed(office, SALES, ReportAsk()).rows
    assert [each.at_us or 0 for each in everything] == sorted((each.at_us or 0 for each in everything), reverse=True)
    monkeypatch.setattr("hq_server.operations.report_room.BENEATH_ROWS_MAX", 7)
    pages = [listed(office, SALES, ReportAsk(), number).rows for number in range(1, 12)]
    assert [each for page in pages for each in page] == list(everything)


def test_the_calls_behind_every_row_add_up_to_it(office: Office) -> None:
    journal = office.journal("B1")
    client_id = office.ids.new_id()
    for number in range(12):
        moment = parse_local(f"2026-11-{10 + number % 4}T1{number % 3}:00:00", "Europe/Moscow", "at")
        fact = Interaction(
            client_id, "call", "out", ("anna", "boris")[number % 2], moment, reached=number % 3 == 0,
            outcome=("agreed", "")[number % 2], duration_seconds=number,
        )  # fmt: skip
        journal.add([Record(RecordKind.INTERACTION, office.ids.new_id(), encode_interaction(fact).SerializeToString())])
    office.merge(journal, journal.batch())
    for size in (0, 1, 2):
        for by in itertools.combinations(CALLS.dimensions, size):
            for filters in ((), ("outcome=",), ("employee=anna", "hour=10", "hour=11")):
                ask = ReportAsk(by, filters=filters)
                require_adds_up(
                    office, "calls", ask, [row for row in answered(office, CALLS, ask) if any(row[len(by) :])]
                )


def test_what_the_records_do_not_say_cannot_be_looked_at_one_by_one(office: Office) -> None:
    asked = ReportParameters(by=("branch",))
    assert drilling.rests_on(SALES, replace(asked, by=("team", "hour"))) == "receipts"
    assert drilling.rests_on(SALES, replace(asked, by=("colour",))) == ""
    with pytest.raises(NotFound, match="one by one"):
        listed(office, find_report("stock"), ReportAsk(filters=("branch=B1",)))
    with pytest.raises(InvalidInput, match="who did it"):
        listed(office, find_report("abc-xyz"), ReportAsk(team="boris"))


def test_a_team_in_which_nobody_did_anything_is_shown_nothing(office: Office) -> None:
    sell_some(office)
    with office.store.read() as connection:
        nobody = select(sale.c.id).where(did({}, sale.c.cashier, sale.c.business_date))
        assert connection.execute(nobody).all() == []
