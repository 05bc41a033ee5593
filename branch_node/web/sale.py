"""The sale's page: scanning, the basket's lines, holding and recalling, clients, unknown codes, undoing.

Each POST does one thing and leads back to the page. `static/sale.js` sends the same forms in order, one at a time, and
puts the block `board` in the place of the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from branch_node.operations import basket, sale_actions, sale_payments
from branch_node.operations.basket import DiscountKind
from branch_node.operations.sale_actions import Entered, Entry, Till, allow_once
from branch_node.web.context import context_of, turn_of
from branch_node.web.people import guarded, pairing_of, pairing_token_of
from branch_node.web.sale_board import basket_named, read_board, read_keys, till_of
from shared.domain.money import THOUSAND, parse_major, scale_exactly
from shared.domain.permissions import Actor, Permission
from shared.errors import FilialError, InvalidInput, LogInRefused, NotPermitted, TakenOver
from shared.web.error_texts import translate_error
from shared.web.pages import render
from shared.web.security import form_of, text_of
from shared.web.site import see_other

SCANS_PER_REQUEST_MAX = 100
TAKEN_OVER_HEADER = "X-Taken-Over"
SHEET_HEADER = "X-Sheet"
MANAGER_FIELDS = ("manager_code", "manager_pin", "csrf_token")

LENT = frozenset({"quantity", "remove", "clear", "price", "discount", "basket-discount", "undo", "give-up", "return"})
"""What a manager may allow once. The rest is the role's own or nobody's."""

PERMISSION_OF = {
    "price": Permission.SALE_PRICE,
    "discount": Permission.SALE_DISCOUNT,
    "basket-discount": Permission.SALE_DISCOUNT,
    "return": Permission.REFUND_BY_RECEIPT,
}
"""What a manager allows with an override; taking goods out when it is none of these."""


def is_part(request: Request) -> bool:
    """Whether the page's script asks, which wants a block and not a page."""
    return request.headers.get("hx-request") == "true"


def page(request: Request) -> Response:
    """`/sale`; `?sold=ID` shows the receipt of that basket until the next scan."""
    board = read_board(request, sold_id=basket_named(request.query_params.get("sold", "")))
    return render(request, "sale.html", block="board" if is_part(request) else "", **board)


def scan(request: Request) -> Response:
    """POST any number of `scan`, each `REQUEST-ID TEXT`; or `request` and `text`, as the plain form sends it."""
    entries = [_entry(str(value)) for value in form_of(request).getlist("scan")][:SCANS_PER_REQUEST_MAX]
    if not entries:
        entries = [Entry(text_of(request, "request"), text_of(request, "text"))]
    till = till_of(request)
    try:
        entered = sale_actions.enter(till, entries)
    except TakenOver as error:
        return taken_over(request, error)
    if is_part(request):
        return render(request, "sale.html", block="board", **read_board(request, entered))
    if not _says_something(entered):
        return see_other(request, "/sale")
    return render(request, "sale.html", **read_board(request, entered))


def _says_something(entered: list[Entered]) -> bool:
    return any(each.error is not None or (each.done is not None and each.done.reference) for each in entered)


def _entry(text: str) -> Entry:
    request_id, _, code = text.partition(" ")
    return Entry(request_id, code)


def taken_over(request: Request, error: TakenOver) -> Response:
    """Another window has the register: the script covers this one."""
    if not is_part(request):
        raise error
    return Response(status_code=204, headers={TAKEN_OVER_HEADER: "yes"})


Work = Callable[[Request, Till, Actor | None], None]


def act(name: str, work: Work) -> Callable[[Request], Response]:
    """A view that does one thing and leads back to the page; what the role does not allow, a manager may."""

    def view(request: Request) -> Response:
        till = till_of(request)
        try:
            allowed_by = _override(request, till, name)
            work(request, till, allowed_by)
        except TakenOver as error:
            return taken_over(request, error)
        except NotPermitted as error:
            if name not in LENT or not _may_be_allowed(till.actor, error):
                raise
            return ask_manager(request, error)
        except LogInRefused as error:
            return ask_manager(request, error)
        return see_other(request, "/sale")

    view.__name__ = name.replace("-", "_")
    return view


