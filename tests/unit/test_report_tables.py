"""A report's answer as a table: sorted, in pages, with what it was before."""

from __future__ import annotations

from typing import Any

from shared.reports.parameters import ReportParameters
from shared.reports.periods import Compare
from shared.reports.registry import find_report
from shared.reports.report import Report
from shared.reports.result import Column, Completeness, ReportResult
from shared.web.report_tables import PAGE_ROWS_MAX, Shown, Table, address_of, make_table, shown_of, sorted_rows
from shared.web.report_words import Words

SALES = find_report("sales")
WORDS = Words("UTC", "RUB")
FIRST = Shown()


def answer(rows: list[tuple[Any, ...]], compare: Compare | None = None) -> ReportResult:
    columns: tuple[Column, ...] = (Column("branch", "text"), Column("receipts", "integer"))
    if compare:
        columns += (Column("receipts_before", "integer"), Column("receipts_change", "percent"))
    total = rows[0][1:] if rows else (0,) * (len(columns) - 1)
    asked = ReportParameters(("branch",), compare=compare)
    return ReportResult("sales", asked, columns, tuple(rows), total, Completeness(()), "RUB")


def table(result: ReportResult, shown: Shown = FIRST, report: Report = SALES) -> Table:
    return make_table(report, result, shown, WORDS, address_of("/reports/sales", [("by", "branch")]))


def test_rows_are_sorted_either_way_and_those_without_a_value_come_last() -> None:
    result = answer([("a", 2), ("b", None), ("c", 3)])
    assert [row[0] for row in sorted_rows(result, "receipts")] == ["a", "c", "b"]
    assert [row[0] for row in sorted_rows(result, "-receipts")] == ["c", "a", "b"]
    assert [row[0] for row in sorted_rows(result, "colour")] == ["a", "b", "c"]


def test_a_heading_sorts_numbers_from_the_largest_and_then_turns_round() -> None:
    result = answer([("a", 2)])
    assert table(result).headings[1].sort_url == "/reports/sales?by=branch&sort=-receipts"
    turned = table(result, Shown("-receipts")).headings[1]
    assert (turned.sort_url, turned.sorted) == ("/reports/sales?by=branch&sort=receipts", "descending")
    assert table(result).headings[1].definition.startswith("distinct sales")


def test_long_tables_come_in_pages_and_at_once_for_the_printer() -> None:
    result = answer([(str(number), number) for number in range(PAGE_ROWS_MAX + 1)])
    first, last = table(result), table(result, Shown(page=9))
    assert (len(first.lines), first.previous_url, first.pages) == (PAGE_ROWS_MAX, "", 2)
    assert (len(last.lines), last.number, last.next_url) == (1, 2, "")
    whole = table(result, Shown(is_all=True))
    assert (len(whole.lines), whole.pages) == (PAGE_ROWS_MAX + 1, 1)


def test_what_it_was_before_stands_within_the_cell() -> None:
    shown = table(answer([("a", 3, 2, 5_000), ("b", 3, None, None)], Compare.PREVIOUS))
    assert [each.text for each in shown.headings] == ["Branch", "Receipts"]
    assert [(cell.before, cell.change) for cell in (shown.lines[0].cells[1], shown.lines[1].cells[1])] == [
        ("2", "+50%"),
        ("–", ""),
    ]


def test_an_address_that_is_no_page_is_the_first() -> None:
    assert shown_of({"page": "-3"}).page == shown_of({"page": "x"}).page == shown_of({"page": "0"}).page == 1
    assert shown_of({"page": "all", "sort": "net"}) == Shown("net", 1, True)
