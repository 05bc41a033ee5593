"""Taking goods back: by the receipt – scan it, tick lines, confirm – by one of another branch, or without any.

Contains no rules of refunds: what is left of a line and how it is paid back is reckoned in the operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from branch_node.operations.basket.products import find_product
from branch_node.operations.drawer_actions import give_back
from branch_node.operations.receipt_finding import ReceiptAt, read_reference
from branch_node.operations.receipt_printing import Papers, texts_of
from branch_node.operations.refund_request import SoldLineRequest
from branch_node.operations.refunding import RefundAnswer, SoldBefore, find_sold, propose_refund
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, leave_given, may_ask_leave, status_with
from branch_node.web.people import guarded, register_of, signed_in
from branch_node.web.shift import register_at
from shared.domain.barcodes import lookup_texts, parse_code
from shared.domain.identifiers import format_id
from shared.domain.money import parse_major, parse_quantity
from shared.domain.permissions import Permission
from shared.domain.receipt_document import quantity_text
from shared.domain.receipt_labels import method_label
from shared.domain.refunds import refundable
from shared.errors import FilialError, HqUnreachable, InvalidInput
from shared.web.formats import format_money
from shared.web.pages import render
from shared.web.request_state import Notice, state_of
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_text as _

LOOSE_LINES = 5
"""Rows of the form for goods without a receipt."""

LINE_DIGITS_MAX = 4


class LineLeft(NamedTuple):
    """A line of a sale, and what is left of it to give back. `number` counts from 1."""

    number: int
    name: str
    sold_thousandths: int
    left_thousandths: int
    amount_minor: int

    @property
    def left_text(self) -> str:
        return quantity_text(self.left_thousandths)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which receipt the page is about."""

    at: ReceiptAt
    sold: SoldBefore
    is_elsewhere: bool


def page(request: Request) -> Response:
    """`/refunds/new`: asks for a receipt; with `receipt`, as it was scanned or typed, and `branch` its lines."""
    query = request.query_params
    if not query.get("receipt", "").strip():
        return _show_finder(request)
    try:
        return _show_lines(request, _asked(request, query.get("receipt", ""), query.get("branch", "")))
    except FilialError as error:
        return _show_finder(request, error)


def reckon(request: Request) -> Response:
    """POST of the lines' form, nothing committed: what would be given back, and by which methods."""
    try:
        asked = _asked(request, text_of(request, "receipt"), text_of(request, "branch"))
        return _reckoning(request, asked, wanted_lines(request))
    except FilialError as error:
        return render(request, "refund_reckoning.html", proposal=None, methods=(), said=failure_of(error), currency="")


def give(request: Request) -> Response:
    """POST `key`, `receipt`, `branch`, `line` and `quantity-N`: gives back, once for the key."""
    try:
        asked = _asked(request, text_of(request, "receipt"), text_of(request, "branch"))
        wanted = wanted_lines(request)
        if not wanted:
            raise InvalidInput("No line is ticked.", "Tick what comes back.")
        document = _document(request) | {
            "receipt": asked.at.receipt,
            "lines": [{"line": line, "quantity": _decimal(quantity)} for line, quantity in wanted],
        }
        permission = Permission.REFUND_OTHER_BRANCH if asked.is_elsewhere else Permission.REFUND_BY_RECEIPT
        if asked.is_elsewhere:
            document["branch"] = asked.at.branch_code
        answer = _give(request, document, permission)
    except FilialError as error:
        return _show_again(request, error)
    return _given(request, answer, asked.sold.sale.currency)


def loose_page(request: Request) -> Response:
    """`/refunds/loose`: goods without a receipt."""
    return _show_loose(request)


def give_loose(request: Request) -> Response:
    """POST `key`, `sku-N`, `quantity-N`, `amount-N`, `reason`: gives cash back without a receipt."""
    currency = context_of(request).store.node()[0].currency
    try:
        lines = _loose_lines(request, currency)
        if not text_of(request, "reason"):
            raise InvalidInput("Without a receipt a reason is needed.", "Write why the goods come back.")
        answer = _give(request, _document(request) | {"lines": lines}, Permission.REFUND_WITHOUT_RECEIPT)
    except FilialError as error:
        return _show_loose(request, error)
    return _given(request, answer, currency)


