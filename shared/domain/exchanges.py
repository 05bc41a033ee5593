"""An exchange: goods come back and others are taken, and only the difference is paid.

It is a refund and a sale of one transaction. What both come to is settled by a method of its own on both sides, so each
balances by itself and the method sums to nothing. The method remembers how the goods were paid for: `exchange` stands
for cash, `exchange:card` for a card. Contains no reckoning of what comes back: that is refunds.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.domain.identifiers import CODE_CHARACTERS_MAX
from shared.domain.sales import CASH, Payment

EXCHANGE: Final = "exchange"
"""The method by which returned goods pay for others."""

_STANDS_FOR: Final = f"{EXCHANGE}:"


class Exchange(NamedTuple):
    """How the two halves settle: what the sale takes from the refund, what the refund pays, and what is paid out of it
    in money. Both sides hold the same payments by exchange."""

    sale_payments: tuple[Payment, ...]
    refund_payments: tuple[Payment, ...]
    paid_out: tuple[Payment, ...]

    @property
    def settled_minor(self) -> int:
        """What the returned goods pay of the others."""
        return sum(payment.amount_minor for payment in self.sale_payments)


def is_exchange(method: str) -> bool:
    """Whether a method settles an exchange: no money moves by it."""
    return method == EXCHANGE or method.startswith(_STANDS_FOR)


def comes_back_by(method: str) -> str:
    """The method by which what was paid by this one is given back: of goods exchanged, that of the first goods."""
    if method == EXCHANGE:
        return CASH
    return method.removeprefix(_STANDS_FOR) or CASH


def exchanged(method: str) -> str:
    """The method by which goods that were paid for by this one are exchanged."""
    named = f"{_STANDS_FOR}{method}"
    return EXCHANGE if method == CASH or len(named) > CODE_CHARACTERS_MAX else named


def settle_exchange(proposed: Sequence[Payment], due_minor: int, kept: str) -> Exchange:
    """Settles goods that come back against others of which `due_minor` is still to be paid.

    `proposed` is how the refund would be paid without an exchange. What it gives back by the method `kept` – points –
    is given back all the same. Money is paid out in the order proposed, which is not cash first; so cash is what is
    exchanged first.
    """
    left = min(due_minor, sum(payment.amount_minor for payment in proposed if payment.method != kept))
    settled: dict[str, int] = {}
    paid_out: list[Payment] = []
    for payment in reversed(proposed):
        part = min(left, payment.amount_minor) if payment.method != kept else 0
        left -= part
        if part:
            method = exchanged(payment.method)
            settled[method] = settled.get(method, 0) + part
        if payment.amount_minor > part:
            paid_out.insert(0, Payment(payment.method, payment.amount_minor - part))
    by_exchange = tuple(Payment(method, amount) for method, amount in sorted(settled.items()))
    return Exchange(by_exchange, (*paid_out, *by_exchange), tuple(paid_out))
