"""What became of a basket's sale, read from the key that it was asked for with.

The key is the basket: `basket:<id>`. Whatever happened between asking for the sale and noting the answer, the key says
whether it is sold, and the sale happens once.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from branch_node.operations.basket.desk import BasketState
from branch_node.operations.till_audit import BASKET_KEY_PREFIX
from branch_node.storage import baskets
from branch_node.storage.baskets import BasketRow, encode_document
from branch_node.storage.store import BranchStore
from shared.domain.business_time import MICROSECONDS
from shared.domain.identifiers import format_id
from shared.domain.sales import format_receipt

UNDECIDED_SECONDS_MAX = 60
"""A basket that nobody has sold so long after it was to be paid is open again: whoever was paying it has died."""


class SoldAs(NamedTuple):
    """The receipt that a basket became."""

    sale_id: bytes
    receipt: str
    total_minor: int
    change_minor: int


_READ_KEY = "SELECT record_id, seq FROM idempotency_key WHERE key = ?"
_READ_SALE = """
SELECT s.register, s.receipt_number, s.net_minor + s.rounding_minor, s.change_minor FROM sale s, node n
WHERE s.branch_id = n.branch_id AND s.id = ?
"""


def sale_key(basket_id: bytes) -> str:
    """The key of a basket's sale: the same however often it is asked for."""
    return f"{BASKET_KEY_PREFIX}{format_id(basket_id)}"


def read_sold(basket: BasketRow) -> SoldAs | None:
    """The receipt of a paid basket."""
    if basket.sale_answer is None:
        return None
    sale_id, *rest = json.loads(basket.sale_answer)
    return SoldAs(bytes.fromhex(sale_id), *rest)


def find_sold(cursor: Any, basket_id: bytes) -> SoldAs | None:
    """The receipt of a basket whose sale is committed, noted or not."""
    key = cursor.execute(_READ_KEY, (sale_key(basket_id),)).fetchone()
    if key is None or key[1] == 0:
        return None
    register, number, net_minor, change_minor = cursor.execute(_READ_SALE, (key[0],)).fetchone()
    return SoldAs(key[0], format_receipt(register, number), net_minor, change_minor)


def is_asked(cursor: Any, basket_id: bytes) -> bool:
    """Whether the sale was begun: it is committed, or HQ is being asked about it."""
    return cursor.execute(_READ_KEY, (sale_key(basket_id),)).fetchone() is not None


def note_what_became(store: BranchStore, basket_id: bytes) -> BasketState | None:
    """Notes a sale that was committed, and opens again what was never asked for; returns the state, None for no basket.

    Writes only when there is something to note.
    """
    with store.read_cursor() as cursor:
        basket = baskets.read_basket(cursor, basket_id)
        if basket is None or _what_became(store, cursor, basket) is None:
            return None if basket is None else BasketState(basket.state)
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        basket = baskets.read_basket(cursor, basket_id)
        changes = None if basket is None else _what_became(store, cursor, basket)
        if basket is None or changes is None:
            return None if basket is None else BasketState(basket.state)
        change(cursor, basket, store.clock.now_us(), changes)
        return BasketState(changes["state"])


def recover_baskets(store: BranchStore) -> int:
    """To be called when the till starts and nobody else is paying: what was being paid when the machine stopped is paid
    or open again, without waiting. Returns how many baskets were settled."""
    settled = 0
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        rows = cursor.execute("SELECT id FROM basket WHERE state IN ('open', 'undecided')").fetchall()
        for (basket_id,) in rows:
            basket = baskets.read_basket(cursor, basket_id)
            changes = None if basket is None else _what_became(store, cursor, basket, is_alone=True)
            if basket is not None and changes is not None:
                change(cursor, basket, store.clock.now_us(), changes)
                settled += 1
    return settled


def give_up_restored(cursor: Any, now_us: int) -> int:
    """To be called on a store that comes from a backup: what was not sold then may have been sold since, under a key
    that the backup does not know. Returns how many baskets were given up; whatever has a key is left to it."""
    given_up = 0
    rows = cursor.execute("SELECT id FROM basket WHERE state IN ('open', 'held', 'undecided')").fetchall()
    for (basket_id,) in rows:
        basket = baskets.read_basket(cursor, basket_id)
        if basket is not None and not is_asked(cursor, basket_id):
            trouble = "The store was restored from a backup, and the basket may have been sold since."
            change(cursor, basket, now_us, {"state": BasketState.ABANDONED.value, "trouble": trouble})
            given_up += 1
    return given_up


def change(cursor: Any, basket: BasketRow, now_us: int, changes: dict[str, Any]) -> None:
    """Sets columns of a basket, its revision among them."""
    baskets.change_basket(
        cursor, basket.id, {"changed_at": now_us, "revision": basket.revision + 1, "trouble": None, **changes}
    )


def paid_columns(sold: SoldAs) -> dict[str, Any]:
    """A basket that is paid."""
    return {
        "state": BasketState.PAID.value,
        "sale_answer": encode_document([sold.sale_id.hex(), *sold[1:]]),
    }


def reopened_columns(cursor: Any, basket: BasketRow) -> dict[str, Any]:
    """A basket that was not sold after all. It is held when another was begun at its register meanwhile."""
    columns: dict[str, Any] = {"state": BasketState.OPEN.value, "sale_asked": None, "sale_asked_at": None}
    other = baskets.open_basket_at(cursor, basket.register)
    if other is not None and other.id != basket.id:
        columns |= {"state": BasketState.HELD.value, "held_at": basket.changed_at}
    return columns


def _what_became(store: BranchStore, cursor: Any, basket: BasketRow, is_alone: bool = False) -> dict[str, Any] | None:
    if basket.state not in (BasketState.OPEN, BasketState.UNDECIDED):
        return None
    sold = find_sold(cursor, basket.id)
    if sold is not None:
        return paid_columns(sold)
    if basket.state == BasketState.OPEN or is_asked(cursor, basket.id):
        return None
    age_us = store.clock.now_us() - (basket.sale_asked_at or 0)
    # One from the future was asked for before the clock was set back: nobody knows how long ago.
    if is_alone or not 0 <= age_us <= UNDECIDED_SECONDS_MAX * MICROSECONDS:
        return reopened_columns(cursor, basket)
    return None
