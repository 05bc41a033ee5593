"""What a report answers: typed columns, rows, totals, and how complete all of it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.domain.business_time import format_us
from shared.domain.money import quantity_number
from shared.reports.parameters import ReportParameters


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is text, date, integer, money (minor units) or quantity (thousandths inside, a plain number outside)."""

    name: str
    type: str

    def as_json(self) -> dict[str, str]:
        """With the unit of money, which is otherwise not visible."""
        document = {"name": self.name, "type": "number" if self.type == "quantity" else self.type}
        return document | {"unit": "minor"} if self.type == "money" else document

    def plain(self, value: Any) -> Any:
        """A value as JSON has it."""
        if value is None:
            return None
        return quantity_number(int(value)) if self.type == "quantity" else value


@dataclass(frozen=True, slots=True)
class BranchCompleteness:
    """How complete a branch's data is. `watermark_us` is None before its first contact."""

    branch: str
    watermark_us: int | None
    last_seen_us: int | None
    complete: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "branch": self.branch,
            "watermark": None if self.watermark_us is None else format_us(self.watermark_us),
            "last_seen_at": None if self.last_seen_us is None else format_us(self.last_seen_us),
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True)
class Completeness:
    """What the report's numbers rest on, branch by branch."""

    branches: tuple[BranchCompleteness, ...]

    @property
    def complete_to_us(self) -> int | None:
        """The moment up to which every branch is complete; None when one has never been heard."""
        watermarks = [known.watermark_us for known in self.branches]
        known = [watermark for watermark in watermarks if watermark is not None]
        return min(known) if known and len(known) == len(watermarks) else None

    @property
    def sentence(self) -> str:
        """For people: `4 of 5 branches complete; missing: B3 (last heard 2026-11-23T10:00:00Z)`."""
        missing = [known for known in self.branches if not known.complete]
        said = f"{len(self.branches) - len(missing)} of {len(self.branches)} branches complete"
        if self.complete_to_us is not None:
            said += f", all of them to {format_us(self.complete_to_us)}"
        if missing:
            names = ", ".join(f"{known.branch} (last heard {_heard(known)})" for known in missing)
            said += f"; missing: {names}"
        return said

    def as_json(self) -> dict[str, Any]:
        complete_to_us = self.complete_to_us
        return {
            "complete_to": None if complete_to_us is None else format_us(complete_to_us),
            "branches": [known.as_json() for known in self.branches],
        }


def _heard(known: BranchCompleteness) -> str:
    return "never" if known.last_seen_us is None else format_us(known.last_seen_us)


@dataclass(frozen=True, slots=True)
class ReportResult:
    """Rows hold the dimensions, then the measures, in column order; money in minor units, quantities in thousandths."""

    report: str
    parameters: ReportParameters
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    totals: tuple[Any, ...]
    completeness: Completeness
    currency: str

    def as_json(self) -> dict[str, Any]:
        measures = self.columns[len(self.columns) - len(self.totals) :]
        return {
            "report": self.report,
            "parameters": self.parameters.as_json(),
            "currency": self.currency,
            "columns": [column.as_json() for column in self.columns],
            "rows": [
                [column.plain(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows
            ],
            "totals": {column.name: column.plain(value) for column, value in zip(measures, self.totals, strict=True)},
            "completeness": self.completeness.as_json(),
        }
