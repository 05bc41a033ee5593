"""What a report answers: typed columns, rows, totals, and how complete all of it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.domain.business_time import format_us
from shared.domain.money import quantity_number
from shared.reports.parameters import ReportParameters

_UNITS = {"money": "minor", "percent": "%"}
_THOUSANDTHS = ("quantity", "ratio")


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is text, date, month, integer, money (minor units), quantity or ratio (thousandths inside, a plain number
    outside), percent (basis points inside, a number of percent outside) or moment (microseconds since 1970 in UTC
    inside, ISO 8601 outside). `label` is the heading for people, in English; `unit` says more, such as days."""

    name: str
    type: str
    label: str = ""
    unit: str = ""

    @property
    def heading(self) -> str:
        """What people call it, in English; a page translates it."""
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right and may be drawn."""
        return self.type not in ("text", "date", "month", "moment")

    def as_json(self) -> dict[str, str]:
        """With the unit, which is otherwise not visible."""
        types = dict.fromkeys(_THOUSANDTHS, "number") | {"month": "text"}
        document = {"name": self.name, "type": types.get(self.type, self.type)}
        unit = self.unit or _UNITS.get(self.type, "")
        return document | {"unit": unit} if unit else document

    def plain(self, value: Any) -> Any:
        """A value as JSON has it."""
        if value is None:
            return None
        if self.type in _THOUSANDTHS:
            return quantity_number(int(value))
        if self.type == "percent":
            return quantity_number(int(value) * 10)
        return format_us(value) if self.type == "moment" else value


@dataclass(frozen=True, slots=True)
class BranchCompleteness:
    """How complete a branch's data is. `watermark_us` is None before its first contact; `share_basis_points` is its
    usual share of the sales of all branches, None where that is not known."""

    branch: str
    watermark_us: int | None
    last_seen_us: int | None
    complete: bool
    share_basis_points: int | None = None

    def as_json(self) -> dict[str, Any]:
        share = self.share_basis_points
        document = {
            "branch": self.branch,
            "watermark": None if self.watermark_us is None else format_us(self.watermark_us),
            "last_seen_at": None if self.last_seen_us is None else format_us(self.last_seen_us),
            "complete": self.complete,
        }
        return document if share is None else document | {"usual_share_percent": share / 100}


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
    def missing(self) -> tuple[BranchCompleteness, ...]:
        """The branches that are not complete."""
        return tuple(known for known in self.branches if not known.complete)

    @property
    def missing_basis_points(self) -> int | None:
        """The usual share of the missing branches in all sales; None when that is not known of one of them."""
        shares = [known.share_basis_points for known in self.missing]
        known = [share for share in shares if share is not None]
        return sum(known) if len(known) == len(shares) else None

    @property
    def sentence(self) -> str:
        """For people: `4 of 5 branches complete; missing: B3 (last heard 2026-11-23T10:00:00Z)`."""
        missing = self.missing
        said = f"{len(self.branches) - len(missing)} of {len(self.branches)} branches complete"
        if self.complete_to_us is not None:
            said += f", all of them to {format_us(self.complete_to_us)}"
        if missing:
            names = ", ".join(f"{known.branch} (last heard {_heard(known)})" for known in missing)
            said += f"; missing: {names}"
            if self.missing_basis_points is not None:
                said += f", usually {self.missing_basis_points / 100:.1f} % of sales"
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
    # Of an answer that was kept: the moment it was computed at, microseconds. None is just now.
    computed_at_us: int | None = None
    # How many rows the totals know of that are not among the rows.
    rows_left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        measures = self.columns[len(self.columns) - len(self.totals) :]
        document: dict[str, Any] = {
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
        if self.computed_at_us is not None:
            document["computed_at"] = format_us(self.computed_at_us)
        if self.rows_left_out:
            document["rows_left_out"] = self.rows_left_out
        return document
