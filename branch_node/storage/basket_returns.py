"""Goods that come back into a basket, as rows: some of a line of a receipt. Contains no rules."""

from __future__ import annotations

from typing import Any, NamedTuple


class ReturnRow(NamedTuple):
    """A row of `basket_return`, in column order but for the basket's id. `amount_minor` is what it came to when it was
    taken in, for a glance at the basket; what is paid is reckoned when it is paid."""

    sale_id: bytes
    sale_line: int
    receipt: str
    name: str
    quantity_thousandths: int
    amount_minor: int
    authorised_by: str | None = None
    reason: str | None = None

    @property
    def key(self) -> str:
        """Which one it is in its basket."""
        return f"{self.sale_id.hex()}:{self.sale_line}"


_COLUMNS = ", ".join(ReturnRow._fields)
_READ = f"SELECT {_COLUMNS} FROM basket_return WHERE basket_id = ? ORDER BY sale_id, sale_line"
_PUT = f"INSERT OR REPLACE INTO basket_return (basket_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def read_returns(cursor: Any, basket_id: bytes) -> tuple[ReturnRow, ...]:
    """All of them, in the order of the receipt."""
    return tuple(ReturnRow._make(row) for row in cursor.execute(_READ, (basket_id,)))


def find_return(cursor: Any, basket_id: bytes, key: str) -> ReturnRow | None:
    """One by its key."""
    return next((row for row in read_returns(cursor, basket_id) if row.key == key), None)


def put_return(cursor: Any, basket_id: bytes, row: ReturnRow) -> None:
    """Writes one, over the one that was there."""
    cursor.execute(_PUT, (basket_id, *row))


def drop_return(cursor: Any, basket_id: bytes, row: ReturnRow) -> None:
    """Takes one away."""
    statement = "DELETE FROM basket_return WHERE basket_id = ? AND sale_id = ? AND sale_line = ?"
    cursor.execute(statement, (basket_id, row.sale_id, row.sale_line))
