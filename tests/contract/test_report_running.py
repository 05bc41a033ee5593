"""What is alike for all reports, on both databases: filters, teams as they stood on the day, comparison."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection

from hq_server.operations.people import Personnel, Placement
from hq_server.operations.reporting import run_report
from shared.domain.business_time import days_from_date
from shared.errors import InvalidInput, NotFound, Refused
from shared.reports.comparing import compared_columns
from shared.reports.parameters import Option, ReportAsk, parse_ask
from shared.reports.registry import find_report
from shared.reports.report import Report, divide, share_basis_points
from shared.reports.result import ReportResult
from shared.reports.running import sorted_rows
from shared.reports.teams import Teams
from tests.support.journal import line
from tests.support.journal import sale as make_sale
from tests.support.office import Office

SALES = find_report("sales")
NET, RECEIPTS = "net", "receipts"


def run(office: Office, *by: str, report: Report = SALES, **ask: Any) -> ReportResult:
    with office.store.read() as connection:
        return run_report(connection, report, ReportAsk(by, **ask), office.clock.now_us(), 15)


def column(result: ReportResult, name: str) -> dict[tuple[Any, ...], Any]:
    """One measure by its row's dimensions."""
    width = len(result.parameters.by)
    place = [each.name for each in result.columns].index(name)
    return {row[:width]: row[place] for row in result.rows}


def total(result: ReportResult, name: str) -> Any:
    place = [each.name for each in result.columns].index(name) - len(result.parameters.by)
    return result.totals[place]


def sell(office: Office, code: str, *sold: tuple[str, str, str, int]) -> None:
    """Sales of a new branch: day, cashier, category and amount of each."""
    journal = office.journal(code)
    for number, (day, cashier, category, amount) in enumerate(sold, 1):
        lines = [line("1", amount, 1, 0, category)]
        journal.add_sale(make_sale(number, lines, f"{day}T12:00:00", cashier=cashier))
    office.merge(journal, journal.batch())


def hire(connection: Connection, office: Office) -> None:
    """Eva heads all; Anna and Boris lead; Carl sells for Anna until 14 October and for Boris from the 15th on."""
    people = Personnel(connection, office.ids, office.clock.now_us())
    people.hire("eva", "Eva", Placement("owner", ("*",)))
    for lead in ("anna", "boris"):
        people.hire(lead, lead.title(), Placement("manager", ("*",), "eva"))
    people.hire("carl", "Carl", Placement("cashier", ("*",), "anna"))
    moved = days_from_date(date(2026, 10, 15))
    people.place("carl", Placement("cashier", ("*",), "boris", valid_from=moved))


@pytest.fixture
def staffed(office: Office) -> Office:
    with office.store.write() as connection:
        hire(connection, office)
    sell(
        office,
        "B1",
        ("2026-10-14", "carl", "Milk", 100),
        ("2026-10-15", "carl", "Milk", 20),
        ("2026-10-15", "anna", "Bread", 3),
        ("2026-10-15", "guest", "Milk", 7),
    )
    return office


# Teams.


def test_what_was_sold_rolls_up_to_whom_one_stood_below_on_that_day(staffed: Office) -> None:
    result = run(staffed, "team", team="eva")
    assert column(result, NET) == {("anna",): 103, ("boris",): 20}
    assert total(result, NET) == 123


def test_one_s_own_sales_stand_beside_those_of_the_people_below(staffed: Office) -> None:
    assert column(run(staffed, "team", team="anna"), NET) == {("anna",): 3, ("carl",): 100}


def test_without_a_head_everything_is_in_it_and_strangers_stand_under_no_name(staffed: Office) -> None:
    result = run(staffed, "team")
    assert column(result, NET) == {("",): 7, ("eva",): 123}
    assert total(result, NET) == 130


def test_a_team_is_kept_apart_along_other_dimensions_too(staffed: Office) -> None:
    result = run(staffed, "team", "category", team="eva")
    assert column(result, NET) == {("anna", "Bread"): 3, ("anna", "Milk"): 100, ("boris", "Milk"): 20}
    assert column(run(staffed, "business_date", team="boris"), NET) == {("2026-10-15",): 20}


def test_averages_of_a_team_are_those_of_its_sums(staffed: Office) -> None:
    assert column(run(staffed, "team", team="eva"), "average_receipt") == {("anna",): 52, ("boris",): 20}


def test_a_team_of_nobody_is_refused_and_one_without_sales_is_empty(staffed: Office) -> None:
    with pytest.raises(NotFound, match="no employee “zoe”"):
        run(staffed, team="zoe")
    with staffed.store.write() as connection:
        Personnel(connection, staffed.ids, staffed.clock.now_us()).hire("dora", "Dora", Placement("cashier", ("*",)))
    assert run(staffed, team="dora").totals[:6] == (0,) * 6
    with staffed.store.read() as connection:
        assert Teams(connection, "dora").of("carl", 0) is None


def test_a_report_that_does_not_say_who_did_it_has_no_teams(staffed: Office) -> None:
    with pytest.raises(InvalidInput, match="does not say who"):
        run(staffed, report=find_report("stock"), team="eva")


# Filters.


def test_a_filter_leaves_only_what_it_names(staffed: Office) -> None:
    assert run(staffed, filters=["category=Milk"]).totals[5] == 127
    assert run(staffed, filters=["category=Milk", "category=Bread"]).totals[5] == 130
    assert run(staffed, filters=["category=Milk", "cashier=carl"]).totals[5] == 120
    assert run(staffed, filters=["business_date=2026-10-15", "branch=B1", "weekday=4", "hour=12"]).totals[5] == 30
    assert run(staffed, filters=["category="]).totals[5] == 0
    assert run(staffed, filters=["hour=noon"]).totals[5] == 0