def _give(request: Request, document: dict[str, Any], permission: Permission) -> RefundAnswer:
    context = context_of(request)
    allowed_by = leave_given(request, permission)
    return give_back(context.store, context.refund, signed_in(request), document, allowed_by, context.terminal)


def _given(request: Request, answer: RefundAnswer, currency: str) -> Response:
    amount = format_money(answer.total_minor, currency)
    if text_of(request, "exchange"):
        said = _(
            "Given back: %(amount)s, receipt %(receipt)s. Now scan what is taken instead.",
            amount=amount,
            receipt=answer.receipt,
        )
        return see_other(request, "/sale", Notice(said))
    said = _("Give back %(amount)s. Receipt %(receipt)s.", amount=amount, receipt=answer.receipt)
    return see_other(request, f"/receipts/{format_id(answer.refund_id)}", Notice(said))


def _document(request: Request) -> dict[str, Any]:
    reason = text_of(request, "reason")
    if text_of(request, "exchange"):
        reason = f"{gettext('exchange')}: {reason}" if reason else gettext("exchange")
    document: dict[str, Any] = {"key": text_of(request, "key"), "register": register_at(request)}
    return document | ({"reason": reason} if reason else {})


def _asked(request: Request, text: str, branch_code: str) -> Asked:
    """The receipt's sale, here or as the head office knows it. Raises InvalidInput, NotFound, HqUnreachable."""
    context = context_of(request)
    with context.store.look() as transaction:
        at = read_reference(transaction, text, register_at(request), branch_code)
        if at.branch_code == transaction.node.code:
            sold = find_sold(transaction, at.receipt, None)
            return Asked(at, sold, False)
    return Asked(at, context.find_sold(at.branch_code, at.receipt), True)


def wanted_lines(request: Request) -> tuple[SoldLineRequest, ...]:
    """The ticked lines. Raises InvalidInput."""
    wanted = []
    for value in form_of(request).getlist("line"):
        text = str(value)
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= LINE_DIGITS_MAX else 0
        typed = text_of(request, f"quantity-{number}").replace(",", ".")
        quantity = parse_quantity(_number(typed), "The quantity") if typed else None
        wanted.append(SoldLineRequest(number, quantity))
    return tuple(wanted)


def _loose_lines(request: Request, currency: str) -> list[dict[str, Any]]:
    lines = []
    for number in range(1, LOOSE_LINES + 1):
        code = text_of(request, f"sku-{number}")
        if not code:
            continue
        quantity = parse_quantity(_number(text_of(request, f"quantity-{number}").replace(",", ".") or "1"), "quantity")
        amount_minor = parse_major(text_of(request, f"amount-{number}"), currency)
        sku = _sku_of(request, code)
        lines.append({"sku": sku, "quantity": _decimal(quantity), "amount_minor": amount_minor})
    if not lines:
        raise InvalidInput("Nothing comes back yet.", "Scan the goods, and write what is given for them.")
    return lines


def _sku_of(request: Request, code: str) -> str:
    """The SKU of what was scanned; what no product has is taken as it was typed."""
    with context_of(request).store.look() as transaction:
        found = find_product(transaction.cursor, lookup_texts(parse_code(code)))
    return found.sku if found is not None else code


def _show_finder(request: Request, error: FilialError | None = None) -> HTMLResponse:
    query = request.query_params
    return render(
        request,
        "refund_finder.html",
        status_code=status_with(error),
        failure=failure_of(error),
        receipt=query.get("receipt", ""),
        branch=query.get("branch", ""),
        hq_is_away=isinstance(error, HqUnreachable),
    )


def _show_again(request: Request, error: FilialError) -> Response:
    """The lines once more, with what was typed and what went wrong."""
    try:
        asked = _asked(request, text_of(request, "receipt"), text_of(request, "branch"))
    except FilialError:
        return _show_finder(request, error)
    return _show_lines(request, asked, error)


