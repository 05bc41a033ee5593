"""A report as an XLSX workbook: a sheet of typed cells with totals, and a sheet about them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from textwrap import wrap
from typing import Any

from shared.domain.money import minor_digits
from shared.reports.presentation import Presentation
from shared.reports.result import Column, ReportResult
from shared.reports.wording import (
    Speaker,
    completeness_of,
    completeness_stamp,
    definitions_of,
    filters_of,
    made_of,
    made_when,
    notes_of,
    period_of,
    title_of,
)
from shared.reports.words import marked as _

XLSX_ROWS_MAX = 1_000_000
"""Rows of a sheet; a spreadsheet holds 1 048 576, with heading, totals and what they rest on."""

ROWS_MEASURED_MAX = 2_000
"""Rows whose texts decide how wide a column is."""

WIDTH_CHARACTERS_MIN, WIDTH_CHARACTERS_MAX = 8, 48
CELL_CHARACTERS_MAX = 32_767
PAGE_HEAD_CHARACTERS_MAX = 200
LINE_POINTS, ABOUT_CHARACTERS = 15, 100
A4 = 9
_NOT_IN_SHEET_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def workbook_of(result: ReportResult, presentation: Presentation) -> bytes:
    """Money in major units, percent as such, dates, months and moments as dates."""
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        speaker = Speaker(presentation, result.currency)
        _set_properties(book, result, speaker)
        sheet = book.add_worksheet(_sheet_name(title_of(result, speaker)))
        _Rows(book, sheet, result, speaker).write()
        _set_up_printing(sheet, result, speaker)
        _write_about(book, result, speaker)
    return buffer.getvalue()


class _Rows:
    """The first sheet."""

    def __init__(self, book: Any, sheet: Any, result: ReportResult, speaker: Speaker) -> None:
        self.sheet, self.result, self.speaker = sheet, result, speaker
        self.shown = result.rows[:XLSX_ROWS_MAX]
        self.offset = len(result.columns) - len(result.totals)
        self.bold = book.add_format({"bold": True})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.number_head = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "align": "right"}
        )
        patterns = [_pattern(column, self._values(number), speaker) for number, column in enumerate(result.columns)]
        self.formats = [book.add_format({"num_format": pattern} if pattern else {}) for pattern in patterns]
        total = {"bold": True, "top": 1}
        self.totals = [book.add_format(total | ({"num_format": each} if each else {})) for each in patterns]
        self.total_label = book.add_format(total)

    def _values(self, number: int) -> Iterable[Any]:
        yield from (row[number] for row in self.shown)
        if number >= self.offset and self.result.totals:
            yield self.result.totals[number - self.offset]

    def write(self) -> None:
        sheet, columns, lines = self.sheet, self.result.columns, 1
        for number, column in enumerate(columns):
            head = self.number_head if column.is_number else self.head
            sheet.write_string(0, number, self.speaker.heading(column), head)
            width = self._width(number)
            sheet.set_column(number, number, width)
            lines = max(lines, len(wrap(self.speaker.heading(column), width - 3)))
        sheet.set_row(0, LINE_POINTS * lines)
        for line, row in enumerate(self.shown, 1):
            for number, value in enumerate(row):
                self._write(line, number, value, self.formats[number])
        foot = len(self.shown) + 1
        self._write_totals(foot)
        sheet.write_string(foot + 2, 0, completeness_of(self.result.completeness, self.speaker))
        if len(self.result.rows) > len(self.shown):
            said = _("The first %(shown)s of %(all)s rows; export to CSV for all.")
            counts = {"shown": len(self.shown), "all": len(self.result.rows)}
            sheet.write_string(foot + 3, 0, self.speaker.say(said) % counts, self.bold)
        sheet.freeze_panes(1, 0)
        if columns:
            # The totals stand outside: sorting and filtering leave them where they are.
            sheet.autofilter(0, 0, max(1, len(self.shown)), len(columns) - 1)

    def _write_totals(self, foot: int) -> None:
        if self.offset:
            label = "total" if self.speaker.presentation.named else self.speaker.say(_("Total"))
            self.sheet.write_string(foot, 0, label, self.total_label)
        for number in range(1, self.offset):
            self.sheet.write_blank(foot, number, None, self.total_label)
        for number, value in enumerate(self.result.totals, self.offset):
            self._write(foot, number, value, self.totals[number])

    def _write(self, line: int, number: int, value: Any, form: Any) -> None:
        if value is None:
            return
        column = self.result.columns[number]
        typed = _typed(column, value, self.speaker)
        if isinstance(typed, str):
            self.sheet.write_string(line, number, typed[:CELL_CHARACTERS_MAX], form)
        elif isinstance(typed, date):
            self.sheet.write_datetime(line, number, typed, form)
        else:
            self.sheet.write_number(line, number, typed, form)

    def _width(self, number: int) -> int:
        """Characters that the widest of the first values needs; a heading wraps instead."""
        column, speaker = self.result.columns[number], self.speaker
        values = [row[number] for row in self.shown[:ROWS_MEASURED_MAX]]
        if number >= self.offset and self.result.totals:
            values.append(self.result.totals[number - self.offset])
        widest = max((len(speaker.value(column, value)) for value in values), default=0)
        words = max(map(len, speaker.heading(column).split()), default=0)
        # The button of the filter covers a part of the heading.
        return min(WIDTH_CHARACTERS_MAX, max(WIDTH_CHARACTERS_MIN, widest + 2, words + 4))


def _typed(column: Column, value: Any, speaker: Speaker) -> Any:
    match column.type:
        case "money":
            return value / 10 ** minor_digits(speaker.currency)
        case "percent":
            # Points are no percentage of anything: their unit is in the heading.
            return value / 100 if column.unit else value / 10_000
        case "date":
            return date.fromisoformat(value)
        case "month":
            return date.fromisoformat(f"{value}-01")
        case "moment":
            return speaker.local(value)
        case "text":
            return str(value)
        case _:
            return column.plain(value)


def _pattern(column: Column, values: Iterable[Any], speaker: Speaker) -> str:
    """How a spreadsheet shows the column; thousandths with as many decimals as one of them needs."""
    is_russian = speaker.presentation.language == "ru"
    match column.type:
        case "money":
            digits = minor_digits(speaker.currency)
            return "#,##0." + "0" * digits if digits else "#,##0"
        case "quantity" | "ratio":
            needs = max((_decimals_needed(value) for value in values if isinstance(value, int)), default=0)
            return "#,##0." + "0" * needs if needs else "#,##0"
        case "percent":
            return "0.0" if column.unit else "0.0%"
        case "integer":
            return "0" if column.name in ("hour", "weekday") or speaker.presentation.named else "#,##0"
        case "date":
            return "dd.mm.yyyy" if is_russian else "yyyy-mm-dd"
        case "month":
            return "mm.yyyy" if is_russian else "yyyy-mm"
        case "moment":
            return "dd.mm.yyyy hh:mm" if is_russian else "yyyy-mm-dd hh:mm"
    return ""


def _decimals_needed(thousandths: int) -> int:
    return next((digits for digits in range(3) if thousandths % 10 ** (3 - digits) == 0), 3)


def _set_properties(book: Any, result: ReportResult, speaker: Speaker) -> None:
    presentation = speaker.presentation
    properties: dict[str, Any] = {"title": title_of(result, speaker), "author": presentation.made_by}
    if presentation.made_at_us is not None:
        properties["created"] = speaker.local(presentation.made_at_us)
    book.set_properties(properties)


def _sheet_name(title: str) -> str:
    """A sheet's name has at most 31 characters and few signs."""
    return title.translate(_NOT_IN_SHEET_NAMES).strip()[:31] or "1"


