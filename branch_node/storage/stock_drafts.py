"""Documents of stock that are being written, as rows of the branch's store. Contains no rules."""

from __future__ import annotations

from typing import Any, NamedTuple


class DraftRow(NamedTuple):
    """A row of `stock_draft`, in column order."""

    id: bytes
    kind: str
    scope: str
    document: str
    note: str
    employee: str
    begun_at: int
    changed_at: int
    revision: int
    requests: str
    movement_id: bytes | None


class DraftLineRow(NamedTuple):
    """A row of `stock_draft_line`, in column order but for the draft's id. `on_hand_thousandths` is a count's alone."""

    sku: str
    number: int
    quantity_thousandths: int
    cost_minor: int | None
    on_hand_thousandths: int | None


class OpenDraft(NamedTuple):
    """A document that is being written, and how many lines it has."""

    draft: DraftRow
    lines: int


_COLUMNS = ", ".join(DraftRow._fields)
_LINE_COLUMNS = ", ".join(DraftLineRow._fields)
_OPEN = f"""
SELECT {_COLUMNS}, (SELECT COUNT(*) FROM stock_draft_line WHERE draft_id = id)
FROM stock_draft WHERE movement_id IS NULL ORDER BY changed_at DESC LIMIT ?
"""
_EMPTY = """
SELECT id FROM stock_draft WHERE movement_id IS NULL AND kind = ? AND scope = ? AND employee = ? AND document = ''
AND note = '' AND NOT EXISTS (SELECT 1 FROM stock_draft_line WHERE draft_id = id) ORDER BY begun_at DESC LIMIT 1
"""
_PUT_LINE = f"""
INSERT INTO stock_draft_line (draft_id, {_LINE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (draft_id, sku) DO UPDATE SET number = excluded.number,
quantity_thousandths = excluded.quantity_thousandths, cost_minor = excluded.cost_minor,
on_hand_thousandths = excluded.on_hand_thousandths
"""


def add_draft(cursor: Any, row: DraftRow) -> None:
    """A new document."""
    cursor.execute(f"INSERT INTO stock_draft ({_COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)


def read_draft(cursor: Any, draft_id: bytes) -> DraftRow | None:
    """The document, whether it was entered or not."""
    row = cursor.execute(f"SELECT {_COLUMNS} FROM stock_draft WHERE id = ?", (draft_id,)).fetchone()
    return None if row is None else DraftRow._make(row)


def list_open(cursor: Any, limit: int) -> list[OpenDraft]:
    """Documents that were not entered yet, the last touched first."""
    rows = cursor.execute(_OPEN, (limit,)).fetchall()
    return [OpenDraft(DraftRow._make(row[:-1]), row[-1]) for row in rows]


def count_open(cursor: Any) -> int:
    """How many are being written."""
    return int(cursor.execute("SELECT COUNT(*) FROM stock_draft WHERE movement_id IS NULL").fetchone()[0])


def find_empty(cursor: Any, kind: str, scope: str, employee: str) -> bytes | None:
    """A document that somebody has begun and not written in."""
    row = cursor.execute(_EMPTY, (kind, scope, employee)).fetchone()
    return None if row is None else bytes(row[0])


def save_draft(cursor: Any, row: DraftRow) -> None:
    """What the document says from now on; its lines are rows of their own."""
    cursor.execute(
        "UPDATE stock_draft SET document = ?, note = ?, changed_at = ?, revision = ?, requests = ?, movement_id = ? "
        "WHERE id = ?",
        (row.document, row.note, row.changed_at, row.revision, row.requests, row.movement_id, row.id),
    )


def drop_draft(cursor: Any, draft_id: bytes) -> None:
    """The document and its lines are gone."""
    cursor.execute("DELETE FROM stock_draft WHERE id = ?", (draft_id,))
    drop_lines(cursor, draft_id)


def drop_lines(cursor: Any, draft_id: bytes) -> None:
    """All lines of a document."""
    cursor.execute("DELETE FROM stock_draft_line WHERE draft_id = ?", (draft_id,))


def read_lines(cursor: Any, draft_id: bytes, newest_first: bool = True) -> list[DraftLineRow]:
    """The lines, the last touched first; or in the order they were touched."""
    order = "DESC" if newest_first else "ASC"
    statement = f"SELECT {_LINE_COLUMNS} FROM stock_draft_line WHERE draft_id = ? ORDER BY number {order}"
    return [DraftLineRow._make(row) for row in cursor.execute(statement, (draft_id,)).fetchall()]


def read_line(cursor: Any, draft_id: bytes, sku: str) -> DraftLineRow | None:
    """The line of that product."""
    statement = f"SELECT {_LINE_COLUMNS} FROM stock_draft_line WHERE draft_id = ? AND sku = ?"
    row = cursor.execute(statement, (draft_id, sku)).fetchone()
    return None if row is None else DraftLineRow._make(row)


def put_line(cursor: Any, draft_id: bytes, row: DraftLineRow) -> None:
    """A line as it is to be from now on."""
    cursor.execute(_PUT_LINE, (draft_id, *row))


def drop_line(cursor: Any, draft_id: bytes, sku: str) -> None:
    """A line goes."""
    cursor.execute("DELETE FROM stock_draft_line WHERE draft_id = ? AND sku = ?", (draft_id, sku))


def count_lines(cursor: Any, draft_id: bytes) -> int:
    """How many lines there are."""
    statement = "SELECT COUNT(*) FROM stock_draft_line WHERE draft_id = ?"
    return int(cursor.execute(statement, (draft_id,)).fetchone()[0])


def next_number(cursor: Any, draft_id: bytes) -> int:
    """The number that puts a line on top."""
    statement = "SELECT COALESCE(MAX(number), 0) + 1 FROM stock_draft_line WHERE draft_id = ?"
    return int(cursor.execute(statement, (draft_id,)).fetchone()[0])
