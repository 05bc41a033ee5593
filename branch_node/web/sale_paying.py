"""Paying on the sale's page: cash, card, both; asking again about what nobody answered."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import sale_payments
from branch_node.operations.basket import PaymentOutcome
from branch_node.operations.sale_actions import Till
from branch_node.web.context import context_of
from branch_node.web.people import guarded
from branch_node.web.sale import is_part, money_typed, taken_over
from branch_node.web.sale_board import basket_named, read_board, rounding_of, till_of
from shared.domain.card_payments import AttemptState, PaymentTerminal
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission
from shared.errors import InvalidInput, Refused, TakenOver
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

Pay = Callable[[Request, Till, bytes], PaymentOutcome | None]


def page(request: Request) -> Response:
    """`/sale/pay`: notes, another amount, cards."""
    board = read_board(request)
    return render(request, "sale_pay.html", block="sheet" if is_part(request) else "", **board)


def paying(pay: Pay) -> Callable[[Request], Response]:
    """A view that pays, and shows the receipt, or what is still to be done."""

    def view(request: Request) -> Response:
        till, basket_id = till_of(request), basket_named(text_of(request, "basket"))
        if basket_id is None:
            raise InvalidInput("The basket is empty.", "Scan something first.")
        try:
            outcome = pay(request, till, basket_id)
        except TakenOver as error:
            return taken_over(request, error)
        if outcome is not None and outcome.sold is not None:
            return see_other(request, f"/sale?sold={format_id(basket_id)}")
        # Undecided, or a part is paid: the page itself says what to do.
        return see_other(request, "/sale")

    return view


def _cash(request: Request, till: Till, basket_id: bytes) -> PaymentOutcome:
    typed = text_of(request, "given_minor")
    if typed.isascii() and typed.isdigit() and len(typed) <= 15:
        given: int | None = int(typed)
    else:
        given = money_typed(request, text_of(request, "given")) if text_of(request, "given") else None
    context = context_of(request)
    return sale_payments.pay_cash(till, context.sell, basket_id, given, rounding_of(request), context.terminal)


def _card(request: Request, till: Till, basket_id: bytes) -> PaymentOutcome | None:
    typed, sell = text_of(request, "amount"), context_of(request).sell
    amount = money_typed(request, typed) if typed else None
    terminal = context_of(request).terminal
    if terminal is None:
        return sale_payments.pay_elsewhere(till, sell, basket_id, amount, rounding_of(request))
    return sale_payments.pay_by_card(till, sell, terminal, basket_id, amount, rounding_of(request)).outcome


def _terminal(request: Request, till: Till, basket_id: bytes) -> PaymentOutcome | None:
    sell, reference = context_of(request).sell, text_of(request, "reference")
    terminal = _require_terminal(request)
    answer = sale_payments.ask_terminal_again(till, sell, terminal, basket_id, reference, rounding_of(request))
    return answer.outcome


def _again(request: Request, till: Till, basket_id: bytes) -> PaymentOutcome:
    return sale_payments.ask_again(till, context_of(request).sell, basket_id)


def give_back(request: Request) -> Response:
    """POST `reference`: an approved charge goes back, because the client pays otherwise."""
    attempt = sale_payments.give_back_charge(
        till_of(request), _require_terminal(request), text_of(request, "reference")
    )
    is_over = attempt.state is AttemptState.REVERSED
    said = _("The charge went back to the card.") if is_over else _("The terminal has not confirmed it: ask it again.")
    return see_other(request, "/sale", None if is_part(request) else Notice(said))


def _require_terminal(request: Request) -> PaymentTerminal:
    terminal = context_of(request).terminal
    if terminal is None:
        raise Refused("No payment terminal is connected.", "Pay in cash, or ask whoever set this till up.")
    return terminal


ROUTES = (
    guarded("/sale/pay", page, Permission.SALE_MAKE, in_turn=True),
    guarded("/sale/pay", paying(_cash), Permission.SALE_MAKE, methods=["POST"], in_turn=True),
    guarded("/sale/card", paying(_card), Permission.SALE_MAKE, methods=["POST"], in_turn=True),
    guarded("/sale/terminal", paying(_terminal), Permission.SALE_MAKE, methods=["POST"], in_turn=True),
    guarded("/sale/again", paying(_again), Permission.SALE_MAKE, methods=["POST"], in_turn=True),
    guarded("/sale/charge-back", give_back, Permission.SALE_MAKE, methods=["POST"], in_turn=True),
)
