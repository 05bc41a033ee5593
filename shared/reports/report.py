"""What a report is: its dimensions, its measures with their definitions, and the query behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.reports.ground import Answer, Ground
from shared.reports.parameters import Option, ReportParameters
from shared.reports.result import Column

Run = Callable[[Ground, ReportParameters], Answer]
RunByBranch = Callable[[Ground, ReportParameters], Mapping[bytes, Answer]]
Sums = Mapping[str, Any]
"""A row's measures by name."""


class Scope(StrEnum):
    """Who can compute it. Local: a branch alone, and it equals HQ's restricted to that branch. Chain: HQ alone."""

    LOCAL = "local"
    CHAIN = "chain"


@dataclass(frozen=True, slots=True)
class Derived:
    """A measure computed from the others of its row, groups and totals alike, such as an average."""

    column: Column
    definition: str
    compute: Callable[[Sums], int | None]


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `is_additive`: the measures of two groups may be added up, along every dimension; then the program
    groups along the tree of employees and filters by itself. `person` is the dimension that says who did it."""

    name: str
    title: str
    summary: str
    dimensions: Mapping[str, Column]
    measures: tuple[Column, ...]
    definitions: Mapping[str, str]
    run: Run
    scope: Scope = Scope.LOCAL
    derived: tuple[Derived, ...] = ()
    options: tuple[Option, ...] = ()
    is_additive: bool = False
    filters_itself: bool = False
    person: str = ""
    has_period: bool = True
    # What a page asks for first.
    first_by: tuple[str, ...] = ()
    first_period: str = "this-month"
    # It reads so much that it runs beside the page, and its answer is kept.
    is_slow: bool = False
    # Of a report on clients: by branch, the same of those alone who bought there, measured over the whole chain. A
    # client stands there by the id of his card; all who have none are one, without a name.
    run_by_branch: RunByBranch | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def all_measures(self) -> tuple[Column, ...]:
        """What is summed, then what is derived from it."""
        return (*self.measures, *(each.column for each in self.derived))

    @property
    def all_definitions(self) -> dict[str, str]:
        """Every measure's definition by its name."""
        return {**self.definitions, **{each.column.name: each.definition for each in self.derived}}

    @property
    def all_dimensions(self) -> dict[str, Column]:
        """Its own, and `team` where it says who did it."""
        if not self.person:
            return dict(self.dimensions)
        return {**self.dimensions, TEAM: Column(TEAM, "text", "Team")}

    def columns(self, by: tuple[str, ...]) -> tuple[Column, ...]:
        """The columns of a result."""
        return (*(self.all_dimensions[name] for name in by), *self.all_measures)


TEAM = "team"
"""The dimension that rolls up along the tree of employees: whose team did it, of the next level below."""


def share_basis_points(part: int | None, whole: int | None) -> int | None:
    """part ÷ whole in basis points, halves away from zero; None where there is nothing to divide by."""
    return divide(part, whole, 10_000)


def divide(part: int | None, whole: int | None, scale: int = 1) -> int | None:
    """part × scale ÷ whole, halves away from zero; None where there is nothing to divide by."""
    if part is None or not whole:
        return None
    doubled = abs(part) * scale * 2 + abs(whole)
    quotient = doubled // (2 * abs(whole))
    return quotient if (part < 0) == (whole < 0) or not part else -quotient
