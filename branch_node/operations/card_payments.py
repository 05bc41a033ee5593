"""Paying by card so that no crash charges twice: docs/decisions/0025.

Each step is a transaction of its own and commits before the next begins: the attempt, that the terminal is asked, its
answer. Only `use_attempt` belongs to another operation's transaction, the sale's. The terminal is asked outside any.
"""

from __future__ import annotations

from typing import Any

from branch_node.storage.card_attempts import (
    ATTEMPTS_PER_KEY_MAX,
    CardAttempt,
    add_attempt,
    advance_attempt,
    attempts_of_payment,
    open_attempts,
    prune_attempts,
    read_attempt,
)
from branch_node.storage.store import BranchStore
from shared.domain.card_payments import (
    IN_DOUBT_STATES,
    OPEN_STATES,
    Approved,
    AttemptState,
    Declined,
    PaymentTerminal,
    TerminalAnswer,
    Unknown,
    state_of,
)
from shared.domain.identifiers import format_id, require_code
from shared.domain.money import TOTAL_MINOR_MAX, require_currency, require_minor
from shared.errors import InvalidInput, NotFound, Refused

PROBLEM_CHARACTERS_MAX = 200


def begin_attempt(
    store: BranchStore,
    key: str,
    register: str,
    amount_minor: int,
    currency: str,
    payment_number: int = 1,
    refunds: str | None = None,
) -> CardAttempt:
    """Commits an attempt to pay, before the terminal hears of it.

    `key` is the basket's or the sale's; `payment_number` tells the payments of one basket apart; `refunds` names the
    charge that is to be paid back. While an attempt at the same payment is open, that one is returned: a double click,
    and a program that was started again, go on with what is there. Raises InvalidInput; Refused when the open attempt
    is about another amount, or when one was used already.
    """
    require_code(register, "register")
    require_currency(currency)
    if require_minor(amount_minor, "The amount", TOTAL_MINOR_MAX) == 0:
        raise InvalidInput("Nothing is to be paid by card.", "Give an amount above nought.")
    with store.write() as connection:
        cursor = connection.connection.cursor()
        before = _going_on(cursor, key, payment_number, amount_minor, currency)
        if before is not None:
            return before
        attempt = CardAttempt(
            reference=format_id(store.ids.new_id()),
            key=key,
            payment_number=payment_number,
            register=register,
            amount_minor=amount_minor,
            currency=currency,
            refunds=refunds,
            state=AttemptState.BEGUN,
            created_at_us=store.clock.now_us(),
            approval=None,
            card=None,
            problem=None,
            record_id=None,
        )
        add_attempt(cursor, attempt)
    return attempt


def ask(store: BranchStore, terminal: PaymentTerminal, reference: str) -> CardAttempt:
    """Asks the terminal, once in the attempt's life, and commits its answer; returns how the attempt stands then.

    Asked already, the terminal is not asked again: the attempt is returned as it stands. Raises NotFound.
    """
    if not _advance(store, reference, AttemptState.ASKED):
        return require_attempt(store, reference)
    attempt = require_attempt(store, reference)
    return _note(store, reference, _answer_of(terminal, attempt))


def resolve_unknown(store: BranchStore, terminal: PaymentTerminal, reference: str) -> CardAttempt:
    """Finds out what became of an attempt that was asked, without ever charging under its reference again.

    Its status decides. When the terminal has never heard of it, the reference is cancelled there for good: a request
    that is still on its way cannot charge any more. A terminal that does not answer leaves it unknown. An attempt that
    was begun and never asked is declined without a question; a reversal that was interrupted is finished. Raises
    NotFound.
    """
    attempt = require_attempt(store, reference)
    if attempt.state is AttemptState.REVERSING:
        return _finish_reversal(store, terminal, reference)
    if attempt.state is AttemptState.BEGUN:
        _advance(store, reference, AttemptState.DECLINED, problem="It was never asked.")
        return require_attempt(store, reference)
    if attempt.state not in IN_DOUBT_STATES:
        return attempt
    answer = _status_of(terminal, reference)
    if isinstance(answer, Unknown) and answer.never_heard:
        if _advance(store, reference, AttemptState.REVERSING, problem=answer.reason):
            return _finish_reversal(store, terminal, reference)
        return require_attempt(store, reference)
    return _note(store, reference, answer)


def reverse(store: BranchStore, terminal: PaymentTerminal, reference: str) -> CardAttempt:
    """Gives an approved charge that no sale used back; an interrupted reversal is finished.

    When the terminal does not answer it stays `reversing`, listed as unresolved. Raises NotFound; Refused when the
    charge is a sale's, or nobody knows yet whether there is one.
    """
    attempt = require_attempt(store, reference)
    if attempt.state is AttemptState.APPROVED:
        # From here on no sale can use it.
        with store.write() as connection:
            cursor = connection.connection.cursor()
            _require_decided(cursor, attempt)
            advance_attempt(cursor, reference, AttemptState.REVERSING, store.clock.now_us())
        attempt = require_attempt(store, reference)
    if attempt.state in (AttemptState.REVERSED, AttemptState.DECLINED):
        return attempt
    if attempt.state is not AttemptState.REVERSING:
        raise Refused(
            f"The card payment {reference} is {attempt.state.value} and cannot be reversed.",
            "One that a sale used is refunded; one in doubt is resolved first.",
        )
    return _finish_reversal(store, terminal, reference)


def _require_decided(cursor: Any, attempt: CardAttempt) -> None:
    if cursor.execute("SELECT 1 FROM intent WHERE key = ?", (attempt.key,)).fetchone() is not None:
        raise Refused(
            "The head office is being asked about the sale that this card pays for.", "Wait until that is decided."
        )


