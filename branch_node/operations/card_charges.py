"""What the terminal approved becomes a sale's or a refund's, in that operation's own transaction: once, for its amount.

While HQ is asked about a sale, its charges stay approved; they are used when the sale is journaled, and free to be
reversed when it is not (docs/decisions/0025).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from branch_node.operations.card_payments import use_attempt
from branch_node.storage.card_attempts import CardAttempt, advance_attempt, approved_attempts, read_attempt
from shared.domain.card_payments import AttemptState
from shared.domain.sales import Payment
from shared.errors import NotFound, Refused

CARD: Final = "card"
"""The method of what is paid through the terminal."""


def pay_back_key(key: str) -> str:
    """Under which key the terminal pays back what an exchange gives out: its sale's key is that of what it takes."""
    return f"{key}:back"


def use_charges(
    cursor: Any,
    key: str,
    references: Sequence[str],
    payments: Sequence[Payment],
    currency: str,
    record_id: bytes,
    now_us: int,
) -> None:
    """Ties the charges of an operation to its record.

    `references` name one for each payment by card; without any, those that were approved under the key are taken, and a
    payment that no terminal took has none. Raises NotFound, Refused when a charge is not what the operation says.
    """
    for attempt in require_charges(cursor, key, references, payments, currency):
        use_attempt(cursor, attempt.reference, record_id, attempt.amount_minor, currency, now_us)


def require_charges(
    cursor: Any, key: str, references: Sequence[str], payments: Sequence[Payment], currency: str
) -> list[CardAttempt]:
    """The charges that the payments by card are; nothing is changed. Raises NotFound, Refused."""
    amounts = [payment.amount_minor for payment in payments if payment.method == CARD]
    if not references:
        if not amounts:
            return []
        found = approved_attempts(cursor, key)
        if found and sorted(_amounts(found, currency)) != sorted(amounts):
            raise Refused(
                "The terminal approved other amounts than are to be paid by card.", "Reverse them, and pay anew."
            )
        return found
    if len(references) != len(amounts) or len(set(references)) != len(references):
        raise Refused("Each payment by card names one charge of its own.", "Pay anew.")
    return [
        _require(cursor, reference, amount_minor, currency)
        for reference, amount_minor in zip(references, amounts, strict=True)
    ]


def use_charges_found(
    cursor: Any, key: str | None, payments: Sequence[Payment], currency: str, record_id: bytes, now_us: int
) -> None:
    """The same for what HQ has committed: nothing can be refused any more. A charge that fits no payment stays listed
    as unresolved."""
    amounts = [payment.amount_minor for payment in payments if payment.method == CARD]
    if key is None or not amounts:
        return
    for attempt in approved_attempts(cursor, key):
        if attempt.amount_minor in amounts and attempt.currency == currency:
            amounts.remove(attempt.amount_minor)
            advance_attempt(cursor, attempt.reference, AttemptState.USED, now_us, record_id=record_id)


def _require(cursor: Any, reference: str, amount_minor: int, currency: str) -> CardAttempt:
    attempt = read_attempt(cursor, reference)
    if attempt is None:
        raise NotFound(f"There is no card payment {reference}.")
    if attempt.state is not AttemptState.APPROVED:
        raise Refused(
            f"The card payment {reference} is {attempt.state.value}, not approved.", "Resolve it, or pay otherwise."
        )
    if (attempt.amount_minor, attempt.currency) != (amount_minor, currency):
        raise Refused(
            f"The terminal approved {attempt.amount_minor} {attempt.currency}, not {amount_minor} {currency}.",
            "Reverse it, and pay anew.",
        )
    return attempt


def _amounts(attempts: Sequence[CardAttempt], currency: str) -> list[int]:
    return [attempt.amount_minor if attempt.currency == currency else -1 for attempt in attempts]
