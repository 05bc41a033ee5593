"""What a report answers, as one document."""

from __future__ import annotations

import json
from typing import Any

from shared.reports.parameters import ReportParameters
from shared.reports.registry import find_report
from shared.reports.result import BranchCompleteness, Column, Completeness, ReportResult
from tests.support.clock import START_US

SUMS = (2, 1_500, 120, 20, 0, 100, 50, 750)


def document(*by: str) -> dict[str, Any]:
    """A report of one row, through JSON and back."""
    report = find_report("sales")
    keys = tuple("B7" for _ in by)
    standing = Completeness((BranchCompleteness("B7", START_US, START_US, True),))
    result = ReportResult("sales", ReportParameters(by), report.columns(by), ((*keys, *SUMS),), SUMS, standing, "RUB")
    parsed: dict[str, Any] = json.loads(json.dumps(result.as_json()))
    return parsed


def test_the_document_has_the_shape_that_is_promised() -> None:
    answer = document("branch")
    assert answer["report"] == "sales"
    assert answer["rows"] == [["B7", 2, 1.5, 120, 20, 0, 100, 50, 0.75]]
    assert answer["columns"][0] == {"name": "branch", "type": "text"}
    assert answer["columns"][6] == {"name": "net", "type": "money", "unit": "minor"}
    assert answer["columns"][2] == {"name": "units", "type": "number"}
    assert answer["parameters"]["by"] == ["branch"]
    assert answer["completeness"]["complete_to"] == "2026-11-23T16:00:00Z"
    assert answer["completeness"]["branches"][0]["complete"] is True


def test_totals_stand_beside_the_rows_by_name() -> None:
    expected = {"receipts": 2, "units": 1.5, "gross": 120, "discounts": 20, "returns": 0, "net": 100} | {
        "average_receipt": 50,
        "units_per_receipt": 0.75,
    }
    assert document("branch")["totals"] == document()["totals"] == expected


def test_units_are_plain_numbers() -> None:
    units = Column("units", "quantity")
    assert [units.plain(value) for value in (3_000, 500, 0, None)] == [3, 0.5, 0, None]
    assert isinstance(units.plain(3_000), int)
