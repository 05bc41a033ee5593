"""How stock moved at this branch, read from the facts: of one product, and document by document; the list of goods."""

from __future__ import annotations

from typing import Any, NamedTuple

_NAME = "COALESCE((SELECT p.name FROM product p WHERE p.sku = s.sku AND p.name IS NOT NULL LIMIT 1), s.sku)"
_UNIT = "(SELECT p.unit FROM product p WHERE p.sku = s.sku LIMIT 1)"
_CATEGORY = "(SELECT p.category FROM product p WHERE p.sku = s.sku LIMIT 1)"
_GOODS = f"""
SELECT s.sku, {_NAME} AS name, {_UNIT}, {_CATEGORY}, s.quantity_thousandths, s.is_kept FROM stock_on_hand s
"""
_CATEGORIES = """
SELECT DISTINCT category FROM product WHERE category IS NOT NULL AND category <> '' AND NOT archived
ORDER BY category LIMIT ?
"""
SOLD_LINES_READ_MAX = 500_000
"""Of so many lines that were sold last a product's sales are looked for: an index would cost every sale a tenth."""
# Ids grow with time, so the newest of each kind come first, and reading ends when there are enough of them.
_SOLD = f"""
SELECT l.sale_id, 'sold', -l.quantity_thousandths, t.sold_at, t.cashier, t.register || '-' || printf('%06d',
    t.receipt_number), '', NULL, NULL
FROM (SELECT branch_id, sale_id, sku, quantity_thousandths FROM sale_line
    WHERE branch_id = ?2 ORDER BY sale_id DESC, line_number DESC LIMIT {SOLD_LINES_READ_MAX}) l
CROSS JOIN sale t ON t.branch_id = l.branch_id AND t.id = l.sale_id WHERE l.sku = ?1 LIMIT ?3
"""
_BACK = """
SELECT l.refund_id, 'refunded', l.quantity_thousandths, t.refunded_at, t.cashier, t.register || '-' || printf('%06d',
    t.receipt_number), COALESCE(t.reason, ''), NULL, NULL
FROM refund_line l JOIN refund t ON t.branch_id = l.branch_id AND t.id = l.refund_id
WHERE l.sku = ?1 AND l.branch_id = ?2 ORDER BY l.refund_id DESC LIMIT ?3
"""
_MOVED = """
SELECT l.movement_id, t.reason, l.quantity_thousandths, t.moved_at, t.employee, t.document, COALESCE(t.note, ''),
    l.counted_thousandths, l.expected_thousandths
FROM stock_movement_line l JOIN stock_movement t ON t.branch_id = l.branch_id AND t.id = l.movement_id
WHERE l.sku = ?1 AND l.branch_id = ?2 ORDER BY l.movement_id DESC LIMIT ?3
"""
_DOCUMENT_COLUMNS = "t.id, t.reason, t.document, COALESCE(t.note, ''), t.employee, t.moved_at"
_DOCUMENTS = f"""
SELECT {_DOCUMENT_COLUMNS}, (SELECT COUNT(*) FROM stock_movement_line l
    WHERE l.branch_id = t.branch_id AND l.movement_id = t.id)
FROM stock_movement t WHERE t.branch_id = ? ORDER BY t.id DESC LIMIT ? OFFSET ?
"""
_DOCUMENT = f"SELECT {_DOCUMENT_COLUMNS}, 0 FROM stock_movement t WHERE t.branch_id = ? AND t.id = ?"
_LINES = f"""
SELECT s.sku, {_NAME}, {_UNIT}, s.quantity_thousandths, s.cost_minor, s.counted_thousandths, s.expected_thousandths
FROM stock_movement_line s WHERE s.branch_id = ? AND s.movement_id = ? ORDER BY s.line_number
"""


class OnHand(NamedTuple):
    """A product in the list of goods. `is_kept` says that some was received or counted here."""

    sku: str
    name: str
    unit: str | None
    category: str | None
    quantity_thousandths: int
    is_kept: bool


class Moved(NamedTuple):
    """One change of a product's stock: `kind` is sold, refunded, or a movement's reason; counts say what was found."""

    record_id: bytes
    kind: str
    quantity_thousandths: int
    at_us: int
    employee: str
    document: str
    note: str
    counted_thousandths: int | None
    expected_thousandths: int | None


class Document(NamedTuple):
    """A document that was entered."""

    id: bytes
    reason: str
    document: str
    note: str
    employee: str
    at_us: int
    lines: int


class DocumentLine(NamedTuple):
    """A line of it."""

    sku: str
    name: str
    unit: str | None
    quantity_thousandths: int
    cost_minor: int | None
    counted_thousandths: int | None
    expected_thousandths: int | None


def list_goods(cursor: Any, negative: bool, limit: int, offset: int) -> list[OnHand]:
    """What was received or counted here, by name; or what is below zero, the largest lack first."""
    chosen = "s.quantity_thousandths < 0 ORDER BY s.quantity_thousandths, s.sku"
    if not negative:
        chosen = "s.is_kept ORDER BY name, s.sku"
    return _goods(cursor.execute(f"{_GOODS} WHERE {chosen} LIMIT ? OFFSET ?", (limit, offset)).fetchall())


def read_goods(cursor: Any, sku: str) -> OnHand | None:
    """A product of which something moved here."""
    found = _goods(cursor.execute(f"{_GOODS} WHERE s.sku = ?", (sku,)).fetchall())
    return found[0] if found else None


def count_negative(cursor: Any) -> int:
    """How many products are below zero."""
    statement = "SELECT COUNT(*) FROM stock_on_hand WHERE quantity_thousandths < 0"
    return int(cursor.execute(statement).fetchone()[0])


def list_categories(cursor: Any, limit: int) -> list[str]:
    """Categories of the goods that are sold, by name."""
    return [row[0] for row in cursor.execute(_CATEGORIES, (limit,)).fetchall()]


def list_moved(cursor: Any, branch_id: bytes, sku: str, limit: int) -> list[Moved]:
    """The newest changes of a product's stock, the newest first."""
    found: list[Moved] = []
    for statement in (_SOLD, _BACK, _MOVED):
        rows = cursor.execute(statement, (sku, branch_id, limit)).fetchall()
        found += [Moved._make(row) for row in rows]
    return sorted(found, key=lambda each: (each.at_us, each.record_id), reverse=True)[:limit]


def list_documents(cursor: Any, branch_id: bytes, limit: int, offset: int) -> list[Document]:
    """Documents that were entered here, the newest first."""
    return [Document._make(row) for row in cursor.execute(_DOCUMENTS, (branch_id, limit, offset)).fetchall()]


def read_document(cursor: Any, branch_id: bytes, movement_id: bytes) -> tuple[Document, list[DocumentLine]] | None:
    """One of them, with its lines."""
    row = cursor.execute(_DOCUMENT, (branch_id, movement_id)).fetchone()
    if row is None:
        return None
    lines = [DocumentLine._make(line) for line in cursor.execute(_LINES, (branch_id, movement_id)).fetchall()]
    return Document._make(row)._replace(lines=len(lines)), lines


def _goods(rows: list[Any]) -> list[OnHand]:
    return [OnHand._make((*row[:5], bool(row[5]))) for row in rows]
