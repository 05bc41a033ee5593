"""Codes that no product has, or whose product has no price: noted, priced by the cashier, asked of HQ."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.basket.desk import Desk, Done, Outcome, act
from branch_node.operations.basket.products import find_product
from branch_node.operations.basket.quantities import require_affordable, require_quantity
from branch_node.storage import baskets
from branch_node.storage.baskets import LineRow
from branch_node.storage.store import BranchStore
from shared.domain.barcodes import USUAL_PLAN, CodePlan, lookup_texts, parse_code
from shared.domain.identifiers import CODE_CHARACTERS_MAX, shorten
from shared.domain.money import THOUSAND, require_minor
from shared.errors import InvalidInput, NotFound

UNKNOWN_CODES_KEPT_MAX = 5_000
UNKNOWN_NAME_CHARACTERS_MAX = 200
UNKNOWN_LISTED_MAX = 500
REQUEST_STATES = ("new", "requested", "closed")


class UnknownCodeSeen(NamedTuple):
    """A code and what is known of it. `problem` is `unknown` or `no_price`; `request_state` one of REQUEST_STATES;
    `name` and `amount_minor` are what a cashier said last."""

    code: str
    problem: str
    register: str
    basket_id: bytes
    first_seen_at_us: int
    last_seen_at_us: int
    times: int
    name: str | None
    amount_minor: int | None
    request_state: str


_NOTE = """
INSERT INTO unknown_code (code, problem, register, basket_id, first_seen_at, last_seen_at, times, request_state)
VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, 'new') ON CONFLICT (code) DO UPDATE SET
    problem = excluded.problem, register = excluded.register, basket_id = excluded.basket_id,
    last_seen_at = excluded.last_seen_at, times = times + 1,
    request_state = CASE request_state WHEN 'closed' THEN 'new' ELSE request_state END
"""
_FORGET = """
DELETE FROM unknown_code WHERE code IN (
    SELECT code FROM unknown_code ORDER BY request_state = 'closed' DESC, last_seen_at LIMIT MAX(0, (
        SELECT COUNT(*) FROM unknown_code) - ?))
"""
_LIST = """
SELECT code, problem, register, basket_id, first_seen_at, last_seen_at, times, name, amount_minor, request_state
FROM unknown_code WHERE request_state = ? ORDER BY last_seen_at DESC, code LIMIT ?
"""


def note_unknown(desk: Desk, code: str, problem: str) -> None:
    """Notes a code for the cashier, in the basket, and for HQ."""
    desk.mark_unknown(code, "waiting")
    values = (code, problem, desk.basket.register, desk.basket_id, desk.now_us)
    desk.cursor.execute(_NOTE, values)
    desk.cursor.execute(_FORGET, (UNKNOWN_CODES_KEPT_MAX,))


def price_unknown(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    code: str,
    name: str,
    amount_minor: int,
    quantity_thousandths: int = THOUSAND,
    by: str | None = None,
    plan: CodePlan = USUAL_PLAN,
    tab_token: str | None = None,
) -> Done:
    """Sells what a code is on, under a name and at a price per unit that the cashier gives: an ordinary line.

    Its SKU is that of the product when there is one without a price, else the code. Raises InvalidInput, and what
    `act` does.
    """
    require_minor(amount_minor, "The price")
    named = " ".join(name.split())
    if not named or len(named) > UNKNOWN_NAME_CHARACTERS_MAX or not named.isprintable():
        raise InvalidInput(f"A name has 1 to {UNKNOWN_NAME_CHARACTERS_MAX} printable characters.")
    if not code or not code.isprintable() or code != code.strip():
        raise InvalidInput("The code has characters that cannot be printed.")

    def work(desk: Desk) -> Done:
        product = find_product(desk.cursor, (code, *lookup_texts(parse_code(code, plan))))
        line = LineRow(
            line_id=0,
            position=0,
            sku=product.sku if product else code[:CODE_CHARACTERS_MAX].strip(),
            product_id=product.product_id if product else None,
            name=named,
            category=product.category if product else None,
            unit=product.unit if product else None,
            unit_price_minor=product.price_minor if product else None,
            quantity_thousandths=require_quantity(quantity_thousandths),
            manual_price_minor=amount_minor,
            manual_price_by=by or desk.basket.cashier,
            manual_price_reason="unknown_code",
            code=code,
        )
        added = desk.add_line(require_affordable(line))
        desk.mark_unknown(code, "priced")
        desk.cursor.execute(
            "UPDATE unknown_code SET name = ?, amount_minor = ? WHERE code = ?", (named, amount_minor, code)
        )
        return Done(Outcome.ADDED, 0, added.line_id, named)

    return act(store, basket_id, request_id, "price_unknown", work, tab_token)


def dismiss_unknown(
    store: BranchStore, basket_id: bytes, request_id: str, code: str, tab_token: str | None = None
) -> Done:
    """Waves a code away: the basket shows it no more. Raises NotFound, and what `act` does."""

    def work(desk: Desk) -> Done:
        if baskets.read_unknown(desk.cursor, desk.basket_id, code) is None:
            raise NotFound(f"The basket met no unknown code {shorten(code)}.")
        desk.mark_unknown(code, "dismissed")
        return Done(Outcome.REMOVED, 0, reference=code)

    return act(store, basket_id, request_id, "dismiss_unknown", work, tab_token)


def unknown_codes(
    store: BranchStore, request_state: str = "new", limit: int = UNKNOWN_LISTED_MAX
) -> list[UnknownCodeSeen]:
    """Codes in a state, seen last first."""
    with store.read_cursor() as cursor:
        rows = cursor.execute(_LIST, (request_state, min(limit, UNKNOWN_LISTED_MAX)))
        return [UnknownCodeSeen._make(row) for row in rows]


def mark_requested(store: BranchStore, code: str, request_state: str) -> None:
    """Notes that HQ was asked about a code, or has answered. Raises InvalidInput, NotFound."""
    if request_state not in REQUEST_STATES:
        raise InvalidInput(f"A request is one of: {', '.join(REQUEST_STATES)}.")
    turn = store.write()
    with turn:
        _mark(turn.driver.cursor(), code, request_state)


def _mark(cursor: Any, code: str, request_state: str) -> None:
    changed = cursor.execute("UPDATE unknown_code SET request_state = ? WHERE code = ?", (request_state, code))
    if changed.rowcount == 0:
        raise NotFound(f"No unknown code {shorten(code)} was seen.")
