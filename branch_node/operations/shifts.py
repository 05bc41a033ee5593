"""Opening and closing a till, and finding the shift that a sale belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from branch_node.operations.fiscal_registering import register_close
from branch_node.operations.product_requests import send_requests
from branch_node.operations.receipt_printing import queue_opening, queue_report
from branch_node.operations.shift_reports import OpenedShift, summarize_shift
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import LocalMoment, local_moment
from shared.domain.money import TOTAL_MINOR_MAX, require_minor
from shared.domain.records import RecordKind
from shared.domain.sales import format_receipt
from shared.domain.shifts import Denomination, ShiftClose, ShiftOpen, z_statement
from shared.errors import NotFound, Refused
from shared.storage.fact_rows import add_shift_close_rows, add_shift_open_rows, new_rows
from shared.wire.payloads import encode_shift_close, encode_shift_open

_OPEN_IMPLICIT_SHIFT = """
SELECT o.id FROM shift_open o
WHERE o.branch_id = ? AND o.register = ? AND o.business_date = ? AND o.implicit
  AND NOT EXISTS (SELECT 1 FROM shift_close c WHERE c.branch_id = o.branch_id AND c.shift_id = o.id)
"""


class RegisterState(NamedTuple):
    """A register's last receipt number, the shift opened on it by hand, and the implicit shift used last."""

    last_receipt_number: int
    open_shift_id: bytes | None
    implicit_shift_id: bytes | None
    implicit_date: str | None


def read_register(cursor: Any, register: str) -> RegisterState | None:
    """None for a register that nobody has used."""
    statement = (
        "SELECT last_receipt_number, open_shift_id, implicit_shift_id, implicit_date FROM register WHERE code = ?"
    )
    row = cursor.execute(statement, (register,)).fetchone()
    return RegisterState(*row) if row else None


def open_shift(transaction: BranchTransaction, register: str, cashier: str, float_minor: int) -> OpenedShift:
    """Opens a till by hand. Raises Refused when it is open already."""
    require_minor(float_minor, "The float", TOTAL_MINOR_MAX)
    state = ensure_register(transaction.cursor, register)
    if state.open_shift_id is not None:
        raise Refused(f"Register {register} is open already.", "Close its shift first: filial-branch shift close.")
    moment = local_moment(transaction.now_us, transaction.node.timezone)
    opened = _record_open(transaction, register, cashier, moment, moment.business_date, False, float_minor)
    transaction.cursor.execute("UPDATE register SET open_shift_id = ? WHERE code = ?", (opened.shift_id, register))
    queue_opening(transaction, opened)
    return opened


def shift_for_sale(
    transaction: BranchTransaction, register: str, state: RegisterState, cashier: str, sold_at: LocalMoment, day: date
) -> bytes:
    """The shift a sale goes to. Today's sales go to the shift opened by hand, if there is one; all others to the one
    implicit shift of their register and business date, which is opened with the first of them."""
    today = local_moment(transaction.now_us, transaction.node.timezone).business_date
    if state.open_shift_id is not None and day >= today:
        return state.open_shift_id
    if state.implicit_shift_id is not None and state.implicit_date == day.isoformat():
        return state.implicit_shift_id
    found = find_implicit_shift(transaction, register, day)
    shift_id = found or _record_open(transaction, register, cashier, sold_at, day, True, 0).shift_id
    transaction.cursor.execute(
        "UPDATE register SET implicit_shift_id = ?, implicit_date = ? WHERE code = ?",
        (shift_id, day.isoformat(), register),
    )
    return shift_id


def find_implicit_shift(transaction: BranchTransaction, register: str, day: date) -> bytes | None:
    """The open implicit shift of that register and business date."""
    parameters = (transaction.node.branch_id, register, day.isoformat())
    row = transaction.cursor.execute(_OPEN_IMPLICIT_SHIFT, parameters).fetchone()
    return row[0] if row else None