def test_a_report_that_cannot_filter_by_itself_is_filtered_for_it(staffed: Office) -> None:
    work = find_report("work-today")
    assert column(run(staffed, "hour", report=work, filters=["employee=carl"]), RECEIPTS) == {(12,): 2}
    assert total(run(staffed, report=work, filters=["employee=carl", "business_date=2026-10-15"]), RECEIPTS) == 1
    assert total(run(staffed, report=work, team="eva"), RECEIPTS) == 3


@pytest.mark.parametrize("text", ["category", "colour=red"])
def test_a_filter_that_means_nothing_is_refused(staffed: Office, text: str) -> None:
    with pytest.raises(InvalidInput):
        run(staffed, filters=[text])


# Comparison.


def test_each_measure_stands_beside_what_it_was_and_how_much_it_changed(staffed: Office) -> None:
    result = run(staffed, "cashier", date_from="2026-10-15", date_to="2026-10-15", compare="previous")
    assert column(result, NET) == {("anna",): 3, ("carl",): 20, ("guest",): 7}
    assert column(result, "net_before") == {("anna",): 0, ("carl",): 100, ("guest",): 0}
    assert column(result, "net_change") == {("anna",): None, ("carl",): -8_000, ("guest",): None}
    assert (total(result, NET), total(result, "net_before"), total(result, "net_change")) == (30, 100, -7_000)
    assert [each.name for each in compared_columns(SALES, ())[:3]] == ["receipts", "receipts_before", "receipts_change"]


def test_days_meet_the_days_in_their_place(staffed: Office) -> None:
    result = run(staffed, "business_date", date_from="2026-10-15", date_to="2026-10-16", compare="previous")
    assert column(result, NET) == {("2026-10-15",): 30, ("2026-10-16",): 0}
    assert column(result, "net_before") == {("2026-10-15",): 0, ("2026-10-16",): 100}


def test_like_for_like_leaves_out_a_branch_that_did_not_sell_in_both(staffed: Office) -> None:
    sell(staffed, "NEW", ("2026-10-15", "carl", "Milk", 1_000))
    ask: dict[str, Any] = {"date_from": "2026-10-15", "date_to": "2026-10-15", "compare": "previous"}
    assert total(run(staffed, **ask), NET) == 1_030
    alike = run(staffed, **ask, like_for_like=True)
    assert (total(alike, NET), total(alike, "net_before")) == (30, 100)
    assert alike.as_json()["parameters"]["like_for_like"] is True
    with pytest.raises(Refused, match="No branch sold in both"):
        run(staffed, date_from="2026-10-20", date_to="2026-10-20", compare="previous", like_for_like=True)


@pytest.mark.parametrize(
    "ask", [{"compare": "previous"}, {"compare": "never", "period": "today"}, {"like_for_like": True}]
)
def test_a_comparison_without_two_periods_is_refused(staffed: Office, ask: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        run(staffed, **ask)


# What is asked.


def test_a_period_goes_by_its_name_or_by_its_days() -> None:
    asked = parse_ask(ReportAsk(period="yesterday"), (), (), "UTC", date(2026, 11, 27))
    assert (asked.date_from, asked.date_to) == (date(2026, 11, 26), date(2026, 11, 26))
    with pytest.raises(InvalidInput, match="not by both"):
        parse_ask(ReportAsk(period="yesterday", date_to="2026-11-26"), (), (), "UTC", date(2026, 11, 27))


def test_options_are_whole_numbers_within_their_bounds() -> None:
    options = (Option("days", 14, 1, 365, "days"),)

    def asked(*texts: str) -> int:
        return parse_ask(ReportAsk(options=texts), (), options, "UTC", date(2026, 11, 27)).option("days")

    assert (asked(), asked("days=30")) == (14, 30)
    for wrong in ("days=0", "days=366", "days=many", "weeks=2", "days"):
        with pytest.raises(InvalidInput):
            asked(wrong)


def test_shares_are_rounded_half_away_from_zero_and_nothing_is_divided_by_nothing() -> None:
    assert [share_basis_points(*each) for each in ((1, 3), (2, 3), (-1, 3), (0, 5), (5, 0), (None, 5))] == [
        3_333,
        6_667,
        -3_333,
        0,
        None,
        None,
    ]
    assert [divide(*each) for each in ((5, 2), (-5, 2), (5, -2), (4, 2))] == [3, -3, -3, 2]


def test_rows_without_a_value_come_last() -> None:
    assert sorted_rows([(None, 1), ("b", 2), ("a", 3)], 1) == [("a", 3), ("b", 2), (None, 1)]


# Completeness.


def test_a_missing_branch_is_told_with_its_usual_share_of_sales(staffed: Office) -> None:
    sell(staffed, "B2", ("2026-10-15", "carl", "Milk", 870))
    result = run(staffed)
    assert {known.branch: known.share_basis_points for known in result.completeness.branches} == {
        "B1": 1_300,
        "B2": 8_700,
    }
    assert result.completeness.missing_basis_points == 10_000
    assert "usually 100.0 % of sales" in result.completeness.sentence
    assert run(staffed, branches=["B2"]).completeness.branches[0].share_basis_points == 10_000
    assert result.as_json()["completeness"]["branches"][0]["usual_share_percent"] == 13


def test_a_chain_that_has_sold_nothing_knows_no_shares(office: Office) -> None:
    office.add_branch("B1")
    assert run(office).completeness.branches[0].share_basis_points is None
    assert run(office).completeness.missing_basis_points is None
