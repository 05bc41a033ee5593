"""Figures, their bars, and how they are shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `bar` is what must hold, as people write it; `holds` whether it did; `note` explains it."""

    name: str
    value: float
    unit: str
    bar: str = ""
    holds: bool | None = None
    detail: str = ""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def verdict(self) -> str:
        return "" if self.holds is None else ("holds" if self.holds else "MISSED")


def at_least(name: str, value: float, minimum: float, unit: str, detail: str = "") -> Figure:
    """A figure that must not be smaller."""
    return Figure(name, value, unit, f"≥ {minimum:g}", value >= minimum, detail)


def at_most(name: str, value: float, maximum: float, unit: str, detail: str = "") -> Figure:
    """A figure that must not be larger."""
    return Figure(name, value, unit, f"≤ {maximum:g}", value <= maximum, detail)


def spread(values: Sequence[float]) -> str:
    """Median and range of several runs."""
    return f"median of {len(values)}: {min(values):.3g} … {statistics.median(values):.3g} … {max(values):.3g}"
