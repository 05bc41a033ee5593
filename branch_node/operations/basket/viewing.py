"""A basket as the till shows it: lines with what they cost, totals, the client, what is unknown, what can be undone."""

from __future__ import annotations

from typing import Any, NamedTuple

from branch_node.operations.basket.clients import BasketClient, find_client
from branch_node.operations.basket.desk import BasketState, require_basket
from branch_node.operations.basket.points import PointsOffer, offer_points
from branch_node.operations.basket.pricing import (
    AppliedDiscount,
    ManualDiscount,
    PricedLine,
    basket_discount,
    line_discount,
    price_lines,
    pricing_of,
)
from branch_node.operations.basket.returning import Returned, reckon
from branch_node.operations.basket.settling import SoldAs, find_sold, note_what_became, read_sold
from branch_node.operations.basket.undoing import UNDO_SECONDS, Undoable, offered
from branch_node.storage import baskets
from branch_node.storage.basket_returns import ReturnRow, read_returns
from branch_node.storage.baskets import BasketRow, LineRow
from branch_node.storage.store import BranchStore
from shared.domain.business_time import MICROSECONDS


class LineView(NamedTuple):
    """One line: net = gross − discount. `list_price_minor` is per unit and None when there is none; `unit_price_minor`
    is what is taken per unit before discounts, None when a labeller's code gave the amount."""

    line_id: int
    sku: str
    name: str
    unit: str | None
    quantity_thousandths: int
    list_price_minor: int | None
    unit_price_minor: int | None
    is_priced_by_hand: bool
    price_reason: str
    gross_minor: int
    discount_minor: int
    net_minor: int
    discounts: tuple[AppliedDiscount, ...]
    manual_discount: ManualDiscount | None
    code: str
    is_single: bool
    expiry: str | None


class WaitingCode(NamedTuple):
    """A code that no product has (`unknown`), or whose product has no price (`no_price`)."""

    code: str
    problem: str


class BasketView(NamedTuple):
    """Everything that the till shows of a basket, as of one moment. `sold` is the receipt once it is paid; `trouble`
    says why it is undecided. `total_minor` is of the lines alone: what comes back is `returned`."""

    basket_id: bytes
    register: str
    cashier: str
    state: BasketState
    title: str
    revision: int
    currency: str
    lines: tuple[LineView, ...]
    gross_minor: int
    discount_minor: int
    total_minor: int
    discount: ManualDiscount | None
    client: BasketClient | None
    unknown: tuple[WaitingCode, ...]
    undo: tuple[Undoable, ...]
    sold: SoldAs | None
    trouble: str
    returned: Returned | None = None
    points: PointsOffer | None = None


_UNPAID = (BasketState.OPEN, BasketState.UNDECIDED)


def view(store: BranchStore, basket_id: bytes) -> BasketView:
    """A basket in any state. Raises NotFound."""
    seen, basket, rows = _seen(store, basket_id)
    # Looked up with a connection of its own, so not while this one is held: there are only so many.
    returned = reckon(store, rows)
    credit = returned.credit_minor if returned else 0
    points = offer_points(store, basket, seen.total_minor, credit) if basket.state in _UNPAID else None
    return seen._replace(returned=returned, points=points) if returned or points else seen


def _seen(store: BranchStore, basket_id: bytes) -> tuple[BasketView, BasketRow, tuple[ReturnRow, ...]]:
    """The basket, its row, and the rows of what comes back."""
    with store.read_cursor() as cursor:
        basket = require_basket(cursor, basket_id)
        is_open = basket.state == BasketState.OPEN and find_sold(cursor, basket_id) is None
        if is_open or basket.state not in (BasketState.OPEN, BasketState.UNDECIDED):
            return _view(store, cursor, basket), basket, read_returns(cursor, basket_id)
    note_what_became(store, basket_id)
    with store.read_cursor() as cursor:
        basket = require_basket(cursor, basket_id)
        return _view(store, cursor, basket), basket, read_returns(cursor, basket_id)


def _view(store: BranchStore, cursor: Any, basket: BasketRow) -> BasketView:
    now_us = store.clock.now_us()
    rows = baskets.read_lines(cursor, basket.id)
    priced = price_lines(rows, basket_discount(basket), pricing_of(store, cursor, basket, now_us))
    since_us = now_us - UNDO_SECONDS * MICROSECONDS
    is_open = basket.state == BasketState.OPEN
    return BasketView(
        basket_id=basket.id,
        register=basket.register,
        cashier=basket.cashier,
        state=BasketState(basket.state),
        title=basket.title or "",
        revision=basket.revision,
        currency=cursor.execute("SELECT currency FROM node").fetchone()[0],
        lines=tuple(_line_view(line) for line in priced),
        gross_minor=sum(line.gross_minor for line in priced),
        discount_minor=sum(line.discount_minor for line in priced),
        total_minor=sum(line.net_minor for line in priced),
        discount=basket_discount(basket),
        client=_client_view(cursor, basket),
        unknown=tuple(WaitingCode(*row) for row in baskets.waiting_unknown(cursor, basket.id)),
        undo=offered(cursor, basket.id, basket.next_action, since_us) if is_open else (),
        sold=read_sold(basket),
        trouble=basket.trouble or "",
    )


def _line_view(priced: PricedLine) -> LineView:
    line = priced.line
    return LineView(
        line_id=line.line_id,
        sku=line.sku,
        name=line.name,
        unit=line.unit,
        quantity_thousandths=line.quantity_thousandths,
        list_price_minor=line.unit_price_minor,
        unit_price_minor=_unit_price(line),
        is_priced_by_hand=line.manual_price_minor is not None,
        price_reason=line.manual_price_reason or "",
        gross_minor=priced.gross_minor,
        discount_minor=priced.discount_minor,
        net_minor=priced.net_minor,
        discounts=priced.discounts,
        manual_discount=line_discount(line),
        code=line.code,
        is_single=bool(line.is_single),
        expiry=line.expiry,
    )


def _unit_price(line: LineRow) -> int | None:
    if line.manual_price_minor is not None:
        return line.manual_price_minor
    return None if line.embedded_amount_minor is not None else line.unit_price_minor


def _client_view(cursor: Any, basket: BasketRow) -> BasketClient | None:
    if basket.client is None:
        return None
    found = find_client(cursor, basket.client)
    # The card may have been archived since, or be elsewhere: the sale names them all the same.
    return found or BasketClient(basket.client_id or b"", basket.client, basket.client_name or basket.client)
