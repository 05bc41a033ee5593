"""Goods that come and go other than by sales, and counts: one document becomes one movement in one transaction.

What a count expects is read in its own transaction, so that a sale beside it is either before the count or after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.employees import ensure_employee
from branch_node.operations.keys import CommittedBefore, known_key
from branch_node.operations.sale_request import hash_content
from branch_node.operations.selling import find_product
from branch_node.storage.stock import Stock, list_stock, read_stock
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import local_moment
from shared.domain.identifiers import CODE_CHARACTERS_MAX, format_id, is_encodable, require_code
from shared.domain.money import AMOUNT_MINOR_MAX, QUANTITY_THOUSANDTHS_MAX, quantity_number, require_minor
from shared.domain.permissions import Actor, Permission, require
from shared.domain.sales import DETAIL_CHARACTERS_MAX
from shared.domain.stock import (
    MOVEMENT_LINES_MAX,
    MovementLine,
    MovementReason,
    StockMovement,
    counted_line,
)
from shared.errors import InvalidInput, NotFound, Refused

LISTED_MAX = 10_000
"""Products in one list of stock."""
_CLAIM = """
INSERT INTO idempotency_key (key, command_id, content_hash, record_id, seq, confirmed) VALUES (?, ?, ?, ?, ?, 0)
"""
_IS_KNOWN = """
SELECT EXISTS (SELECT 1 FROM product WHERE sku = ?1) OR EXISTS (SELECT 1 FROM stock_on_hand WHERE sku = ?1)
"""
_SAME_DOCUMENT = "SELECT 1 FROM stock_movement WHERE reason = ? AND document = ? LIMIT 1"
_LINES = """
SELECT sku, product_id, quantity_thousandths, cost_minor, counted_thousandths, expected_thousandths
FROM stock_movement_line WHERE movement_id = ? ORDER BY line_number
"""


class Goods(NamedTuple):
    """So much of a product. `cost_minor` is what the whole line cost, when that is known."""

    sku: str
    quantity_thousandths: int
    cost_minor: int | None = None


class MovementAnswer(NamedTuple):
    """A movement, and what is on hand of its products now, in thousandths, in the order of its lines."""

    movement_id: bytes
    reason: str
    document: str
    lines: tuple[MovementLine, ...]
    on_hand: tuple[int, ...]
    entry: int

    def as_json(self) -> dict[str, Any]:
        """For people and programs: quantities in units."""
        return {
            "id": format_id(self.movement_id),
            "reason": self.reason,
            "document": self.document or None,
            "entry": self.entry,
            "lines": [_line_json(line, left) for line, left in zip(self.lines, self.on_hand, strict=True)],
        }


def receive(
    transaction: BranchTransaction,
    actor: Actor,
    employee: str,
    goods: Sequence[Goods],
    document: str = "",
    register: str | None = None,
    key: str | None = None,
) -> MovementAnswer:
    """Goods came from a supplier. Raises what `record_movement` does."""
    lines = _moved(transaction, goods, sign=1)
    return record_movement(transaction, actor, MovementReason.RECEIVED, employee, lines, document, register, key)


def write_off(
    transaction: BranchTransaction,
    actor: Actor,
    employee: str,
    goods: Sequence[Goods],
    document: str = "",
    register: str | None = None,
    key: str | None = None,
    note: str = "",
) -> MovementAnswer:
    """Goods are spoilt, broken or lost: so much of each goes; `note` says why. Raises what `record_movement` does."""
    lines, reason = _moved(transaction, goods, sign=-1), MovementReason.WRITTEN_OFF
    return record_movement(transaction, actor, reason, employee, lines, document, register, key, note)


def return_to_supplier(
    transaction: BranchTransaction,
    actor: Actor,
    employee: str,
    goods: Sequence[Goods],
    document: str = "",
    register: str | None = None,
    key: str | None = None,
) -> MovementAnswer:
    """Goods went back to a supplier. Raises what `record_movement` does."""
    lines, reason = _moved(transaction, goods, sign=-1), MovementReason.RETURNED_TO_SUPPLIER
    return record_movement(transaction, actor, reason, employee, lines, document, register, key)


def move(
    transaction: BranchTransaction,
    actor: Actor,
    employee: str,
    goods: Sequence[Goods],
    away: bool,
    document: str = "",
    register: str | None = None,
    key: str | None = None,
) -> MovementAnswer:
    """Goods went to another branch (`away`) or came from one; each of the two enters its side.

    Raises what `record_movement` does.
    """
    lines = _moved(transaction, goods, sign=-1 if away else 1)
    return record_movement(transaction, actor, MovementReason.MOVED, employee, lines, document, register, key)


def count(
    transaction: BranchTransaction,
    actor: Actor,
    employee: str,
    counted: Sequence[Goods],
    document: str = "",
    register: str | None = None,
    key: str | None = None,
) -> MovementAnswer:
    """Some products were counted: afterwards so much of each is on hand, and the differences are the movement.

    A repeated key answers with the differences of the first time. Raises what `record_movement` does.
    """
    require(actor, Permission.STOCK_EDIT)
    if len({line.sku for line in counted}) < len(counted):
        raise InvalidInput("A product is counted twice.", "Add up what was counted of it.")
    lines = []
    for line in _required(counted):
        expected = read_stock(transaction.cursor, line.sku).quantity_thousandths
        lines.append(counted_line(line.sku, _product_id(transaction, line.sku), line.quantity_thousandths, expected))
    return record_movement(transaction, actor, MovementReason.COUNTED, employee, lines, document, register, key)


def record_movement(
    transaction: BranchTransaction,
    actor: Actor,
    reason: MovementReason,
    employee: str,
    lines: Sequence[MovementLine],
    document: str,
    register: str | None,
    key: str | None,
    note: str = "",
) -> MovementAnswer:
    """Records a movement, once for every key and every document of a reason.

    Raises NotPermitted, InvalidInput, NotFound for a product that is unknown here, Refused when the document was
    entered before, KeyReused.
    """
    require(actor, Permission.STOCK_EDIT)
    content = _content(reason, employee, lines, document, register, note)
    before = None if key is None else known_key(transaction, key, content)
    if isinstance(before, CommittedBefore):
        return _told_before(transaction, before)
    if document:
        _require_new_document(transaction, reason, document)
    require_note(note)
    at = local_moment(transaction.now_us, transaction.node.timezone)
    transaction.author = ensure_employee(transaction, require_code(employee, "employee"))
    place = None if register is None else require_code(register, "register")
    fact = StockMovement(str(reason), document, place, employee, tuple(lines), at, note)
    movement_id = record_branch_fact(transaction, fact)
    if key is not None:
        claim = (key, transaction.command_id, content, movement_id, transaction.seq)
        transaction.cursor.execute(_CLAIM, claim)
    return _answer(transaction, movement_id, fact.reason, document, fact.lines, transaction.seq)


def on_hand(store: BranchStore, actor: Actor, sku: str) -> Stock:
    """What is on hand of a product. Raises NotPermitted, NotFound for one that is unknown here."""
    require(actor, Permission.STOCK_VIEW)
    with store.read_cursor() as cursor:
        if not is_known(cursor, sku):
            raise NotFound(f"There is no product {sku}.", "Look at the catalogue: the number is on the shelf's label.")
        return read_stock(cursor, sku)


def all_on_hand(store: BranchStore, actor: Actor, limit: int = LISTED_MAX) -> list[Stock]:
    """Products of which some was received or counted here, by SKU. Raises NotPermitted."""
    require(actor, Permission.STOCK_VIEW)
    with store.read_cursor() as cursor:
        return list_stock(cursor, negative=False, limit=min(limit, LISTED_MAX))


def negatives(store: BranchStore, actor: Actor, limit: int = LISTED_MAX) -> list[Stock]:
    """Products of which more was sold than ever came, the largest lack first. Raises NotPermitted."""
    require(actor, Permission.STOCK_VIEW)
    with store.read_cursor() as cursor:
        return list_stock(cursor, negative=True, limit=min(limit, LISTED_MAX))


def _moved(transaction: BranchTransaction, goods: Sequence[Goods], sign: int) -> list[MovementLine]:
    lines = []
    for sku, quantity, cost in _required(goods):
        if quantity == 0:
            raise InvalidInput(f"Of {sku} nothing moves: the quantity is zero.", "Leave the line out.")
        if cost is not None:
            require_minor(cost, f"{sku}: the cost", AMOUNT_MINOR_MAX)
        lines.append(MovementLine(sku, _product_id(transaction, sku), sign * quantity, cost))
    return lines


def _required(goods: Sequence[Goods]) -> Sequence[Goods]:
    if not goods:
        raise InvalidInput("There is no line.", "Name at least one product and its quantity.")
    if len(goods) > MOVEMENT_LINES_MAX:
        raise InvalidInput(f"A document has at most {MOVEMENT_LINES_MAX} lines, not {len(goods)}.", "Split it.")
    for line in goods:
        require_code(line.sku, "sku")
        if not 0 <= line.quantity_thousandths <= QUANTITY_THOUSANDTHS_MAX:
            raise InvalidInput(f"{line.sku}: the quantity is negative or absurd.", "Write how much, without a sign.")
    return goods


def _product_id(transaction: BranchTransaction, sku: str) -> bytes | None:
    """Raises NotFound for a SKU that neither the catalogue nor the stock knows: it is mistyped."""
    known = find_product(transaction, sku)
    if known is None and not is_known(transaction.cursor, sku):
        raise NotFound(f"There is no product {sku}.", "Correct the number, or let the head office add the product.")
    return known[0] if known else None


def is_known(cursor: Any, sku: str) -> bool:
    """Whether the catalogue or the stock knows the SKU."""
    return bool(cursor.execute(_IS_KNOWN, (sku,)).fetchone()[0])


def _require_new_document(transaction: BranchTransaction, reason: MovementReason, document: str) -> None:
    if len(document) > CODE_CHARACTERS_MAX or not document.isprintable() or not is_encodable(document):
        raise InvalidInput(
            f"The document's number has more than {CODE_CHARACTERS_MAX} characters, or unprintable ones."
        )
    if transaction.cursor.execute(_SAME_DOCUMENT, (str(reason), document)).fetchone():
        raise Refused(f"Document {document} was entered already.", "If it is another one, add something to its number.")


def require_note(note: str) -> str:
    """Why goods moved, in words, maybe none. Raises InvalidInput."""
    if len(note) > DETAIL_CHARACTERS_MAX or not is_encodable(note) or "\0" in note:
        raise InvalidInput(f"The note has more than {DETAIL_CHARACTERS_MAX} characters, or unprintable ones.")
    return note


def _content(
    reason: MovementReason,
    employee: str,
    lines: Sequence[MovementLine],
    document: str,
    register: str | None,
    note: str,
) -> bytes:
    """What a repeated key is held against. Of a count what was counted: what was expected is another by then."""
    plain = [
        (line.sku, line.quantity_thousandths if line.counted_thousandths is None else line.counted_thousandths, line[3])
        for line in lines
    ]
    # Without a note it is what a release before made of it.
    return hash_content(("stock", str(reason), employee, plain, document, register, *([note] if note else ())))


def _told_before(transaction: BranchTransaction, before: CommittedBefore) -> MovementAnswer:
    cursor = transaction.cursor
    row = cursor.execute("SELECT reason, document FROM stock_movement WHERE id = ?", (before.record_id,)).fetchone()
    lines = tuple(MovementLine._make(line) for line in cursor.execute(_LINES, (before.record_id,)).fetchall())
    return _answer(transaction, before.record_id, row[0], row[1], lines, before.seq)


def _answer(
    transaction: BranchTransaction,
    movement_id: bytes,
    reason: str,
    document: str,
    lines: tuple[MovementLine, ...],
    entry: int,
) -> MovementAnswer:
    left = tuple(read_stock(transaction.cursor, line.sku).quantity_thousandths for line in lines)
    return MovementAnswer(movement_id, reason, document, lines, left, entry)


def _line_json(line: MovementLine, left: int) -> dict[str, Any]:
    document: dict[str, Any] = {
        "sku": line.sku,
        "quantity": quantity_number(line.quantity_thousandths),
        "on_hand": quantity_number(left),
    }
    if line.cost_minor is not None:
        document["cost_minor"] = line.cost_minor
    if line.counted_thousandths is not None and line.expected_thousandths is not None:
        document["counted"] = quantity_number(line.counted_thousandths)
        document["expected"] = quantity_number(line.expected_thousandths)
    return document
