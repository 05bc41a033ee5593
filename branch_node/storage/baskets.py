"""Baskets, their lines and actions as rows of the branch's store. Contains no rules."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class BasketRow(NamedTuple):
    """A row of `basket`, in column order."""

    id: bytes
    register: str
    cashier: str
    state: str
    title: str | None
    client: str | None
    client_id: bytes | None
    discount_kind: str | None
    discount_value: int | None
    discount_limit_basis_points: int | None
    discount_by: str | None
    discount_reason: str | None
    created_at: int
    changed_at: int
    held_at: int | None
    revision: int
    next_line: int
    next_action: int
    sale_asked: str | None
    sale_asked_at: int | None
    sale_answer: str | None
    trouble: str | None
    points: int | None = None
    client_name: str | None = None


class LineRow(NamedTuple):
    """A row of `basket_line`, in column order but for the basket's id."""

    line_id: int
    position: int
    sku: str
    product_id: bytes | None
    name: str
    category: str | None
    unit: str | None
    unit_price_minor: int | None
    quantity_thousandths: int
    manual_price_minor: int | None = None
    manual_price_by: str | None = None
    manual_price_reason: str | None = None
    discount_kind: str | None = None
    discount_value: int | None = None
    discount_limit_basis_points: int | None = None
    discount_by: str | None = None
    discount_reason: str | None = None
    code: str = ""
    embedded_amount_minor: int | None = None
    is_single: bool = False
    serial: str | None = None
    expiry: str | None = None


class ActionRow(NamedTuple):
    """A row of `basket_action`, in column order but for the basket's id; the documents are still texts."""

    number: int
    request_id: str
    kind: str
    inverse: str
    result: str
    at: int
    undone: bool


_BASKET = ", ".join(BasketRow._fields)
_LINE = ", ".join(LineRow._fields)
_ACTION = ", ".join(ActionRow._fields)
_READ_BASKET = f"SELECT {_BASKET} FROM basket WHERE id = ?"
_READ_LINES = f"SELECT {_LINE} FROM basket_line WHERE basket_id = ? ORDER BY position, line_id"
_READ_LINE = f"SELECT {_LINE} FROM basket_line WHERE basket_id = ? AND line_id = ?"
_LINE_MARKS = ", ".join("?" * len(LineRow._fields))
_PUT_LINE = f"INSERT OR REPLACE INTO basket_line (basket_id, {_LINE}) VALUES (?, {_LINE_MARKS})"
_MERGEABLE = f"""
SELECT {_LINE} FROM basket_line WHERE basket_id = ? AND sku = ? AND NOT is_single AND manual_price_minor IS NULL
    AND discount_kind IS NULL AND embedded_amount_minor IS NULL AND unit_price_minor IS ?
ORDER BY position DESC LIMIT 1
"""
_ADD_ACTION = f"INSERT INTO basket_action (basket_id, {_ACTION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode_document(document: Any) -> str:
    """JSON as it is kept in a column."""
    return _COMPACT(document)


def add_basket(cursor: Any, basket_id: bytes, register: str, cashier: str, now_us: int) -> None:
    """A new basket, open and empty."""
    cursor.execute(
        "INSERT INTO basket (id, register, cashier, state, created_at, changed_at, revision, next_line, next_action) "
        "VALUES (?, ?, ?, 'open', ?, ?, 0, 1, 1)",
        (basket_id, register, cashier, now_us, now_us),
    )


def read_basket(cursor: Any, basket_id: bytes) -> BasketRow | None:
    """A basket, if there is one with that id."""
    row = cursor.execute(_READ_BASKET, (basket_id,)).fetchone()
    return None if row is None else BasketRow._make(row)


def baskets_in_state(cursor: Any, state: str, register: str | None, count_max: int) -> list[BasketRow]:
    """Baskets in a state, of one register or of all, changed last first."""
    statement = (
        f"SELECT {_BASKET} FROM basket WHERE state = ?1 AND (?2 IS NULL OR register = ?2) "
        "ORDER BY changed_at DESC, id DESC LIMIT ?3"
    )
    return [BasketRow._make(row) for row in cursor.execute(statement, (state, register, count_max))]


def open_basket_at(cursor: Any, register: str) -> BasketRow | None:
    """The basket that is open at a register."""
    statement = f"SELECT {_BASKET} FROM basket WHERE register = ? AND state = 'open'"
    row = cursor.execute(statement, (register,)).fetchone()
    return None if row is None else BasketRow._make(row)


def change_basket(cursor: Any, basket_id: bytes, changes: dict[str, Any]) -> None:
    """Sets columns of a basket."""
    columns = ", ".join(f"{name} = ?" for name in changes)
    cursor.execute(f"UPDATE basket SET {columns} WHERE id = ?", (*changes.values(), basket_id))


def read_lines(cursor: Any, basket_id: bytes) -> list[LineRow]:
    """All lines in their order."""
    return [LineRow._make(row) for row in cursor.execute(_READ_LINES, (basket_id,))]


