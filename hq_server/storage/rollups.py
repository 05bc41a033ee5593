"""Keeping the rollups: what a batch adds to them, and rebuilding them from the facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, insert, literal, literal_column, select, union_all

from hq_server.storage.tables import branch
from shared.domain.identifiers import name_value
from shared.domain.sales import Refund, Sale, SaleTotals
from shared.storage.dialect_functions import month_of
from shared.storage.fact_rows import Row
from shared.storage.raw_rows import raw_column
from shared.storage.rollup_tables import (
    ROLLUPS,
    SUMS,
    sales_by_category,
    sales_by_day,
    sales_by_hour,
    sales_by_month,
)
from shared.storage.tables import refund, refund_line, sale, sale_line


class RollupDeltas:
    """What some sales add to every rollup."""

    def __init__(self) -> None:
        self._sums: dict[Table, dict[tuple[Any, ...], list[int]]] = {table: {} for table in ROLLUPS}

    def add(self, branch_id: bytes, fact: Sale, totals: SaleTotals) -> None:
        """Counts one sale."""
        day = fact.business_date
        units, gross, discounts, net = totals
        by_day = (branch_id, day)
        self._add(sales_by_day, by_day, units, gross, discounts, net)
        self._add(sales_by_month, (branch_id, day.isoformat()[:7]), units, gross, discounts, net)
        self._add(sales_by_hour, (branch_id, day, fact.sold_at.hour, fact.cashier), units, gross, discounts, net)
        by_category: dict[str, list[int]] = {}
        for _, _, category, quantity, amount, discount, _, _, _, _ in fact.lines:
            sums = by_category.get(category or "")
            if sums is None:
                by_category[category or ""] = [quantity, amount + discount, discount, amount]
            else:
                sums[0] += quantity
                sums[1] += amount + discount
                sums[2] += discount
                sums[3] += amount
        for category_key, sums in by_category.items():
            self._add(sales_by_category, (branch_id, day, category_key), *sums)

    def add_refund(self, branch_id: bytes, fact: Refund) -> None:
        """Counts goods that came back, on the day when they did."""
        day, total = fact.business_date, fact.total_minor
        self._take_back(sales_by_day, (branch_id, day), total)
        self._take_back(sales_by_month, (branch_id, day.isoformat()[:7]), total)
        self._take_back(sales_by_hour, (branch_id, day, fact.refunded_at.hour, fact.cashier), total)
        by_category: dict[str, int] = {}
        for line in fact.lines:
            category = line.category or ""
            by_category[category] = by_category.get(category, 0) + line.amount_minor
        for category, amount in by_category.items():
            self._take_back(sales_by_category, (branch_id, day, category), amount)

    def rows(self) -> dict[Table, list[Row]]:
        """Everything counted, in one order of keys, so that two writers never deadlock."""
        return {table: [(*key, *values) for key, values in sorted(sums.items())] for table, sums in self._sums.items()}

    def _add(self, table: Table, key: tuple[Any, ...], units: int, gross: int, discounts: int, net: int) -> None:
        sums = self._sums[table].get(key)
        if sums is None:
            self._sums[table][key] = [1, units, gross, discounts, 0, net]
        else:
            sums[0] += 1
            sums[1] += units
            sums[2] += gross
            sums[3] += discounts
            sums[5] += net

    def _take_back(self, table: Table, key: tuple[Any, ...], amount: int) -> None:
        sums = self._sums[table].setdefault(key, [0, 0, 0, 0, 0, 0])
        sums[4] += amount
        sums[5] -= amount


class RollupDifference(NamedTuple):
    """A rollup row that is not what the facts add up to. `key` and sums are raw, in the table's column order."""

    table: str
    key: tuple[Any, ...]
    stored: tuple[Any, ...] | None
    computed: tuple[Any, ...] | None

    def sentence(self, codes: Mapping[bytes, str]) -> str:
        """For people; `codes` are the branches' by id."""
        branch_id, *rest = self.key
        code = codes.get(branch_id, f"{name_value(branch_id)}, which is no branch")
        columns = [column.name for column in _BY_NAME[self.table].primary_key.columns][1:]
        names = ", ".join(
            f"{_words(name)} {'none' if value == '' else name_value(value)}"
            for name, value in zip(columns, rest, strict=True)
        )
        return (
            f"{_words(self.table).capitalize()} of {code}, {names}: "
            f"stored {self._sums(self.stored)}, the facts make {self._sums(self.computed)}."
        )

    def _sums(self, sums: tuple[Any, ...] | None) -> str:
        """Those that differ."""
        if sums is None:
            return "nothing"
        nothing = (None,) * len(SUMS)
        named = zip(SUMS, sums, self.stored or nothing, self.computed or nothing, strict=True)
        return ", ".join(f"{_words(name)} {value}" for name, value, stored, computed in named if stored != computed)


_BY_NAME = {table.name: table for table in ROLLUPS}


def _words(name: str) -> str:
    return name.replace("_", " ")


