"""The reports there are, by name."""

from __future__ import annotations

from shared.domain.identifiers import shorten
from shared.errors import NotFound
from shared.reports import (
    abc_xyz,
    affinity,
    at_risk,
    cash_variance,
    cohorts,
    conversion,
    data_completeness,
    discipline,
    loss,
    margin,
    rfm,
    sales,
    stock,
    stock_outs,
    work,
)
from shared.reports.report import Report

_ALL = (
    Report(
        name=sales.NAME,
        title="Sales",
        summary="What was sold: receipts, units, gross, discounts, returns, net.",
        dimensions=sales.DIMENSIONS,
        measures=sales.MEASURES,
        definitions=sales.DEFINITIONS,
        run=sales.run_sales,
        derived=sales.DERIVED,
        is_additive=True,
        filters_itself=True,
        person="cashier",
        first_by=("branch",),
        notes=("All amounts include VAT.", "Returns count on the day when the goods came back."),
    ),
    Report(
        name=stock.NAME,
        title="Stock",
        summary="Goods on hand at the end of the period, how long they last, what was sold, what they are worth.",
        dimensions=stock.DIMENSIONS,
        measures=stock.MEASURES,
        definitions=stock.DEFINITIONS,
        run=stock.run_stock,
        derived=stock.DERIVED,
        is_additive=True,
        first_by=("branch",),
    ),
    Report(
        name=work.WORK_TODAY,
        title="Work of the day",
        summary="What was done: calls, reached, outcomes, contacts, tasks and sales by employee and hour.",
        dimensions=work.DIMENSIONS,
        measures=work.MEASURES,
        definitions=work.DEFINITIONS,
        run=work.run_work_today,
        is_additive=True,
        person="employee",
        first_by=("employee",),
        first_period="today",
    ),
    Report(
        name=work.CALLS,
        title="Calls",
        summary="Calls and what came of them, by employee, outcome, day and hour.",
        dimensions=work.CALL_DIMENSIONS,
        measures=work.CALL_MEASURES,
        definitions=work.CALL_DEFINITIONS,
        run=work.run_calls,
        derived=work.CALL_DERIVED,
        is_additive=True,
        person="employee",
        first_by=("employee",),
    ),
    stock_outs.STOCK_OUTS,
    cash_variance.REPORT,
    loss.REPORT,
    discipline.REPORT,
    conversion.REPORT,
    margin.REPORT,
    data_completeness.REPORT,
    rfm.RFM,
    cohorts.COHORTS,
    at_risk.AT_RISK,
    abc_xyz.ABC_XYZ,
    affinity.AFFINITY,
)

REPORTS: dict[str, Report] = {each.name: each for each in _ALL}


def find_report(name: str) -> Report:
    """Raises NotFound."""
    if name not in REPORTS:
        raise NotFound(f"There is no report “{shorten(name)}”.", f"There are: {', '.join(sorted(REPORTS))}.")
    return REPORTS[name]
