"""Receipts: the day's list, finding one by number or square code, each as it was printed, as PDF, and once more."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from branch_node.devices.pdf import receipt_pdf
from branch_node.devices.qr import qr_svg, sign_document
from branch_node.devices.receipt_text import plain_text
from branch_node.operations.drawer_actions import reprint
from branch_node.operations.receipt_finding import (
    ReceiptRead,
    find_receipt,
    list_receipts,
    parse_record_id,
    read_receipt,
    read_reference,
)
from branch_node.operations.receipt_printing import Papers, texts_of
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, leave_given, may_ask_leave, status_with
from branch_node.web.people import guarded, signed_in
from branch_node.web.shift import PAPER_COLUMNS, register_at
from shared.domain.business_time import local_moment, parse_date
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission, require
from shared.domain.sales import Sale, format_receipt
from shared.errors import FilialError
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.site import see_other
from shared.web.translations import lazy_text as _


def page(request: Request) -> Response:
    """`/receipts`: those of a day (`day`), or with `q` the one that was scanned or typed."""
    _require_reader(request)
    query = request.query_params.get("q", "").strip()
    if query:
        try:
            return RedirectResponse(f"/receipts/{format_id(_find(request, query))}", status_code=303)
        except FilialError as error:
            return _show_list(request, query, error)
    return _show_list(request)


def receipt(request: Request) -> Response:
    """`/receipts/ID`: a receipt or a refund as it was printed."""
    return _show(request)


def pdf(request: Request) -> Response:
    """`/receipts/ID.pdf`."""
    found = _read(request)
    document = sign_document(found.document, context_of(request).sign_code)
    headers = {
        "Content-Disposition": f'inline; filename="{format_id(found.record_id)}.pdf"',
        "Cache-Control": "no-store",
    }
    return Response(receipt_pdf(document), media_type="application/pdf", headers=headers)


def print_again(request: Request) -> Response:
    """POST: the receipt on paper once more, marked as a copy."""
    context, record_id = context_of(request), request.path_params["record_id"]
    try:
        allowed_by = leave_given(request, Permission.RECEIPT_REPRINT)
        number = reprint(context.store, signed_in(request), parse_record_id(record_id), allowed_by)
    except FilialError as error:
        return _show(request, error)
    return see_other(request, f"/receipts/{record_id}", Notice(_("A copy of %(receipt)s is printed.", receipt=number)))


def _require_reader(request: Request) -> None:
    actor = signed_in(request)
    require(actor, Permission.REPORT_BRANCH if actor.may(Permission.REPORT_BRANCH) else Permission.REFUND_BY_RECEIPT)


def _find(request: Request, query: str) -> bytes:
    with context_of(request).store.look() as transaction:
        return find_receipt(transaction, read_reference(transaction, query, register_at(request)))


def _read(request: Request) -> ReceiptRead:
    _require_reader(request)
    context = context_of(request)
    with context.store.look() as transaction:
        return read_receipt(transaction, parse_record_id(request.path_params["record_id"]), texts_of(context.settings))


def _show(request: Request, error: FilialError | None = None) -> Response:
    context, actor, found = context_of(request), signed_in(request), _read(request)
    document = sign_document(found.document, context.sign_code)
    fact = found.fact
    # An exchange is one paper of two facts, each with a number of its own.
    number = format_receipt(fact.register, fact.receipt_number)
    query = {"receipt": number, "sale": format_id(found.record_id)}
    return render(
        request,
        "receipt.html",
        status_code=status_with(error),
        failure=failure_of(error),
        record_id=format_id(found.record_id),
        receipt=number,
        is_refund=found.is_refund,
        at_us=fact.sold_at.at_us if isinstance(fact, Sale) else fact.refunded_at.at_us,
        zone=context.store.node()[0].timezone,
        paper=plain_text(document, PAPER_COLUMNS),
        code=qr_svg(document.qr),
        refund_url=f"/refunds/new?{urlencode(query)}",
        may_refund=actor.may(Permission.REFUND_BY_RECEIPT),
        needs_leave=not actor.may(Permission.RECEIPT_REPRINT),
        asks_leave=may_ask_leave(request),
        has_printer=context.store.printing is not None,
    )


def _show_list(request: Request, query: str = "", error: FilialError | None = None) -> Response:
    context, register = context_of(request), request.query_params.get("register", "")
    today = local_moment(context.clock.now_us(), context.store.node()[0].timezone).business_date
    wanted = request.query_params.get("day", "")
    day: date = parse_date(wanted, "The day") if wanted else today
    with context.store.look() as transaction:
        found = list_receipts(transaction, day, register)
        papers = Papers(transaction.cursor, transaction.node, texts_of(context.settings))
        names = {code: papers.person(code) for code in {each.cashier for each in found}}
    return render(
        request,
        "receipts.html",
        status_code=status_with(error),
        failure=failure_of(error),
        query=query,
        receipts=[(format_id(each.record_id), each) for each in found],
        names=names,
        day=day,
        is_today=day == today,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        register=register,
        zone=context.store.node()[0].timezone,
    )


ROUTES = (
    guarded("/receipts", page),
    guarded("/receipts/{record_id}.pdf", pdf),
    guarded("/receipts/{record_id}", receipt),
    guarded("/receipts/{record_id}/print", print_again, methods=["POST"]),
)
