"""`report` on the command line: formats, files, and what cannot be shown."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from shared.cli.commands import GlobalOptions
from shared.cli.program import run_program
from shared.cli.reports import report_group
from shared.reports.parameters import ReportAsk, ReportParameters
from shared.reports.report import Report
from shared.reports.result import BranchCompleteness, Completeness, ReportResult
from tests.support.clock import START_US

SUMS = (2, 1_500, 14_819, 19, 0, 14_800, 7_400, 750)
Captured = pytest.CaptureFixture[str]
asked: list[ReportAsk] = []


def answer(_: GlobalOptions, report: Report, ask: ReportAsk) -> ReportResult:
    """Always the same two products."""
    asked.append(ask)
    by = tuple(ask.by)
    rows = tuple((*(name for _ in by), *SUMS) for name in ("Молоко", "Хлеб")) if by else (SUMS,)
    standing = Completeness((BranchCompleteness("B7", START_US, START_US, True),))
    return ReportResult(report.name, ReportParameters(by), report.columns(by), rows, SUMS, standing, "RUB")


group = report_group(answer, "Reports.")


def run(*arguments: str) -> int:
    return run_program(group, arguments)


def test_reports_are_listed_with_their_dimensions(capsys: Captured) -> None:
    assert run("list", "--json") == 0
    sales, *_ = json.loads(capsys.readouterr().out)["reports"]
    assert sales["name"] == "sales"
    assert sales["dimensions"] == [
        "branch",
        "business_date",
        "month",
        "category",
        "product",
        "cashier",
        "client",
        "hour",
        "weekday",
        "team",
    ]


def test_a_report_s_measures_are_defined(capsys: Captured) -> None:
    assert run("define", "sales") == 0
    assert "gross − discounts − returns" in capsys.readouterr().out
    assert run("define", "horoscope") == 1


def test_what_is_asked_is_handed_over(capsys: Captured) -> None:
    asked.clear()
    arguments = "--from 2026-01-01 --to 2026-02-01 --branch B1 --branch B2 --by month --by product --as-of 2026-03-01"
    assert run("run", "sales", *arguments.split()) == 0
    by, branches = ("month", "product"), ("B1", "B2")
    assert asked == [ReportAsk(by, "2026-01-01", "2026-02-01", branches, "2026-03-01", filters=(), options=())]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("how", [("--json",), ("--format", "json")])
def test_a_report_is_one_json_document(how: tuple[str, ...], capsys: Captured) -> None:
    assert run("run", "sales", "--by", "product", *how) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"][0] == ["Молоко", 2, 1.5, 14_819, 19, 0, 14_800, 7_400, 0.75]


def test_a_report_is_a_table_with_totals_and_what_they_rest_on(capsys: Captured) -> None:
    assert run("run", "sales", "--by", "product") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["Молоко", "2", "1.5", "148.19", "0.19", "0.00", "148.00", "74.00", "0.75"]
    assert lines[3] == ["total", "2", "1.5", "148.19", "0.19", "0.00", "148.00", "74.00", "0.75"]
    assert lines[-1][:3] == ["Amounts", "in", "RUB."]
    assert "1 of 1 branches complete" in " ".join(lines[-1])


def test_a_report_without_dimensions_has_no_second_total(capsys: Captured) -> None:
    assert run("run", "sales") == 0
    assert "total" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "begins"),
    [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF"), ("json", b"{"), ("table", b"product")],
)
def test_a_report_is_written_to_a_file(tmp_path: Path, name: str, begins: bytes, capsys: Captured) -> None:
    target = tmp_path / f"report.{name}"
    assert run("run", "sales", "--by", "product", "--format", name, "-o", str(target)) == 0
    assert target.read_bytes().startswith(begins)
    assert capsys.readouterr().out == ""


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, capsys: Captured) -> None:
    assert run("run", "sales", "-o", str(tmp_path / "missing" / "report.csv")) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_binary_report_goes_to_a_pipe_as_it_is(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("run", "sales", "--by", "product", "--format", "xlsx") == 0
    sheet: Any = openpyxl.load_workbook(io.BytesIO(capsysbinary.readouterr().out)).worksheets[0]
    assert sheet["A2"].value == "Молоко"


@pytest.mark.parametrize("name", ["xlsx", "pdf"])
def test_a_binary_report_is_not_shown_in_a_terminal(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run("run", "sales", "--format", name) == 1
    assert "-o FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("run",), ("run", "sales", "--format", "docx"), ("run", "sales", "--bye", "month")]
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments) == 2