def _show_lines(request: Request, asked: Asked, error: FilialError | None = None) -> HTMLResponse:
    context, actor, sale = context_of(request), signed_in(request), asked.sold.sale
    lines = lines_left(request, asked.sold)
    open_lines = [line for line in lines if line.left_thousandths]
    permission = Permission.REFUND_OTHER_BRANCH if asked.is_elsewhere else Permission.REFUND_BY_RECEIPT
    ticked = {str(value) for value in form_of(request).getlist("line")}
    if not ticked and len(open_lines) == 1:
        ticked = {str(open_lines[0].number)}
    return render(
        request,
        "refund.html",
        status_code=status_with(error),
        failure=failure_of(error),
        key=text_of(request, "key") or f"refund:{format_id(context.store.ids.new_id())}",
        receipt=asked.at.receipt,
        branch=asked.at.branch_code if asked.is_elsewhere else "",
        sale=sale,
        zone=sale.sold_at.zone,
        lines=lines,
        has_open_lines=bool(open_lines),
        ticked=ticked,
        request_id=format_id(context.store.ids.new_id()),
        may_sell=bool(register_of(request)) and actor.may(Permission.SALE_MAKE),
        typed=form_of(request),
        needs_leave=not actor.may(permission),
        asks_leave=may_ask_leave(request),
    )


def lines_left(request: Request, sold: SoldBefore) -> list[LineLeft]:
    """The lines of a sale, and what is left of each."""
    context = context_of(request)
    left = {line.line_number: line.quantity_thousandths for line in refundable(sold.sold_lines, sold.given_back)}
    with context.store.look() as transaction:
        papers = Papers(transaction.cursor, transaction.node, texts_of(context.settings))
        return [
            LineLeft(number, papers.goods(line), line.quantity_thousandths, left.get(number, 0), line.amount_minor)
            for number, line in enumerate(sold.sale.lines, 1)
        ]


def _reckoning(request: Request, asked: Asked, wanted: tuple[SoldLineRequest, ...]) -> HTMLResponse:
    proposal = propose_refund(asked.sold, wanted) if wanted else None
    language = state_of(request).language
    methods = (
        [(method_label(paid.method, language), paid.amount_minor) for paid in proposal.payments] if proposal else []
    )
    currency = asked.sold.sale.currency
    return render(request, "refund_reckoning.html", proposal=proposal, methods=methods, said=None, currency=currency)


def _show_loose(request: Request, error: FilialError | None = None) -> HTMLResponse:
    context, actor = context_of(request), signed_in(request)
    limit_minor = actor.limits.refund_without_receipt_minor_max
    currency = context.store.node()[0].currency
    return render(
        request,
        "refund_loose.html",
        status_code=status_with(error),
        failure=failure_of(error),
        key=text_of(request, "key") or f"refund:{format_id(context.store.ids.new_id())}",
        numbers=range(1, LOOSE_LINES + 1),
        typed=form_of(request),
        limit=format_money(limit_minor, currency),
        needs_leave=not actor.may(Permission.REFUND_WITHOUT_RECEIPT),
        asks_leave=may_ask_leave(request),
    )


def _number(typed: str) -> Decimal:
    """Raises InvalidInput."""
    try:
        return Decimal(typed)
    except InvalidOperation:
        raise InvalidInput(f"“{typed[:20]}” is no quantity.", "Write it as 2 or 0.5.") from None


def _decimal(quantity_thousandths: int | None) -> Decimal | None:
    return None if quantity_thousandths is None else Decimal(quantity_thousandths).scaleb(-3)


ROUTES = (
    guarded("/refunds/new", page, Permission.REFUND_BY_RECEIPT),
    guarded("/refunds", give, Permission.REFUND_BY_RECEIPT, methods=["POST"]),
    guarded("/refunds/reckon", reckon, Permission.REFUND_BY_RECEIPT, methods=["POST"]),
    guarded("/refunds/loose", loose_page, Permission.REFUND_BY_RECEIPT),
    guarded("/refunds/loose", give_loose, Permission.REFUND_BY_RECEIPT, methods=["POST"]),
)
