"""What a report is asked for: period, branches, dimensions, and the moment as of which it is to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.domain.business_time import format_us, parse_date, parse_local
from shared.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ReportParameters:
    """`date_from` and `date_to` are business dates, both included; None is open. Empty `branches` are all."""

    by: tuple[str, ...] = ()
    date_from: date | None = None
    date_to: date | None = None
    branches: tuple[str, ...] = ()
    as_of_us: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As the report's document shows them."""
        return {
            "from": self.date_from.isoformat() if self.date_from else None,
            "to": self.date_to.isoformat() if self.date_to else None,
            "branches": list(self.branches),
            "by": list(self.by),
            "as_of": format_us(self.as_of_us) if self.as_of_us is not None else None,
        }


def parse_parameters(
    by: Sequence[str],
    dimensions: Sequence[str],
    date_from: str | None,
    date_to: str | None,
    branches: Sequence[str],
    as_of: str | None,
    zone: str,
) -> ReportParameters:
    """Checks what a person typed. Raises InvalidInput."""
    for dimension in by:
        if dimension not in dimensions:
            raise InvalidInput(f"The report has no dimension “{dimension}”.", f"It has: {', '.join(dimensions)}.")
    if len(set(by)) != len(by):
        raise InvalidInput("A dimension is named twice.")
    start = parse_date(date_from, "--from") if date_from else None
    end = parse_date(date_to, "--to") if date_to else None
    if start and end and start > end:
        raise InvalidInput(f"The period begins on {start}, after its end on {end}.")
    as_of_us = parse_local(as_of, zone, "--as-of").at_us if as_of else None
    return ReportParameters(tuple(by), start, end, tuple(dict.fromkeys(branches)), as_of_us)