def _override(request: Request, till: Till, name: str) -> Actor | None:
    code = text_of(request, "manager_code")
    if not code:
        return None
    permission = PERMISSION_OF.get(name, Permission.SALE_LINE_REMOVE)
    token, settings = pairing_token_of(request), context_of(request).settings
    # A PIN takes a tenth of a second to check, on purpose.
    with turn_of(request).given_away():
        return allow_once(till, settings, token, permission, code, text_of(request, "manager_pin"))


def _may_be_allowed(actor: Actor, error: NotPermitted) -> bool:
    return actor.may(Permission.SALE_MAKE) and bool(error.hint)


def ask_manager(request: Request, error: FilialError) -> Response:
    """The same form once more, with room for a manager's code and PIN."""
    fields = [(name, str(value)) for name, value in form_of(request).multi_items() if name not in MANAGER_FIELDS]
    answer = render(
        request,
        "sale_allow.html",
        block="sheet" if is_part(request) else "",
        action=request.url.path,
        fields=fields,
        is_paired=pairing_of(request) is not None,
        message=translate_error(error.message),
        is_wrong=isinstance(error, LogInRefused),
        manager_code=text_of(request, "manager_code"),
    )
    answer.headers[SHEET_HEADER] = "allow"
    return answer


# ---- What is done.


def _basket_id(request: Request) -> bytes:
    found = basket_named(text_of(request, "basket"))
    if found is None:
        raise InvalidInput("The basket is empty.", "Scan something first.")
    return found


def _request_id(request: Request) -> str:
    return text_of(request, "request")


def _number(request: Request, name: str) -> int:
    text = text_of(request, name)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput("The page is out of date.", "Load it again and repeat what you did.")
    return int(text)


def quantity_typed(text: str) -> int:
    """`1,5` in thousandths. Raises InvalidInput."""
    try:
        value = Decimal(text.replace(",", ".").replace(" ", ""))
    except InvalidOperation:
        value = Decimal(0)
    found = scale_exactly(value, 3) if value.is_finite() else None
    if found is None or found <= 0:
        raise InvalidInput("That is no quantity.", "Write it as 2, or as 0.5.")
    return found


def money_typed(request: Request, text: str) -> int:
    """`99,90` in minor units. Raises InvalidInput."""
    amount = parse_major(text, context_of(request).store.node()[0].currency)
    if amount < 0:
        raise InvalidInput("An amount is not negative.", "Write it as 1481.69.")
    return amount


def _percent_typed(text: str) -> int:
    try:
        value = Decimal(text.replace(",", ".").replace("%", "").strip())
    except InvalidOperation:
        value = Decimal(-1)
    found = scale_exactly(value, 2) if value.is_finite() else None
    if found is None or not 0 < found <= 10_000:
        raise InvalidInput("A discount is more than 0 and at most 100 %.", "Write it as 5, or as 7.5.")
    return found


def _add(request: Request, till: Till, _by: Actor | None) -> None:
    quantity = text_of(request, "quantity")
    thousandths = quantity_typed(quantity) if quantity else THOUSAND
    sale_actions.add_product(till, _request_id(request), text_of(request, "sku"), thousandths)


def _quantity(request: Request, till: Till, by: Actor | None) -> None:
    quantity = quantity_typed(text_of(request, "quantity"))
    sale_actions.set_quantity(till, _basket_id(request), _request_id(request), _number(request, "line"), quantity, by)


def _remove(request: Request, till: Till, by: Actor | None) -> None:
    sale_actions.remove_line(till, _basket_id(request), _request_id(request), _number(request, "line"), by)


def _clear(request: Request, till: Till, by: Actor | None) -> None:
    sale_actions.clear(till, _basket_id(request), _request_id(request), by)


def _price(request: Request, till: Till, by: Actor | None) -> None:
    typed, reason = text_of(request, "price"), text_of(request, "reason")
    price = money_typed(request, typed) if typed else None
    line = _number(request, "line")
    sale_actions.set_price(till, _basket_id(request), _request_id(request), line, price, reason, by)


def _discount(request: Request, till: Till, by: Actor | None) -> None:
    _give_discount(request, till, _number(request, "line"), by)


def _basket_discount(request: Request, till: Till, by: Actor | None) -> None:
    _give_discount(request, till, None, by)


