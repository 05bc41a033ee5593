"""Paying a basket: what is shown is frozen, sold once under the basket's own key, and the answer noted.

Three durable steps: the basket becomes `undecided` and keeps what is to be sold; the sale is committed, here or at HQ;
the basket becomes `paid`. Whoever stops in between leaves a key behind that tells what became of it (settling.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from branch_node.operations.basket.claims import require_claim
from branch_node.operations.basket.desk import BasketState, require_basket, require_open
from branch_node.operations.basket.pricing import PricedLine, basket_discount, price_lines, pricing_of
from branch_node.operations.basket.returning import Returned, reckoned_in
from branch_node.operations.basket.settling import (
    SoldAs,
    change,
    find_sold,
    is_asked,
    paid_columns,
    read_sold,
    reopened_columns,
    sale_key,
)
from branch_node.operations.sale_request import (
    ReturnedGoods,
    ReturnedLine,
    SaleRequest,
    hash_content,
    parse_sale_request,
)
from branch_node.operations.selling import SaleAnswer
from branch_node.storage import basket_returns, baskets
from branch_node.storage.baskets import BasketRow, encode_document
from branch_node.storage.store import BranchStore
from shared.domain.loyalty import POINTS
from shared.domain.rounding import NO_ROUNDING, CashRounding, settle
from shared.domain.sales import Payment
from shared.errors import BasketClosed, FilialError, InDoubt, Refused


class PaymentOutcome(NamedTuple):
    """`paid` with the receipt, or `undecided` with what to tell the cashier: then the same payments ask again."""

    state: BasketState
    sold: SoldAs | None
    message: str = ""
    hint: str = ""


def sale_request(store: BranchStore, basket_id: bytes, payments: Sequence[Payment]) -> SaleRequest:
    """The sale that a basket is, as it stands. Raises NotFound, InvalidInput."""
    returned = reckoned_in(store, basket_id)
    with store.read_cursor() as cursor:
        basket = require_basket(cursor, basket_id)
        asked = basket.sale_asked or _freeze(store, cursor, basket, payments, NO_ROUNDING, returned)
    return _request(basket, asked)


def pay(
    store: BranchStore,
    sell: Callable[[SaleRequest], SaleAnswer],
    basket_id: bytes,
    payments: Sequence[Payment],
    tab_token: str | None = None,
    rounding: CashRounding = NO_ROUNDING,
) -> PaymentOutcome:
    """Sells a basket once, however often it is asked for, and notes the answer. `sell` is `Processor.sell`.

    When there is cash among the payments, what is left for it is rounded.

    Raises NotFound, BasketClosed when it is not to be paid, or is being paid with other payments, and whatever `sell`
    raises but InDoubt: then nothing was sold, and the basket is open again.
    """
    begun = _begin(store, basket_id, tuple(payments), tab_token, rounding)
    if isinstance(begun, PaymentOutcome):
        return begun
    try:
        answer = sell(begun)
    except InDoubt as error:
        _note_trouble(store, basket_id, error)
        return PaymentOutcome(BasketState.UNDECIDED, None, error.message, error.hint)
    except FilialError as error:
        # The sale may be committed all the same: by an earlier attempt, or when the disk failed at the last moment.
        outcome = _note_failure(store, basket_id, error)
        if outcome is None:
            raise
        return outcome
    return _note_sold(store, basket_id, begun, answer)


def _begin(
    store: BranchStore,
    basket_id: bytes,
    payments: tuple[Payment, ...],
    tab_token: str | None,
    rounding: CashRounding,
) -> SaleRequest | PaymentOutcome:
    """Freezes what is to be sold; or the outcome, when that is known already."""
    returned = reckoned_in(store, basket_id)
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        basket = require_basket(cursor, basket_id)
        sold = read_sold(basket) or find_sold(cursor, basket_id)
        if sold is not None:
            if basket.state != BasketState.PAID:
                change(cursor, basket, store.clock.now_us(), paid_columns(sold))
            return PaymentOutcome(BasketState.PAID, sold)
        if tab_token is not None:
            require_claim(cursor, basket.register, tab_token)
        if basket.state == BasketState.UNDECIDED and basket.sale_asked is not None:
            if _payments_of(basket.sale_asked) != payments:
                raise BasketClosed("This basket is being paid another way.", "Wait for the answer.")
            return _request(basket, basket.sale_asked)
        require_open(basket)
        if basket_returns.read_returns(cursor, basket_id) != (returned.rows if returned else ()):
            raise Refused("The basket was changed at this moment.", "Look at it, and pay again.")
        asked = _freeze(store, cursor, basket, payments, rounding, returned)
        request = _request(basket, asked)
        now_us = store.clock.now_us()
        frozen = {"state": BasketState.UNDECIDED.value, "sale_asked": asked, "sale_asked_at": now_us}
        change(cursor, basket, now_us, frozen)
    return request


def _freeze(
    store: BranchStore,
    cursor: Any,
    basket: BasketRow,
    payments: Sequence[Payment],
    rounding: CashRounding,
    returned: Returned | None,
) -> str:
    """What is to be sold, as JSON: lines as SKU, thousandths, amount, discount, name, reason; payments of the
    difference to what comes back; client; what comes back."""
    lines = baskets.read_lines(cursor, basket.id)
    if returned is not None and returned.problem:
        raise Refused(returned.problem, returned.hint)
    if returned is not None and not lines:
        raise Refused(
            "Nothing is taken instead yet.", "Scan it; or take the goods back without an exchange: Take goods back."
        )
    if not lines:
        raise Refused("The basket is empty.", "Scan something first.")
    if baskets.waiting_unknown(cursor, basket.id):
        raise Refused("A scanned code has no product or price yet.", "Price it, or wave it away.")
    pricing = pricing_of(store, cursor, basket, store.clock.now_us())
    priced = price_lines(lines, basket_discount(basket), pricing)
    total = sum(line.net_minor for line in priced)
    points = sum(payment.amount_minor for payment in payments if payment.method == POINTS)
    settled = returned.settle(total, points).sale_payments if returned else ()
    document: dict[str, Any] = {
        "lines": [_line_document(line) for line in priced],
        "payments": [list(payment) for payment in payments],
        "client": basket.client,
        "rounding": settle(total, (*settled, *payments), rounding).rounding_minor,
    }
    if returned is not None:
        sale_id, goods, *rest = returned.goods
        document["returned"] = [sale_id.hex(), [list(line) for line in goods], *rest]
    return encode_document(document)


def _line_document(priced: PricedLine) -> list[Any]:
    line = priced.line
    amounts = [line.quantity_thousandths, priced.net_minor, priced.discount_minor]
    return [line.sku, *amounts, line.name, priced.reason]


def _request(basket: BasketRow, asked: str) -> SaleRequest:
    """Checked as any other request is. Raises InvalidInput."""
    document = json.loads(asked)
    request = parse_sale_request(
        {
            "key": sale_key(basket.id),
            "register": basket.register,
            "cashier": basket.cashier,
            "client": document["client"],
            "lines": [
                {"sku": sku, "quantity": Decimal(thousandths).scaleb(-3), "amount_minor": net, "discount_minor": off}
                for sku, thousandths, net, off, *_ in document["lines"]
            ],
            "payments": [{"method": method, "amount_minor": amount} for method, amount in document["payments"]],
        }
    )
    printed = [(line[4:] or ["", ""]) for line in document["lines"]]
    lines = [
        line._replace(name=name or None, reason=reason or None)
        for line, (name, reason) in zip(request.lines, printed, strict=True)
    ]
    found = request._replace(lines=tuple(lines), rounding_minor=document.get("rounding", 0))
    returned = document.get("returned")
    if returned is None:
        return found
    sale_id, goods, *rest = returned
    back = ReturnedGoods(bytes.fromhex(sale_id), tuple(ReturnedLine(*line) for line in goods), *rest)
    # One key is one exchange: a sale of the same goods without what comes back is another.
    return found._replace(returned=back, content_hash=hash_content([request.content_hash.hex(), returned]))


def _payments_of(asked: str) -> tuple[Payment, ...]:
    return tuple(Payment(method, amount) for method, amount in json.loads(asked)["payments"])


def _note_sold(store: BranchStore, basket_id: bytes, request: SaleRequest, answer: SaleAnswer) -> PaymentOutcome:
    change_minor = sum(payment.amount_minor for payment in request.payments) - answer.total_minor
    sold = SoldAs(answer.sale_id, answer.receipt, answer.total_minor, change_minor)
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        if request.returned is not None:
            # What the goods that came back have paid is in no payment that was given.
            sold = find_sold(cursor, basket_id) or sold._replace(change_minor=0)
        basket = require_basket(cursor, basket_id)
        if basket.state != BasketState.PAID:
            change(cursor, basket, store.clock.now_us(), paid_columns(sold))
    return PaymentOutcome(BasketState.PAID, sold)


def _note_trouble(store: BranchStore, basket_id: bytes, error: FilialError) -> None:
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        basket = require_basket(cursor, basket_id)
        if basket.state == BasketState.UNDECIDED:
            change(cursor, basket, store.clock.now_us(), {"trouble": error.message})


def _note_failure(store: BranchStore, basket_id: bytes, error: FilialError) -> PaymentOutcome | None:
    """Opens the basket again, unless its key tells otherwise: then the outcome."""
    turn = store.write()
    with turn:
        cursor = turn.driver.cursor()
        basket = require_basket(cursor, basket_id)
        now_us = store.clock.now_us()
        sold = find_sold(cursor, basket_id)
        if sold is not None:
            change(cursor, basket, now_us, paid_columns(sold))
            return PaymentOutcome(BasketState.PAID, sold)
        if basket.state != BasketState.UNDECIDED:
            return None
        if is_asked(cursor, basket_id):
            change(cursor, basket, now_us, {"trouble": error.message})
            return PaymentOutcome(BasketState.UNDECIDED, None, error.message, error.hint)
        change(cursor, basket, now_us, reopened_columns(cursor, basket))
    return None
