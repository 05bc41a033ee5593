"""A report as a file: CSV, XLSX or PDF, each with what the numbers rest on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from typing import Any

from shared.domain.money import format_minor, minor_digits
from shared.reports.result import Column, ReportResult

FORMULA_STARTERS = ("=", "+", "-", "@", "\t", "\r")
PDF_ROWS_MAX = 20_000


def display(column: Column, value: Any, currency: str) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if column.type == "money":
        return format_minor(value, currency)
    return str(column.plain(value))


def to_csv(result: ReportResult) -> bytes:
    """UTF-8 with a byte order mark, so that spreadsheets read Cyrillic; texts cannot start a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in result.columns])
    for row in result.rows:
        writer.writerow([_csv_cell(column, value, result.currency) for column, value in _cells(result, row)])
    return ("\ufeff" + text.getvalue()).encode()


def to_xlsx(result: ReportResult) -> bytes:
    """Typed cells: money as numbers in major units, quantities as numbers, dates as dates."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(result.report[:31])
    bold = book.add_format({"bold": True})
    digits = minor_digits(result.currency)
    formats = {
        "money": book.add_format({"num_format": "#,##0." + "0" * digits if digits else "#,##0"}),
        "quantity": book.add_format({"num_format": "#,##0.###"}),
        "integer": book.add_format({"num_format": "0"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for number, column in enumerate(result.columns):
        sheet.write(0, number, column.name, bold)
        sheet.set_column(number, number, 14)
    for line, row in enumerate(result.rows, 1):
        for number, (column, value) in enumerate(_cells(result, row)):
            if value is None:
                continue
            sheet.write(line, number, _cell_value(column, value, digits), formats.get(column.type))
    foot = len(result.rows) + 1
    offset = len(result.columns) - len(result.totals)
    if offset:
        sheet.write(foot, 0, "total", bold)
    for number, value in enumerate(result.totals, offset):
        column = result.columns[number]
        sheet.write(foot, number, _cell_value(column, value, digits), formats.get(column.type))
    sheet.write(foot + 2, 0, result.completeness.sentence)
    sheet.freeze_panes(1, 0)
    book.close()
    return buffer.getvalue()


def _cell_value(column: Column, value: Any, digits: int) -> Any:
    match column.type:
        case "money":
            return value / 10**digits
        case "date":
            return date.fromisoformat(value)
        case _:
            return column.plain(value)


def to_pdf(result: ReportResult) -> bytes:
    """Landscape A4 with Cyrillic as text; the header repeats on every page."""
    from pathlib import Path
    from xml.sax.saxutils import escape

    import fontpkg_pt_sans
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

    fonts = Path(fontpkg_pt_sans.ROOT) / "files"
    pdfmetrics.registerFont(TTFont("PTSans", str(fonts / "PT_Sans-Web-Regular.ttf")))
    pdfmetrics.registerFont(TTFont("PTSans-Bold", str(fonts / "PT_Sans-Web-Bold.ttf")))
    body = ParagraphStyle("body", fontName="PTSans", fontSize=9, leading=12)
    rows = [[column.name for column in result.columns]]
    rows += [
        [display(column, value, result.currency) for column, value in _cells(result, row)] for row in _shown(result)
    ]
    offset = len(result.columns) - len(result.totals)
    totals = [display(result.columns[n], value, result.currency) for n, value in enumerate(result.totals, offset)]
    rows.append([*(["total"] + [""] * (offset - 1) if offset else []), *totals])
    table = LongTable(rows, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "PTSans", 8),
                ("FONT", (0, 0), (-1, 0), "PTSans-Bold", 8),
                ("FONT", (0, -1), (-1, -1), "PTSans-Bold", 8),
                ("LINEBELOW", (0, 0), (-1, 0), 0.5, "black"),
                ("LINEABOVE", (0, -1), (-1, -1), 0.5, "black"),
                ("ALIGN", (offset, 0), (-1, -1), "RIGHT"),
            ]
        )
    )
    title = ParagraphStyle("title", parent=body, fontName="PTSans-Bold", fontSize=13, leading=18)
    story = [
        Paragraph(escape(f"{result.report} ({result.currency})"), title),
        Paragraph(escape(_period(result)), body),
        Paragraph(escape(result.completeness.sentence), body),
        Spacer(1, 8),
        table,
    ]
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=landscape(A4), title=result.report).build(story)
    return buffer.getvalue()


def _shown(result: ReportResult) -> tuple[tuple[Any, ...], ...]:
    return result.rows[:PDF_ROWS_MAX]


def _period(result: ReportResult) -> str:
    parameters = result.parameters
    start = parameters.date_from.isoformat() if parameters.date_from else "the beginning"
    end = parameters.date_to.isoformat() if parameters.date_to else "now"
    said = f"From {start} to {end}"
    if parameters.branches:
        said += f"; branches {', '.join(parameters.branches)}"
    if len(result.rows) > PDF_ROWS_MAX:
        said += f"; the first {PDF_ROWS_MAX} of {len(result.rows)} rows, export to CSV for all"
    return said


def _cells(result: ReportResult, row: Iterable[Any]) -> Iterable[tuple[Column, Any]]:
    return zip(result.columns, row, strict=True)


def _csv_cell(column: Column, value: Any, currency: str) -> str:
    text = display(column, value, currency)
    return "'" + text if column.type == "text" and text.startswith(FORMULA_STARTERS) else text
