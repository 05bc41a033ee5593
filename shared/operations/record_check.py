"""Whether the rows of facts are what the entries say: altered, missing and extra records are named, and put right.

The entries are the truth: their chain is hashed. Every record's rows are hashed in memory, once as they follow from the
entries and once as they are stored, read raw; only where the two sums differ are the rows themselves compared.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from shared.domain.identifiers import name_value
from shared.storage.fact_rows import (
    BRANCH_FACT_TABLES,
    FACT_TABLES,
    Row,
    RowsByTable,
    add_branch_fact_rows,
    add_refund_rows,
    add_sale_rows,
    add_shift_close_rows,
    add_shift_open_rows,
    new_rows,
)
from shared.storage.raw_rows import as_raw, raw_columns, raw_places, raw_value
from shared.storage.tables import interaction, refund, sale, shift_close, shift_open, stock_movement
from shared.sync.counting import CounterDeltas
from shared.wire.decoding import DecodedEntry

_DIGEST_BYTES = 16
_MASK = (1 << 8 * _DIGEST_BYTES) - 1
# Of the versions of this encoding the last whose bytes depend on nothing but the values.
_MARSHAL_VERSION = 2
_ROWS_PER_FETCH = 5_000
SECRET_COLUMNS = frozenset({"password_hash"})
"""Of a difference in one of these only that there is one is said."""

DIFFERENCES_MAX = 1_000
"""Differences that are named; beyond it their number alone is told."""

# Which record a row belongs to: the heads of the kinds of fact, by the table of the row.
_HEADS: dict[str, Table] = {
    "sale": sale,
    "sale_line": sale,
    "payment": sale,
    "shift_open": shift_open,
    "shift_close": shift_close,
    "shift_close_method": shift_close,
    "refund": refund,
    "refund_line": refund,
    "refund_payment": refund,
    **{table.name: table for table in BRANCH_FACT_TABLES.values()},
    "stock_movement_line": stock_movement,
    "interaction_point": interaction,
}
_RAW_PLACES = {table: raw_places(table) for table in FACT_TABLES}
RecordKey = tuple[str, bytes]
"""The table of the record's head row, and its id."""


class Expected(NamedTuple):
    """Where a record comes from, and the sum of its rows' hashes."""

    place: Any
    total: int


class Found(NamedTuple):
    """A record that differs. `place` is that of its entry; None for one that no entry has."""

    key: RecordKey
    place: Any


class Difference(NamedTuple):
    """A record whose rows are not what they should be, in one sentence. `place` is None for one that no entry has."""

    key: RecordKey
    place: Any
    sentence: str


class Repair(NamedTuple):
    """What was put right, and what is still wrong, in sentences."""

    done: list[str]
    problems: list[str]


@dataclass
class RecordCheck:
    """What the entries of one branch say; then `find` holds the stored rows against it.

    With any of `problems`, entries may be unread: then no record counts as one that no entry has.
    """

    branch_id: bytes
    problems: list[str] = field(default_factory=list)
    expected: dict[RecordKey, Expected] = field(default_factory=dict)
    optional: set[RecordKey] = field(default_factory=set)
    # Records whose payloads are pruned: that they are there is all that can be said.
    pruned: set[bytes] = field(default_factory=set)
    # Records of entries that can be read and not trusted: of them nothing can be said.
    doubtful: set[RecordKey] = field(default_factory=set)
    counters: CounterDeltas = field(default_factory=CounterDeltas)

    def add_entry(self, place: Any, entry: DecodedEntry, is_parked: bool = False, is_counted: bool = True) -> None:
        """Adds what an entry says. Facts of a parked one may be there or not; a repeated record counts once.

        Not counted yet is what HQ committed at once and no journal has brought.
        """
        rows = rows_of(self.branch_id, entry, None)
        totals: dict[RecordKey, int] = {}
        for table, table_rows in rows.items():
            name, head, places = str(table.name), _HEADS[table.name].name, _RAW_PLACES[table]
            for row in table_rows:
                key = (head, row[1])
                totals[key] = (totals.get(key, 0) + digest_row(name, as_raw(row[:-1], places))) & _MASK
        new = {key for key in totals if key not in self.expected}
        for key in new:
            self.expected[key] = Expected(place, totals[key])
        if is_parked:
            self.optional |= new
        elif new and is_counted:
            self.counters.add(entry.figures)

    def add_doubtful(self, entry: DecodedEntry) -> None:
        """An entry that the chain does not prove: its records are left as they are."""
        self.doubtful |= keys_of(entry)

    def find(self, connection: Connection) -> list[Found]:
        """The records that differ."""
        stored: dict[RecordKey, int] = {}
        for table in FACT_TABLES:
            name, head = str(table.name), _HEADS[table.name].name
            for row in _stored_rows(connection, table, self.branch_id):
                key = (head, row[1])
                stored[key] = (stored.get(key, 0) + digest_row(name, tuple(row))) & _MASK
        found = [
            Found(key, place)
            for key, (place, total) in self.expected.items()
            if stored.get(key) != total and not (key in self.optional and key not in stored)
        ]
        extra = stored.keys() - self.expected.keys() - self.doubtful
        return found + [Found(key, None) for key in extra if key[1] not in self.pruned]

    def describe(
        self, connection: Connection, found: Iterable[Found], load: Callable[[Any], DecodedEntry]
    ) -> Iterator[Difference]:
        """What is wrong with each. `load` brings an entry back by its place."""
        unknown = "is in no entry that can be read" if self.problems else "is extra: no entry has it"
        for key, place in found:
            if place is None:
                yield Difference(key, None, f"{_name(key)} {unknown}.")
            else:
                yield Difference(key, place, _describe(connection, self.branch_id, key, load(place)))

    def sentences(self, connection: Connection, found: list[Found], load: Callable[[Any], DecodedEntry]) -> list[str]:
        """The same for people: at most DIFFERENCES_MAX, and how many more."""
        said = [each.sentence for each in self.describe(connection, found[:DIFFERENCES_MAX], load)]
        more = len(found) - len(said)
        return [*said, f"{more} more records differ."] if more else said


