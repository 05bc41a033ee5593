"""Documents of stock that are written line by line – goods received, written off, counted – and entered once.

They stand in the branch's own store, so that a closed browser loses nothing. A form that is sent twice counts once, and
a document that was entered answers with what it became. Of a count each line remembers what was on hand by the books
when it was counted: what is sold between that and the end of the count is no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from branch_node.operations import stock
from branch_node.operations.basket.products import Product, find_product
from branch_node.operations.sale_actions import split_times
from branch_node.operations.stock import Goods
from branch_node.storage import stock_drafts as rows
from branch_node.storage.stock import read_stock
from branch_node.storage.stock_drafts import DraftLineRow, DraftRow, OpenDraft
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.barcodes import Code, Gs1Code, PricedCode, UnknownCode, WeighedCode, lookup_texts, parse_code
from shared.domain.identifiers import CODE_CHARACTERS_MAX, is_encodable, require_code, shorten
from shared.domain.money import AMOUNT_MINOR_MAX, QUANTITY_THOUSANDTHS_MAX, THOUSAND, require_minor
from shared.domain.permissions import Actor, Permission, require
from shared.domain.stock import MOVEMENT_LINES_MAX, MovementReason
from shared.errors import FilialError, InvalidInput, NotFound, Refused

OPEN_DRAFTS_MAX = 100
"""Documents that are being written at once."""
REQUESTS_KEPT_MAX = 50
"""Forms of one document that are remembered: one of them that comes again counts once."""
ALL, LIST, CATEGORY = "all", "list", "category:"
"""What a count is of: everything, only what is scanned, or a category with its name after the colon."""
_UNCOUNTED = """
SELECT s.sku, s.quantity_thousandths FROM stock_on_hand s
WHERE s.quantity_thousandths <> 0 AND s.sku NOT IN (SELECT sku FROM stock_draft_line WHERE draft_id = ?1)
AND (?2 IS NULL OR EXISTS (SELECT 1 FROM product p WHERE p.sku = s.sku AND p.category = ?2)) ORDER BY s.sku LIMIT ?3
"""
_NAME = "SELECT name, unit FROM product WHERE sku = ? ORDER BY archived, id LIMIT 1"


class DraftKind(StrEnum):
    """What a document becomes; the value is the movement's reason."""

    RECEIVED = MovementReason.RECEIVED.value
    WRITTEN_OFF = MovementReason.WRITTEN_OFF.value
    COUNTED = MovementReason.COUNTED.value


class DraftLine(NamedTuple):
    """A line as it is shown. `on_hand_thousandths` is what is there now, `difference_thousandths` a count's alone."""

    sku: str
    name: str
    unit: str
    quantity_thousandths: int
    cost_minor: int | None
    on_hand_thousandths: int
    difference_thousandths: int


class Uncounted(NamedTuple):
    """A product of the count's scope that nobody has counted, and what is on hand by the books."""

    sku: str
    name: str
    quantity_thousandths: int


class FileLine(NamedTuple):
    """A row of somebody's file: where it stands there, a code or SKU, so much, and what the whole line cost."""

    row: int
    code: str
    quantity_thousandths: int
    cost_minor: int | None


class RowProblem(NamedTuple):
    """Why a row cannot be taken."""

    row: int
    error: FilialError


class DraftView(NamedTuple):
    """A document with its lines, the last touched first; of a count also what nobody has counted yet."""

    draft: DraftRow
    lines: tuple[DraftLine, ...]
    uncounted: tuple[Uncounted, ...]


class _RowsWrongError(Exception):
    """Leaves the transaction, so that no row stays."""

    def __init__(self, problems: list[RowProblem]) -> None:
        super().__init__()
        self.problems = problems


