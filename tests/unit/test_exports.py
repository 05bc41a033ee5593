"""Reports as files: safe in a spreadsheet, numbers as numbers, Cyrillic as text."""

from __future__ import annotations

import base64
import csv
import io
import re
import shutil
import subprocess
import zlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.reports import printed, workbook
from shared.reports.exports import display, to_csv, to_pdf, to_xlsx
from shared.reports.parameters import ReportParameters
from shared.reports.periods import Compare
from shared.reports.presentation import PLAIN, Presentation
from shared.reports.registry import find_report
from shared.reports.result import BranchCompleteness, Column, Completeness, ReportResult
from tests.support.clock import START_US
from tests.support.strategies import SOME, characters

SUMS = (2, 1_500, 14_819, 19, 0, 14_800)
SALES = find_report("sales")


def result(*rows: tuple[Any, ...], by: str = "product", currency: str = "RUB", branch: str = "B7") -> ReportResult:
    """A report of some rows by one dimension."""
    asked = ReportParameters((by,), date(2026, 11, 1), None, (branch,))
    standing = Completeness((BranchCompleteness(branch, START_US, START_US, True),))
    return ReportResult("sales", asked, (SALES.dimensions[by], *SALES.measures), tuple(rows), SUMS, standing, currency)


def rows_of_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def sheet_of(data: bytes) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]


# CSV.


def test_a_csv_begins_with_the_mark_that_spreadsheets_need_for_cyrillic() -> None:
    data = to_csv(result(("Молоко", *SUMS)))
    assert data.startswith(b"\xef\xbb\xbf")
    assert "Молоко" in data.decode()
    assert data.count(b"\r\n") == data.count(b"\n") == 2


def test_a_csv_holds_the_columns_and_the_rows() -> None:
    assert rows_of_csv(to_csv(result(("Молоко", *SUMS), (None, *SUMS)))) == [
        ["product", "receipts", "units", "gross", "discounts", "returns", "net"],
        ["Молоко", "2", "1.5", "148.19", "0.19", "0.00", "148.00"],
        ["", "2", "1.5", "148.19", "0.19", "0.00", "148.00"],
    ]


@SOME
@given(st.text(characters, max_size=20))
def test_no_text_of_a_csv_can_start_a_formula(text: str) -> None:
    cell = rows_of_csv(to_csv(result((text, *SUMS))))[1][0]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell in (text, "'" + text)