def keys_of(entry: DecodedEntry) -> set[RecordKey]:
    """The records that an entry says."""
    return {(_HEADS[table.name].name, row[1]) for table, rows in rows_of(b"", entry, None).items() for row in rows}


def rows_of(branch_id: bytes, entry: DecodedEntry, received_at_us: int | None) -> RowsByTable:
    """The rows that an entry's facts become."""
    rows = new_rows()
    command_id = entry.opened.header.command_id
    for sale_id, fact in entry.sales:
        add_sale_rows(rows, branch_id, sale_id, command_id, fact, received_at_us)
    for refund_id, refunded in entry.refunds:
        add_refund_rows(rows, branch_id, refund_id, command_id, refunded, received_at_us)
    for shift_id, opened in entry.shift_opens:
        add_shift_open_rows(rows, branch_id, shift_id, command_id, opened, received_at_us)
    for close_id, closed in entry.shift_closes:
        add_shift_close_rows(rows, branch_id, close_id, command_id, closed, received_at_us)
    for fact_id, branch_fact in entry.branch_facts:
        add_branch_fact_rows(rows, branch_id, fact_id, command_id, branch_fact, received_at_us)
    return rows


def rewrite_record(connection: Connection, branch_id: bytes, key: RecordKey, rows: RowsByTable | None) -> None:
    """Puts a record right: its stored rows go, those that the entry says come. `rows` may hold other records too."""
    for table in reversed(FACT_TABLES):
        if _HEADS[table.name].name == key[0]:
            connection.execute(table.delete().where(*_of_record(connection, table, branch_id, key[1])))
    for table in FACT_TABLES if rows is not None else ():
        if _HEADS[table.name].name == key[0]:
            names = [column.name for column in table.columns]
            wanted = [dict(zip(names, row, strict=True)) for row in (rows or {})[table] if row[1] == key[1]]
            if wanted:
                connection.execute(table.insert(), wanted)


def _of_record(connection: Connection, table: Table, branch_id: bytes, record_id: Any) -> tuple[Any, Any]:
    """Which rows of a table belong to a record. On SQLite its id may be no id at all."""
    return table.c.branch_id == branch_id, list(table.columns)[1] == raw_value(connection, record_id)


def _stored_rows(connection: Connection, table: Table, branch_id: bytes) -> Iterable[Any]:
    statement = select(*raw_columns(connection, table)).where(table.c.branch_id == branch_id)
    return connection.execute(statement, execution_options={"yield_per": _ROWS_PER_FETCH})


def digest_row(table: str, row: Row) -> int:
    """A number that two different raw rows do not share: unlike `hash`, which takes 1 and 2^61 for the same."""
    return int.from_bytes(blake2b(marshal.dumps((table, *row), _MARSHAL_VERSION), digest_size=_DIGEST_BYTES).digest())


def _describe(connection: Connection, branch_id: bytes, key: RecordKey, entry: DecodedEntry) -> str:
    """What exactly is wrong with a record."""
    problems = []
    wanted_by_table = rows_of(branch_id, entry, None)
    nothing_there = True
    for table in FACT_TABLES:
        if _HEADS[table.name].name != key[0]:
            continue
        columns = list(table.columns)[:-1]
        keys = [index for index, column in enumerate(columns) if column.primary_key]
        statement = select(*raw_columns(connection, table)).where(*_of_record(connection, table, branch_id, key[1]))
        there = {tuple(row[index] for index in keys): tuple(row) for row in connection.execute(statement)}
        plain = [as_raw(row[:-1], _RAW_PLACES[table]) for row in wanted_by_table[table] if row[1] == key[1]]
        wanted = {tuple(row[index] for index in keys): row for row in plain}
        nothing_there = nothing_there and not there
        for row_key in sorted({*there, *wanted}, key=str):
            problem = compare_row(columns, there.get(row_key), wanted.get(row_key))
            if problem:
                number = f" {row_key[2]}" if len(row_key) > 2 else ""
                problems.append(f"{table.name}{number} {problem}")
    if nothing_there:
        return f"{_name(key)} is missing: an entry has it, its rows are not there."
    return f"{_name(key)} is altered: {'; '.join(problems)}."


def compare_row(columns: list[Any], there: Row | None, wanted: Row | None) -> str | None:
    """How a row differs from what it should be; None when it does not."""
    if there == wanted:
        return None
    if there is None:
        return "is missing"
    if wanted is None:
        return "is extra"
    changed = [
        f"{column.name} is another"
        if column.name in SECRET_COLUMNS
        else f"{column.name} is {name_value(is_now)}, was {name_value(was)}"
        for column, is_now, was in zip(columns, there, wanted, strict=True)
        if is_now != was
    ]
    return ", ".join(changed)


def _name(key: RecordKey) -> str:
    return f"{key[0]} {name_value(key[1])}"
