"""Paying back through the terminal what it was charged: by which charges, and each once however often it is asked for.

Contains no rules of refunds: what is to be paid back by card is reckoned before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from branch_node.operations.card_charges import CARD
from branch_node.operations.card_payments import ask, begin_attempt, resolve_unknown
from branch_node.storage.card_attempts import CardAttempt, attempts_of_record
from branch_node.storage.store import BranchStore
from shared.domain.card_payments import IN_DOUBT_STATES, AttemptState, PaymentTerminal
from shared.domain.sales import Payment
from shared.errors import Refused

Planned = list[tuple[CardAttempt, int]]
"""Charges, and how much comes back of each."""


def plan_pay_back(cursor: Any, sale_id: bytes, payments: Sequence[Payment]) -> Planned:
    """Which charges of a sale how much comes back of; nothing when the terminal took none of them, or no single one
    suffices."""
    amounts = [payment.amount_minor for payment in payments if payment.method == CARD and payment.amount_minor]
    charges = [each for each in attempts_of_record(cursor, sale_id) if each.refunds is None]
    planned: Planned = []
    for amount_minor in amounts:
        charge = next((each for each in charges if each.amount_minor >= amount_minor), None)
        if charge is None:
            return []
        planned.append((charge, amount_minor))
    return planned


def pay_back(
    store: BranchStore, terminal: PaymentTerminal, key: str, register: str, planned: Planned
) -> tuple[str, ...]:
    """Pays back through the terminal; the references of what it paid back. Raises Refused when it did not, or nobody
    knows: then the same key goes on with what was begun."""
    references = []
    for number, (charge, amount_minor) in enumerate(planned, 1):
        attempt = begin_attempt(store, key, register, amount_minor, charge.currency, number, charge.reference)
        if attempt.state is AttemptState.BEGUN:
            attempt = ask(store, terminal, attempt.reference)
        elif attempt.state in IN_DOUBT_STATES:
            attempt = resolve_unknown(store, terminal, attempt.reference)
        if attempt.state in IN_DOUBT_STATES:
            raise Refused("It is not known whether the terminal paid back.", "Press the same button again: it asks.")
        if attempt.state is not AttemptState.APPROVED:
            raise Refused("The terminal did not pay back.", "Try again, or give cash back.")
        references.append(attempt.reference)
    return tuple(references)