@pytest.mark.parametrize("text", ["=1+1", "+7912", "-5", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
def test_a_text_that_looks_like_a_formula_is_quoted(text: str) -> None:
    assert rows_of_csv(to_csv(result((text, *SUMS))))[1][0] == "'" + text


def test_a_negative_amount_stays_a_number() -> None:
    assert rows_of_csv(to_csv(result(("Milk", 1, 0, -500, 0, 0, -500))))[1][3] == "-5.00"


def test_programs_read_names_and_people_read_headings() -> None:
    assert PLAIN.named
    assert not Presentation("ru").named
    assert Presentation().say("Sales") == "Sales"


# XLSX.


def test_a_workbook_s_numbers_are_numbers_in_major_units() -> None:
    header, row, *_ = sheet_of(to_xlsx(result(("Молоко", *SUMS))))
    assert header == ["product", "receipts", "units", "gross", "discounts", "returns", "net"]
    assert row == ["Молоко", 2, 1.5, 148.19, 0.19, 0, 148]
    assert all(isinstance(value, int | float) for value in row[1:])


def test_a_workbook_ends_with_totals_and_what_they_rest_on() -> None:
    rows = sheet_of(to_xlsx(result(("Молоко", *SUMS), ("Хлеб", *SUMS))))
    assert rows[3] == ["total", 2, 1.5, 148.19, 0.19, 0, 148]
    assert rows[5][0] == "1 of 1 branches complete, all of them to 2026-11-23T16:00:00Z"


@pytest.mark.parametrize(
    ("currency", "amount", "number_format"),
    [("RUB", 148.19, "#,##0.00"), ("JPY", 14_819, "#,##0"), ("KWD", 14.819, "#,##0.000")],
)
def test_money_is_shown_with_its_currency_s_decimals(currency: str, amount: float, number_format: str) -> None:
    data = to_xlsx(result(("Milk", *SUMS), currency=currency))
    cell = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]["D2"]
    assert (cell.value, cell.number_format) == (amount, number_format)


@pytest.mark.parametrize("text", ["=1+1", "{=1+1}", "http://example.com", "0123", "1e5", "mailto:a@b.c"])
def test_a_text_stays_a_text(text: str) -> None:
    data = to_xlsx(result((text, *SUMS)))
    cell = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_a_row_without_a_value_has_an_empty_cell() -> None:
    assert sheet_of(to_xlsx(result((None, *SUMS))))[1][0] is None


def test_a_date_is_a_date() -> None:
    row = sheet_of(to_xlsx(result(("2026-11-23", *SUMS), by="business_date")))[1]
    assert isinstance(row[0], date | datetime)


def test_a_report_without_dimensions_is_one_row_and_its_totals() -> None:
    bare = ReportResult("sales", ReportParameters(), SALES.measures, (SUMS,), SUMS, Completeness(()), "RUB")
    rows = sheet_of(to_xlsx(bare))
    assert rows[1] == rows[2] == [2, 1.5, 148.19, 0.19, 0, 148]
    assert rows_of_csv(to_csv(bare))[1] == ["2", "1.5", "148.19", "0.19", "0.00", "148.00"]
    assert to_pdf(bare).startswith(b"%PDF")


# PDF.


def streams_of(data: bytes) -> list[bytes]:
    """The streams of a PDF, decoded."""
    found = []
    for filters, body in re.findall(rb"/Filter \[([^\]]*)\][^>]*>>\s*stream\r?\n(.*?)endstream", data, re.DOTALL):
        decoded = body.strip()
        if b"ASCII85Decode" in filters:
            decoded = base64.a85decode(decoded.removesuffix(b"~>"))
        if b"FlateDecode" in filters:
            decoded = zlib.decompress(decoded)
        found.append(decoded)
    return found


def characters_of(data: bytes) -> set[str]:
    """The characters that a PDF's fonts say they draw: what a reader can search and copy."""
    maps = [stream.decode() for stream in streams_of(data) if b"begincmap" in stream]
    codes = [code for text in maps for code in re.findall(r"<[0-9A-Fa-f]{2}> ?<([0-9A-Fa-f]{4})>", text)]
    codes += [
        code for text in maps for part in re.findall(r"\[([^\]]*)\]", text) for code in re.findall(r"<(\w{4})>", part)
    ]
    return {chr(int(code, 16)) for code in codes}


def test_a_pdf_holds_cyrillic_as_text() -> None:
    data = to_pdf(result(("Молоко Ёлочка", *SUMS)))
    assert data.startswith(b"%PDF-")
    assert set("МолокоЁлочка").issubset(characters_of(data))
    assert "Щ" not in characters_of(data)


def test_a_long_report_has_several_pages() -> None:
    data = to_pdf(result(*((f"Product {number}", *SUMS) for number in range(200))))
    assert int(re.findall(rb"/Count (\d+)", data)[0]) >= 4


def test_a_pdf_has_a_most_of_rows_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed, "PDF_ROWS_MAX", 3)
    short = to_pdf(result(*(("Ж", *SUMS) for _ in range(3))))
    long = to_pdf(result(*(("Ж", *SUMS) for _ in range(3)), ("Щ", *SUMS)))
    assert "Щ" not in characters_of(long)
    assert [any(b"export to CSV" in stream for stream in streams_of(data)) for data in (short, long)] == [False, True]


def test_a_report_without_rows_is_a_pdf_all_the_same() -> None:
    assert to_pdf(result()).startswith(b"%PDF-")


@pytest.mark.parametrize("branch", ["A<B", "</b>"])
def test_a_branch_with_an_odd_code_does_not_break_the_pdf(branch: str) -> None:
    assert to_pdf(result(("Milk", *SUMS), branch=branch)).startswith(b"%PDF-")


