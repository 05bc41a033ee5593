"""Cash that moves other than by a sale or a refund, and the counting of a drawer."""

from __future__ import annotations

from collections.abc import Sequence

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.employees import ensure_employee
from branch_node.operations.keys import CommittedBefore, known_key, note_key
from branch_node.operations.receipt_printing import queue_cash_movement
from branch_node.operations.sale_request import hash_content
from branch_node.operations.shift_reports import summarize_shift
from branch_node.operations.shifts import require_open_shift
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import CASH_DIRECTIONS, CASH_IN, CashMovement
from shared.domain.business_time import LocalMoment, local_moment
from shared.domain.identifiers import require_code
from shared.domain.money import TOTAL_MINOR_MAX, format_minor, require_minor
from shared.domain.sales import DETAIL_CHARACTERS_MAX
from shared.domain.shifts import DENOMINATIONS_MAX, Denomination
from shared.errors import InvalidInput, Refused

PIECES_MAX = 1_000_000
"""Of one denomination, in one drawer."""

_READ = """
SELECT shift_id, register, cashier, direction, amount_minor, reason, moved_at, utc_offset_seconds, zone
FROM cash_movement WHERE branch_id = ? AND id = ?
"""


def move_cash(
    transaction: BranchTransaction,
    register: str,
    cashier: str,
    direction: str,
    amount_minor: int,
    reason: str,
    key: str | None = None,
) -> CashMovement:
    """Puts cash into the drawer of a register's open shift or takes it out, once for a key.

    Raises InvalidInput, NotFound when no shift is open, Refused when more would be taken out than is there, KeyReused.
    """
    if direction not in CASH_DIRECTIONS:
        raise InvalidInput(f"Cash moves {', '.join(CASH_DIRECTIONS)}.")
    if require_minor(amount_minor, "The amount", TOTAL_MINOR_MAX) == 0:
        raise InvalidInput("The amount is zero.", "Say how much.")
    if not reason.strip() or len(reason) > DETAIL_CHARACTERS_MAX or "\0" in reason:
        raise InvalidInput("Cash moves for a reason.", "Write a word or two: an auditor will read it.")
    content = hash_content(("cash", register, cashier, direction, amount_minor, reason.strip()))
    before = None if key is None else known_key(transaction, require_code(key, "key"), content)
    if isinstance(before, CommittedBefore):
        return _read(transaction, before.record_id)
    opened = require_open_shift(transaction, register)
    if direction != CASH_IN:
        there = summarize_shift(transaction, opened, cashier, None).expected_cash_minor
        if amount_minor > there:
            held = format_minor(max(0, there), transaction.node.currency)
            raise Refused(
                f"There should be only {held} in the drawer.", "Count it, and take out no more than is there."
            )
    transaction.author = ensure_employee(transaction, require_code(cashier, "cashier"))
    at = local_moment(transaction.now_us, transaction.node.timezone)
    fact = CashMovement(opened.shift_id, register, cashier, direction, amount_minor, reason.strip(), at)
    movement_id = record_branch_fact(transaction, fact)
    if key is not None:
        note_key(transaction, key, content, movement_id)
    queue_cash_movement(transaction, movement_id, fact)
    return fact


def _read(transaction: BranchTransaction, movement_id: bytes) -> CashMovement:
    row = transaction.cursor.execute(_READ, (transaction.node.branch_id, movement_id)).fetchone()
    shift_id, register, cashier, direction, amount_minor, reason, *moment = row
    return CashMovement(shift_id, register, cashier, direction, amount_minor, reason, LocalMoment(*moment))


def count_cash(denominations: Sequence[Denomination]) -> int:
    """What counted notes and coins come to. Raises InvalidInput."""
    if len(denominations) > DENOMINATIONS_MAX:
        raise InvalidInput(f"There are at most {DENOMINATIONS_MAX} denominations.")
    if len({each.value_minor for each in denominations}) != len(denominations):
        raise InvalidInput("A denomination is counted twice.", "Add its pieces.")
    for each in denominations:
        require_minor(each.value_minor, "A denomination", TOTAL_MINOR_MAX // PIECES_MAX)
        if not 0 <= each.pieces <= PIECES_MAX:
            raise InvalidInput(f"There are 0 to {PIECES_MAX} pieces of a denomination.")
    return sum(each.value_minor * each.pieces for each in denominations)
