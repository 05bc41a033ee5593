"""Sums over sales that the merge keeps up to date in its own transaction, one table per grain. Only HQ has them.

Every grain carries the same sums. `receipts` may be added up along branch, date, month, hour and cashier, because a
sale has one of each; along categories it may not, for a sale has lines of several.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Date, MetaData, Numeric, PrimaryKeyConstraint, SmallInteger, Table, Text
from sqlalchemy.types import TypeEngine

from shared.storage.column_types import Id

rollup_metadata = MetaData()

SUMS = ("receipts", "units_thousandths", "gross_minor", "discounts_minor", "returns_minor", "net_minor")

# Wider than 64 bits: a chain's sums may exceed what one line may not.
_SUM = Numeric(30, 0, asdecimal=True).with_variant(BigInteger(), "sqlite")


def summed_columns(table: Table) -> list[str]:
    """The columns of a table of sums that are added to; the others are its key."""
    return [column.name for column in table.columns if not column.primary_key]


def _rollup(name: str, keys: dict[str, TypeEngine[Any]]) -> Table:
    columns: list[Column[Any]] = [Column("branch_id", Id, nullable=False)]
    columns += [Column(key, key_type, nullable=False) for key, key_type in keys.items()]
    columns += [Column(measure, BigInteger if measure == "receipts" else _SUM, nullable=False) for measure in SUMS]
    return Table(
        name,
        rollup_metadata,
        *columns,
        PrimaryKeyConstraint("branch_id", *keys),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )


sales_by_month = _rollup("sales_by_month", {"month": Text()})
sales_by_day = _rollup("sales_by_day", {"business_date": Date()})
sales_by_hour = _rollup("sales_by_hour", {"business_date": Date(), "hour": SmallInteger(), "cashier": Text()})
# An empty text stands for lines without a category: a key column is never null.
sales_by_category = _rollup("sales_by_category", {"business_date": Date(), "category": Text()})

ROLLUPS = (sales_by_month, sales_by_day, sales_by_hour, sales_by_category)
