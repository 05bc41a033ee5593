"""What opens above the sale's page: looking for goods and clients, a line, a discount, an unknown code, held sales.

Each is a page of its own without the script, and a dialog with it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import basket
from branch_node.operations.basket import LineView
from branch_node.operations.client_search import find_at_till, find_in_chain
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.sale import is_part
from branch_node.web.sale_board import read_board, till_of
from shared.domain.permissions import Permission, require
from shared.errors import InvalidInput, NotFound, Refused
from shared.web.pages import render

GOODS_SHOWN_MAX = 9


def goods(request: Request) -> Response:
    """`/sale/goods?q=`: products by name, with price and what may still be sold."""
    text = request.query_params.get("q", "").strip()
    found = basket.find_products(context_of(request).store, text, GOODS_SHOWN_MAX) if text else []
    return _sheet(request, "sale_goods.html", text=text, found=found)


def clients(request: Request) -> Response:
    """`/sale/clients?q=`: clients by the last digits of a phone, or by name; with `where=chain` of the whole chain."""
    text = request.query_params.get("q", "").strip()
    till, is_chain = till_of(request), request.query_params.get("where") == "chain"
    require(till.actor, Permission.CLIENT_VIEW)
    found, failure = [], None
    try:
        if text and is_chain:
            found = find_in_chain(context_of(request).ask_head_office, till.actor, text)
        elif text:
            found = find_at_till(till.store, till.actor, text)
    except (InvalidInput, Refused) as error:
        failure = failure_of(error)
    chain_url = "/sale/clients?" + urlencode({"q": text, "where": "chain"})
    values = {"text": text, "found": found, "is_chain": is_chain, "failure": failure, "chain_url": chain_url}
    return _sheet(request, "sale_clients.html", **values)


def line(request: Request) -> Response:
    """`/sale/lines/3`: quantity, price, discount, removal of one line."""
    board = read_board(request)
    number = int(request.path_params["line"])
    return _sheet(request, "sale_line.html", board, line=_line(board, number))


def discount(request: Request) -> Response:
    """`/sale/discount`: a discount on everything; and emptying the basket."""
    return _sheet(request, "sale_discount.html")


def unknown(request: Request) -> Response:
    """`/sale/unknown?code=`: a name and a price for what nobody knows."""
    return _sheet(request, "sale_unknown.html", code=request.query_params.get("code", ""))


def held(request: Request) -> Response:
    """`/sale/held`: sales that wait."""
    require(signed_in(request), Permission.SALE_HOLD)
    return _sheet(request, "sale_held.html")


def _line(board: dict[str, Any], number: int) -> LineView:
    for each in board["lines"]:
        found: LineView = each["line"]
        if found.line_id == number:
            return found
    raise NotFound("The line is not there any more.", "Look at the basket again.")


def _sheet(request: Request, template: str, board: dict[str, Any] | None = None, /, **values: Any) -> Response:
    shown = read_board(request) if board is None else board
    return render(request, template, block="sheet" if is_part(request) else "", **shown, **values)


ROUTES = (
    guarded("/sale/goods", goods, Permission.SALE_MAKE),
    guarded("/sale/clients", clients, Permission.SALE_MAKE),
    guarded("/sale/lines/{line:int}", line, Permission.SALE_MAKE),
    guarded("/sale/discount", discount, Permission.SALE_MAKE),
    guarded("/sale/unknown", unknown, Permission.SALE_MAKE),
    guarded("/sale/held", held, Permission.SALE_MAKE),
)