class _Draft:
    """A document amid a change."""

    def __init__(self, store: BranchStore, cursor: Any, row: DraftRow) -> None:
        self.store = store
        self.cursor = cursor
        self.row = row
        self._lines = rows.count_lines(cursor, row.id)
        self._number = rows.next_number(cursor, row.id)

    @property
    def is_count(self) -> bool:
        return self.row.kind == DraftKind.COUNTED

    def put(self, sku: str, quantity_thousandths: int, cost_minor: int | None, adds: bool) -> None:
        """A line as it is to be, or so much more of it. Raises InvalidInput, Refused."""
        before = rows.read_line(self.cursor, self.row.id, sku)
        if before is None and self._lines >= MOVEMENT_LINES_MAX:
            raise Refused(f"A document has at most {MOVEMENT_LINES_MAX} lines.", "Enter this one and begin another.")
        quantity, cost = quantity_thousandths, cost_minor
        if before is not None and adds:
            quantity += before.quantity_thousandths
            cost = before.cost_minor if cost is None else cost + (before.cost_minor or 0)
        _require_quantity(quantity, self.is_count)
        if cost is not None:
            require_minor(cost, "The cost", AMOUNT_MINOR_MAX)
        on_hand = self._on_hand(sku, before if adds else None)
        rows.put_line(self.cursor, self.row.id, DraftLineRow(sku, self._number, quantity, cost, on_hand))
        self._number += 1
        self._lines += before is None

    def _on_hand(self, sku: str, before: DraftLineRow | None) -> int | None:
        """Of what is counted piece by piece the first piece says when it was counted."""
        if not self.is_count:
            return None
        if before is not None and before.on_hand_thousandths is not None:
            return before.on_hand_thousandths
        return read_stock(self.cursor, sku).quantity_thousandths


def begin(store: BranchStore, actor: Actor, kind: DraftKind, scope: str = "") -> bytes:
    """A new document, empty; returns its id. Raises NotPermitted, InvalidInput, Refused when too many are open."""
    require(actor, Permission.STOCK_EDIT)
    chosen = _require_scope(kind, scope)
    draft_id, now_us = store.ids.new_id(), store.clock.now_us()
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        if rows.count_open(cursor) >= OPEN_DRAFTS_MAX:
            raise Refused(f"{OPEN_DRAFTS_MAX} documents are being written.", "Enter some of them, or throw them away.")
        # Whoever pressed the button twice wants one document.
        empty = rows.find_empty(cursor, str(kind), chosen, actor.code)
        if empty is not None:
            return empty
        rows.add_draft(cursor, DraftRow(draft_id, str(kind), chosen, "", "", actor.code, now_us, now_us, 1, "", None))
    return draft_id


def list_drafts(store: BranchStore, actor: Actor) -> list[OpenDraft]:
    """Documents that are being written, the last touched first; for who may not write them none."""
    if not actor.may(Permission.STOCK_EDIT):
        return []
    with store.read_cursor() as cursor:
        return rows.list_open(cursor, OPEN_DRAFTS_MAX)


def view(store: BranchStore, actor: Actor, draft_id: bytes) -> DraftView:
    """Raises NotPermitted, NotFound."""
    require(actor, Permission.STOCK_EDIT)
    with store.read_cursor() as cursor:
        draft = _require_draft(cursor, draft_id)
        lines = tuple([_shown(cursor, line) for line in rows.read_lines(cursor, draft_id)])
        return DraftView(draft, lines, tuple(_uncounted(cursor, draft, MOVEMENT_LINES_MAX)))


def enter_code(store: BranchStore, actor: Actor, draft_id: bytes, request_id: str, text: str) -> DraftLine | None:
    """Adds what was scanned or typed: `3*code` is three of it, a scale's code its weight. None when no product has it.

    Raises NotPermitted, NotFound, Refused, InvalidInput.
    """
    times, typed = split_times(text)
    code = parse_code(typed)

    def work(draft: _Draft) -> str | None:
        exact = () if isinstance(code, UnknownCode) else (code.text,)
        product = find_product(draft.cursor, exact)
        measured = None if product is None else times
        if product is None and not isinstance(code, UnknownCode):
            product = find_product(draft.cursor, lookup_texts(code))
            measured = None if product is None else _measure(code, product, times)
        sku = product.sku if product is not None else _known_sku(draft.cursor, typed)
        if sku is None:
            return None
        draft.put(sku, times if measured is None else measured, None, adds=True)
        return sku

    return _changed_line(store, actor, draft_id, request_id, work)


