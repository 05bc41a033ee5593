"""Paying a basket at a till: what is due, cash with its change, cards through the terminal, and both together.

A card is charged before the sale, under an attempt that outlives the program (card_payments.py). What is approved
counts as paid; once nothing is left, or the rest is given in cash, the basket is sold with all its payments at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from branch_node.operations import basket, card_payments
from branch_node.operations.basket import BasketView, Done, PaymentOutcome
from branch_node.operations.card_charges import pay_back_key
from branch_node.operations.paying_back import pay_back, plan_pay_back
from branch_node.operations.sale_actions import Till
from branch_node.operations.sale_request import SaleRequest
from branch_node.operations.selling import SaleAnswer
from branch_node.storage.card_attempts import CardAttempt
from shared.domain.banknotes import suggest_cash
from shared.domain.card_payments import AttemptState, PaymentTerminal
from shared.domain.loyalty import POINTS
from shared.domain.permissions import Permission, require
from shared.domain.rounding import NO_ROUNDING, CashRounding, cash_due
from shared.domain.sales import CASH, Payment
from shared.errors import InvalidInput, Refused

CARD = "card"

Sell = Callable[[SaleRequest], SaleAnswer]


class Due(NamedTuple):
    """What is to be paid, of an exchange the difference. `cash_minor` is what is left, rounded as cash is; `notes` what
    may be handed over for it; `by_points_minor` is off the total already; `pay_out` what the client gets instead, when
    more comes back than is taken.
    """

    total_minor: int
    by_card_minor: int
    left_minor: int
    cash_minor: int
    notes: tuple[int, ...]
    pay_out: tuple[Payment, ...] = ()
    by_points_minor: int = 0

    @property
    def pay_out_minor(self) -> int:
        """What the client gets, by whichever methods."""
        return sum(payment.amount_minor for payment in self.pay_out)


class CardAnswer(NamedTuple):
    """How a payment by card went; `outcome` when it paid the rest."""

    attempt: CardAttempt
    outcome: PaymentOutcome | None = None


def attempts_of(till: Till, basket_id: bytes) -> list[CardAttempt]:
    """Payments by card for a basket that are approved, or of which nobody knows yet."""
    key = basket.sale_key(basket_id)
    return [attempt for attempt in card_payments.unresolved(till.store, till.register) if attempt.key == key]


def due_of(seen: BasketView, attempts: list[CardAttempt], rounding: CashRounding = NO_ROUNDING) -> Due:
    """What a basket costs, and what of it is left to pay."""
    by_card = sum(each.amount_minor for each in attempts if each.state is AttemptState.APPROVED)
    total = seen.total_minor
    pay_out: tuple[Payment, ...] = ()
    by_points = seen.points.paid_minor if seen.points is not None else 0
    if seen.returned is not None:
        exchange = seen.returned.settle(total, by_points)
        total -= exchange.settled_minor
        pay_out = exchange.paid_out
    total -= by_points
    left = max(0, total - by_card)
    cash = cash_due(total, by_card, rounding)
    return Due(total, by_card, left, cash, suggest_cash(cash, seen.currency)[1:], pay_out, by_points)


def pay_cash(
    till: Till,
    sell: Sell,
    basket_id: bytes,
    given_minor: int | None,
    rounding: CashRounding = NO_ROUNDING,
    terminal: PaymentTerminal | None = None,
) -> PaymentOutcome:
    """Pays what is left with so much cash; None is exactly what is due. Of an exchange in which nothing is due, the
    client gets the rest: through the terminal what was paid through it.

    Raises InvalidInput when it is too little, Refused when the terminal does not pay back, and what `basket.pay` does.
    Asked again for a basket that is paid, it tells the same receipt.
    """
    require(till.actor, Permission.SALE_MAKE)
    seen = basket.view(till.store, basket_id)
    if seen.sold is not None:
        return PaymentOutcome(seen.state, seen.sold)
    attempts = _settled_attempts(till, basket_id)
    due = due_of(seen, attempts, rounding)
    if seen.returned is not None and due.total_minor == 0:
        return _pay_out(till, sell, seen, due, given_minor or 0, rounding, terminal)
    cash = due.cash_minor if given_minor is None else given_minor
    if cash < due.cash_minor:
        raise InvalidInput("That is less than is due.", "Take more; or pay a part by card first, the rest in cash.")
    return _pay(till, sell, seen, attempts, cash, rounding)


def choose_points(till: Till, basket_id: bytes, request_id: str, points: int | None) -> Done:
    """So many of the client's points are to pay a part; None is as many as can, 0 is none. Nothing is spent before the
    basket is paid. Raises Refused, InvalidInput, and what `basket.set_points` does."""
    require(till.actor, Permission.SALE_MAKE)
    chosen = 0 if points == 0 else basket.require_points(basket.view(till.store, basket_id).points, points)
    return basket.set_points(till.store, basket_id, request_id, chosen, till.tab_token)


def pay_by_card(
    till: Till,
    sell: Sell,
    terminal: PaymentTerminal,
    basket_id: bytes,
    amount_minor: int | None,
    rounding: CashRounding = NO_ROUNDING,
) -> CardAnswer:
    """Charges so much, or all that is left; with nothing left after it, sells. A double click charges once.

    Raises Refused when the card is declined, InvalidInput when it is more than is left.
    """
    require(till.actor, Permission.SALE_MAKE)
    seen = basket.view(till.store, basket_id)
    if seen.sold is not None:
        raise Refused("This basket is paid.", "Begin another sale.")
    attempts = _settled_attempts(till, basket_id)
    due = due_of(seen, attempts, rounding)
    amount = due.left_minor if amount_minor is None else amount_minor
    if not 0 < amount <= due.left_minor:
        raise InvalidInput("By card exactly what is due can be paid, or a part of it.", "Give a smaller amount.")
    number = 1 + len(attempts)
    begun = card_payments.begin_attempt(
        till.store, basket.sale_key(basket_id), till.register, amount, seen.currency, number
    )
    return _answered(till, sell, basket_id, card_payments.ask(till.store, terminal, begun.reference), rounding)


def ask_terminal_again(
    till: Till,
    sell: Sell,
    terminal: PaymentTerminal,
    basket_id: bytes,
    reference: str,
    rounding: CashRounding = NO_ROUNDING,
) -> CardAnswer:
    """Finds out what became of a charge, without charging again."""
    require(till.actor, Permission.SALE_MAKE)
    attempt = card_payments.resolve_unknown(till.store, terminal, reference)
    return _answered(till, sell, basket_id, attempt, rounding)


def give_back_charge(till: Till, terminal: PaymentTerminal, reference: str) -> CardAttempt:
    """The client pays otherwise after all: an approved charge goes back. Raises Refused when a sale has it."""
    require(till.actor, Permission.SALE_MAKE)
    return card_payments.reverse(till.store, terminal, reference)


def pay_elsewhere(
    till: Till, sell: Sell, basket_id: bytes, amount_minor: int | None, rounding: CashRounding = NO_ROUNDING
) -> PaymentOutcome:
    """Paid by card on a terminal that is not connected: the cashier says how much, the rest is cash, exactly."""
    require(till.actor, Permission.SALE_MAKE)
    seen = basket.view(till.store, basket_id)
    if seen.sold is not None:
        return PaymentOutcome(seen.state, seen.sold)
    points, total = _by_points(seen), due_of(seen, [], rounding).total_minor
    amount = total if amount_minor is None else amount_minor
    if not 0 < amount <= total:
        raise InvalidInput("By card exactly what is due can be paid, or a part of it.", "Give a smaller amount.")
    rest = cash_due(total, amount, rounding)
    payments = [*points, Payment(CARD, amount), *([Payment(CASH, rest)] if amount < total else [])]
    return basket.pay(till.store, sell, basket_id, payments, till.tab_token, rounding)


def ask_again(till: Till, sell: Sell, basket_id: bytes) -> PaymentOutcome:
    """Asks what became of a sale that nobody has answered, with the payments that were given then."""
    require(till.actor, Permission.SALE_MAKE)
    payments = basket.sale_request(till.store, basket_id, ()).payments
    return basket.pay(till.store, sell, basket_id, payments)


def _answered(till: Till, sell: Sell, basket_id: bytes, attempt: CardAttempt, rounding: CashRounding) -> CardAnswer:
    if attempt.state is AttemptState.DECLINED:
        raise Refused("The card was declined.", "Try another card, or pay in cash.")
    if attempt.state is not AttemptState.APPROVED:
        return CardAnswer(attempt)
    attempts = _settled_attempts(till, basket_id)
    seen = basket.view(till.store, basket_id)
    if due_of(seen, attempts, rounding).left_minor > 0:
        return CardAnswer(attempt)
    return CardAnswer(attempt, _pay(till, sell, seen, attempts, 0, rounding))


def _settled_attempts(till: Till, basket_id: bytes) -> list[CardAttempt]:
    """Raises Refused while nobody knows whether a card was charged: paying again might charge twice."""
    attempts = attempts_of(till, basket_id)
    for attempt in attempts:
        if attempt.state not in (AttemptState.APPROVED, AttemptState.BEGUN):
            raise Refused("It is not known whether the card was charged.", "Ask the terminal again first.")
    return [attempt for attempt in attempts if attempt.state is AttemptState.APPROVED]


def _pay_out(
    till: Till,
    sell: Sell,
    seen: BasketView,
    due: Due,
    given_minor: int,
    rounding: CashRounding,
    terminal: PaymentTerminal | None,
) -> PaymentOutcome:
    """Nothing is due: the basket is exchanged, and what is left of what came back is paid out."""
    assert seen.returned is not None
    if given_minor:
        raise InvalidInput("Nothing is to be paid for this exchange.", "Take no money, and press F12.")
    if due.by_card_minor:
        raise Refused("More was taken from the card than is due now.", "Give it back to the card, then pay.")
    # Before anything goes back to a card, whatever stands in the way of the exchange is told.
    points = _by_points(seen)
    basket.sale_request(till.store, seen.basket_id, points)
    if terminal is not None:
        with till.store.look() as transaction:
            planned = plan_pay_back(transaction.cursor, seen.returned.rows[0].sale_id, due.pay_out)
        pay_back(till.store, terminal, pay_back_key(basket.sale_key(seen.basket_id)), till.register, planned)
    return basket.pay(till.store, sell, seen.basket_id, points, till.tab_token, rounding)


def _by_points(seen: BasketView) -> list[Payment]:
    paid = seen.points.paid_minor if seen.points is not None else 0
    return [Payment(POINTS, paid)] if paid else []


def _pay(
    till: Till, sell: Sell, seen: BasketView, attempts: list[CardAttempt], cash_minor: int, rounding: CashRounding
) -> PaymentOutcome:
    payments = [*_by_points(seen), *(Payment(CARD, attempt.amount_minor) for attempt in attempts)]
    if cash_minor or not payments:
        payments.append(Payment(CASH, cash_minor))
    # The sale's own transaction ties the charges to it: they are found under its key.
    return basket.pay(till.store, sell, seen.basket_id, payments, till.tab_token, rounding)
