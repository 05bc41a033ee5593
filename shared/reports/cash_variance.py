"""The report `cash-variance`: what was counted in the drawers against what had to be in them, by closed shift.

Definitions, alike at every branch and at HQ:

    shifts       shifts that were closed
    not_counted  those of them whose drawer nobody counted; they have no part in the amounts
    expected     Σ (float + cash in sales − change − cash given back + put in − taken out), as the Z-report has it
    counted      Σ cash counted
    variance     counted − expected
    short        Σ variance of the shifts that had too little, below zero
    over         Σ variance of the shifts that had too much
    repeated     further Z-reports of a shift that is closed already

It reads the Z-reports, which the report `completeness` holds against the receipts. A Z-report counts on the business
date of its shift, for who closed it. Two stores that did not know of each other may have closed one shift: the last
Z-report stands, since it saw the most, and the others are counted as repeated.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select

from shared.reports.fact_lists import FactList, list_facts
from shared.reports.fact_sums import (
    BRANCH,
    BUSINESS_DATE,
    CASHIER,
    MONTH,
    REGISTER,
    FactSource,
    count_if,
    read_sums,
    sum_if,
)
from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath, Kind
from shared.reports.parameters import ReportParameters
from shared.reports.report import Report
from shared.reports.result import Column
from shared.storage.tables import shift_close

NAME = "cash-variance"

DIMENSIONS: dict[str, Column] = {each.name: each for each in (BRANCH, BUSINESS_DATE, MONTH, REGISTER, CASHIER)}

MEASURES: tuple[Column, ...] = (
    Column("shifts", "integer", "Shifts closed"),
    Column("not_counted", "integer", "Not counted"),
    Column("expected", "money", "Cash expected"),
    Column("counted", "money", "Cash counted"),
    Column("variance", "money", "Difference"),
    Column("short", "money", "Short"),
    Column("over", "money", "Over"),
    Column("repeated", "integer", "Closed again"),
)

DEFINITIONS: dict[str, str] = {
    "shifts": "shifts that were closed",
    "not_counted": "closed shifts whose drawer nobody counted; they have no part in the amounts",
    "expected": "Σ (float + cash in sales − change − cash given back + put in − taken out), as the Z-report has it",
    "counted": "Σ cash counted",
    "variance": "counted − expected",
    "short": "Σ difference of the shifts that had too little",
    "over": "Σ difference of the shifts that had too much",
    "repeated": "further Z-reports of a shift that is closed already; the last one stands",
}


def run_cash_variance(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows and totals. Raises StoreCorrupt."""
    return read_sums(ground, parameters, MEASURES, _sources(parameters))


def list_shifts(ground: Ground, asked: Asked) -> Beneath:
    """The Z-reports behind it."""
    close = shift_close.c
    keys = {"register": close.register, "number": close.last_receipt, "who": close.cashier, "of_id": close.shift_id}
    lists = [FactList(source, Kind.Z_REPORT, close.closed_at, keys) for source in _sources(asked.parameters)]
    return list_facts(ground, asked, [column.name for column in MEASURES], lists)


def _sources(parameters: ReportParameters) -> list[FactSource]:
    own = {"register": shift_close.c.register, "cashier": shift_close.c.cashier}
    stands = ~_is_closed_later(parameters)
    variance = shift_close.c.counted_cash_minor - shift_close.c.expected_cash_minor
    is_counted = shift_close.c.counted_cash_minor.is_not(None)
    sums = {
        "shifts": func.count(),
        "not_counted": count_if(shift_close.c.counted_cash_minor.is_(None)),
        "expected": sum_if(is_counted, shift_close.c.expected_cash_minor),
        "counted": func.sum(shift_close.c.counted_cash_minor),
        "variance": func.sum(variance),
        "short": sum_if(variance < 0, variance),
        "over": sum_if(variance > 0, variance),
        # All but those that stand: cheaper than to look for them.
        "repeated": -func.count(),
    }
    return [
        FactSource(shift_close, sums, own, (stands,)),
        FactSource(shift_close, {"repeated": func.count()}, own),
    ]


def _is_closed_later(parameters: ReportParameters) -> ColumnElement[bool]:
    """Whether the same shift has a later Z-report, of those that were known then."""
    later = shift_close.alias("later")
    conditions: list[Any] = [
        later.c.branch_id == shift_close.c.branch_id,
        later.c.shift_id == shift_close.c.shift_id,
        or_(
            later.c.closed_at > shift_close.c.closed_at,
            and_(later.c.closed_at == shift_close.c.closed_at, later.c.id > shift_close.c.id),
        ),
    ]
    if parameters.as_of_us is not None:
        conditions.append(later.c.received_at <= parameters.as_of_us)
    return exists(select(literal(1)).where(*conditions))


REPORT = Report(
    name=NAME,
    title="Cash differences",
    summary="What was counted in the drawers against what had to be in them, by closed shift.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_cash_variance,
    is_additive=True,
    filters_itself=True,
    person="cashier",
    first_by=("cashier",),
    notes=("A shift counts on its business date, for who closed it.", "Shifts that nobody counted have no amounts."),
)
