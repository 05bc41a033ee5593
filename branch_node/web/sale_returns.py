"""Goods that come back into the basket at hand: the sheet that asks for the receipt, its lines to be ticked.

What of a receipt can come back and what it is worth is reckoned in the operations.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import sale_actions
from branch_node.operations.receipt_finding import ReceiptAt, read_reference
from branch_node.operations.refunding import SoldBefore, find_sold
from branch_node.operations.sale_actions import Till
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of
from branch_node.web.people import guarded
from branch_node.web.refunds import lines_left, wanted_lines
from branch_node.web.sale import act, is_part
from branch_node.web.sale_board import basket_named, read_board, till_of
from shared.domain.permissions import Actor, Permission
from shared.errors import FilialError, InvalidInput
from shared.web.pages import render
from shared.web.security import text_of


def page(request: Request) -> Response:
    """`/sale/return`: asks for a receipt; with `receipt`, as it was scanned or typed, its lines."""
    text = request.query_params.get("receipt", "").strip()
    try:
        found = _find(request, text) if text else None
    except FilialError as error:
        return _sheet(request, None, text, error)
    return _sheet(request, found, text)


def _find(request: Request, text: str) -> tuple[ReceiptAt, SoldBefore]:
    """Raises InvalidInput, NotFound."""
    context = context_of(request)
    with context.store.look() as transaction:
        at = read_reference(transaction, text, till_of(request).register)
        if at.branch_code != transaction.node.code:
            raise InvalidInput(
                f"Receipt {at.receipt} is of branch {at.branch_code}: only this branch's are exchanged in a basket.",
                "Take them back first, under Take goods back; then sell what is taken instead.",
            )
        return at, find_sold(transaction, at.receipt, None)


def _sheet(
    request: Request, found: tuple[ReceiptAt, SoldBefore] | None, text: str, error: FilialError | None = None
) -> Response:
    lines = [] if found is None else lines_left(request, found[1])
    left = [line for line in lines if line.left_thousandths]
    shown = read_board(request) | {
        "typed": text,
        "failure": failure_of(error),
        "receipt": "" if found is None else found[0].receipt,
        "sold_at_us": 0 if found is None else found[1].sale.sold_at.at_us,
        "lines_back": lines,
        "lines_open": left,
    }
    return render(request, "sale_return.html", block="sheet" if is_part(request) else "", **shown)


def _take(request: Request, till: Till, by: Actor | None) -> None:
    reason = text_of(request, "reason")
    wanted = wanted_lines(request)
    sale_actions.return_goods(till, text_of(request, "request"), text_of(request, "receipt"), wanted, reason, by)


def _keep(request: Request, till: Till, _by: Actor | None) -> None:
    basket_id = basket_named(text_of(request, "basket"))
    if basket_id is None:
        raise InvalidInput("The basket is empty.", "Scan something first.")
    sale_actions.keep_goods(till, basket_id, text_of(request, "request"), text_of(request, "key"))


ROUTES = (
    guarded("/sale/return", page, Permission.SALE_MAKE),
    guarded("/sale/return", act("return", _take), Permission.SALE_MAKE, methods=["POST"]),
    guarded("/sale/keep", act("keep", _keep), Permission.SALE_MAKE, methods=["POST"]),
)