def use_attempt(
    cursor: Any, reference: str, record_id: bytes, amount_minor: int, currency: str, now_us: int
) -> CardAttempt:
    """Ties an approved attempt to its sale or refund, in that operation's own transaction.

    Raises NotFound, and Refused when it is not approved, was used by another record, or is about another amount; for
    the same record it may be called again.
    """
    attempt = _require(read_attempt(cursor, reference), reference)
    if (attempt.amount_minor, attempt.currency) != (amount_minor, currency):
        raise Refused(
            f"The terminal approved {attempt.amount_minor} {attempt.currency}, not {amount_minor} {currency}.",
            "Reverse it, and pay anew.",
        )
    if attempt.state is AttemptState.USED and attempt.record_id == record_id:
        return attempt
    if not advance_attempt(cursor, reference, AttemptState.USED, now_us, record_id=record_id):
        raise Refused(
            f"The card payment {reference} is {attempt.state.value}, not approved.", "Resolve it, or pay otherwise."
        )
    return _require(read_attempt(cursor, reference), reference)


def unresolved(store: BranchStore, register: str | None = None) -> list[CardAttempt]:
    """Attempts with something still to be done, oldest first: to be shown, and decided, before the Z-report.

    A charge that is approved and belongs to no sale is among them: the sale is finished, or the charge reversed.
    """
    with store.read_cursor() as cursor:
        return open_attempts(cursor, register)


def resolve_all(store: BranchStore, terminal: PaymentTerminal, register: str | None = None) -> list[CardAttempt]:
    """Asks about every attempt in doubt and finishes reversals; returns what is unresolved after that.

    To be called before the Z-report and when a program starts: not while another till of this register is paying.
    """
    for attempt in unresolved(store, register):
        if attempt.state is not AttemptState.APPROVED:
            resolve_unknown(store, terminal, attempt.reference)
    with store.write() as connection:
        prune_attempts(connection.connection.cursor(), store.clock.now_us())
    return unresolved(store, register)


def require_attempt(store: BranchStore, reference: str) -> CardAttempt:
    """The attempt as it stands. Raises NotFound."""
    with store.read_cursor() as cursor:
        return _require(read_attempt(cursor, reference), reference)


def _going_on(cursor: Any, key: str, payment_number: int, amount_minor: int, currency: str) -> CardAttempt | None:
    """The open attempt at the same payment. Raises Refused."""
    before = attempts_of_payment(cursor, key, payment_number)
    for attempt in before:
        if attempt.state is AttemptState.USED:
            raise Refused("This payment was made already.", "The sale is committed; sell under a new key.")
        if attempt.state in OPEN_STATES:
            if (attempt.amount_minor, attempt.currency) != (amount_minor, currency):
                raise Refused(
                    f"An attempt to pay {attempt.amount_minor} {attempt.currency} for this basket is still open.",
                    "Resolve or reverse it first.",
                )
            return attempt
    if len(before) >= ATTEMPTS_PER_KEY_MAX:
        raise Refused(f"This basket has {len(before)} attempts to pay by card.", "Pay otherwise, or sell anew.")
    return None


def _answer_of(terminal: PaymentTerminal, attempt: CardAttempt) -> TerminalAnswer:
    """The terminal's answer. What it raises tells nothing about the charge: it is unknown."""
    try:
        if attempt.refunds is None:
            return terminal.authorize(attempt.reference, attempt.amount_minor, attempt.currency)
        return terminal.refund(attempt.reference, attempt.refunds, attempt.amount_minor, attempt.currency)
    except Exception as error:  # noqa: BLE001 - a driver may raise anything.
        return Unknown(str(error) or type(error).__name__)


def _status_of(terminal: PaymentTerminal, reference: str) -> TerminalAnswer:
    try:
        return terminal.status(reference)
    except Exception as error:  # noqa: BLE001 - a driver may raise anything.
        return Unknown(str(error) or type(error).__name__)


def _finish_reversal(store: BranchStore, terminal: PaymentTerminal, reference: str) -> CardAttempt:
    if _is_cancelled(terminal, reference):
        _advance(store, reference, AttemptState.REVERSED)
    return require_attempt(store, reference)


def _is_cancelled(terminal: PaymentTerminal, reference: str) -> bool:
    try:
        return terminal.cancel(reference)
    except Exception:  # noqa: BLE001 - a driver may raise anything; nothing is cancelled until it says so.
        return False


def _note(store: BranchStore, reference: str, answer: TerminalAnswer) -> CardAttempt:
    """Commits what an answer makes of the attempt, unless somebody else was told before."""
    match answer:
        case Approved(approval, card):
            _advance(store, reference, AttemptState.APPROVED, approval=approval, card=card)
        case Declined(reason) | Unknown(reason):
            _advance(store, reference, state_of(answer), problem=reason[:PROBLEM_CHARACTERS_MAX])
    return require_attempt(store, reference)


def _advance(
    store: BranchStore,
    reference: str,
    state: AttemptState,
    approval: str | None = None,
    card: str | None = None,
    problem: str | None = None,
) -> bool:
    with store.write() as connection:
        cursor, now_us = connection.connection.cursor(), store.clock.now_us()
        return advance_attempt(cursor, reference, state, now_us, approval=approval, card=card, problem=problem)


def _require(attempt: CardAttempt | None, reference: str) -> CardAttempt:
    if attempt is None:
        raise NotFound(f"There is no card payment {reference}.")
    return attempt
