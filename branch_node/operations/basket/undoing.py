"""Undoing an action: what it touched is put back, unless something later touched the same."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from branch_node.operations.basket.desk import Desk, Done, Outcome, act
from branch_node.operations.basket.editing import ASK_A_MANAGER, NO_LIMITS, Limits
from branch_node.storage import basket_returns, baskets
from branch_node.storage.baskets import ActionRow
from branch_node.storage.store import BranchStore
from shared.domain.business_time import MICROSECONDS
from shared.domain.sales import LINES_MAX
from shared.errors import NotFound, Refused

UNDO_SECONDS = 10
"""How long the bar offers it, and how long a cashier who may not take goods out may take back a scan."""

UNDO = "undo"
_OFFERED_MAX = 20


class Undoable(NamedTuple):
    """An action that can be undone. `outcome`, `name` and `line_id` are what its asker was told."""

    action: int
    kind: str
    outcome: Outcome
    line_id: int | None
    name: str
    at_us: int


def undo(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    action: int,
    authority: Limits = NO_LIMITS,
    tab_token: str | None = None,
) -> Done:
    """Undoes an action by its number; one that is undone already stays so.

    Raises NotFound, Refused when something later touched the same, or when goods would be taken out that only a manager
    may take out by now, and what `act` does.
    """

    def work(desk: Desk) -> Done:
        later = baskets.actions_since(desk.cursor, desk.basket_id, action)
        if not later or later[-1].number != action or later[-1].kind == UNDO:
            raise NotFound("There is no such action to undo.", "It was long ago.")
        row = later[-1]
        if row.undone:
            return _told(row)
        inverse = json.loads(row.inverse)
        keys = _touched(inverse)
        if any(keys & _touched(json.loads(other.inverse)) for other in later[:-1] if _counts(other)):
            raise Refused("The same was changed later.", "Undo that first.")
        is_late = desk.now_us - row.at > UNDO_SECONDS * MICROSECONDS
        if is_late and not authority.may_remove and _takes_out(desk, inverse):
            raise Refused("Your role may not take goods out of a basket.", ASK_A_MANAGER)
        desk.put_back(inverse)
        _require_sound(desk)
        baskets.mark_undone(desk.cursor, desk.basket_id, action)
        return _told(row)

    return act(store, basket_id, request_id, UNDO, work, tab_token)


def offered(cursor: Any, basket_id: bytes, next_action: int, since_us: int) -> tuple[Undoable, ...]:
    """What the bar offers: actions since then that can be undone, the last first."""
    found: list[Undoable] = []
    touched: set[str] = set()
    for row in baskets.actions_since(cursor, basket_id, next_action - _OFFERED_MAX):
        if not _counts(row):
            continue
        keys = _touched(json.loads(row.inverse))
        if keys and not keys & touched and row.at >= since_us:
            outcome, _, line_id, name, _ = json.loads(row.result)
            found.append(Undoable(row.number, row.kind, Outcome(outcome), line_id, name, row.at))
        touched |= keys
    return tuple(found)


def undoable(store: BranchStore, basket_id: bytes) -> tuple[Undoable, ...]:
    """What can be undone of the latest actions, however long ago they were, the last first."""
    with store.read_cursor() as cursor:
        basket = baskets.read_basket(cursor, basket_id)
        return () if basket is None else offered(cursor, basket_id, basket.next_action, 0)


def _counts(row: ActionRow) -> bool:
    """An undone action and its undoing leave everything as it was: neither is in the way of what came before."""
    return not row.undone and row.kind != UNDO


def _touched(inverse: dict[str, Any]) -> set[str]:
    keys = {f"line:{number}" for number in inverse.get("lines", {})}
    keys |= {f"return:{key}" for key in inverse.get("returns", {})}
    keys |= {f"basket:{name.partition('_')[0]}" for name in inverse.get("basket", {})}
    return keys | {f"unknown:{code}" for code in inverse.get("unknown", {})}


def _takes_out(desk: Desk, inverse: dict[str, Any]) -> bool:
    """Whether putting back leaves less of any line than there is."""
    quantity = baskets.LineRow._fields.index("quantity_thousandths")
    for number, values in inverse.get("lines", {}).items():
        now = baskets.read_line(desk.cursor, desk.basket_id, int(number))
        if now is not None and now.quantity_thousandths > (0 if values is None else values[quantity]):
            return True
    return False


def _require_sound(desk: Desk) -> None:
    """What came meanwhile may leave no room for what comes back."""
    lines = baskets.read_lines(desk.cursor, desk.basket_id)
    if len(lines) > LINES_MAX:
        raise Refused(f"The basket would have more than {LINES_MAX} lines.", "Remove another one first.")
    pieces = [(line.sku, line.serial) for line in lines if line.serial is not None]
    if len(set(pieces)) < len(pieces):
        raise Refused("The same piece was scanned again meanwhile.", "It is in the basket already.")
    if len({row.sale_id for row in basket_returns.read_returns(desk.cursor, desk.basket_id)}) > 1:
        raise Refused("Goods of another receipt came into the basket meanwhile.", "Take those out first.")


def _told(row: ActionRow) -> Done:
    _, _, line_id, name, reference = json.loads(row.result)
    return Done(Outcome.UNDONE, 0, line_id, name, reference)