def put_line(
    store: BranchStore,
    actor: Actor,
    draft_id: bytes,
    request_id: str,
    sku: str,
    quantity_thousandths: int,
    cost_minor: int | None = None,
    adds: bool = False,
) -> DraftLine | None:
    """So much of a product, instead of what the line said or, when it `adds`, more than that.

    Raises NotPermitted, NotFound, Refused, InvalidInput.
    """

    def work(draft: _Draft) -> str:
        if not stock.is_known(draft.cursor, require_code(sku, "sku")):
            raise NotFound(f"There is no product {shorten(sku)}.", "Look for it by name.")
        draft.put(sku, quantity_thousandths, cost_minor, adds)
        return sku

    return _changed_line(store, actor, draft_id, request_id, work)


def add_rows(
    store: BranchStore, actor: Actor, draft_id: bytes, request_id: str, lines: Sequence[FileLine]
) -> list[RowProblem]:
    """Adds the rows of a file, all of them or, when something is wrong, none; returns what is wrong, row by row.

    Raises NotPermitted, NotFound, Refused.
    """

    def work(draft: _Draft) -> None:
        problems = []
        for line in lines:
            try:
                sku = _find_sku(draft.cursor, line.code)
                draft.put(sku, line.quantity_thousandths, line.cost_minor, adds=True)
            except FilialError as error:
                problems.append(RowProblem(line.row, error))
        if problems:
            raise _RowsWrongError(problems)

    try:
        _change(store, actor, draft_id, request_id, work)
    except _RowsWrongError as wrong:
        return wrong.problems
    return []


def remove_line(store: BranchStore, actor: Actor, draft_id: bytes, request_id: str, sku: str) -> DraftLineRow | None:
    """Takes a product off the document; returns what its line was. Raises NotPermitted, NotFound, Refused."""

    def work(draft: _Draft) -> DraftLineRow | None:
        line = rows.read_line(draft.cursor, draft_id, sku)
        rows.drop_line(draft.cursor, draft_id, sku)
        return line

    removed: DraftLineRow | None = _change(store, actor, draft_id, request_id, work)
    return removed


def describe(store: BranchStore, actor: Actor, draft_id: bytes, request_id: str, document: str, note: str) -> None:
    """The number of the paper that came with it, and why, in words. Raises NotPermitted, NotFound, InvalidInput."""
    if len(document) > CODE_CHARACTERS_MAX or not document.isprintable() or not is_encodable(document):
        raise InvalidInput(
            f"The document's number has more than {CODE_CHARACTERS_MAX} characters, or unprintable ones."
        )
    stock.require_note(note)

    def work(draft: _Draft) -> None:
        draft.row = draft.row._replace(document=document, note=note)

    _change(store, actor, draft_id, request_id, work)


def count_rest_as_nothing(store: BranchStore, actor: Actor, draft_id: bytes, request_id: str) -> int:
    """Whatever of the count's scope nobody has counted is not there; returns how many products.

    Raises NotPermitted, NotFound, Refused.
    """

    def work(draft: _Draft) -> int:
        room = MOVEMENT_LINES_MAX - rows.count_lines(draft.cursor, draft_id)
        rest = _uncounted(draft.cursor, draft.row, room)
        for each in rest:
            draft.put(each.sku, 0, None, adds=False)
        return len(rest)

    return _change(store, actor, draft_id, request_id, work) or 0