# Values as people read them.


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("money", 148_169, "1481.69"),
        ("money", -5, "-0.05"),
        ("quantity", 1_500, "1.5"),
        ("quantity", 3_000, "3"),
        ("integer", 0, "0"),
        ("text", "Ёлка", "Ёлка"),
        ("date", "2026-11-23", "2026-11-23"),
        ("money", None, ""),
        ("text", None, ""),
    ],
)
def test_a_value_is_shown_by_its_column_s_type(kind: str, value: object, text: str) -> None:
    assert display(Column("x", kind), value, "RUB") == text


# For people of a language.

MOSCOW = Presentation("ru", lambda text: text, "Europe/Moscow", START_US, "Анна Петрова")


def compared() -> ReportResult:
    """A report with every type of column, compared, of two branches one of which was never heard."""
    columns = (
        Column("product", "text"), Column("business_date", "date"), Column("month", "month"),
        Column("visits", "integer"), Column("net", "money"), Column("units", "quantity"),
        Column("share", "percent"), Column("share_change", "percent", "Share, change", "pp"), Column("last", "moment"),
    )  # fmt: skip
    row = ("Молоко", "2026-11-02", "2026-11", 12_000, -148_169, 1_500, 1_250, -40, START_US)
    asked = ReportParameters(
        ("product", "business_date", "month"), date(2026, 11, 1), date(2026, 11, 30), ("B1", "B2"),
        START_US, (("category", ("Milk", "")),), "E7", Compare.LAST_YEAR, True,
    )  # fmt: skip
    standing = Completeness(
        (BranchCompleteness("B1", START_US, START_US, True), BranchCompleteness("B2", None, None, False, 420))
    )
    return ReportResult("sales", asked, columns, (row,), (12_000, -148_169, 1_500, 1_250, -40, None), standing, "RUB")


def text_of(data: bytes) -> list[str]:
    """The text of each page, as a reader would copy it."""
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def test_a_russian_csv_has_semicolons_decimal_commas_and_units() -> None:
    heading, row = to_csv(compared(), MOSCOW).decode("utf-8-sig").splitlines()
    assert heading == "Product;Business date;Month;Visits;Net, RUB;Units;Share, %;Share, change, pp;Last"
    assert row == "Молоко;2026-11-02;2026-11;12000;-1481,69;1,5;12,5;-0,4;2026-11-23 19:00"


def test_a_point_of_a_text_stays_a_point_in_a_russian_csv() -> None:
    line = to_csv(result(("Сок 1.5 л; «Я»", *SUMS)), MOSCOW).decode().splitlines()[1]
    assert line == '"Сок 1.5 л; «Я»";2;1,5;148,19;0,19;0,00;148,00'


def test_cells_of_a_workbook_have_the_types_of_their_columns() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(compared(), MOSCOW))).worksheets[0]
    assert [(cell.value, cell.number_format) for cell in sheet[2]] == [
        ("Молоко", "General"),
        (datetime(2026, 11, 2), "dd.mm.yyyy"),
        (datetime(2026, 11, 1), "mm.yyyy"),
        (12_000, "#,##0"),
        (-1_481.69, "#,##0.00"),
        (1.5, "#,##0.0"),
        (0.125, "0.0%"),
        (-0.4, "0.0"),
        (datetime(2026, 11, 23, 19, 0), "dd.mm.yyyy hh:mm"),
    ]
    assert [(cell.value, cell.font.b) for cell in sheet[3]][3:5] == [(12_000, True), (-1_481.69, True)]


def test_a_workbook_is_ready_for_work_and_for_the_printer() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(compared(), MOSCOW))).worksheets[0]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.print_title_rows) == ("A2", "A1:I2", "$1:$1")
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    foot: Any = sheet.oddFooter
    assert "&P" in foot.right.text
    assert "&N" in foot.right.text
    assert "Branches complete: 1 of 2" in foot.left.text


