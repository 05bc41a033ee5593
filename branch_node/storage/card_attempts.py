"""Card attempts as rows: every step is a compare-and-set, so two processes never take the same one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.domain.card_payments import OPEN_STATES, AttemptState, states_before

UNRESOLVED_SHOWN_MAX = 200
ATTEMPTS_PER_KEY_MAX = 50
"""Tries to pay for one basket: beyond it something asks in a loop."""

USED_DAYS_KEPT_MAX = 400
"""A charge that a sale used is kept as long as goods may come back: a refund must name it."""

OVER_DAYS_KEPT_MAX = 60
"""One that was declined or reversed moved no money: it is kept for questions."""

RESTORED_PROBLEM = "The store was restored from a backup: look whether the sale exists before reversing."


class CardAttempt(NamedTuple):
    """One question to the terminal. `refunds` is the reference that is paid back, None for a charge."""

    reference: str
    key: str
    payment_number: int
    register: str
    amount_minor: int
    currency: str
    refunds: str | None
    state: AttemptState
    created_at_us: int
    approval: str | None
    card: str | None
    problem: str | None
    record_id: bytes | None


_COLUMNS = (
    "reference, key, payment_number, register, amount_minor, currency, refunds, state, created_at, "
    "approval, card, problem, record_id"
)
_INSERT = f"INSERT INTO card_attempt ({_COLUMNS}, changed_at) VALUES ({', '.join('?' * 14)})"
_DAY_US = SECONDS_PER_DAY * MICROSECONDS
_PRUNE = """
DELETE FROM card_attempt
WHERE (state = 'used' AND changed_at < ?) OR (state IN ('declined', 'reversed') AND changed_at < ?)
"""
_ADVANCE = """
UPDATE card_attempt SET state = ?, changed_at = ?, approval = COALESCE(?, approval), card = COALESCE(?, card),
       problem = ?, record_id = COALESCE(?, record_id)
WHERE reference = ? AND state IN ({marks})
"""


def add_attempt(cursor: Any, attempt: CardAttempt) -> None:
    """Keeps a new attempt."""
    cursor.execute(_INSERT, (*attempt[:7], attempt.state.value, *attempt[8:], attempt.created_at_us))


def read_attempt(cursor: Any, reference: str) -> CardAttempt | None:
    """The attempt of that reference."""
    row = cursor.execute(f"SELECT {_COLUMNS} FROM card_attempt WHERE reference = ?", (reference,)).fetchone()
    return None if row is None else _attempt(row)


def attempts_of_payment(cursor: Any, key: str, payment_number: int) -> list[CardAttempt]:
    """All attempts at one payment of a basket, oldest first."""
    statement = (
        f"SELECT {_COLUMNS} FROM card_attempt WHERE key = ? AND payment_number = ? ORDER BY created_at, reference"
    )
    return [_attempt(row) for row in cursor.execute(statement, (key, payment_number)).fetchall()]


def approved_attempts(cursor: Any, key: str) -> list[CardAttempt]:
    """What was approved under a key and belongs to nothing yet, in the order of the payments."""
    statement = f"SELECT {_COLUMNS} FROM card_attempt WHERE key = ? AND state = 'approved' ORDER BY payment_number"
    return [_attempt(row) for row in cursor.execute(statement, (key,)).fetchall()]


def attempts_of_record(cursor: Any, record_id: bytes) -> list[CardAttempt]:
    """The attempts that a sale or refund used: what a refund pays back to."""
    statement = f"SELECT {_COLUMNS} FROM card_attempt WHERE record_id = ? ORDER BY payment_number, reference"
    return [_attempt(row) for row in cursor.execute(statement, (record_id,)).fetchall()]


def prune_attempts(cursor: Any, now_us: int) -> int:
    """Drops attempts that nobody asks for any more; open ones stay for ever. Returns how many."""
    used_before_us = now_us - USED_DAYS_KEPT_MAX * _DAY_US
    over_before_us = now_us - OVER_DAYS_KEPT_MAX * _DAY_US
    return int(cursor.execute(_PRUNE, (used_before_us, over_before_us)).rowcount)


def open_attempts(cursor: Any, register: str | None, attempts_max: int = UNRESOLVED_SHOWN_MAX) -> list[CardAttempt]:
    """Attempts with something still to be done, oldest first; of all registers when none is named."""
    marks = ", ".join("?" * len(OPEN_STATES))
    statement = (
        f"SELECT {_COLUMNS} FROM card_attempt WHERE state IN ({marks}) AND (? IS NULL OR register = ?) "
        "ORDER BY created_at, reference LIMIT ?"
    )
    states = [state.value for state in OPEN_STATES]
    return [_attempt(row) for row in cursor.execute(statement, (*states, register, register, attempts_max)).fetchall()]


def advance_attempt(
    cursor: Any,
    reference: str,
    state: AttemptState,
    now_us: int,
    *,
    approval: str | None = None,
    card: str | None = None,
    problem: str | None = None,
    record_id: bytes | None = None,
) -> bool:
    """Moves the attempt on, from a state that may become this one; false when it stands elsewhere by now."""
    before = states_before(state)
    statement = _ADVANCE.format(marks=", ".join("?" * len(before)))
    values = (state.value, now_us, approval, card, problem, record_id, reference, *(each.value for each in before))
    return bool(cursor.execute(statement, values).rowcount)


def doubt_restored_attempts(cursor: Any, now_us: int) -> None:
    """The store comes from a backup: what was begun then may have been asked since, what was approved may be a sale's.

    The first must not be asked any more, only about; the second is for people to compare with the sales.
    """
    cursor.execute("UPDATE card_attempt SET state = 'unknown', changed_at = ? WHERE state = 'begun'", (now_us,))
    cursor.execute("UPDATE card_attempt SET problem = ? WHERE state = 'approved'", (RESTORED_PROBLEM,))


def _attempt(row: Sequence[Any]) -> CardAttempt:
    return CardAttempt._make((*row[:7], AttemptState(row[7]), *row[8:]))
