"""The report `loss`: what is done by hand at the tills and may hide a loss, and how often in a hundred receipts.

Definitions, alike at every branch and at HQ:

    receipts         sales
    voids            goods taken out of a basket, baskets given up, receipt numbers that nothing was sold under
    overrides        acts that somebody else had to allow
    no_sale_opens    drawers opened without a sale
    returns          goods given back, each return once
    unreceipted      returns without a receipt
    unreceipted_sum  Σ given back without a receipt
    price_changes    prices changed by hand
    discounts        discounts by hand

What an override was given for is told by the act itself when that is a return, an opened drawer or a copy of a receipt,
and by an entry of its own else; it counts once. A receipt number that nothing was sold under has no cashier. A basket
tells at most 50 of its acts.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import and_, func, or_

from shared.domain.permissions import Permission
from shared.domain.till_acts import (
    BASKET_ABANDONED,
    DISCOUNT_BY_HAND,
    DRAWER_OPENED,
    LINE_REMOVED,
    OVERRIDE,
    PRICE_CHANGED,
    RECEIPT_REPRINTED,
)
from shared.reports.fact_lists import FactList, list_facts, receipt_keys
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
from shared.reports.report import Derived, Report, Sums, divide
from shared.reports.result import Column
from shared.storage.rollup_tables import sales_by_hour
from shared.storage.tables import audit_entry, receipt_void, refund, sale

NAME = "loss"
PER_RECEIPTS = 100

DIMENSIONS: dict[str, Column] = {each.name: each for each in (BRANCH, BUSINESS_DATE, MONTH, REGISTER, CASHIER)}

MEASURES: tuple[Column, ...] = (
    Column("receipts", "integer", "Receipts"),
    Column("voids", "integer", "Voids"),
    Column("overrides", "integer", "Overrides"),
    Column("no_sale_opens", "integer", "Drawer opened without a sale"),
    Column("returns", "integer", "Returns"),
    Column("unreceipted", "integer", "Returns without a receipt"),
    Column("unreceipted_sum", "money", "Given back without a receipt"),
    Column("price_changes", "integer", "Prices changed by hand"),
    Column("discounts", "integer", "Discounts by hand"),
)

LISTED = tuple(column.name for column in MEASURES[1:])
"""What the list of acts adds up to."""

DEFINITIONS: dict[str, str] = {
    "receipts": "sales",
    "voids": "goods taken out of a basket, baskets given up, receipt numbers that nothing was sold under",
    "overrides": "acts that somebody else had to allow",
    "no_sale_opens": "drawers opened without a sale",
    "returns": "returns, with a receipt or without",
    "unreceipted": "returns without a receipt",
    "unreceipted_sum": "Σ given back without a receipt",
    "price_changes": "prices changed by hand",
    "discounts": "discounts by hand",
}


def _per_receipts(measure: str, sums: Sums) -> int | None:
    return divide(sums[measure], sums["receipts"], PER_RECEIPTS * 1_000)


DERIVED: tuple[Derived, ...] = tuple(
    Derived(
        Column(f"{name}_per_100", "ratio", f"{label} per 100 receipts"),
        f"{label.lower()} ÷ receipts × {PER_RECEIPTS}",
        partial(_per_receipts, name),
    )
    for name, label in (
        ("voids", "Voids"),
        ("overrides", "Overrides"),
        ("no_sale_opens", "Drawer openings"),
        ("returns", "Returns"),
        ("unreceipted", "Returns without a receipt"),
        ("price_changes", "Price changes"),
    )
)


def run_loss(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows and totals. Raises StoreCorrupt."""
    sources = [_receipts(ground, parameters), _ACTS, _RETURNS, _VOIDS]
    return read_sums(ground, parameters, MEASURES, sources)


def list_loss(ground: Ground, asked: Asked) -> Beneath:
    """The acts, returns and numbers behind it; receipts are what it is held against, and are not listed."""
    act = audit_entry.c
    lists = [
        FactList(_ACTS, Kind.TILL_ACT, act["at"], {"register": act.register, "code": act.action, "who": act.cashier}),
        FactList(_RETURNS, Kind.REFUND, refund.c.refunded_at, receipt_keys(refund)),
        FactList(
            _VOIDS,
            Kind.VOID,
            receipt_void.c.voided_at,
            {"register": receipt_void.c.register, "number": receipt_void.c.receipt_number},
        ),
    ]
    return list_facts(ground, asked, LISTED, lists)


def _receipts(ground: Ground, parameters: ReportParameters) -> FactSource:
    """From the coarsest table that knows what is asked for."""
    asked = {*parameters.by, *dict(parameters.filters)}
    if ground.has_rollups and parameters.as_of_us is None and "register" not in asked:
        return _RECEIPTS_BY_HOUR
    return _RECEIPTS


_action = audit_entry.c.action
# An override for a return is told by the return.
_IS_OVERRIDE = or_(
    and_(_action == OVERRIDE, audit_entry.c.detail != Permission.REFUND_BY_RECEIPT.value),
    and_(_action.in_([DRAWER_OPENED, RECEIPT_REPRINTED]), audit_entry.c.authorised_by.is_not(None)),
)

_RECEIPTS_BY_HOUR = FactSource(
    sales_by_hour, {"receipts": func.sum(sales_by_hour.c.receipts)}, {"cashier": sales_by_hour.c.cashier}
)
_RECEIPTS = FactSource(sale, {"receipts": func.count()}, {"register": sale.c.register, "cashier": sale.c.cashier})
_ACTS = FactSource(
    audit_entry,
    {
        "voids": count_if(_action.in_([LINE_REMOVED, BASKET_ABANDONED])),
        "overrides": count_if(_IS_OVERRIDE),
        "no_sale_opens": count_if(_action == DRAWER_OPENED),
        "price_changes": count_if(_action == PRICE_CHANGED),
        "discounts": count_if(_action == DISCOUNT_BY_HAND),
    },
    {"register": audit_entry.c.register, "cashier": audit_entry.c.cashier},
    (
        _action.in_(
            [
                LINE_REMOVED,
                BASKET_ABANDONED,
                OVERRIDE,
                DRAWER_OPENED,
                RECEIPT_REPRINTED,
                PRICE_CHANGED,
                DISCOUNT_BY_HAND,
            ]
        ),
    ),
)
_RETURNS = FactSource(
    refund,
    {
        "overrides": count_if(refund.c.authorised_by.is_not(None)),
        "returns": func.count(),
        "unreceipted": count_if(refund.c.sale_id.is_(None)),
        "unreceipted_sum": sum_if(refund.c.sale_id.is_(None), refund.c.returns_minor),
    },
    {"register": refund.c.register, "cashier": refund.c.cashier},
)
_VOIDS = FactSource(receipt_void, {"voids": func.count()}, {"register": receipt_void.c.register})

REPORT = Report(
    name=NAME,
    title="Loss control",
    summary="What may hide a loss: voids, overrides, drawer openings, returns, prices by hand; each per 100 receipts.",
    dimensions=DIMENSIONS,
    measures=MEASURES,
    definitions=DEFINITIONS,
    run=run_loss,
    derived=DERIVED,
    is_additive=True,
    filters_itself=True,
    person="cashier",
    first_by=("cashier",),
    notes=("A receipt number that nothing was sold under has no cashier.",),
)
