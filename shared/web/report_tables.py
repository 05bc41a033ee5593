"""A report's answer as a table of a page: headings, cells, totals, sorted by a column, a hundred rows a page.

Contains no numbers of its own: it shows those of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from shared.reports.report import Report
from shared.reports.result import Column, ReportResult
from shared.web.report_words import Words, format_change, format_value, heading
from shared.web.translations import gettext

PAGE_ROWS_MAX: Final = 100
"""Rows on one page of a report."""

ALL_ROWS_MAX: Final = 2_000
"""Rows on the one page that is printed."""

_PAGE_DIGITS_MAX: Final = 6
Row = Sequence[Any]


class Shown(NamedTuple):
    """Which part of the table: `sort` is a column's name, with `-` before it the largest first; pages from 1."""

    sort: str = ""
    page: int = 1
    is_all: bool = False


class Heading(NamedTuple):
    """A column of the table. `sorted` is "ascending", "descending" or ""."""

    text: str
    definition: str
    is_number: bool
    sort_url: str
    sorted: str


class Cell(NamedTuple):
    """A value as text. `change` is how much it changed, `before` what it was."""

    text: str
    is_number: bool
    is_negative: bool = False
    before: str = ""
    change: str = ""


class Line(NamedTuple):
    """A row of the table, and the address of what it rests on or ""."""

    cells: tuple[Cell, ...]
    url: str


class Table(NamedTuple):
    """The table of a page. Addresses are "" where there is nothing."""

    headings: tuple[Heading, ...]
    lines: tuple[Line, ...]
    totals: tuple[Cell, ...]
    total_url: str
    width: int
    number: int
    pages: int
    total_rows: int
    previous_url: str
    next_url: str
    all_url: str


def shown_of(query: Mapping[str, str]) -> Shown:
    """Which part of a table an address asks for."""
    text = query.get("page", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _PAGE_DIGITS_MAX else 1
    return Shown(query.get("sort", ""), max(1, number), text == "all")


def make_table(
    report: Report,
    result: ReportResult,
    shown: Shown,
    words: Words,
    address: Callable[[Mapping[str, str]], str],
    beneath: Callable[[Row], str] = lambda _values: "",
) -> Table:
    """The page of the table that is asked for. `address` is that of this page with other values; `beneath` that of what
    a row rests on, by the values of its dimensions; of the total by none."""
    rows = sorted_rows(result, shown.sort)
    size = ALL_ROWS_MAX if shown.is_all else PAGE_ROWS_MAX
    pages = 1 if shown.is_all else max(1, -(-len(rows) // size))
    number = min(shown.page, pages)
    width = len(result.parameters.by)
    sort = {"sort": shown.sort} if shown.sort else {}
    lines = tuple(
        Line(_cells(result, row, words), beneath(row[:width])) for row in rows[(number - 1) * size : number * size]
    )
    totals = ((None,) * width) + tuple(result.totals)
    return Table(
        _headings(report, result, shown, address),
        lines,
        _cells(result, totals, words)[width:],
        beneath(()) if width else "",
        width,
        number,
        pages,
        len(rows),
        address({**sort, "page": str(number - 1)}) if number > 1 else "",
        address({**sort, "page": str(number + 1)}) if number < pages else "",
        address({**sort, "page": "all"}) if pages > 1 and len(rows) <= ALL_ROWS_MAX else "",
    )


def sorted_rows(result: ReportResult, sort: str) -> Sequence[Row]:
    """By a column; rows without a value last, whichever way. As they come for a column that is none."""
    name = sort.removeprefix("-")
    place = next((place for place, column in enumerate(result.columns) if column.name == name), None)
    if place is None:
        return result.rows
    known = [row for row in result.rows if row[place] is not None]
    known.sort(key=lambda row: row[place], reverse=sort.startswith("-"))
    return [*known, *(row for row in result.rows if row[place] is None)]


def is_beside(result: ReportResult, column: Column) -> bool:
    """Whether a column stands within the cell of another: what the measure was before, and its change."""
    names = {each.name for each in result.columns}
    for ending in ("_before", "_change"):
        if column.name.endswith(ending) and column.name.removesuffix(ending) in names:
            return result.parameters.compare is not None
    return False


def _headings(
    report: Report, result: ReportResult, shown: Shown, address: Callable[[Mapping[str, str]], str]
) -> tuple[Heading, ...]:
    definitions = report.all_definitions
    made = []
    for column in result.columns:
        if is_beside(result, column):
            continue
        up, down = column.name, f"-{column.name}"
        first, second = (down, up) if column.is_number else (up, down)
        url = address({"sort": second if shown.sort == first else first})
        is_sorted = {up: "ascending", down: "descending"}.get(shown.sort, "")
        definition = gettext(definitions[column.name]) if column.name in definitions else ""
        made.append(Heading(heading(column), definition, column.is_number, url, is_sorted))
    return tuple(made)


def _cells(result: ReportResult, row: Row, words: Words) -> tuple[Cell, ...]:
    values = dict(zip((column.name for column in result.columns), row, strict=True))
    cells = []
    for column in result.columns:
        if is_beside(result, column):
            continue
        value, before = values[column.name], values.get(f"{column.name}_before")
        is_negative = column.is_number and isinstance(value, int) and value < 0
        text = format_value(column, value, words)
        if result.parameters.compare is None or f"{column.name}_before" not in values:
            cells.append(Cell(text, column.is_number, is_negative))
            continue
        change = format_change(column, values.get(f"{column.name}_change"))
        cells.append(Cell(text, column.is_number, is_negative, format_value(column, before, words), change))
    return tuple(cells)


def address_of(path: str, pairs: Sequence[tuple[str, str]]) -> Callable[[Mapping[str, str]], str]:
    """An address that asks the same with other values besides."""

    def address(values: Mapping[str, str]) -> str:
        return f"{path}?{urlencode([*pairs, *values.items()])}"

    return address
