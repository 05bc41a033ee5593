"""What a shift comes to: the figures of an X-report, and of the Z-report that closes it.

    taken by a method = payments − change (cash) − paid back
    Σ taken           = net − returns + rounding
    expected cash     = float + taken in cash + cash in − cash out

A sale that was undecided when its shift closed is named in that Z-report and is not in its sums. Once it is confirmed
it counts in the next Z-report of the register, which names it as late: a Z-report is never signed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from branch_node.storage.intents import read_intents
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import CASH_IN
from shared.domain.business_time import local_moment
from shared.domain.sales import CASH
from shared.domain.shifts import UNDECIDED_MAX, Denomination, MethodTotal, ShiftClose
from shared.operations.z_reports import receipt_numbers
from shared.wire.decoding import decode_entry
from shared.wire.entries import open_entry


class OpenedShift(NamedTuple):
    """A shift that takes sales."""

    shift_id: bytes
    register: str
    cashier: str
    opened_at_us: int
    business_date: date
    implicit: bool
    float_minor: int


class _Sums(NamedTuple):
    """Over some sales, or some refunds."""

    receipts: int
    first: int
    last: int
    gross_minor: int
    discounts_minor: int
    amount_minor: int
    rounding_minor: int
    change_minor: int


_OF_SHIFT = "+s.branch_id = ? AND s.shift_id = ?"
_SALES = (
    "SELECT COUNT(*), COALESCE(MIN(receipt_number), 0), COALESCE(MAX(receipt_number), 0), "
    "COALESCE(SUM(gross_minor), 0), COALESCE(SUM(discounts_minor), 0), COALESCE(SUM(net_minor), 0), "
    "COALESCE(SUM(rounding_minor), 0), COALESCE(SUM(change_minor), 0) FROM sale s WHERE {where}"
)
_REFUNDS = (
    "SELECT COUNT(*), COALESCE(MIN(receipt_number), 0), COALESCE(MAX(receipt_number), 0), 0, 0, "
    "COALESCE(SUM(returns_minor), 0), COALESCE(SUM(rounding_minor), 0), 0 FROM refund s WHERE {where}"
)
_PAID = (
    "SELECT p.method, SUM(p.amount_minor) FROM sale s JOIN payment p "
    "ON p.branch_id = s.branch_id AND p.sale_id = s.id WHERE {where} GROUP BY p.method ORDER BY p.method"
)
_PAID_BACK = (
    "SELECT p.method, SUM(p.amount_minor) FROM refund s JOIN refund_payment p "
    "ON p.branch_id = s.branch_id AND p.refund_id = s.id WHERE {where} GROUP BY p.method ORDER BY p.method"
)
_MOVED = (
    "SELECT direction, SUM(amount_minor) FROM cash_movement WHERE branch_id = ? AND shift_id = ? GROUP BY direction"
)
_NAMED = (
    "SELECT undecided, late FROM shift_close WHERE branch_id = ? AND register = ? AND (undecided <> '' OR late <> '')"
)


def summarize_shift(
    transaction: BranchTransaction,
    opened: OpenedShift,
    cashier: str,
    counted_cash_minor: int | None,
    denominations: Sequence[Denomination] = (),
) -> ShiftClose:
    """The report of a shift as it stands: an X-report, or the Z-report when it closes."""
    node = transaction.node
    late = _late_receipts(transaction, opened.register)
    where, parameters = _within(node.branch_id, opened, late)
    sold, returned = _sums(transaction, _SALES, where, parameters), _sums(transaction, _REFUNDS, where, parameters)
    taken = _taken(transaction, where, parameters, sold.change_minor)
    moved = dict(transaction.cursor.execute(_MOVED, (node.branch_id, opened.shift_id)).fetchall())
    cash_in = moved.pop(CASH_IN, 0)
    cash_out = sum(moved.values())
    own = _OF_SHIFT
    numbers = [
        _sums(transaction, statement, own, (node.branch_id, opened.shift_id)) for statement in (_SALES, _REFUNDS)
    ]
    return ShiftClose(
        shift_id=opened.shift_id,
        register=opened.register,
        cashier=cashier,
        closed_at=local_moment(transaction.now_us, node.timezone),
        business_date=opened.business_date,
        currency=node.currency,
        receipts=sold.receipts,
        first_receipt=min((each.first for each in numbers if each.receipts), default=0),
        last_receipt=max(each.last for each in numbers),
        gross_minor=sold.gross_minor,
        discounts_minor=sold.discounts_minor,
        net_minor=sold.amount_minor,
        methods=tuple(MethodTotal(method, amount) for method, amount in sorted(taken.items())),
        float_minor=opened.float_minor,
        expected_cash_minor=opened.float_minor + taken.get(CASH, 0) + cash_in - cash_out,
        counted_cash_minor=counted_cash_minor,
        refunds=returned.receipts,
        returns_minor=returned.amount_minor,
        cash_in_minor=cash_in,
        cash_out_minor=cash_out,
        rounding_minor=sold.rounding_minor - returned.rounding_minor,
        undecided=undecided_receipts(transaction, opened.shift_id),
        late=late,
        late_minor=_late_minor(transaction, opened.register, late),
        denominations=tuple(denominations),
    )


def undecided_receipts(transaction: BranchTransaction, shift_id: bytes) -> tuple[int, ...]:
    """Receipt numbers of a shift that HQ is still asked about, ascending."""
    found = []
    for intent in read_intents(transaction.cursor, UNDECIDED_MAX):
        entry = decode_entry(open_entry(intent.data))
        found += [sold.receipt_number for _, sold in entry.sales if sold.shift_id == shift_id]
        found += [back.receipt_number for _, back in entry.refunds if back.shift_id == shift_id]
    return tuple(sorted(found))


def _late_receipts(transaction: BranchTransaction, register: str) -> tuple[int, ...]:
    """Receipts that an earlier Z-report named as undecided, that are confirmed by now and in no Z-report yet."""
    undecided: set[int] = set()
    counted: set[int] = set()
    branch_id = transaction.node.branch_id
    for open_then, late in transaction.cursor.execute(_NAMED, (branch_id, register)).fetchall():
        undecided.update(receipt_numbers(open_then))
        counted.update(receipt_numbers(late))
    waiting = sorted(undecided - counted)[:UNDECIDED_MAX]
    return tuple(number for number in waiting if _is_committed(transaction, register, number))


def _is_committed(transaction: BranchTransaction, register: str, number: int) -> bool:
    where = "WHERE branch_id = ? AND register = ? AND receipt_number = ?"
    parameters = (transaction.node.branch_id, register, number)
    statement = f"SELECT 1 FROM sale {where} UNION ALL SELECT 1 FROM refund {where}"
    return transaction.cursor.execute(statement, parameters * 2).fetchone() is not None


def _within(branch_id: bytes, opened: OpenedShift, late: tuple[int, ...]) -> tuple[str, tuple[Any, ...]]:
    where, parameters = _OF_SHIFT, (branch_id, opened.shift_id)
    if not late:
        return where, parameters
    marks = ", ".join("?" * len(late))
    either = f"s.branch_id = ? AND (s.shift_id = ? OR (s.register = ? AND s.receipt_number IN ({marks})))"
    return either, (*parameters, opened.register, *late)


def _late_minor(transaction: BranchTransaction, register: str, late: tuple[int, ...]) -> int:
    if not late:
        return 0
    marks = ", ".join("?" * len(late))
    where = f"s.branch_id = ? AND s.register = ? AND s.receipt_number IN ({marks})"
    return _sums(transaction, _SALES, where, (transaction.node.branch_id, register, *late)).amount_minor


def _sums(transaction: BranchTransaction, statement: str, where: str, parameters: tuple[Any, ...]) -> _Sums:
    return _Sums._make(transaction.cursor.execute(statement.format(where=where), parameters).fetchone())


def _taken(
    transaction: BranchTransaction, where: str, parameters: tuple[Any, ...], change_minor: int
) -> dict[str, int]:
    cursor = transaction.cursor
    paid: Mapping[str, int] = dict(cursor.execute(_PAID.format(where=where), parameters).fetchall())
    back: Mapping[str, int] = dict(cursor.execute(_PAID_BACK.format(where=where), parameters).fetchall())
    taken = {method: amount - (change_minor if method == CASH else 0) for method, amount in paid.items()}
    for method, amount in back.items():
        taken[method] = taken.get(method, 0) - amount
    return taken
