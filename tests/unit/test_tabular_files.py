"""Files with rows, whatever made them: CSV of any flavour, XLSX, JSON Lines."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.operations import tabular_files
from shared.operations.tabular_files import FileRow, read_rows

ANNA = FileRow(2, {"name": "Анна", "note": "VIP; да"})


def read(path: Path, data: str | bytes) -> list[FileRow]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(read_rows(path))


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


# CSV.


@pytest.mark.parametrize(
    "data",
    [
        'name,note\nАнна,"VIP; да"\n'.encode(),
        'name;note\r\nАнна;"VIP; да"\r\n'.encode(),
        "name\tnote\nАнна\tVIP; да".encode(),
        '\ufeffname,note\nАнна,"VIP; да"\n'.encode(),
        'name;note\r\nАнна;"VIP; да"\r\n'.encode("cp1251"),
        '"name","note"\n"Анна","VIP; да"\n'.encode(),
        ' Name , NOTE \n Анна , "VIP; да"\n'.replace(' "', '"').encode(),
    ],
    ids=["comma", "semicolon", "tab", "byte order mark", "cp1251", "quoted", "spaced"],
)
def test_every_flavour_of_csv_is_read_alike(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path / "clients.csv", data) == [ANNA]


def test_a_file_of_one_column_is_read(tmp_path: Path) -> None:
    rows = read(tmp_path / "clients.csv", "name\nАнна\nBoris, Jr.\n")
    assert [row.values for row in rows] == [{"name": "Анна"}, {"name": "Boris"}]


def test_empty_rows_and_cells_are_left_out_and_rows_keep_their_number(tmp_path: Path) -> None:
    rows = read(tmp_path / "clients.csv", "name,note,\n\n , ,x\nАнна,,\n,VIP,\n")
    assert rows[-2:] == [FileRow(4, {"name": "Анна"}), FileRow(5, {"note": "VIP"})]


def test_cells_beyond_the_header_are_left_out(tmp_path: Path) -> None:
    assert read(tmp_path / "clients.csv", "name,note\nАнна,VIP,more,and more\n")[0].values == {
        "name": "Анна",
        "note": "VIP",
    }


def test_a_quoted_cell_may_hold_lines_and_quotes(tmp_path: Path) -> None:
    assert read(tmp_path / "c.csv", 'name,note\nАнна,"one\ntwo ""three"""\n')[0].values["note"] == 'one\ntwo "three"'


def test_a_header_s_spaces_and_capitals_do_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path / "c.csv", "External ID,Do Not Contact\n900,yes\n")[0].values == {
        "external_id": "900",
        "do_not_contact": "yes",
    }


@pytest.mark.parametrize("data", ["", "\n", "  \n", ",,\nа,б\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(tmp_path: Path, data: str | bytes) -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        read(tmp_path / "clients.csv", data)


def test_a_cell_beyond_the_limit_of_csv_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        read(tmp_path / "clients.csv", "name,note\nАнна," + "x" * 200_000)


# XLSX.


def test_a_workbook_is_read_by_its_first_sheet(tmp_path: Path) -> None:
    assert read(tmp_path / "clients.xlsx", workbook(["Name", "Note"], ["Анна", "VIP; да"])) == [ANNA]


def test_numbers_and_dates_become_the_text_people_see(tmp_path: Path) -> None:
    data = workbook(["id", "price", "share", "day", "flag"], [900.0, 12.5, 0.1, date(2026, 11, 23), True])
    assert read(tmp_path / "c.xlsx", data)[0].values == {
        "id": "900",
        "price": "12.5",
        "share": "0.1",
        "day": "2026-11-23 00:00:00",
        "flag": "True",
    }


def test_empty_rows_of_a_workbook_keep_the_others_numbers(tmp_path: Path) -> None:
    data = workbook(["name"], [None], ["Анна"], ["  "], ["Борис"])
    assert read(tmp_path / "c.xlsx", data) == [FileRow(3, {"name": "Анна"}), FileRow(5, {"name": "Борис"})]


@pytest.mark.parametrize("data", [b"", b"name\n", b"PK\x03\x04garbage", workbook()[:500]])
def test_what_is_no_workbook_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidInput, match="XLSX file"):
        read(tmp_path / "clients.xlsx", data)


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        read(tmp_path / "clients.xlsx", workbook())


def test_a_workbook_with_damaged_xml_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "clients.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types")
    with pytest.raises(InvalidInput):
        list(read_rows(tmp_path / "clients.xlsx"))


