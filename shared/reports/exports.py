"""A report as a file: CSV here, XLSX and PDF beside it; each says what its numbers rest on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from shared.reports.presentation import PLAIN, Presentation
from shared.reports.result import Column, ReportResult
from shared.reports.wording import Speaker, plain_text

FORMULA_STARTERS = ("=", "+", "-", "@", "\t", "\r")

display = plain_text

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
"""The formats that a report is exported to, with what each is called in a letter or an answer."""


def to_csv(result: ReportResult, presentation: Presentation = PLAIN) -> bytes:
    """UTF-8 with a byte order mark, so that spreadsheets read Cyrillic; texts cannot start a formula.

    In Russian with `;` and decimal commas, as spreadsheets of that locale expect; days are ISO 8601 everywhere.
    """
    speaker = Speaker(presentation, result.currency)
    has_commas = presentation.language == "ru"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", delimiter=";" if has_commas else ",")
    writer.writerow([_heading(speaker, column, result.currency) for column in result.columns])
    for row in result.rows:
        cells = (_cell(speaker, column, value) for column, value in zip(result.columns, row, strict=True))
        writer.writerow([cell.replace(".", ",") if has_commas and is_number else cell for cell, is_number in cells])
    return ("\ufeff" + text.getvalue()).encode()


def to_xlsx(result: ReportResult, presentation: Presentation = PLAIN) -> bytes:
    """Typed cells with totals, and a second sheet about them."""
    from shared.reports.workbook import workbook_of

    return workbook_of(result, presentation)


def to_pdf(result: ReportResult, presentation: Presentation = PLAIN) -> bytes:
    """Landscape A4 with Cyrillic as text; each page says what it is of, and how complete."""
    from shared.reports.printed import pages_of

    return pages_of(result, presentation)


EXPORTS: dict[str, Callable[[ReportResult, Presentation], bytes]] = {"csv": to_csv, "xlsx": to_xlsx, "pdf": to_pdf}


def _heading(speaker: Speaker, column: Column, currency: str) -> str:
    """With the unit, which a bare number does not show."""
    if speaker.presentation.named:
        return column.name
    units = {"money": currency, "percent": "%"}
    unit = "" if column.unit else units.get(column.type, "")
    return f"{speaker.heading(column)}, {unit}" if unit else speaker.heading(column)


def _cell(speaker: Speaker, column: Column, value: Any) -> tuple[str, bool]:
    """The text of a cell, and whether its point is a decimal one."""
    if value is None:
        return "", False
    if column.type == "moment" and not speaker.presentation.named:
        return f"{speaker.local(value):%Y-%m-%d %H:%M}", False
    text = plain_text(column, value, speaker.currency)
    if column.type == "text" and text.startswith(FORMULA_STARTERS):
        return "'" + text, False
    return text, column.is_number
