"""The report `sales`: what was sold, by any combination of its dimensions.

Definitions, alike at every branch and at HQ:

    receipts   distinct sales with a line in the group, totals of zero included
    units      Σ quantity
    gross      Σ (amount + discount), before discounts
    discounts  Σ discount
    returns    Σ of goods returned, by the date of return
    net        gross − discounts − returns

All amounts include VAT. It reads the coarsest table that has the dimensions asked for: rollups where there are any,
then sales, then lines. Rollups have the returns in them; beside sales or lines, refunds are read by the same
dimensions.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add, itemgetter
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, Table, func, literal, literal_column, or_, select

from shared.domain.business_time import parse_date
from shared.errors import StoreCorrupt
from shared.reports.ground import Answer, Ground, Rows
from shared.reports.parameters import ReportParameters
from shared.reports.report import Derived, Sums, divide
from shared.reports.result import Column
from shared.storage.dialect_functions import month_of, weekday_of
from shared.storage.rollup_tables import SUMS, sales_by_category, sales_by_day, sales_by_hour, sales_by_month
from shared.storage.tables import refund, refund_line, sale, sale_line

NAME = "sales"

DIMENSIONS: dict[str, Column] = {
    "branch": Column("branch", "text"),
    "business_date": Column("business_date", "date"),
    "month": Column("month", "month"),
    "category": Column("category", "text"),
    "product": Column("product", "text"),
    "cashier": Column("cashier", "text"),
    "client": Column("client", "text"),
    "hour": Column("hour", "integer"),
    "weekday": Column("weekday", "integer", "Day of the week"),
}

MEASURES: tuple[Column, ...] = (
    Column("receipts", "integer"),
    Column("units", "quantity"),
    Column("gross", "money"),
    Column("discounts", "money"),
    Column("returns", "money"),
    Column("net", "money"),
)

DEFINITIONS: dict[str, str] = {
    "receipts": "distinct sales with a line in the group, totals of zero included",
    "units": "Σ quantity",
    "gross": "Σ (amount + discount): before discounts",
    "discounts": "Σ discount",
    "returns": "Σ of goods returned, by the date of return",
    "net": "gross − discounts − returns",
}


def _average_receipt(sums: Sums) -> int | None:
    return divide(sums["gross"] - sums["discounts"], sums["receipts"])


def _units_per_receipt(sums: Sums) -> int | None:
    return divide(sums["units"], sums["receipts"])


DERIVED: tuple[Derived, ...] = (
    Derived(Column("average_receipt", "money", "Average receipt"), "(gross − discounts) ÷ receipts", _average_receipt),
    Derived(Column("units_per_receipt", "quantity", "Units per receipt"), "units ÷ receipts", _units_per_receipt),
)

Expression = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A table to read from: its dimensions, and whether it can be filtered by day and by when HQ took a row."""

    dimensions: Mapping[str, Expression]
    day: Expression | None
    month: Expression
    build: Callable[[Sequence[Expression], Sequence[Expression]], Select[Any]]
    received_at: Expression | None = None
    returns: Source | None = None
    """Where what came back is read, when it is not in the same table."""
    build_on_postgresql: Callable[[Sequence[Expression], Sequence[Expression]], Select[Any]] | None = None
    """The same in the way that PostgreSQL answers sooner."""
    split_by: str = ""
    """The dimension of which one receipt may have several values, where the table has added receipts up already."""

    def suits(self, parameters: ReportParameters) -> bool:
        """Whether this table can answer."""
        if not {*parameters.by, *dict(parameters.filters)} <= {*self.dimensions, "branch"}:
            return False
        if parameters.as_of_us is not None and self.received_at is None:
            return False
        if self.split_by not in parameters.by and len(parameters.filter_of(self.split_by)) > 1:
            # A receipt with lines of two of the values would count twice.
            return False
        return self.day is not None or _is_whole_months(parameters)


def _rollup_source(table: Table, dimensions: Mapping[str, Expression], has_days: bool, split_by: str = "") -> Source:
    def build(keys: Sequence[Expression], conditions: Sequence[Expression]) -> Select[Any]:
        sums = [func.sum(table.c[name]) for name in SUMS]
        return select(*keys, *sums).where(*conditions).group_by(*keys)

    day = table.c.business_date if has_days else None
    month = month_of(day) if day is not None else table.c.month
    by_date = {"business_date": day, "weekday": weekday_of(day)} if day is not None else {}
    named = {"branch": table.c.branch_id, "month": month, **by_date, **dimensions}
    return Source(named, day, month, build, split_by=split_by)


def _build_from_sales(keys: Sequence[Expression], conditions: Sequence[Expression]) -> Select[Any]:
    sums = (
        func.count(),
        func.sum(sale.c.units_thousandths),
        func.sum(sale.c.gross_minor),
        func.sum(sale.c.discounts_minor),
        literal(0),
        func.sum(sale.c.net_minor),
    )
    return select(*keys, *sums).select_from(sale).where(*conditions).group_by(*keys)