def test_a_workbook_whose_sheet_is_damaged_is_refused(tmp_path: Path) -> None:
    whole = zipfile.ZipFile(io.BytesIO(workbook(["name"], ["Анна"])))
    with zipfile.ZipFile(tmp_path / "clients.xlsx", "w") as archive:
        for name in whole.namelist():
            data = whole.read(name)
            archive.writestr(name, data[:-40] if "sheet1" in name else data)
    with pytest.raises(InvalidInput):
        list(read_rows(tmp_path / "clients.xlsx"))


# JSON Lines.


def test_json_lines_are_read_with_lists_flags_and_exact_numbers(tmp_path: Path) -> None:
    documents = [
        {"name": "Анна", "phones": ["+7912", "+7913"], "do_not_contact": True, "note": None, "external_id": ""},
        {"price": 0, "active": False},
    ]
    data = "\n\n".join(json.dumps(document) for document in documents) + '\n{"price": 1481.6900}\n'
    assert read(tmp_path / "c.jsonl", data) == [
        FileRow(1, {"name": "Анна", "phones": "+7912;+7913", "do_not_contact": "true"}),
        FileRow(3, {"price": "0", "active": "false"}),
        FileRow(4, {"price": "1481.6900"}),
    ]


@pytest.mark.parametrize("line", ["not json", "[1]", "5", "null", '{"a": ', b"\xff\xfe"])
def test_a_line_that_is_no_json_object_is_refused_by_its_number(tmp_path: Path, line: str | bytes) -> None:
    given = line.encode() if isinstance(line, str) else line
    with pytest.raises(InvalidInput, match="line 2 is not"):
        read(tmp_path / "c.jsonl", b'{"name": "x"}\n' + given)


def test_a_line_nested_too_deep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        read(tmp_path / "c.jsonl", '{"name": ' + "[" * 100_000)


def test_an_empty_list_is_no_value(tmp_path: Path) -> None:
    assert read(tmp_path / "c.jsonl", '{"name": "x", "phones": []}')[0].values.get("phones", "") == ""


# Any file.


@pytest.mark.parametrize("name", ["clients", "clients.txt", "clients.xls", "clients.json"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="no known kind") as refusal:
        read(tmp_path / name, "name\nAnna\n")
    assert ".csv" in refusal.value.hint


def test_a_kind_is_known_whatever_the_case_of_its_ending(tmp_path: Path) -> None:
    assert read(tmp_path / "CLIENTS.CSV", "name\nАнна\n")[0].values == {"name": "Анна"}


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(read_rows(tmp_path / "missing.csv"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(read_rows(tmp_path / "folder.csv"))


def test_a_file_has_a_most_of_bytes_and_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular_files, "ROWS_MAX", 3)
    assert len(read(tmp_path / "c.csv", "name\na\nb\n")) == 2
    with pytest.raises(InvalidInput, match="more than 3 rows"):
        read(tmp_path / "c.csv", "name\na\nb\nc\n")
    monkeypatch.setattr(tabular_files, "FILE_BYTES_MAX", 10)
    with pytest.raises(InvalidInput, match="larger than"):
        read(tmp_path / "c.csv", "name\naaaaaaaa\n")


def test_what_stands_in_a_column_without_a_heading_alone_is_no_row(tmp_path: Path) -> None:
    assert read(tmp_path / "c.csv", ",name\nx\n") == []
    assert [row.values for row in read(tmp_path / "d.csv", ",name\nx,tea\n")] == [{"name": "tea"}]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60), ending=st.sampled_from([".csv", ".tsv", ".jsonl", ".xlsx"]))
def test_random_bytes_are_rows_or_a_refusal(tmp_path: Path, data: bytes, ending: str) -> None:
    try:
        rows = read(tmp_path / f"file{ending}", data)
    except InvalidInput:
        return
    assert all(row.values.values() or ending == ".jsonl" for row in rows)