def _give_discount(request: Request, till: Till, line_id: int | None, by: Actor | None) -> None:
    typed, kind, value = text_of(request, "discount"), None, 0
    if typed:
        kind = DiscountKind.AMOUNT if text_of(request, "kind") == "amount" else DiscountKind.PERCENT
        value = _percent_typed(typed) if kind is DiscountKind.PERCENT else money_typed(request, typed)
    reason = text_of(request, "reason")
    sale_actions.set_discount(till, _basket_id(request), _request_id(request), line_id, kind, value, reason, by)


def _hold(request: Request, till: Till, _by: Actor | None) -> None:
    sale_actions.hold(till, _basket_id(request), text_of(request, "title"))


def _recall(request: Request, till: Till, _by: Actor | None) -> None:
    sale_actions.recall(till, _basket_id(request))


def _give_up(request: Request, till: Till, by: Actor | None) -> None:
    sale_actions.give_up_held(till, _basket_id(request), by)


def _take_back(request: Request, till: Till, _by: Actor | None) -> None:
    sale_actions.take_back(till, _basket_id(request))


def _undo(request: Request, till: Till, by: Actor | None) -> None:
    sale_actions.undo(till, _basket_id(request), _request_id(request), _number(request, "action"), by)


def _client(request: Request, till: Till, _by: Actor | None) -> None:
    reference = text_of(request, "client")
    if reference and text_of(request, "where") == "chain":
        sale_actions.attach_from_chain(till, _request_id(request), reference, context_of(request).ask_head_office)
    elif reference:
        sale_actions.attach_client(till, _request_id(request), reference)
    else:
        sale_actions.detach_client(till, _basket_id(request), _request_id(request))


def _points(request: Request, till: Till, _by: Actor | None) -> None:
    points = _number(request, "points") if text_of(request, "points") else None
    sale_payments.choose_points(till, _basket_id(request), _request_id(request), points)


def _unknown(request: Request, till: Till, _by: Actor | None) -> None:
    basket_id, code = _basket_id(request), text_of(request, "code")
    if text_of(request, "do") == "dismiss":
        sale_actions.dismiss_unknown(till, basket_id, _request_id(request), code)
        return
    price, quantity = money_typed(request, text_of(request, "price")), text_of(request, "quantity")
    thousandths = quantity_typed(quantity) if quantity else THOUSAND
    name = text_of(request, "name")
    sale_actions.price_unknown(till, basket_id, _request_id(request), code, name, price, thousandths)


def _shift(request: Request, till: Till, _by: Actor | None) -> None:
    sale_actions.open_shift(till, money_typed(request, text_of(request, "float") or "0"))


# ---- Whose the register is.


def claim(request: Request) -> Response:
    """POST `tab`: that window of the browser has the register from now on."""
    till = till_of(request)
    basket.claim_register(till.store, till.register, text_of(request, "tab"))
    return Response(status_code=204)


def whose(request: Request) -> Response:
    """`/sale/tab?tab=…`: whether that window still has the register, and which quick keys there are by now."""
    till = till_of(request)
    claimed = basket.who_has(till.store, till.register)
    is_mine = claimed is None or claimed.tab_token == request.query_params.get("tab", "")
    answer = {"mine": is_mine, "register": till.register, "keys": read_keys(till)["keys_version"]}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


ACTIONS: dict[str, Work] = {
    "add": _add,
    "quantity": _quantity,
    "remove": _remove,
    "clear": _clear,
    "price": _price,
    "discount": _discount,
    "basket-discount": _basket_discount,
    "hold": _hold,
    "recall": _recall,
    "give-up": _give_up,
    "take-back": _take_back,
    "undo": _undo,
    "client": _client,
    "points": _points,
    "unknown": _unknown,
    "shift": _shift,
}

ROUTES = (
    guarded("/sale", page, Permission.SALE_MAKE, in_turn=True),
    guarded("/sale/scan", scan, Permission.SALE_MAKE, methods=["POST"], in_turn=True),
    guarded("/sale/tab", whose, Permission.SALE_MAKE, in_turn=True),
    guarded("/sale/tab", claim, Permission.SALE_MAKE, methods=["POST"], in_turn=True),
    *(
        guarded(f"/sale/{name}", act(name, work), Permission.SALE_MAKE, methods=["POST"], in_turn=True)
        for name, work in ACTIONS.items()
    ),
)
