"""One action on one basket: one short transaction that journals nothing, done once for every request id.

Whatever an action touches is noted as it was before, so that undoing is putting it back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from branch_node.operations.basket.claims import require_claim
from branch_node.storage import basket_returns, baskets
from branch_node.storage.basket_returns import ReturnRow
from branch_node.storage.baskets import ActionRow, BasketRow, LineRow, encode_document
from branch_node.storage.store import BranchStore
from shared.domain.identifiers import require_code
from shared.domain.sales import LINES_MAX
from shared.errors import BasketClosed, NotFound, Refused

ACTIONS_KEPT_MAX = 2_000
"""The latest actions of a basket that are remembered: a request that comes again after so many would be done again."""

ACTIONS_FORGOTTEN_EVERY = 100


class BasketState(StrEnum):
    """`undecided`: it is being paid, or nobody knows whether it is paid."""

    OPEN = "open"
    HELD = "held"
    UNDECIDED = "undecided"
    PAID = "paid"
    ABANDONED = "abandoned"


class Outcome(StrEnum):
    """What an action came to."""

    ADDED = "added"
    MERGED = "merged"
    CHANGED = "changed"
    REMOVED = "removed"
    UNDONE = "undone"
    UNKNOWN = "unknown"
    NO_PRICE = "no_price"
    SAME_PIECE = "same_piece"
    CLIENT = "client"
    UNKNOWN_CLIENT = "unknown_client"
    RETURNED = "returned"
    POINTS = "points"
    RECEIPT = "receipt"


class Done(NamedTuple):
    """What the asker is told, now and whenever the request comes again.

    `action` is its number, for undoing; `name` of the product or client; `reference` of the client, receipt or code.
    """

    outcome: Outcome
    action: int
    line_id: int | None = None
    name: str = ""
    reference: str = ""


_CLOSED = {
    BasketState.HELD: ("This basket is held.", "Recall it first."),
    BasketState.UNDECIDED: ("This basket is being paid.", "Wait for the answer, or begin another sale."),
    BasketState.PAID: ("This basket is paid.", "Begin another sale."),
    BasketState.ABANDONED: ("This basket was given up.", "Begin another sale."),
}


class Desk:
    """A basket amid an action. `keep_*` notes what was there before the first change of it."""

    def __init__(self, store: BranchStore, cursor: Any, basket: BasketRow) -> None:
        self.store = store
        self.cursor = cursor
        self.basket = basket
        self.now_us = store.clock.now_us()
        self._next_line = basket.next_line
        self._lines_before: dict[int, LineRow | None] = {}
        self._basket_before: dict[str, Any] = {}
        self._unknown_before: dict[str, str | None] = {}
        self._returns_before: dict[str, ReturnRow | None] = {}

    @property
    def basket_id(self) -> bytes:
        return self.basket.id

    def line(self, line_id: int) -> LineRow:
        """Raises NotFound."""
        line = baskets.read_line(self.cursor, self.basket_id, line_id)
        if line is None:
            raise NotFound(f"The basket has no line {line_id}.", "It was removed; look at the basket again.")
        return line

    def add_line(self, line: LineRow) -> LineRow:
        """A line at the end, under a new number. Raises Refused when there are too many."""
        if baskets.count_lines(self.cursor, self.basket_id) >= LINES_MAX:
            raise Refused(f"The basket has {LINES_MAX} lines.", "Sell these first; the rest is another sale.")
        numbered = line._replace(line_id=self._next_line, position=self._next_line)
        self._next_line += 1
        self._lines_before[numbered.line_id] = None
        baskets.put_line(self.cursor, self.basket_id, numbered)
        return numbered

    def put_line(self, before: LineRow | None, line: LineRow) -> None:
        """A line as it is to be from now on."""
        self._lines_before.setdefault(line.line_id, before)
        baskets.put_line(self.cursor, self.basket_id, line)

    def drop_line(self, line: LineRow) -> None:
        """A line goes."""
        self._lines_before.setdefault(line.line_id, line)
        baskets.drop_line(self.cursor, self.basket_id, line.line_id)

    def put_return(self, row: ReturnRow) -> None:
        """Goods that come back, as they are to be from now on."""
        before = basket_returns.find_return(self.cursor, self.basket_id, row.key)
        self._returns_before.setdefault(row.key, before)
        basket_returns.put_return(self.cursor, self.basket_id, row)

    def drop_return(self, row: ReturnRow) -> None:
        """Goods do not come back after all."""
        self._returns_before.setdefault(row.key, row)
        basket_returns.drop_return(self.cursor, self.basket_id, row)

    def change_basket(self, **changes: Any) -> None:
        """Columns of the basket itself: its client, its discount."""
        for name in changes:
            self._basket_before.setdefault(name, getattr(self.basket, name))
        baskets.change_basket(self.cursor, self.basket_id, changes)

    def mark_unknown(self, code: str, state: str | None) -> None:
        """What becomes of a code that no product has."""
        before = baskets.read_unknown(self.cursor, self.basket_id, code)
        self._unknown_before.setdefault(code, before)
        baskets.mark_unknown(self.cursor, self.basket_id, code, state)

    def put_back(self, inverse: dict[str, Any]) -> None:
        """Everything an action touched, as it was before."""
        for number, values in inverse.get("lines", {}).items():
            line_id = int(number)
            now = baskets.read_line(self.cursor, self.basket_id, line_id)
            if values is not None:
                self.put_line(now, _line_from_json(values))
            elif now is not None:
                self.drop_line(now)
        for key, values in inverse.get("returns", {}).items():
            present = basket_returns.find_return(self.cursor, self.basket_id, key)
            if values is not None:
                self.put_return(ReturnRow(bytes.fromhex(values[0]), *values[1:]))
            elif present is not None:
                self.drop_return(present)
        if "basket" in inverse:
            self.change_basket(**{name: _from_json(name, value) for name, value in inverse["basket"].items()})
        for code, state in inverse.get("unknown", {}).items():
            self.mark_unknown(code, state)

    def inverse(self) -> dict[str, Any]:
        """What `put_back` needs, as JSON can hold it."""
        document: dict[str, Any] = {}
        if self._lines_before:
            document["lines"] = {
                str(line_id): None if line is None else [_to_json(value) for value in line]
                for line_id, line in self._lines_before.items()
            }
        if self._returns_before:
            document["returns"] = {
                key: None if row is None else [_to_json(value) for value in row]
                for key, row in self._returns_before.items()
            }
        if self._basket_before:
            document["basket"] = {name: _to_json(value) for name, value in self._basket_before.items()}
        if self._unknown_before:
            document["unknown"] = self._unknown_before
        return document

    def finish(self, kind: str, request_id: str, result: Done) -> None:
        """Notes the action."""
        number = self.basket.next_action
        self.cursor.execute(
            "UPDATE basket SET revision = revision + 1, changed_at = ?, next_line = ?, next_action = ? WHERE id = ?",
            (self.now_us, self._next_line, number + 1, self.basket_id),
        )
        inverse, told = encode_document(self.inverse()), encode_document(result)
        action = ActionRow(number, request_id, kind, inverse, told, self.now_us, False)
        baskets.add_action(self.cursor, self.basket_id, action)
        if number % ACTIONS_FORGOTTEN_EVERY == 0:
            baskets.forget_actions(self.cursor, self.basket_id, number - ACTIONS_KEPT_MAX)


def act(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    kind: str,
    work: Callable[[Desk], Done],
    tab_token: str | None = None,
) -> Done:
    """Does something to an open basket in a transaction of its own; a request id that was seen does nothing again.

    `work` returns a `Done` whose `action` is filled in here. Raises NotFound, BasketClosed, TakenOver when the tab has
    lost the register, InvalidInput, and what `work` raises: then nothing was done.
    """
    require_code(request_id, "request_id")
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        before = baskets.find_action(cursor, basket_id, request_id)
        if before is not None:
            return _told(before)
        basket = require_basket(cursor, basket_id)
        require_open(basket)
        if tab_token is not None:
            require_claim(cursor, basket.register, tab_token)
        desk = Desk(store, cursor, basket)
        result = work(desk)._replace(action=basket.next_action)
        desk.finish(kind, request_id, result)
    return result


def require_basket(cursor: Any, basket_id: bytes) -> BasketRow:
    """Raises NotFound."""
    basket = baskets.read_basket(cursor, basket_id)
    if basket is None:
        raise NotFound("There is no such basket.", "Begin another sale.")
    return basket


def require_open(basket: BasketRow) -> None:
    """Raises BasketClosed."""
    if basket.state != BasketState.OPEN:
        raise BasketClosed(*_CLOSED[BasketState(basket.state)])


def _told(action: ActionRow) -> Done:
    outcome, *rest = json.loads(action.result)
    return Done(Outcome(outcome), *rest)


def _to_json(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _from_json(name: str, value: Any) -> Any:
    return bytes.fromhex(value) if name in ("client_id", "product_id") and value is not None else value


def _line_from_json(values: list[Any]) -> LineRow:
    return LineRow._make(_from_json(name, value) for name, value in zip(LineRow._fields, values, strict=True))
