"""Which baskets there are: opened, held and recalled at a register, given up, and forgotten days later."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from branch_node.operations.basket.claims import require_claim
from branch_node.operations.basket.desk import BasketState, require_basket, require_open
from branch_node.operations.basket.pricing import basket_discount, price_lines, pricing_of
from branch_node.operations.basket.settling import note_what_became
from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.employees import ensure_employee
from branch_node.operations.till_audit import audit_of_abandoned, audit_of_restored
from branch_node.storage import basket_returns, baskets
from branch_node.storage.baskets import BasketRow
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import MICROSECONDS, local_moment
from shared.domain.identifiers import require_code
from shared.errors import BasketClosed, InvalidInput, Refused

BASKETS_HELD_MAX = 200
TITLE_CHARACTERS_MAX = 80
CLOSED_BASKETS_KEPT_SECONDS = 3 * 86_400
"""How long a basket that was paid or given up can be looked at; its sale is a record and stays."""

RESTORED_WITHIN_SECONDS = 60
"""The page offers it for ten; the answer may have been slow, and others may wait in the till's queue before it."""

_FORGOTTEN_AT_ONCE_MAX = 20
_CLOSED = (BasketState.PAID.value, BasketState.ABANDONED.value)


class BasketGlance(NamedTuple):
    """A basket in a list. `first_name` is that of its first line, empty when it has none."""

    basket_id: bytes
    register: str
    cashier: str
    state: BasketState
    title: str
    lines: int
    total_minor: int
    first_name: str
    changed_at_us: int


def open_basket(store: BranchStore, register: str, cashier: str, tab_token: str | None = None) -> bytes:
    """The basket that is open at a register, or a new one; the cashier becomes its cashier while it is empty.

    Raises InvalidInput, TakenOver.
    """
    require_code(register, "register")
    require_code(cashier, "cashier")
    with store.read_cursor() as cursor:
        _require_tab(cursor, register, tab_token)
        current = baskets.open_basket_at(cursor, register)
    if current is not None and current.cashier == cashier:
        return current.id
    # An empty basket is no loss; its first line waits for the disk, and takes it along.
    turn = store.write(waits_for_disk=False)
    with turn:
        cursor = turn.driver.cursor()
        _require_tab(cursor, register, tab_token)
        return _open(store, cursor, register, cashier)


def current_basket(store: BranchStore, register: str) -> bytes | None:
    """The basket that is open at a register, if there is one. One whose sale was committed before the machine stopped
    is noted as paid, and is current no more."""
    with store.read_cursor() as cursor:
        found = baskets.open_basket_at(cursor, register)
    if found is None:
        return None
    return None if note_what_became(store, found.id) is BasketState.PAID else found.id


def hold(store: BranchStore, basket_id: bytes, title: str = "", tab_token: str | None = None) -> None:
    """Puts a basket aside; one that is held already stays so. Raises NotFound, BasketClosed, Refused, TakenOver."""
    named = _require_title(title)
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        basket = require_basket(cursor, basket_id)
        if basket.state == BasketState.HELD:
            return
        require_open(basket)
        _require_tab(cursor, basket.register, tab_token)
        if len(baskets.baskets_in_state(cursor, BasketState.HELD, None, BASKETS_HELD_MAX)) >= BASKETS_HELD_MAX:
            raise Refused(f"{BASKETS_HELD_MAX} baskets are held.", "Give some up first.")
        if _is_empty(cursor, basket):
            raise Refused("The basket is empty.", "There is nothing to hold.")
        _hold(store, cursor, basket, named)


def recall(store: BranchStore, basket_id: bytes, register: str, cashier: str, tab_token: str | None = None) -> bytes:
    """Goes on with a held basket, at any register; the one that was open there is held instead, or dropped when it is
    empty. Returns its id. Raises NotFound, BasketClosed, Refused, TakenOver."""
    require_code(register, "register")
    require_code(cashier, "cashier")
    with store.operation() as transaction:
        cursor = transaction.cursor
        basket = require_basket(cursor, basket_id)
        _require_tab(cursor, register, tab_token)
        if basket.state == BasketState.OPEN and basket.register == register:
            return basket_id
        if basket.state == BasketState.OPEN:
            raise BasketClosed(f"This basket is open at register {basket.register}.", "Hold it there first.")
        if basket.state != BasketState.HELD:
            require_open(basket)
        current = baskets.open_basket_at(cursor, register)
        if current is not None and _is_empty(cursor, current):
            _give_up(store, transaction, current, cashier)
        elif current is not None:
            _hold(store, cursor, current, "")
        _set_state(store, cursor, basket, BasketState.OPEN, cashier=cashier, held_at=None, register=register)
    return basket_id


def held(store: BranchStore, register: str | None = None) -> list[BasketGlance]:
    """Held baskets, changed last first, of one register or of the whole shop."""
    return _glances(store, BasketState.HELD, register)


def undecided(store: BranchStore, register: str | None = None) -> list[BasketGlance]:
    """Baskets that are being paid, or of which nobody knows whether they are paid. What has become known is noted."""
    glances = _glances(store, BasketState.UNDECIDED, register)
    if not glances:
        return []
    for glance in glances:
        note_what_became(store, glance.basket_id)
    return _glances(store, BasketState.UNDECIDED, register)


def abandon(store: BranchStore, basket_id: bytes, tab_token: str | None = None, cashier: str | None = None) -> None:
    """Gives an open or held basket up, and tells the head office when there was something in it. `cashier` is who does
    so, without one the basket's. Raises NotFound, BasketClosed, TakenOver."""
    with store.operation() as transaction:
        cursor = transaction.cursor
        basket = require_basket(cursor, basket_id)
        if basket.state == BasketState.ABANDONED:
            return
        _require_tab(cursor, basket.register, tab_token)
        if basket.state != BasketState.HELD:
            require_open(basket)
        _give_up(store, transaction, basket, cashier or basket.cashier)


