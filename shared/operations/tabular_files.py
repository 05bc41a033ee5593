"""Rows of CSV, XLSX and JSON Lines files as dictionaries of text, whatever made the file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from shared.domain.identifiers import shorten
from shared.errors import InvalidInput

_TRUE, _FALSE = frozenset({"1", "true", "yes", "да"}), frozenset({"0", "false", "no", "нет"})

FILE_BYTES_MAX = 512_000_000
ROWS_MAX = 2_000_000
_SNIFFED_CHARACTERS = 8_192


class FileRow(NamedTuple):
    """A row and where it stands in the file, counted as people see it: the first row under the header is 2."""

    number: int
    values: dict[str, str]


def read_rows(path: Path) -> Iterator[FileRow]:
    """The rows of a file, by its ending. Empty cells are left out. Raises InvalidInput."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInput(f"{path} is larger than {FILE_BYTES_MAX // 1_000_000} MB.", "Split it.")
        readers = {".csv": _read_csv, ".tsv": _read_csv, ".xlsx": _read_xlsx, ".jsonl": _read_jsonl}
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise InvalidInput(f"{path} is of no known kind.", "Use .csv, .xlsx or .jsonl.")
        for row in reader(path):
            if row.number > ROWS_MAX:
                raise InvalidInput(f"{path} has more than {ROWS_MAX} rows.", "Split it.")
            yield row
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from None


def _read_csv(path: Path) -> Iterator[FileRow]:
    text = _decode(path.read_bytes())
    try:
        dialect: Any = csv.Sniffer().sniff(text[:_SNIFFED_CHARACTERS].splitlines()[0], delimiters=",;\t")
    except (csv.Error, IndexError):
        dialect = csv.excel
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
    try:
        header = _header(next(reader, []), path)
        for number, cells in enumerate(reader, 2):
            # What stands in a column without a heading alone is no row.
            if any(cell.strip() for cell in cells) and (named := _named(header, cells)):
                yield FileRow(number, named)
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {reader.line_num}: {error}.") from None


def _decode(data: bytes) -> str:
    """UTF-8 with or without a byte order mark, else what Windows wrote in Russian."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1251", errors="replace")


def _read_xlsx(path: Path) -> Iterator[FileRow]:
    rows = _xlsx_cells(path)
    header = _header([_cell_text(cell) for cell in next(rows, ())], path)
    for number, cells in enumerate(rows, 2):
        texts = [_cell_text(cell) for cell in cells]
        if any(text.strip() for text in texts) and (named := _named(header, texts)):
            yield FileRow(number, named)


def _xlsx_cells(path: Path) -> Iterator[tuple[Any, ...]]:
    """The rows of the first sheet. Sheets are read as they are asked for: damage may show at any row."""
    import zipfile
    import zlib
    from xml.etree.ElementTree import ParseError

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        yield from book.worksheets[0].iter_rows(values_only=True)
        book.close()
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        zlib.error,
        ParseError,
        KeyError,
        IndexError,
        ValueError,
        EOFError,
    ):
        raise InvalidInput(f"{path} is not a sound XLSX file.", "Open it in a spreadsheet and save it anew.") from None


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(Decimal(str(value)))
    return str(value)


def _read_jsonl(path: Path) -> Iterator[FileRow]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                document = json.loads(line, parse_float=str)
            except (ValueError, RecursionError):
                raise InvalidInput(f"{path}, line {number} is not JSON.") from None
            if not isinstance(document, dict):
                raise InvalidInput(f"{path}, line {number} is not a JSON object.")
            values = {key: _json_text(value) for key, value in document.items() if value not in (None, "")}
            yield FileRow(number, values)


def _json_text(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _header(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    if not any(names):
        raise InvalidInput(f"{path} is empty.", "Its first row must name the columns.")
    return names


def _named(header: list[str], cells: list[str]) -> dict[str, str]:
    return {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name and cell.strip()}


def parse_flag(text: str) -> bool:
    """Yes or no, in Russian too. Raises InvalidInput."""
    lowered = text.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise InvalidInput(f"“{shorten(text)}” is neither yes nor no.")
