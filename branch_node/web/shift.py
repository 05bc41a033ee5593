"""The drawer's pages: a shift from its opening to its Z-report, cash in and out between, Z-reports of the past.

The cash is counted blindly: no page that a cashier may see tells what there should be before it is counted.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from branch_node.devices.receipt_text import plain_text
from branch_node.operations import drawer_actions, shifts
from branch_node.operations.basket import held
from branch_node.operations.card_payments import resolve_unknown, reverse
from branch_node.operations.receipt_finding import parse_record_id
from branch_node.operations.receipt_printing import Papers, texts_of
from branch_node.operations.shift_reports import OpenedShift, summarize_shift
from branch_node.operations.z_reports import Z_REPORTS_PER_PAGE, list_z_reports, read_z_report
from branch_node.storage.card_attempts import CardAttempt
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, leave_given, may_ask_leave, status_with
from branch_node.web.people import guarded, register_of, signed_in
from shared.domain.banknotes import denominations
from shared.domain.branch_facts import CASH_IN, CASH_OUT, CASH_PICKUP
from shared.domain.business_time import MICROSECONDS
from shared.domain.card_payments import AttemptState
from shared.domain.identifiers import format_id
from shared.domain.money import parse_major
from shared.domain.permissions import Permission, require
from shared.domain.shifts import Denomination, ShiftClose
from shared.errors import FilialError, InvalidInput, NotFound, Refused
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

DEFAULT_REGISTER = "1"
PIECES_DIGITS_MAX = 6
PAPER_COLUMNS = 48
"""As wide as a receipt of 80 mm."""
CASH_DONE = {
    CASH_IN: _("The cash is put in."),
    CASH_OUT: _("The cash is taken out."),
    CASH_PICKUP: _("The cash is brought away."),
}


def register_at(request: Request) -> str:
    """The register of this browser."""
    return register_of(request) or DEFAULT_REGISTER


def page(request: Request) -> Response:
    """`/shift`: open a till, or what may be done while it is open."""
    return _show(request)


def open_shift(request: Request) -> Response:
    """POST `float`."""
    context, register = context_of(request), register_at(request)
    currency = context.store.node()[0].currency
    try:
        amount_minor = parse_major(text_of(request, "float") or "0", currency)
        drawer_actions.open_till(context.store, signed_in(request), register, amount_minor)
    except FilialError as error:
        return _show(request, error)
    wanted = "/sale" if text_of(request, "next") == "sale" else "/shift"
    return see_other(request, wanted, Notice(_("The shift is open. Good trade!")))


def move_cash(request: Request) -> Response:
    """POST `direction`, `amount`, `reason`, once for `key`; `manager` and `manager_pin` when somebody must allow it."""
    context, direction = context_of(request), text_of(request, "direction")
    try:
        drawer_actions.move_cash(
            context.store,
            signed_in(request),
            register_at(request),
            direction,
            parse_major(text_of(request, "amount"), context.store.node()[0].currency),
            text_of(request, "reason"),
            leave_given(request, Permission.CASH_MOVE),
            text_of(request, "key") or None,
        )
    except FilialError as error:
        return _show(request, error)
    return see_other(request, "/shift", Notice(CASH_DONE[direction]))


def open_drawer(request: Request) -> Response:
    """POST `reason`: opens the drawer without a sale."""
    try:
        allowed_by = leave_given(request, Permission.DRAWER_OPEN)
        reason = text_of(request, "reason")
        drawer_actions.open_drawer(
            context_of(request).store, signed_in(request), register_at(request), reason, allowed_by
        )
    except FilialError as error:
        return _show(request, error)
    return see_other(request, "/shift", Notice(_("The drawer opens. It is written down.")))


def x_page(request: Request) -> Response:
    """`/shift/x`: the shift as it stands, for those who do not count."""
    context = context_of(request)
    try:
        opened, report = drawer_actions.x_report(context.store, signed_in(request), register_at(request))
    except NotFound:
        return RedirectResponse("/shift", status_code=303)
    return _show_report(request, opened, report, closes=False)


def print_x(request: Request) -> Response:
    """POST: the X-report on paper."""
    drawer_actions.print_x_report(context_of(request).store, signed_in(request), register_at(request))
    return see_other(request, "/shift/x", Notice(_("It is on its way to the printer.")))


def close_page(request: Request) -> Response:
    """`/shift/close`: first what is still open, then the count."""
    return _show_close(request)


def close(request: Request) -> Response:
    """POST `pieces-VALUE` for every note and coin, `carry_over` when something stays open."""
    context, actor = context_of(request), signed_in(request)
    try:
        counted = _counted(request)
        carry_over = text_of(request, "carry_over") == "yes"
        report = drawer_actions.close_till(
            context.store, actor, register_at(request), counted, context.sign, carry_over
        )
    except FilialError as error:
        return _show_close(request, error)
    return see_other(request, f"/shift/z/{format_id(report.shift_id)}", Notice(_("The shift is closed.")))


def settle_charge(request: Request) -> Response:
    """POST `reference` and `what`: asks the terminal about a charge, or gives one back that belongs to nothing."""
    context = context_of(request)
    require(signed_in(request), Permission.SHIFT_CLOSE)
    try:
        if context.terminal is None:
            raise Refused("No payment terminal is connected.", "Look at the terminal's own list, then carry it over.")
        settle = reverse if text_of(request, "what") == "reverse" else resolve_unknown
        attempt = settle(context.store, context.terminal, text_of(request, "reference"))
    except FilialError as error:
        return _show_close(request, error)
    return see_other(request, "/shift/close", Notice(_STATES.get(attempt.state, _("The terminal does not answer."))))


_STATES = {
    AttemptState.APPROVED: _("The terminal took the money. Finish the sale, or give it back."),
    AttemptState.DECLINED: _("The terminal took nothing."),
    AttemptState.REVERSED: _("The money is given back to the card."),
    AttemptState.USED: _("The payment belongs to a sale."),
}


def history(request: Request) -> Response:
    """`/shift/history`: the Z-reports of this shop, the latest first."""
    context = context_of(request)
    require(signed_in(request), Permission.SHIFT_CLOSE)
    number = request.query_params.get("page", "0")
    at = int(number) if number.isascii() and number.isdigit() and len(number) < PIECES_DIGITS_MAX else 0
    with context.store.look() as transaction:
        glances = list_z_reports(transaction, request.query_params.get("register", ""), at)
        names = Papers(transaction.cursor, transaction.node, texts_of(context.settings))
        shown = [(format_id(each.shift_id), names.person(each.cashier), each) for each in glances]
        zone = transaction.node.timezone
    more = len(glances) == Z_REPORTS_PER_PAGE
    return render(request, "shift_history.html", reports=shown, zone=zone, number=at, more=more)


def z_page(request: Request) -> Response:
    """`/shift/z/ID`: a Z-report as it was signed."""
    require(signed_in(request), Permission.SHIFT_CLOSE)
    with context_of(request).store.look() as transaction:
        opened, report = read_z_report(transaction, parse_record_id(request.path_params["shift_id"]))
    return _show_report(request, opened, report, closes=True)


def print_z(request: Request) -> Response:
    """POST: the Z-report on paper again."""
    shift_id = request.path_params["shift_id"]
    drawer_actions.print_z_report(context_of(request).store, signed_in(request), parse_record_id(shift_id))
    return see_other(request, f"/shift/z/{shift_id}", Notice(_("It is on its way to the printer.")))


def _show(request: Request, error: FilialError | None = None) -> Response:
    context, actor, register = context_of(request), signed_in(request), register_at(request)
    opened, receipts, cashier = None, 0, ""
    with context.store.look() as transaction:
        zone, currency = transaction.node.timezone, transaction.node.currency
        try:
            opened = shifts.require_open_shift(transaction, register)
        except NotFound:
            pass
        else:
            report = summarize_shift(transaction, opened, opened.cashier, None)
            receipts = report.receipts + report.refunds
            cashier = Papers(transaction.cursor, transaction.node, texts_of(context.settings)).person(opened.cashier)
    return render(
        request,
        "shift.html",
        status_code=status_with(error),
        failure=failure_of(error),
        typed=form_of(request),
        register=register,
        shift=opened,
        cashier=cashier,
        receipts=receipts,
        cash_key=f"cash:{format_id(context.store.ids.new_id())}",
        since_seconds=(context.clock.now_us() - opened.opened_at_us) / MICROSECONDS if opened else 0,
        zone=zone,
        currency=currency,
        actor=actor,
        may={permission.name: actor.may(permission) for permission in Permission},
        asks_leave=may_ask_leave(request),
        has_printer=context.store.printing is not None,
    )


def _show_close(request: Request, error: FilialError | None = None) -> Response:
    context, register = context_of(request), register_at(request)
    require(signed_in(request), Permission.SHIFT_CLOSE)
    try:
        matters = drawer_actions.open_matters(context.store, register)
    except NotFound:
        return RedirectResponse("/shift", status_code=303)
    currency = context.store.node()[0].currency
    return render(
        request,
        "shift_close.html",
        status_code=status_with(error),
        failure=failure_of(error),
        typed=form_of(request),
        register=register,
        matters=matters,
        charges=[(each, _charge_text(each)) for each in matters.charges],
        values=denominations(currency),
        currency=currency,
        zone=context.store.node()[0].timezone,
        has_terminal=context.terminal is not None,
        held_elsewhere=len(held(context.store)) - len(matters.held),
    )


def _show_report(request: Request, opened: OpenedShift, report: ShiftClose, closes: bool) -> Response:
    context = context_of(request)
    with context.store.look() as transaction:
        papers = Papers(transaction.cursor, transaction.node, texts_of(context.settings))
        paper = plain_text(papers.shift(opened, report, closes), PAPER_COLUMNS)
        cashier = papers.person(report.cashier)
        zone = transaction.node.timezone
    values: dict[str, Any] = {"shift": opened, "report": report, "closes": closes, "paper": paper, "zone": zone}
    values |= {"cashier": cashier, "shift_id": format_id(opened.shift_id)}
    return render(request, "shift_report.html", has_printer=context.store.printing is not None, **values)


def _charge_text(attempt: CardAttempt) -> Any:
    if attempt.state is AttemptState.APPROVED:
        return _("approved, and no sale used it")
    return _("nobody knows whether it was charged")


def _counted(request: Request) -> list[Denomination]:
    """What was typed beside every note and coin; nothing typed is none of it. Raises InvalidInput."""
    counted = []
    is_counted = False
    for value_minor in denominations(context_of(request).store.node()[0].currency):
        typed = text_of(request, f"pieces-{value_minor}")
        is_counted = is_counted or bool(typed)
        if typed and not (typed.isascii() and typed.isdigit() and len(typed) <= PIECES_DIGITS_MAX):
            raise InvalidInput(f"“{typed[:20]}” is no number of pieces.", "Type how many there are, as 12.")
        counted.append(Denomination(value_minor, int(typed or "0")))
    if not is_counted:
        raise InvalidInput("Nothing is counted yet.", "Type how many there are of each; 0 when the drawer is empty.")
    return counted


ROUTES = (
    guarded("/shift", page, Permission.SHIFT_OPEN),
    guarded("/shift/open", open_shift, Permission.SHIFT_OPEN, methods=["POST"]),
    guarded("/shift/cash", move_cash, Permission.SHIFT_OPEN, methods=["POST"]),
    guarded("/shift/drawer", open_drawer, Permission.SHIFT_OPEN, methods=["POST"]),
    guarded("/shift/x", x_page),
    guarded("/shift/x", print_x, methods=["POST"]),
    guarded("/shift/close", close_page),
    guarded("/shift/close", close, methods=["POST"]),
    guarded("/shift/charges", settle_charge, methods=["POST"]),
    guarded("/shift/history", history),
    guarded("/shift/z/{shift_id}", z_page),
    guarded("/shift/z/{shift_id}", print_z, methods=["POST"]),
)
