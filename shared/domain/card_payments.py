"""Paying by card: what a terminal is asked and answers, and what an attempt may become. Contains no input or output.

    begun ──► asked ──► approved ──► used          by a sale, in the sale's own transaction
      │        │  ▲ │       └──► reversing ──► reversed
      │        │  │ │                 ▲
      │        │  └─┴── unknown ──────┘ the terminal never heard of it: it is forbidden there
      ▼        ▼           │
    declined  declined ◄───┘

The reference is made and `begun` is committed before anything else; `asked` is committed before the terminal is asked,
once in an attempt's life. So every charge has a row, and no reference is charged twice: after `asked` the terminal is
asked only for the reference's status, or told to cancel it. To cancel is final at the terminal also for a reference
that it does not know yet: a request that arrives later is declined. `reversing` is committed before the terminal is
told to cancel, so that an approval that comes at the same moment finds no attempt to approve.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, Protocol


class Approved(NamedTuple):
    """The money is reserved or taken. `approval` is the bank's code, `card` the masked number for the receipt."""

    approval: str
    card: str = ""


class Declined(NamedTuple):
    """No money moved, and none will under this reference."""

    reason: str


class Unknown(NamedTuple):
    """Nobody knows. `never_heard`: the terminal does answer, and has not heard of the reference so far."""

    reason: str
    never_heard: bool = False


TerminalAnswer = Approved | Declined | Unknown


class PaymentTerminal(Protocol):
    """What Filial needs of a terminal. Times out by itself and answers Unknown; whatever it raises is Unknown too."""

    def authorize(self, reference: str, amount_minor: int, currency: str) -> TerminalAnswer:
        """Charges the customer's card; called once for a reference."""

    def refund(self, reference: str, original_reference: str, amount_minor: int, currency: str) -> TerminalAnswer:
        """Pays back on the card that the original reference charged; called once for a reference."""

    def status(self, reference: str) -> TerminalAnswer:
        """What became of a reference; Unknown when it is being worked on or, saying so, was never heard of."""

    def cancel(self, reference: str) -> bool:
        """Undoes a charge, or forbids one that has not arrived: true when none is left and none can come."""


class AttemptState(StrEnum):
    """Where an attempt stands; the words are stored."""

    BEGUN = "begun"
    ASKED = "asked"
    UNKNOWN = "unknown"
    APPROVED = "approved"
    DECLINED = "declined"
    USED = "used"
    REVERSING = "reversing"
    REVERSED = "reversed"


_ANSWERED: Final = frozenset(
    {AttemptState.APPROVED, AttemptState.DECLINED, AttemptState.UNKNOWN, AttemptState.REVERSING}
)
NEXT_STATES: Final[dict[AttemptState, frozenset[AttemptState]]] = {
    AttemptState.BEGUN: frozenset({AttemptState.ASKED, AttemptState.DECLINED}),
    AttemptState.ASKED: _ANSWERED,
    AttemptState.UNKNOWN: _ANSWERED,
    AttemptState.APPROVED: frozenset({AttemptState.USED, AttemptState.REVERSING}),
    AttemptState.REVERSING: frozenset({AttemptState.REVERSED}),
    AttemptState.DECLINED: frozenset(),
    AttemptState.USED: frozenset(),
    AttemptState.REVERSED: frozenset(),
}
"""Everything that may happen to an attempt."""

OPEN_STATES: Final = (
    AttemptState.BEGUN,
    AttemptState.ASKED,
    AttemptState.UNKNOWN,
    AttemptState.APPROVED,
    AttemptState.REVERSING,
)
"""Something is still to be done: to be shown before the shift is closed."""

IN_DOUBT_STATES: Final = (AttemptState.ASKED, AttemptState.UNKNOWN)
"""The terminal may hold a charge that we do not know of."""


def states_before(state: AttemptState) -> tuple[AttemptState, ...]:
    """The states that may become this one."""
    return tuple(before for before, after in NEXT_STATES.items() if state in after)


def state_of(answer: TerminalAnswer) -> AttemptState:
    """What an answer makes of an attempt that was asked."""
    match answer:
        case Approved():
            return AttemptState.APPROVED
        case Declined():
            return AttemptState.DECLINED
        case Unknown():
            return AttemptState.UNKNOWN