def ensure_register(cursor: Any, register: str) -> RegisterState:
    """The register's state; a code is a register from its first use on."""
    state = read_register(cursor, register)
    if state is None:
        cursor.execute("INSERT INTO register (code, last_receipt_number) VALUES (?, 0)", (register,))
        state = RegisterState(0, None, None, None)
    return state


Sign = Callable[[bytes], bytes]
"""Signs a statement with the branch's key."""


def close_shift(
    transaction: BranchTransaction,
    register: str,
    cashier: str,
    counted_cash_minor: int | None,
    denominations: Sequence[Denomination] = (),
    sign: Sign | None = None,
    carry_over: bool = False,
) -> ShiftClose:
    """Closes the register's shift with a Z-report, signed when there is a key.

    `carry_over` closes it although HQ is still asked about receipts of it: they join the next shift. Raises NotFound
    when none is open, Refused when receipts are undecided and are not carried over.
    """
    if counted_cash_minor is not None:
        require_minor(counted_cash_minor, "The counted cash", TOTAL_MINOR_MAX)
    opened = require_open_shift(transaction, register)
    report = summarize_shift(transaction, opened, cashier, counted_cash_minor, denominations)
    if report.undecided and not carry_over:
        receipts = ", ".join(format_receipt(register, number) for number in report.undecided[:3])
        raise Refused(
            f"It is not known yet whether the head office took {len(report.undecided)} receipts: {receipts}.",
            "Wait until they are decided, or carry them over into the next shift.",
        )
    if sign is not None:
        report = replace(report, signature=sign(z_statement(transaction.node.branch_id, report)))
    rows = new_rows()
    close_id = transaction.ids.new_id()
    add_shift_close_rows(rows, transaction.node.branch_id, close_id, transaction.command_id, report, None)
    transaction.insert_all(rows)
    transaction.record(RecordKind.SHIFT_CLOSE, close_id, encode_shift_close(report), 1 + len(report.methods))
    column = "implicit_shift_id" if opened.implicit else "open_shift_id"
    transaction.cursor.execute(
        f"UPDATE register SET {column} = NULL WHERE code = ? AND {column} = ?", (register, opened.shift_id)
    )
    register_close(transaction, opened, report)
    queue_report(transaction, opened, report, closes=True)
    send_requests(transaction)
    return report


def require_open_shift(transaction: BranchTransaction, register: str) -> OpenedShift:
    """The shift opened by hand, else today's implicit one. Raises NotFound."""
    state = read_register(transaction.cursor, register)
    today = local_moment(transaction.now_us, transaction.node.timezone).business_date
    shift_id = state.open_shift_id if state else None
    shift_id = shift_id or find_implicit_shift(transaction, register, today)
    if shift_id is None:
        raise NotFound(f"Register {register} has no open shift.", "Open one: filial-branch shift open.")
    return read_shift(transaction, shift_id)


def read_shift(transaction: BranchTransaction, shift_id: bytes) -> OpenedShift:
    """A shift as it was opened."""
    statement = (
        "SELECT id, register, cashier, opened_at, business_date, implicit, float_minor FROM shift_open "
        "WHERE branch_id = ? AND id = ?"
    )
    row = transaction.cursor.execute(statement, (transaction.node.branch_id, shift_id)).fetchone()
    return OpenedShift._make((*row[:4], date.fromisoformat(row[4]), bool(row[5]), row[6]))


def _record_open(
    transaction: BranchTransaction,
    register: str,
    cashier: str,
    opened_at: LocalMoment,
    day: date,
    implicit: bool,
    float_minor: int,
) -> OpenedShift:
    fact = ShiftOpen(register, cashier, opened_at, day, implicit, float_minor, transaction.node.currency)
    shift_id = transaction.ids.new_id()
    rows = new_rows()
    add_shift_open_rows(rows, transaction.node.branch_id, shift_id, transaction.command_id, fact, None)
    transaction.insert_all(rows)
    transaction.record(RecordKind.SHIFT_OPEN, shift_id, encode_shift_open(fact))
    return OpenedShift(shift_id, register, cashier, opened_at.at_us, day, implicit, float_minor)