def read_line(cursor: Any, basket_id: bytes, line_id: int) -> LineRow | None:
    """One line."""
    row = cursor.execute(_READ_LINE, (basket_id, line_id)).fetchone()
    return None if row is None else LineRow._make(row)


def find_mergeable(cursor: Any, basket_id: bytes, sku: str, unit_price_minor: int | None) -> LineRow | None:
    """The last line that another piece of the same at the same price may join."""
    row = cursor.execute(_MERGEABLE, (basket_id, sku, unit_price_minor)).fetchone()
    return None if row is None else LineRow._make(row)


def find_serial(cursor: Any, basket_id: bytes, sku: str, serial: str) -> int | None:
    """The line that holds this very piece."""
    row = cursor.execute(
        "SELECT line_id FROM basket_line WHERE basket_id = ? AND sku = ? AND serial = ?", (basket_id, sku, serial)
    ).fetchone()
    return None if row is None else int(row[0])


def count_lines(cursor: Any, basket_id: bytes) -> int:
    """How many lines a basket has."""
    return int(cursor.execute("SELECT COUNT(*) FROM basket_line WHERE basket_id = ?", (basket_id,)).fetchone()[0])


def put_line(cursor: Any, basket_id: bytes, line: LineRow) -> None:
    """Writes a line, over the one that was there."""
    cursor.execute(_PUT_LINE, (basket_id, *line))


def drop_line(cursor: Any, basket_id: bytes, line_id: int) -> None:
    """Takes a line away."""
    cursor.execute("DELETE FROM basket_line WHERE basket_id = ? AND line_id = ?", (basket_id, line_id))


def add_action(cursor: Any, basket_id: bytes, action: ActionRow) -> None:
    """Notes what was done."""
    cursor.execute(_ADD_ACTION, (basket_id, *action))


def find_action(cursor: Any, basket_id: bytes, request_id: str) -> ActionRow | None:
    """What was done under a request id."""
    statement = f"SELECT {_ACTION} FROM basket_action WHERE basket_id = ? AND request_id = ?"
    row = cursor.execute(statement, (basket_id, request_id)).fetchone()
    return None if row is None else ActionRow._make(row)


def actions_since(cursor: Any, basket_id: bytes, number: int) -> list[ActionRow]:
    """Actions from a number on, the last first."""
    statement = f"SELECT {_ACTION} FROM basket_action WHERE basket_id = ? AND number >= ? ORDER BY number DESC"
    return [ActionRow._make(row) for row in cursor.execute(statement, (basket_id, number))]


def mark_undone(cursor: Any, basket_id: bytes, number: int) -> None:
    """Notes that an action was undone."""
    cursor.execute("UPDATE basket_action SET undone = 1 WHERE basket_id = ? AND number = ?", (basket_id, number))


def forget_actions(cursor: Any, basket_id: bytes, up_to: int) -> None:
    """Drops the oldest actions."""
    cursor.execute("DELETE FROM basket_action WHERE basket_id = ? AND number <= ?", (basket_id, up_to))


def forget_baskets(cursor: Any, states: tuple[str, ...], before_us: int, count_max: int) -> int:
    """Deletes baskets of long ago in these states with all that belongs to them; returns how many."""
    marks = ", ".join("?" * len(states))
    statement = f"SELECT id FROM basket WHERE state IN ({marks}) AND changed_at < ? LIMIT ?"
    old = cursor.execute(statement, (*states, before_us, count_max)).fetchall()
    for table, column in (("basket_line", "basket_id"), ("basket_return", "basket_id"), ("basket_action", "basket_id"),
                          ("basket_unknown", "basket_id"), ("basket", "id")):  # fmt: skip
        cursor.executemany(f"DELETE FROM {table} WHERE {column} = ?", old)
    return len(old)


def mark_unknown(cursor: Any, basket_id: bytes, code: str, state: str | None) -> None:
    """What became of a code that no product has in a basket; None for nothing: it was never scanned."""
    if state is None:
        cursor.execute("DELETE FROM basket_unknown WHERE basket_id = ? AND code = ?", (basket_id, code))
        return
    cursor.execute(
        "INSERT INTO basket_unknown (basket_id, code, state) VALUES (?, ?, ?) "
        "ON CONFLICT (basket_id, code) DO UPDATE SET state = excluded.state",
        (basket_id, code, state),
    )


def read_unknown(cursor: Any, basket_id: bytes, code: str) -> str | None:
    """What became of a code that no product has."""
    statement = "SELECT state FROM basket_unknown WHERE basket_id = ? AND code = ?"
    row = cursor.execute(statement, (basket_id, code)).fetchone()
    return None if row is None else str(row[0])


def waiting_unknown(cursor: Any, basket_id: bytes) -> list[tuple[str, str]]:
    """Codes that nobody has priced or waved away yet, and what is the matter with each."""
    statement = (
        "SELECT b.code, COALESCE(u.problem, 'unknown') FROM basket_unknown b LEFT JOIN unknown_code u "
        "ON u.code = b.code WHERE b.basket_id = ? AND b.state = 'waiting' ORDER BY u.last_seen_at, b.code"
    )
    return [(row[0], row[1]) for row in cursor.execute(statement, (basket_id,))]