_SOLD_LINES: FromClause = sale.join(
    sale_line, (sale_line.c.branch_id == sale.c.branch_id) & (sale_line.c.sale_id == sale.c.id)
)


def _count_sales_of_lines(keys: Sequence[Expression], conditions: Sequence[Expression]) -> Select[Any]:
    """Counts distinct sales of each group: over a year's lines PostgreSQL takes a third of the time of summing within
    sales first; SQLite takes twice of it over a month's."""
    sums = (
        func.count(sale.c.id.distinct()),
        func.sum(sale_line.c.quantity_thousandths),
        func.sum(sale_line.c.amount_minor + sale_line.c.discount_minor),
        func.sum(sale_line.c.discount_minor),
        literal(0),
        func.sum(sale_line.c.amount_minor),
    )
    return select(*keys, *sums).select_from(_SOLD_LINES).where(*conditions).group_by(*keys)


def _build_from_lines(keys: Sequence[Expression], conditions: Sequence[Expression]) -> Select[Any]:
    """Lines are first summed within their sale and group, so that a receipt counts once in each."""
    labelled = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    within = (
        select(
            *labelled,
            func.sum(sale_line.c.quantity_thousandths).label("units"),
            func.sum(sale_line.c.amount_minor).label("amount"),
            func.sum(sale_line.c.discount_minor).label("discount"),
        )
        .select_from(_SOLD_LINES)
        .where(*conditions)
        .group_by(sale.c.branch_id, sale.c.id, *keys)
        .subquery()
    )
    outer = [within.c[f"key_{number}"] for number in range(len(keys))]
    sums = (
        func.count(),
        func.sum(within.c.units),
        func.sum(within.c.amount + within.c.discount),
        func.sum(within.c.discount),
        literal(0),
        func.sum(within.c.amount),
    )
    return select(*outer, *sums).group_by(*outer)


def _build_from_refunds(keys: Sequence[Expression], conditions: Sequence[Expression]) -> Select[Any]:
    return _returned(keys, conditions, refund, refund.c.returns_minor)


def _build_from_refund_lines(keys: Sequence[Expression], conditions: Sequence[Expression]) -> Select[Any]:
    joined = refund.join(
        refund_line, (refund_line.c.branch_id == refund.c.branch_id) & (refund_line.c.refund_id == refund.c.id)
    )
    return _returned(keys, conditions, joined, refund_line.c.amount_minor)


def _returned(
    keys: Sequence[Expression], conditions: Sequence[Expression], source: FromClause, amount: Expression
) -> Select[Any]:
    sums = (*[literal(0)] * 4, func.sum(amount), -func.sum(amount))
    return select(*keys, *sums).select_from(source).where(*conditions).group_by(*keys)


_REFUND_DIMENSIONS: dict[str, Expression] = {
    "branch": refund.c.branch_id,
    "business_date": refund.c.business_date,
    "month": month_of(refund.c.business_date),
    "weekday": weekday_of(refund.c.business_date),
    "hour": refund.c.hour,
    "cashier": refund.c.cashier,
    "client": refund.c.client,
}

_SALE_DIMENSIONS: dict[str, Expression] = {
    "branch": sale.c.branch_id,
    "business_date": sale.c.business_date,
    "month": month_of(sale.c.business_date),
    "weekday": weekday_of(sale.c.business_date),
    "hour": sale.c.hour,
    "cashier": sale.c.cashier,
    "client": sale.c.client,
}

ROLLUP_SOURCES: tuple[Source, ...] = (
    _rollup_source(sales_by_month, {}, has_days=False),
    _rollup_source(sales_by_day, {}, has_days=True),
    _rollup_source(
        sales_by_category,
        {"category": func.nullif(sales_by_category.c.category, literal_column("''"))},
        has_days=True,
        split_by="category",
    ),
    _rollup_source(sales_by_hour, {"hour": sales_by_hour.c.hour, "cashier": sales_by_hour.c.cashier}, has_days=True),
)

FACT_SOURCES: tuple[Source, ...] = (
    Source(
        _SALE_DIMENSIONS,
        sale.c.business_date,
        _SALE_DIMENSIONS["month"],
        _build_from_sales,
        sale.c.received_at,
        Source(
            _REFUND_DIMENSIONS,
            refund.c.business_date,
            _REFUND_DIMENSIONS["month"],
            _build_from_refunds,
            refund.c.received_at,
        ),
    ),
    Source(
        {**_SALE_DIMENSIONS, "category": sale_line.c.category, "product": sale_line.c.sku},
        sale.c.business_date,
        _SALE_DIMENSIONS["month"],
        _build_from_lines,
        sale.c.received_at,
        Source(
            {**_REFUND_DIMENSIONS, "category": refund_line.c.category, "product": refund_line.c.sku},
            refund.c.business_date,
            _REFUND_DIMENSIONS["month"],
            _build_from_refund_lines,
            refund.c.received_at,
        ),
        _count_sales_of_lines,
    ),
)