def rebuild_rollups(connection: Connection, branch_id: bytes | None = None) -> dict[str, int]:
    """Computes every rollup, or those of one branch, again from the facts; returns rows by table."""
    counts = {}
    for table, define in _DEFINITIONS.items():
        connection.execute(table.delete().where(*_of_branch(table, branch_id)))
        facts = define(_plain, branch_id)
        connection.execute(insert(table).from_select([column.name for column in table.columns], facts))
        counts[table.name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return counts


def compare_rollups(
    connection: Connection, branch_id: bytes | None = None, differences_max: int = 100
) -> list[RollupDifference]:
    """Where the stored rollups, or those of one branch, differ from what the facts add up to; empty when they agree."""
    differences: list[RollupDifference] = []
    for table, define in _DEFINITIONS.items():
        keys = len(table.primary_key.columns)
        rows = select(*(raw_column(connection, column) for column in table.columns))
        stored = _read_sums(connection, rows.where(*_of_branch(table, branch_id)), keys)
        computed = _read_sums(connection, define(partial(raw_column, connection), branch_id), keys)
        for key in sorted({*stored, *computed}, key=repr):
            if stored.get(key) != computed.get(key):
                differences.append(RollupDifference(table.name, key, stored.get(key), computed.get(key)))
    return differences[:differences_max]


def _of_branch(table: Table, branch_id: bytes | None) -> tuple[Any, ...]:
    return () if branch_id is None else (table.c.branch_id == branch_id,)


def _read_sums(connection: Connection, statement: Any, keys: int) -> dict[Row, Row]:
    return {tuple(row[:keys]): tuple(map(_number, row[keys:])) for row in connection.execute(statement)}


def _number(value: Any) -> Any:
    """A sum as a whole number; what is none, as it is."""
    return int(value) if isinstance(value, Decimal) else value


def _plain(expression: Any) -> Any:
    return expression


Shown = Callable[[Any], Any]
"""How a key is selected: as it is, or raw."""


class _Keys(NamedTuple):
    """A rollup's keys after the branch, as the facts have them."""

    of_sale: tuple[Any, ...]
    of_refund: tuple[Any, ...]


_BY_MONTH = _Keys((month_of(sale.c.business_date),), (month_of(refund.c.business_date),))
_BY_DAY = _Keys((sale.c.business_date,), (refund.c.business_date,))
_BY_HOUR = _Keys(
    (sale.c.business_date, sale.c.hour, sale.c.cashier), (refund.c.business_date, refund.c.hour, refund.c.cashier)
)
# Written out: PostgreSQL takes two parameters for two expressions, and would not group by this one.
_BY_CATEGORY = _Keys(
    (sale.c.business_date, func.coalesce(sale_line.c.category, literal_column("''"))),
    (refund.c.business_date, func.coalesce(refund_line.c.category, literal_column("''"))),
)
_SALE_SUMS = (
    func.count(),
    func.sum(sale.c.units_thousandths),
    func.sum(sale.c.gross_minor),
    func.sum(sale.c.discounts_minor),
    func.sum(sale.c.net_minor),
)
_LINE_SUMS = (
    func.count(sale.c.id.distinct()),
    func.sum(sale_line.c.quantity_thousandths),
    func.sum(sale_line.c.amount_minor + sale_line.c.discount_minor),
    func.sum(sale_line.c.discount_minor),
    func.sum(sale_line.c.amount_minor),
)
_SOLD_LINES = sale.join(sale_line, (sale_line.c.branch_id == sale.c.branch_id) & (sale_line.c.sale_id == sale.c.id))
_RETURNED_LINES = refund.join(
    refund_line, (refund_line.c.branch_id == refund.c.branch_id) & (refund_line.c.refund_id == refund.c.id)
)


def _define(
    keys: _Keys, sums: tuple[Any, ...], sold: Any, returned: Any, amount: Any
) -> Callable[[Shown, bytes | None], Any]:
    """What a rollup is: the sums over sales, less what came back. Facts under the id of no branch are left out."""

    def build(shown: Shown, branch_id: bytes | None) -> Any:
        receipts, units, gross, discounts, net = sums
        back = func.sum(amount)
        parts = [
            _grouped(sale, sold, shown, keys.of_sale, (receipts, units, gross, discounts, literal(0), net), branch_id),
            _grouped(refund, returned, shown, keys.of_refund, (*[literal(0)] * 4, back, -back), branch_id),
        ]
        both = union_all(*parts).subquery()
        width = 1 + len(keys.of_sale)
        names = list(both.c)
        return select(*names[:width], *(func.sum(column) for column in names[width:])).group_by(*names[:width])

    return build


def _grouped(
    table: Table, source: Any, shown: Shown, keys: tuple[Any, ...], sums: tuple[Any, ...], branch_id: bytes | None
) -> Any:
    columns = (table.c.branch_id, *keys)
    labelled = [shown(column).label(f"key_{number}") for number, column in enumerate(columns)]
    measured = [each.label(name) for each, name in zip(sums, SUMS, strict=True)]
    is_branch = table.c.branch_id.in_(select(branch.c.id))
    statement = select(*labelled, *measured).select_from(source).where(*_of_branch(table, branch_id), is_branch)
    return statement.group_by(*columns)


_DEFINITIONS = {
    sales_by_month: _define(_BY_MONTH, _SALE_SUMS, sale, refund, refund.c.returns_minor),
    sales_by_day: _define(_BY_DAY, _SALE_SUMS, sale, refund, refund.c.returns_minor),
    sales_by_hour: _define(_BY_HOUR, _SALE_SUMS, sale, refund, refund.c.returns_minor),
    sales_by_category: _define(_BY_CATEGORY, _LINE_SUMS, _SOLD_LINES, _RETURNED_LINES, refund_line.c.amount_minor),
}

assert SUMS[4] == "returns_minor"
