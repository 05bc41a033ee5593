"""Rows under the id of a branch that a store knows nothing of: named by table, and taken out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from shared.domain.identifiers import name_value
from shared.storage.raw_rows import raw_column, raw_value


class Stranger(NamedTuple):
    """How many rows of a table stand under a strange id, which on SQLite may be of any type."""

    table: Table
    branch_id: Any
    rows: int

    @property
    def sentence(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        branch_id = name_value(self.branch_id)
        return f"{rows} of {self.table.name} under the branch id {branch_id}: there is no such branch here."


def find_strangers(connection: Connection, tables: Sequence[Table], known: Collection[bytes]) -> list[Stranger]:
    """Rows of ids that are not known."""
    found = []
    for table in tables:
        for branch_id in _branch_ids(connection, table):
            if branch_id not in known:
                count = select(func.count()).select_from(table).where(_is_under(connection, table, branch_id))
                found.append(Stranger(table, branch_id, int(connection.execute(count).scalar_one())))
    return found


def remove_strangers(connection: Connection, strangers: Sequence[Stranger]) -> None:
    """Lines go before the sales they belong to: the tables are in the order in which rows are added."""
    for table, branch_id, _ in reversed(strangers):
        connection.execute(table.delete().where(_is_under(connection, table, branch_id)))


def _branch_ids(connection: Connection, table: Table) -> Iterator[Any]:
    """Every id in the table, by jumps along its key: their number costs, not that of the rows."""
    statement = select(raw_column(connection, table.c.branch_id)).order_by(table.c.branch_id).limit(1)
    row = connection.execute(statement).one_or_none()
    while row is not None:
        yield row[0]
        row = connection.execute(statement.where(table.c.branch_id > raw_value(connection, row[0]))).one_or_none()


def _is_under(connection: Connection, table: Table, branch_id: Any) -> Any:
    return table.c.branch_id == raw_value(connection, branch_id)