def discard(store: BranchStore, actor: Actor, draft_id: bytes) -> None:
    """Throws a document away that was not entered; nothing moves. Raises NotPermitted, NotFound, Refused."""
    require(actor, Permission.STOCK_EDIT)
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        _require_open(_require_draft(cursor, draft_id))
        rows.drop_draft(cursor, draft_id)


def commit(
    store: BranchStore, actor: Actor, draft_id: bytes, revision: int, document: str = "", note: str = ""
) -> bytes:
    """Enters the document as its reader saw it: one movement, however often it is sent; returns the movement's id.

    `document` is the number of the paper, `note` says why. Raises NotPermitted, NotFound, Refused when it has changed
    since, and what entering it raises: then what was written stays.
    """
    require(actor, Permission.STOCK_EDIT)
    with store.operation() as transaction:
        cursor = transaction.cursor
        draft = _require_draft(cursor, draft_id)
        if draft.movement_id is not None:
            return draft.movement_id
        if draft.revision != revision:
            raise Refused("The document has changed since this page was shown.", "Look at it again, then enter it.")
        draft = draft._replace(document=document, note=note)
        movement_id = _enter(transaction, actor, draft)
        rows.save_draft(cursor, draft._replace(movement_id=movement_id, changed_at=transaction.now_us))
        rows.drop_lines(cursor, draft_id)
    return movement_id


def _enter(transaction: BranchTransaction, actor: Actor, draft: DraftRow) -> bytes:
    lines = rows.read_lines(transaction.cursor, draft.id, newest_first=False)
    if draft.kind == DraftKind.COUNTED:
        counted = [_counted_by_now(transaction.cursor, line) for line in lines]
        return stock.count(transaction, actor, actor.code, counted, draft.document).movement_id
    goods = [Goods(line.sku, line.quantity_thousandths, line.cost_minor) for line in lines]
    if draft.kind == DraftKind.RECEIVED:
        return stock.receive(transaction, actor, actor.code, goods, draft.document).movement_id
    if not draft.note:
        raise InvalidInput("Goods are written off for a reason.", "Write a word or two: an auditor will read it.")
    return stock.write_off(transaction, actor, actor.code, goods, draft.document, note=draft.note).movement_id


def _counted_by_now(cursor: Any, line: DraftLineRow) -> Goods:
    """What was counted, less what was sold since, and with what came since. Raises Refused when that is below zero."""
    now = read_stock(cursor, line.sku).quantity_thousandths
    then = now if line.on_hand_thousandths is None else line.on_hand_thousandths
    quantity = line.quantity_thousandths + now - then
    if quantity < 0:
        raise Refused(f"Of {line.sku} more was sold since it was counted than was counted.", "Count it again.")
    return Goods(line.sku, quantity)


def _change(store: BranchStore, actor: Actor, draft_id: bytes, request_id: str, work: Callable[[_Draft], Any]) -> Any:
    """Changes a document in a transaction of its own; None when this request has changed it already."""
    require(actor, Permission.STOCK_EDIT)
    require_code(request_id, "request_id")
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        row = _require_draft(cursor, draft_id)
        seen = row.requests.split()
        if request_id in seen:
            return None
        _require_open(row)
        draft = _Draft(store, cursor, row)
        result = work(draft)
        now_us = store.clock.now_us()
        requests = " ".join([*seen, request_id][-REQUESTS_KEPT_MAX:])
        changed = draft.row._replace(revision=row.revision + 1, changed_at=now_us, requests=requests)
        rows.save_draft(cursor, changed)
    return result


def _changed_line(
    store: BranchStore, actor: Actor, draft_id: bytes, request_id: str, work: Callable[[_Draft], str | None]
) -> DraftLine | None:
    """The line as it stands afterwards; of a request that was seen the line that was touched last."""

    def do(draft: _Draft) -> tuple[str | None]:
        return (work(draft),)

    done = _change(store, actor, draft_id, request_id, do)
    with store.read_cursor() as cursor:
        if done is None:
            newest = rows.read_lines(cursor, draft_id)
            return _shown(cursor, newest[0]) if newest else None
        line = None if done[0] is None else rows.read_line(cursor, draft_id, done[0])
        return None if line is None else _shown(cursor, line)