def restore(store: BranchStore, basket_id: bytes, cashier: str, tab_token: str | None = None) -> None:
    """Holds a basket again that was held and given up a moment ago, and tells the head office that too; one that is
    held already stays so. Raises NotFound, Refused, TakenOver."""
    with store.operation() as transaction:
        cursor, now_us = transaction.cursor, store.clock.now_us()
        basket = require_basket(cursor, basket_id)
        _require_tab(cursor, basket.register, tab_token)
        if basket.state == BasketState.HELD:
            return
        if not _can_come_back(basket, now_us - RESTORED_WITHIN_SECONDS * MICROSECONDS):
            raise Refused("This sale cannot be taken back any more.", "Begin another sale.")
        at = local_moment(transaction.now_us, transaction.node.timezone)
        told = audit_of_restored(cursor, basket, cashier, at)
        if told is not None:
            transaction.author = ensure_employee(transaction, cashier)
            record_branch_fact(transaction, told)
        # What was taken out before is told already.
        baskets.forget_actions(cursor, basket_id, basket.next_action)
        _set_state(store, cursor, basket, BasketState.HELD)


def given_up(store: BranchStore, register: str, since_us: int) -> BasketGlance | None:
    """The held basket of a register that was given up last, when that was not before `since_us`."""
    with store.read_cursor() as cursor:
        rows = baskets.baskets_in_state(cursor, BasketState.ABANDONED, register, 1)
        return _glance(store, cursor, rows[0]) if rows and _can_come_back(rows[0], since_us) else None


def _can_come_back(basket: BasketRow, since_us: int) -> bool:
    """One that a restored backup gave up has a trouble: it may have been sold since."""
    was_held = basket.state == BasketState.ABANDONED and basket.held_at is not None and basket.trouble is None
    return was_held and basket.changed_at >= since_us


def _give_up(store: BranchStore, transaction: BranchTransaction, basket: BasketRow, cashier: str) -> None:
    at = local_moment(transaction.now_us, transaction.node.timezone)
    entries = audit_of_abandoned(transaction.cursor, basket, cashier, at)
    if entries:
        transaction.author = ensure_employee(transaction, cashier)
    for entry in entries:
        record_branch_fact(transaction, entry)
    _set_state(store, transaction.cursor, basket, BasketState.ABANDONED)


def _open(store: BranchStore, cursor: Any, register: str, cashier: str) -> bytes:
    current = baskets.open_basket_at(cursor, register)
    if current is not None:
        if current.cashier != cashier and _is_empty(cursor, current):
            baskets.change_basket(cursor, current.id, {"cashier": cashier})
        return current.id
    now_us = store.clock.now_us()
    before_us = now_us - CLOSED_BASKETS_KEPT_SECONDS * MICROSECONDS
    baskets.forget_baskets(cursor, _CLOSED, before_us, _FORGOTTEN_AT_ONCE_MAX)
    basket_id = store.ids.new_id()
    baskets.add_basket(cursor, basket_id, register, cashier, now_us)
    return basket_id


def _hold(store: BranchStore, cursor: Any, basket: BasketRow, title: str) -> None:
    kept = title or basket.title or None
    _set_state(store, cursor, basket, BasketState.HELD, title=kept, held_at=store.clock.now_us())


def _set_state(store: BranchStore, cursor: Any, basket: BasketRow, state: BasketState, **changes: Any) -> None:
    now_us = store.clock.now_us()
    stamped = {"state": state.value, "changed_at": now_us, "revision": basket.revision + 1, **changes}
    baskets.change_basket(cursor, basket.id, stamped)


def _is_empty(cursor: Any, basket: BasketRow) -> bool:
    if baskets.count_lines(cursor, basket.id) or basket_returns.read_returns(cursor, basket.id):
        return False
    return not baskets.waiting_unknown(cursor, basket.id)


def _require_tab(cursor: Any, register: str, tab_token: str | None) -> None:
    if tab_token is not None:
        require_claim(cursor, register, tab_token)


def _require_title(title: str) -> str:
    text = " ".join(title.split())
    if len(text) > TITLE_CHARACTERS_MAX or not text.isprintable():
        raise InvalidInput(f"A title has at most {TITLE_CHARACTERS_MAX} printable characters.")
    return text


def _glances(store: BranchStore, state: BasketState, register: str | None) -> list[BasketGlance]:
    with store.read_cursor() as cursor:
        rows = baskets.baskets_in_state(cursor, state, register, BASKETS_HELD_MAX)
        return [_glance(store, cursor, row) for row in rows]


def _glance(store: BranchStore, cursor: Any, row: BasketRow) -> BasketGlance:
    lines = baskets.read_lines(cursor, row.id)
    if row.sale_asked is not None:
        total = sum(line[2] for line in json.loads(row.sale_asked)["lines"])
    else:
        pricing = pricing_of(store, cursor, row, store.clock.now_us())
        total = sum(line.net_minor for line in price_lines(lines, basket_discount(row), pricing))
    returned = basket_returns.read_returns(cursor, row.id)
    total -= sum(each.amount_minor for each in returned)
    names = [each.name for each in lines] + [each.name for each in returned]
    state = BasketState(row.state)
    return BasketGlance(
        row.id, row.register, row.cashier, state, row.title or "", len(names), total, (names or [""])[0], row.changed_at
    )
