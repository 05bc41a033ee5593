"""The report `margin`: what is left of the sales when VAT and what the goods cost are taken off.

Definitions:

    net             Σ (amount − VAT) of what was sold − the same of what came back, by the date of return
    uncosted        the part of it that is of goods whose cost is not known
    cost            Σ quantity × average cost, of what was sold − of what came back
    margin          net − uncosted − cost
    margin_percent  margin ÷ (net − uncosted)

The cost method is the weighted average: of a product, Σ cost ÷ Σ quantity of all goods received in the chain up to the
end of the period whose cost is known, delivery costs and later corrections apart. It is rounded on each line, to the
minor unit, so that groups add up. Goods of which no cost is known stand apart; they never count as free.
"""

from __future__ import annotations

from sqlalchemy import Subquery, case, func, literal_column, select

from shared.domain.stock import MovementReason
from shared.reports.fact_lists import FactList, list_facts, receipt_keys
from shared.reports.fact_sums import (
    BRANCH,
    BUSINESS_DATE,
    CASHIER,
    MONTH,
    Expression,
    FactSource,
    read_sums,
)
from shared.reports.ground import Answer, Ground
from shared.reports.items import Asked, Beneath, Kind
from shared.reports.parameters import ReportParameters
from shared.reports.report import Derived, Report, Scope, Sums, share_basis_points
from shared.reports.result import Column
from shared.storage.dialect_functions import share_of
from shared.storage.tables import refund, refund_line, sale, sale_line, stock_movement, stock_movement_line

NAME = "margin"

DIMENSIONS: dict[str, Column] = {
    each.name: each
    for each in (
        BRANCH,
        MONTH,
        BUSINESS_DATE,
        Column("category", "text", "Category"),
        Column("product", "text", "Product"),
        CASHIER,
    )
}

MEASURES: tuple[Column, ...] = (
    Column("net", "money", "Net without VAT"),
    Column("uncosted", "money", "Of it without a known cost"),
    Column("cost", "money", "Cost"),
)

DEFINITIONS: dict[str, str] = {
    "net": "Σ (amount − VAT) sold − the same of what came back, by the date of return",
    "uncosted": "net of goods of which no cost is known; they are left out of the margin",
    "cost": "Σ quantity × weighted average cost of all goods received in the chain up to the end of the period",
}


def _margin(sums: Sums) -> int:
    known: int = sums["net"] - sums["uncosted"] - sums["cost"]
    return known


def _margin_percent(sums: Sums) -> int | None:
    return share_basis_points(_margin(sums), sums["net"] - sums["uncosted"])


DERIVED: tuple[Derived, ...] = (
    Derived(Column("margin", "money", "Margin"), "net − net without a known cost − cost", _margin),
    Derived(
        Column("margin_percent", "percent", "Margin, %"), "margin ÷ (net − net without a known cost)", _margin_percent
    ),
)


def run_margin(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows and totals. Raises StoreCorrupt."""
    return read_sums(ground, parameters, MEASURES, _sources(parameters))


def list_margin(ground: Ground, asked: Asked) -> Beneath:
    """The receipts and returns behind it."""
    lists = [
        FactList(source, kind, moment, receipt_keys(source.table))
        for source, (kind, moment) in zip(
            _sources(asked.parameters),
            ((Kind.SALE, sale.c.sold_at), (Kind.REFUND, refund.c.refunded_at)),
            strict=True,
        )
    ]
    return list_facts(ground, asked, [column.name for column in MEASURES], lists)


def _sources(parameters: ReportParameters) -> list[FactSource]:
    costs = _average_costs(parameters)
    sold = sale.join(sale_line, (sale_line.c.branch_id == sale.c.branch_id) & (sale_line.c.sale_id == sale.c.id))
    back = refund.join(
        refund_line, (refund_line.c.branch_id == refund.c.branch_id) & (refund_line.c.refund_id == refund.c.id)
    )
    return [
        FactSource(
            head,
            {name: sign * func.sum(amount) for name, amount in _amounts(line, costs).items()},
            {"category": line.c.category, "product": line.c.sku, "cashier": head.c.cashier},
            joined=lines.outerjoin(costs, costs.c.sku == line.c.sku),
        )
        for head, line, lines, sign in ((sale, sale_line, sold, 1), (refund, refund_line, back, -1))
    ]


def _amounts(line: object, costs: Subquery) -> dict[str, Expression]:
    columns = line.c  # type: ignore[attr-defined]
    net = columns.amount_minor - columns.vat_minor
    return {
        "net": net,
        "uncosted": case((costs.c.quantity.is_(None), net), else_=0),
        "cost": func.coalesce(share_of(columns.quantity_thousandths, costs.c.cost, costs.c.quantity), 0),
    }


def _average_costs(parameters: ReportParameters) -> Subquery:
    """Σ cost and Σ quantity of what was received, by SKU, over the whole chain whichever branches are asked for."""
    moved = stock_movement.join(
        stock_movement_line,
        (stock_movement_line.c.branch_id == stock_movement.c.branch_id)
        & (stock_movement_line.c.movement_id == stock_movement.c.id),
    )
    conditions = [
        stock_movement.c.reason == literal_column(f"'{MovementReason.RECEIVED}'"),
        stock_movement_line.c.cost_minor.is_not(None),
        stock_movement_line.c.quantity_thousandths > 0,
    ]
    if parameters.date_to:
        conditions.append(stock_movement.c.business_date <= parameters.date_to)
    if parameters.as_of_us is not None:
        conditions.append(stock_movement.c.received_at <= parameters.as_of_us)
    return (
        select(
            stock_movement_line.c.sku,
            func.sum(stock_movement_line.c.cost_minor).label("cost"),
            func.sum(stock_movement_line.c.quantity_thousandths).label("quantity"),
        )
        .select_from(moved)
        .where(*conditions)
        .group_by(stock_movement_line.c.sku)
        .subquery()
    )


REPORT = Report(
    name=NAME,
    title="Margin",
    summary="What is left of the sales without VAT and without what the goods cost; goods without a known cost apart.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_margin,
    scope=Scope.CHAIN,
    derived=DERIVED,
    is_additive=True,
    filters_itself=True,
    person="cashier",
    first_by=("category",),
    notes=(
        "Cost method: weighted average cost of goods received in the chain up to the end of the period.",
        "Goods without a known cost are left out of the margin.",
    ),
)
