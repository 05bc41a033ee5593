"""Counts and sums over tables of facts, by the dimensions asked for: each table read once, the groups put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, case, func, or_, select

from shared.domain.business_time import parse_date
from shared.errors import StoreCorrupt
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.parameters import ReportParameters
from shared.reports.result import Column
from shared.storage.dialect_functions import month_of

Expression = ColumnElement[Any]
Condition = ColumnElement[bool]

BRANCH = Column("branch", "text", "Branch")
BUSINESS_DATE = Column("business_date", "date", "Day")
MONTH = Column("month", "month", "Month")
REGISTER = Column("register", "text", "Register")
CASHIER = Column("cashier", "text", "Cashier")

_NUMBERS = ("hour", "weekday")
_DIGITS_MAX = 3


@dataclass(frozen=True, slots=True)
class FactSource:
    """A table of facts with `branch_id`, `business_date` and `received_at`.

    `dimensions` are those it knows besides branch, day and month; in the others its rows have no value. `sums` are the
    measures that it adds to. `joined` is what is read when that is more than the table.
    """

    table: Table
    sums: Mapping[str, Expression]
    dimensions: Mapping[str, Expression] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    joined: FromClause | None = None

    @property
    def all_dimensions(self) -> dict[str, Expression]:
        """Everything it can be grouped and filtered by."""
        day = self.table.c.business_date
        own = {"branch": self.table.c.branch_id, "business_date": day, "month": month_of(day)}
        return {**own, **self.dimensions}


def count_if(condition: Condition) -> Expression:
    """How many rows meet it."""
    return func.sum(case((condition, 1), else_=0))


def sum_if(condition: Condition, amount: Expression) -> Expression:
    """Σ amount over the rows that meet it."""
    return func.sum(case((condition, amount), else_=0))


def read_sums(
    ground: Ground, parameters: ReportParameters, measures: Sequence[Column], sources: Sequence[FactSource]
) -> Answer:
    """Rows and totals: each source's sums, with 0 for the measures it does not know. Filters are applied.

    Raises StoreCorrupt when a row holds something that is no date or number.
    """
    places = {column.name: place for place, column in enumerate(measures)}
    groups: dict[tuple[Any, ...], list[int]] = {}
    try:
        for source in sources:
            for key, sums in _read(ground, parameters, source):
                group = groups.setdefault(key, [0] * len(places))
                for name, amount in zip(source.sums, sums, strict=True):
                    group[places[name]] += int(amount or 0)
    except (TypeError, ValueError):
        raise StoreCorrupt(
            "A fact holds a value that cannot be read.",
            "Run: sync verify --deep, which names the row; sync repair rewrites it from its entry.",
        ) from None
    return answer_of(groups, parameters.by, len(places))


def answer_of(groups: Mapping[tuple[Any, ...], Sequence[int]], by: Sequence[str], width: int) -> Answer:
    """Sorted rows and the totals over them; one row of zeros at least where nothing is grouped by."""
    totals = tuple(map(sum, zip(*groups.values(), strict=True))) if groups else (0,) * width
    if not by:
        return [totals], totals
    rows: Rows = [(*key, *sums) for key, sums in groups.items()]
    rows.sort(key=lambda row: [(value is None, value if value is not None else 0) for value in row[: len(by)]])
    return rows, totals


def _read(ground: Ground, parameters: ReportParameters, source: FactSource) -> Rows:
    """Pairs of a group and the source's sums."""
    known = source.all_dimensions
    if not knows_filters(parameters, source):
        return []
    names = [name for name in parameters.by if name in known]
    keys = [known[name] for name in names]
    statement = select(*keys, *source.sums.values()).select_from(
        source.joined if source.joined is not None else source.table
    )
    statement = statement.where(*conditions_of(ground, parameters, source.table, known), *source.conditions)
    # Without anything to group by, an empty table would give a row of nothing.
    statement = statement.group_by(*keys) if keys else statement.having(func.count() > 0)
    found = []
    for row in ground.connection.execute(statement):
        shown = dict(zip(names, (shown_key(value, ground) for value in row[: len(keys)]), strict=True))
        found.append((tuple(shown.get(name) for name in parameters.by), tuple(row[len(keys) :])))
    return found


def knows_filters(parameters: ReportParameters, source: FactSource) -> bool:
    """Whether its rows may meet the filters: along what it does not know they have no value."""
    known = source.all_dimensions
    return all("" in values for name, values in parameters.filters if name not in known)


def conditions_of(
    ground: Ground, parameters: ReportParameters, table: Table, dimensions: Mapping[str, Expression]
) -> list[Condition]:
    """Branches, period, what was known then, and the filters along these dimensions."""
    conditions: list[Condition] = [table.c.branch_id.in_(list(ground.branch_codes))]
    if parameters.date_from:
        conditions.append(table.c.business_date >= parameters.date_from)
    if parameters.date_to:
        conditions.append(table.c.business_date <= parameters.date_to)
    if parameters.as_of_us is not None:
        conditions.append(table.c.received_at <= parameters.as_of_us)
    for name, values in parameters.filters:
        if name in dimensions:
            conditions.append(is_among(ground, name, dimensions[name], values))
    return conditions


def is_among(ground: Ground, name: str, column: Expression, texts: Sequence[str]) -> Condition:
    """Whether a dimension has one of these values, as people write them; an empty text is no value."""
    if name == "branch":
        return column.in_([identity for identity, code in ground.branch_codes.items() if code in texts])
    if name == "business_date":
        return column.in_([parse_date(text, "The day") for text in texts])
    if name in _NUMBERS:
        return column.in_(
            [int(each) for each in texts if each.isascii() and each.isdigit() and len(each) <= _DIGITS_MAX]
        )
    named: Condition = column.in_([text for text in texts if text])
    return or_(named, column.is_(None)) if "" in texts else named


def shown_key(value: Any, ground: Ground) -> Any:
    """A group's value as people read it: the branch's code, the date as a text."""
    if isinstance(value, bytes):
        return ground.branch_codes.get(value, value.hex())
    return value.isoformat() if isinstance(value, date) else value