def run_sales(ground: Ground, parameters: ReportParameters) -> Answer:
    """Rows and totals. Raises StoreCorrupt when a row holds something that is no date or number."""
    try:
        return _run(ground, parameters)
    except (TypeError, ValueError):
        raise StoreCorrupt(
            "A row of the sales holds a value that cannot be read.",
            "Run: sync verify --deep, which names the row; sync repair rewrites it from its entry.",
        ) from None


def _run(ground: Ground, parameters: ReportParameters) -> Answer:
    rows = _query(ground, parameters)
    totals = rows if not parameters.by else _query(ground, parameters.grouped(()))
    total = tuple(totals[0]) if totals else (0,) * len(MEASURES)
    if not parameters.by:
        return [total], total
    return _sorted(rows, len(parameters.by)), total


def _sorted(rows: list[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    """By the first columns; rows without a value last."""
    if any(value is None for row in rows for value in row[:width]):
        return sorted(rows, key=lambda row: [(value is None, value) for value in row[:width]])
    return sorted(rows, key=itemgetter(slice(width)))


def _query(ground: Ground, asked: ReportParameters) -> Rows:
    sources = (*ROLLUP_SOURCES, *FACT_SOURCES) if ground.has_rollups else FACT_SOURCES
    source = next(source for source in sources if source.suits(asked))
    rows = _read(ground, source, asked)
    if source.returns is not None:
        rows = _joined(rows, _read(ground, source.returns, asked), len(asked.by))
    return rows


def _read(ground: Ground, source: Source, asked: ReportParameters) -> Rows:
    keys = [source.dimensions[name] for name in asked.by]
    is_postgresql = ground.connection.dialect.name == "postgresql"
    build = (source.build_on_postgresql if is_postgresql else None) or source.build
    statement = build(keys, conditions_of(source, asked, ground.branch_codes))
    return _plain_rows(ground.connection.execute(statement).all(), asked.by, ground.branch_codes)


def _joined(sold: list[tuple[Any, ...]], returned: list[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    """One row a group: what was sold in it, less what came back."""
    if not returned:
        return sold
    rows = {row[:width]: row for row in sold}
    for back in returned:
        row = rows.get(back[:width])
        key = back[:width]
        rows[key] = back if row is None else (*key, *map(add, row[width:], back[width:]))
    return list(rows.values())


def _plain_rows(
    found: Sequence[Row[Any]], by: Sequence[str], branch_codes: Mapping[bytes, str]
) -> list[tuple[Any, ...]]:
    """Codes for branches, texts for dates, whole numbers for sums: column by column, which is fastest."""
    if not found:
        return []
    columns: list[Iterable[Any]] = list(zip(*found, strict=True))
    for number, name in enumerate(by):
        if name == "branch":
            columns[number] = [branch_codes.get(value, value.hex()) for value in columns[number]]
        elif name == "business_date":
            columns[number] = [value.isoformat() for value in columns[number]]
    for number in range(len(by), len(columns)):
        columns[number] = [int(value or 0) for value in columns[number]]
    return list(zip(*columns, strict=True))


def conditions_of(source: Source, parameters: ReportParameters, branch_codes: Mapping[bytes, str]) -> list[Expression]:
    """What a row of a source must be to count."""
    conditions: list[Expression] = []
    if parameters.branches:
        conditions.append(source.dimensions["branch"].in_(list(branch_codes)))
    if source.day is not None:
        if parameters.date_from:
            conditions.append(source.day >= parameters.date_from)
        if parameters.date_to:
            conditions.append(source.day <= parameters.date_to)
    else:
        if parameters.date_from:
            conditions.append(source.month >= parameters.date_from.isoformat()[:7])
        if parameters.date_to:
            conditions.append(source.month <= parameters.date_to.isoformat()[:7])
    if parameters.as_of_us is not None and source.received_at is not None:
        conditions.append(source.received_at <= parameters.as_of_us)
    for name, values in parameters.filters:
        conditions.append(is_among(name, source.dimensions[name], values, branch_codes))
    return conditions


def is_among(
    name: str, column: Expression, texts: Sequence[str], branch_codes: Mapping[bytes, str]
) -> ColumnElement[bool]:
    """Whether a dimension has one of these values, as people write them; an empty text is no value."""
    if name == "branch":
        return column.in_([identity for identity, code in branch_codes.items() if code in texts])
    if name in ("hour", "weekday"):
        return column.in_([int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 3])
    if name == "business_date":
        return column.in_([parse_date(text, "The day") for text in texts])
    named: ColumnElement[bool] = column.in_([text for text in texts if text])
    return or_(named, column.is_(None)) if "" in texts else named


def _is_whole_months(parameters: ReportParameters) -> bool:
    starts = parameters.date_from is None or parameters.date_from.day == 1
    end = parameters.date_to
    ends = end is None or end.day == monthrange(end.year, end.month)[1]
    return starts and ends