def _set_up_printing(sheet: Any, result: ReportResult, speaker: Speaker) -> None:
    """Landscape, as wide as a page, the heading and what it is of on each."""
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_margins(left=0.4, right=0.4, top=0.8, bottom=0.7)
    what = f"{title_of(result, speaker)}, {period_of(result.parameters, speaker)}"
    sheet.set_header(f"&L&8{_printable(what)}&R&8{_printable(made_of(speaker)[:40])}")
    page = _printable(speaker.say(_("page %(page)s of %(pages)s")))
    page = page.replace("%(page)s", "&P").replace("%(pages)s", "&N")
    sheet.set_footer(f"&L&8{_printable(completeness_stamp(result.completeness, speaker))}&R&8{page}")


def _printable(text: str) -> str:
    """In the head of a page `&` begins a code, and figures behind the size of its letters would belong to it."""
    return " " + text[:PAGE_HEAD_CHARACTERS_MAX].replace("&", "&&")


def _write_about(book: Any, result: ReportResult, speaker: Speaker) -> None:
    say = speaker.say
    sheet = book.add_worksheet(_sheet_name(say(_("About"))))
    bold = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, ABOUT_CHARACTERS)
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    for line, (name, text) in enumerate(about(result, speaker)):
        # Not every program makes a row as high as its text.
        sheet.set_row(line, LINE_POINTS * max(1, len(wrap(text, ABOUT_CHARACTERS - 5))))
        sheet.write_string(line, 0, name, bold)
        sheet.write_string(line, 1, text[:CELL_CHARACTERS_MAX], wrapped)


def about(result: ReportResult, speaker: Speaker) -> list[tuple[str, str]]:
    """What the numbers are, name by name: report, period, filters, zone, completeness, definitions."""
    say = speaker.say
    rows = [
        (say(_("Report")), title_of(result, speaker)),
        (say(_("Period")), period_of(result.parameters, speaker)),
        (say(_("Filters")), "; ".join(filters_of(result, speaker)) or say(_("none"))),
        (say(_("Currency")), result.currency),
        (say(_("Time zone")), speaker.presentation.zone),
        (say(_("Completeness")), completeness_of(result.completeness, speaker)),
    ]
    made = made_when(speaker)
    if made:
        rows.append((say(_("Made")), made))
    rows += [("", note) for note in notes_of(result, speaker)]
    return [*rows, ("", ""), (say(_("Measures")), ""), *definitions_of(result, speaker)]