def test_a_second_sheet_says_what_the_numbers_are() -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(compared(), MOSCOW)))
    said = {row[0]: row[1] for row in book["About"].iter_rows(values_only=True)}
    assert (said["Report"], said["Period"]) == ("Sales", "01.11.2026 – 30.11.2026")
    assert said["Filters"] == (
        "branches: B1, B2; Category: Milk, without a value; team of E7; compared with last year; "
        "only branches that sold in both periods; as known at 23.11.2026 19:00"
    )
    assert said["Time zone"] == "Europe/Moscow"
    assert said["Completeness"] == "Branches complete: 1 of 2; missing: B2 (never heard), usually 4,2 % of sales"
    assert said["Made"] == "23.11.2026 19:00, Анна Петрова"
    assert said["Net"] == "gross − discounts − returns"


def test_a_workbook_has_a_most_of_rows_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "XLSX_ROWS_MAX", 2)
    rows = sheet_of(to_xlsx(result(*(("Ж", *SUMS) for _ in range(3))), MOSCOW))
    assert rows[3][:2] == ["Total", 2]
    assert rows[6][0] == "The first 2 of 3 rows; export to CSV for all."


def test_every_page_says_what_it_is_of_and_how_complete() -> None:
    long = result(*((f"Товар {number}", *SUMS) for number in range(200)))
    pages = text_of(to_pdf(long, MOSCOW))
    assert len(pages) >= 4
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page
        for text in ("Sales", "from 01.11.2026", "branches: B7", "Europe/Moscow", "Branches complete: 1 of 1"):
            assert text in page
        assert "made 23.11.2026 19:00, Анна Петрова" in page
    assert "Receipts" in pages[1]
    assert "Receipts" in pages[2]
    assert "gross − discounts − returns" in pages[-1]
    assert "gross − discounts" not in pages[0]


def test_numbers_on_paper_are_written_as_the_language_writes_them() -> None:
    page = text_of(to_pdf(compared(), MOSCOW))[0].replace("\u00a0", " ")
    for text in ("12 000", "-1 481,69", "1,5", "12,5 %", "-0,4", "02.11.2026", "ноябрь 2026", "23.11.2026 19:00"):
        assert text in page


def test_columns_that_do_not_fit_beside_each_other_go_below_with_their_dimensions() -> None:
    columns = (Column("product", "text"), *(Column(f"measure_{number}", "money") for number in range(30)))
    wide = ReportResult("sales", ReportParameters(), columns, (("Молоко", *[123_456_789] * 30),), tuple([1] * 30),
                        Completeness(()), "RUB")  # fmt: skip
    pages = text_of(to_pdf(wide, MOSCOW))
    assert len(pages) >= 2
    assert all("Молоко" in page for page in pages[:2])
    assert "".join(pages).replace("\u00a0", " ").count("1 234 567,89") == 30


def test_a_text_as_long_as_a_book_is_cut_to_fit_a_page() -> None:
    pages = text_of(to_pdf(result(("ы" * 20_000, *SUMS)), MOSCOW))
    assert len(pages) == 1
    assert "…" in pages[0]


def test_a_sum_sign_is_drawn_although_the_letters_have_none() -> None:
    assert "∑ quantity" in text_of(to_pdf(result(("Молоко", *SUMS)), MOSCOW))[0]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_numbers_and_dates_in_its_russian_locale(tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_bytes(to_csv(compared(), MOSCOW))
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
         "--infilter=Text - txt - csv (StarCalc):59,34,76,1,,1049,false,true", "--convert-to", "xlsx",
         "--outdir", str(tmp_path), str(tmp_path / "report.csv")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    row = [cell.value for cell in openpyxl.load_workbook(tmp_path / "report.xlsx").worksheets[0][2]]
    assert row[0] == "Молоко"
    assert row[1] == datetime(2026, 11, 2)
    assert row[3:8] == [12_000, -1_481.69, 1.5, 12.5, -0.4]
    assert row[8] == datetime(2026, 11, 23, 19, 0)
