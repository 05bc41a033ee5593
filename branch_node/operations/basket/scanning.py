"""Scanning, and picking a product by hand: what a code means, and the line that it becomes.

A code never blocks the basket: what no product has is noted, for the cashier and for HQ, and the next scan goes on.
"""

from __future__ import annotations

from typing import NamedTuple

from branch_node.operations.basket.clients import attach_found, find_client
from branch_node.operations.basket.desk import Desk, Done, Outcome, act
from branch_node.operations.basket.products import Product, find_by_sku, find_product
from branch_node.operations.basket.quantities import require_affordable, require_quantity
from branch_node.operations.basket.unknown_codes import note_unknown
from branch_node.storage import baskets
from branch_node.storage.baskets import LineRow
from branch_node.storage.store import BranchStore
from shared.domain.barcodes import (
    USUAL_PLAN,
    ClientCode,
    Code,
    CodePlan,
    Gs1Code,
    PricedCode,
    ReceiptCode,
    UnknownCode,
    WeighedCode,
    lookup_texts,
    parse_code,
)
from shared.domain.identifiers import shorten
from shared.domain.keyboard_layout import restore_layout
from shared.domain.money import QUANTITY_THOUSANDTHS_MAX, THOUSAND
from shared.errors import InvalidInput, NotFound

CODE_KEPT_CHARACTERS_MAX = 200


class _Measure(NamedTuple):
    """How much of a product a code stands for."""

    quantity_thousandths: int
    embedded_amount_minor: int | None = None
    is_single: bool = False
    serial: str | None = None
    expiry: str | None = None


def scan(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    text: str,
    quantity_thousandths: int = THOUSAND,
    plan: CodePlan = USUAL_PLAN,
    tab_token: str | None = None,
) -> Done:
    """Does what the scanned code means: a line more, or one piece more of a line that is there, or a client.

    A receipt changes nothing and is named in the answer; a code that no product has, or whose product has no price, is
    noted. Raises what `act` does, and Refused or InvalidInput when the line would be too large.
    """
    require_quantity(quantity_thousandths)
    code = parse_code(text, plan)
    return act(
        store, basket_id, request_id, "scan", lambda desk: _take(desk, text, code, quantity_thousandths), tab_token
    )


def add_product(
    store: BranchStore,
    basket_id: bytes,
    request_id: str,
    sku: str,
    quantity_thousandths: int = THOUSAND,
    tab_token: str | None = None,
) -> Done:
    """Adds a product that was picked by hand: from the search, or by a quick key. Raises NotFound, and as `scan`."""
    require_quantity(quantity_thousandths)

    def work(desk: Desk) -> Done:
        product = find_by_sku(desk.cursor, sku)
        if product is None:
            raise NotFound(f"There is no product {shorten(sku)}.", "Look for it by name.")
        return _add(desk, product, _Measure(quantity_thousandths), "")

    return act(store, basket_id, request_id, "add", work, tab_token)


def kept_code(text: str) -> str:
    """A scanned code as it is kept and shown."""
    return shorten(restore_layout(text.strip()), CODE_KEPT_CHARACTERS_MAX) or "?"


def _take(desk: Desk, text: str, code: Code, quantity_thousandths: int) -> Done:
    # A product that has the very text wins, whatever else it could mean.
    exact = () if isinstance(code, UnknownCode) else (code.text,)
    product = find_product(desk.cursor, exact)
    if product is not None:
        return _add(desk, product, _whole(code, quantity_thousandths), kept_code(text))
    match code:
        case ReceiptCode():
            return Done(Outcome.RECEIPT, 0, reference=code.reference)
        case ClientCode():
            return _take_card(desk, code)
        case UnknownCode():
            return _take_unknown(desk, text)
    product = find_product(desk.cursor, lookup_texts(code))
    if product is None:
        return _take_unknown(desk, text)
    return _add(desk, product, _measure(code, product, quantity_thousandths), kept_code(text))


def _whole(code: Code, quantity_thousandths: int) -> _Measure:
    """A code that some card has as it is: a marked piece is still one piece."""
    return _measure(code, None, quantity_thousandths) if isinstance(code, Gs1Code) else _Measure(quantity_thousandths)


def _measure(code: Code, product: Product | None, quantity_thousandths: int) -> _Measure:
    match code:
        case WeighedCode():
            return _Measure(code.grams, is_single=True)
        case PricedCode():
            price = product.price_minor if product else None
            units = (2 * code.amount_minor * THOUSAND + price) // (2 * price) if price else THOUSAND
            quantity = min(max(1, units), QUANTITY_THOUSANDTHS_MAX)
            return _Measure(quantity, code.amount_minor, is_single=True)
        case Gs1Code():
            expiry = code.expiry.isoformat() if code.expiry else None
            if code.weight_grams is not None:
                return _Measure(code.weight_grams, None, True, code.serial or None, expiry)
            quantity = THOUSAND if code.serial else quantity_thousandths
            return _Measure(quantity, None, bool(code.serial), code.serial or None, expiry)
        case _:
            return _Measure(quantity_thousandths)


def _add(desk: Desk, product: Product, measure: _Measure, code: str) -> Done:
    if measure.quantity_thousandths == 0:
        raise InvalidInput("The code says that nothing was weighed.", "Weigh it again.")
    if product.price_minor is None and measure.embedded_amount_minor is None:
        note_unknown(desk, code or product.sku, "no_price")
        return Done(Outcome.NO_PRICE, 0, name=product.name, reference=code or product.sku)
    if measure.serial is not None:
        there = baskets.find_serial(desk.cursor, desk.basket_id, product.sku, measure.serial)
        if there is not None:
            return Done(Outcome.SAME_PIECE, 0, there, product.name)
    if not measure.is_single:
        line = baskets.find_mergeable(desk.cursor, desk.basket_id, product.sku, product.price_minor)
        if line is not None:
            quantity = require_quantity(line.quantity_thousandths + measure.quantity_thousandths)
            more = line._replace(quantity_thousandths=quantity)
            require_affordable(more)
            desk.put_line(line, more)
            return Done(Outcome.MERGED, 0, line.line_id, product.name)
    added = desk.add_line(require_affordable(_new_line(product, measure, code)))
    return Done(Outcome.ADDED, 0, added.line_id, product.name)


def _new_line(product: Product, measure: _Measure, code: str) -> LineRow:
    return LineRow(
        line_id=0,
        position=0,
        sku=product.sku,
        product_id=product.product_id,
        name=product.name,
        category=product.category,
        unit=product.unit,
        unit_price_minor=product.price_minor,
        quantity_thousandths=measure.quantity_thousandths,
        code=code,
        embedded_amount_minor=measure.embedded_amount_minor,
        is_single=measure.is_single,
        serial=measure.serial,
        expiry=measure.expiry,
    )


def _take_card(desk: Desk, code: ClientCode) -> Done:
    for reference in (code.text, code.number):
        client = find_client(desk.cursor, reference)
        if client is not None:
            return attach_found(desk, client)
    return Done(Outcome.UNKNOWN_CLIENT, 0, reference=code.text)


def _take_unknown(desk: Desk, text: str) -> Done:
    code = kept_code(text)
    note_unknown(desk, code, "unknown")
    return Done(Outcome.UNKNOWN, 0, reference=code)