def _require_draft(cursor: Any, draft_id: bytes) -> DraftRow:
    found = rows.read_draft(cursor, draft_id)
    if found is None:
        raise NotFound("There is no such document.", "It was thrown away; begin another.")
    return found


def _require_open(row: DraftRow) -> None:
    if row.movement_id is not None:
        raise Refused("This document is entered already.", "What is to be mended goes into another document.")


def _require_scope(kind: DraftKind, scope: str) -> str:
    if kind is not DraftKind.COUNTED:
        return ""
    category = scope.removeprefix(CATEGORY) if scope.startswith(CATEGORY) else ""
    if scope not in (ALL, LIST) and not category:
        raise InvalidInput("Say what is counted.", "Choose everything, a category, or only what is scanned.")
    if len(category) > CODE_CHARACTERS_MAX * 4 or not is_encodable(category) or "\0" in category:
        raise InvalidInput("There is no such category.", "Choose one of the list.")
    return scope


def _require_quantity(quantity_thousandths: int, may_be_zero: bool) -> None:
    least = 0 if may_be_zero else 1
    if type(quantity_thousandths) is not int or not least <= quantity_thousandths <= QUANTITY_THOUSANDTHS_MAX:
        raise InvalidInput(
            f"The quantity is not between nothing and {QUANTITY_THOUSANDTHS_MAX // THOUSAND}.",
            "Write how much, as 12 or 0.5.",
        )


def _measure(code: Code, product: Product, times: int) -> int:
    """How much a code stands for, in thousandths. Raises Refused for one that says only what its piece costs."""
    match code:
        case WeighedCode():
            return code.grams
        case Gs1Code() if code.weight_grams is not None:
            return code.weight_grams
        case PricedCode():
            raise Refused(f"The code of {product.name} says what it costs, not how much it is.", "Type the quantity.")
        case _:
            return times


def _find_sku(cursor: Any, text: str) -> str:
    """The product that has this code or SKU. Raises NotFound."""
    code = parse_code(text)
    product = find_product(cursor, (text, *lookup_texts(code)))
    sku = product.sku if product is not None else _known_sku(cursor, text)
    if sku is None:
        raise NotFound(f"There is no product {shorten(text)}.", "Correct the code, or let the head office add it.")
    return sku


def _known_sku(cursor: Any, typed: str) -> str | None:
    """What was sold or counted here without being in the catalogue has a SKU all the same."""
    sku = typed.strip()
    is_code = 0 < len(sku) <= CODE_CHARACTERS_MAX and is_encodable(sku)
    return sku if is_code and stock.is_known(cursor, sku) else None


def _shown(cursor: Any, line: DraftLineRow) -> DraftLine:
    name, unit = cursor.execute(_NAME, (line.sku,)).fetchone() or (None, None)
    now = read_stock(cursor, line.sku).quantity_thousandths
    then = now if line.on_hand_thousandths is None else line.on_hand_thousandths
    quantity = line.quantity_thousandths
    return DraftLine(line.sku, name or line.sku, unit or "", quantity, line.cost_minor, now, quantity - then)


def _uncounted(cursor: Any, draft: DraftRow, limit: int) -> list[Uncounted]:
    """Empty for a document that is no count, and for a count of only what is scanned."""
    if draft.kind != DraftKind.COUNTED or draft.scope == LIST or draft.movement_id is not None:
        return []
    category = draft.scope.removeprefix(CATEGORY) if draft.scope != ALL else None
    found = cursor.execute(_UNCOUNTED, (draft.id, category, limit)).fetchall()
    names = [(cursor.execute(_NAME, (sku,)).fetchone() or (None,))[0] for sku, _ in found]
    return [Uncounted(sku, name or sku, quantity) for (sku, quantity), name in zip(found, names, strict=True)]
