"""What somebody does with a drawer: shifts, cash, refunds, copies, each with the check that the person may do it.

A manager may allow one action of a cashier's (`allowed_by`): it is done with the manager's authority, and both are
written down. The command line calls the operations themselves: whoever may run it is the local administrator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from branch_node.operations import basket, cash, shifts
from branch_node.operations.basket import BasketGlance
from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.card_payments import unresolved
from branch_node.operations.employees import ensure_employee
from branch_node.operations.paying_back import pay_back, plan_pay_back
from branch_node.operations.receipt_finding import read_receipt
from branch_node.operations.receipt_printing import queue_copy, queue_drawer, queue_report
from branch_node.operations.refund_request import RefundRequest, parse_refund_request
from branch_node.operations.refunding import RefundAnswer, find_sold, propose_refund
from branch_node.operations.shift_reports import OpenedShift, summarize_shift, undecided_receipts
from branch_node.operations.shifts import Sign, require_open_shift
from branch_node.operations.z_reports import read_z_report
from branch_node.storage.card_attempts import CardAttempt
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import AuditEntry, CashMovement
from shared.domain.business_time import local_moment
from shared.domain.card_payments import PaymentTerminal
from shared.domain.permissions import Actor, Permission, require, require_refund_without_receipt
from shared.domain.sales import format_receipt
from shared.domain.shifts import Denomination, ShiftClose
from shared.domain.till_acts import DRAWER_OPENED, OVERRIDE, RECEIPT_REPRINTED
from shared.errors import InvalidInput, Refused

REASON_CHARACTERS_MAX = 200


class OpenMatters(NamedTuple):
    """What somebody should know before a till is closed. Only the held baskets may simply stay."""

    held: tuple[BasketGlance, ...]
    undecided: tuple[str, ...]
    charges: tuple[CardAttempt, ...]

    @property
    def must_be_settled(self) -> bool:
        """Whether something is to be resolved, or knowingly carried over."""
        return bool(self.undecided or self.charges)


def open_till(store: BranchStore, actor: Actor, register: str, float_minor: int) -> OpenedShift:
    """Opens a till. Raises NotPermitted, InvalidInput, Refused when it is open already."""
    require(actor, Permission.SHIFT_OPEN)
    with store.operation() as transaction:
        transaction.author = ensure_employee(transaction, actor.code)
        return shifts.open_shift(transaction, register, actor.code, float_minor)


def open_matters(store: BranchStore, register: str) -> OpenMatters:
    """What is still open at a register: baskets, receipts that HQ has not decided, charges that belong to nothing.

    Raises NotFound when no shift is open.
    """
    with store.look() as transaction:
        opened = require_open_shift(transaction, register)
        numbers = undecided_receipts(transaction, opened.shift_id)
    undecided = tuple(format_receipt(register, number) for number in numbers)
    return OpenMatters(tuple(basket.held(store, register)), undecided, tuple(unresolved(store, register)))


def close_till(
    store: BranchStore,
    actor: Actor,
    register: str,
    counted: Sequence[Denomination],
    sign: Sign | None,
    carry_over: bool = False,
) -> ShiftClose:
    """Closes a till with what was counted in its drawer, by note and coin.

    `carry_over` closes it although receipts are undecided or card charges unresolved: they stay listed. Raises
    NotPermitted, InvalidInput, NotFound, Refused.
    """
    require(actor, Permission.SHIFT_CLOSE)
    counted_minor = cash.count_cash(counted)
    found = [] if carry_over else unresolved(store, register)
    if found:
        raise Refused(
            f"{len(found)} card payments are not settled.", "Resolve them, or carry them over into the next shift."
        )
    with store.operation() as transaction:
        transaction.author = ensure_employee(transaction, actor.code)
        kept = tuple(each for each in counted if each.pieces)
        return shifts.close_shift(transaction, register, actor.code, counted_minor, kept, sign, carry_over)


def x_report(store: BranchStore, actor: Actor, register: str) -> tuple[OpenedShift, ShiftClose]:
    """The open shift as it stands. It tells what cash there should be, so whoever counts blindly may not see it.

    Raises NotPermitted, NotFound when no shift is open.
    """
    require(actor, Permission.REPORT_BRANCH)
    with store.look() as transaction:
        opened = require_open_shift(transaction, register)
        return opened, summarize_shift(transaction, opened, opened.cashier, None)


def print_x_report(store: BranchStore, actor: Actor, register: str) -> None:
    """Puts the X-report on paper. Raises as `x_report`, and Refused without a printer."""
    require(actor, Permission.REPORT_BRANCH)
    with store.operation() as transaction:
        _require_printer(transaction)
        opened = require_open_shift(transaction, register)
        queue_report(transaction, opened, summarize_shift(transaction, opened, opened.cashier, None), closes=False)


def print_z_report(store: BranchStore, actor: Actor, shift_id: bytes) -> None:
    """Puts a Z-report on paper again. Raises NotPermitted, NotFound, Refused without a printer."""
    require(actor, Permission.SHIFT_CLOSE)
    with store.operation() as transaction:
        _require_printer(transaction)
        opened, report = read_z_report(transaction, shift_id)
        queue_report(transaction, opened, report, closes=True)


def move_cash(
    store: BranchStore,
    actor: Actor,
    register: str,
    direction: str,
    amount_minor: int,
    reason: str,
    allowed_by: Actor | None = None,
    key: str | None = None,
) -> CashMovement:
    """Puts cash into a drawer or takes it out, once for a key. Raises NotPermitted, and what `cash.move_cash` does."""
    authority = _authority(actor, Permission.CASH_MOVE, allowed_by)
    with store.operation() as transaction:
        moved = cash.move_cash(transaction, register, actor.code, direction, amount_minor, reason, key)
        if transaction.has_records:
            _note_override(transaction, register, actor, authority, amount_minor, f"{Permission.CASH_MOVE}: {reason}")
    return moved


def open_drawer(store: BranchStore, actor: Actor, register: str, reason: str, allowed_by: Actor | None = None) -> None:
    """Opens a drawer without a sale; an auditor will see it. Raises NotPermitted, InvalidInput, Refused."""
    authority = _authority(actor, Permission.DRAWER_OPEN, allowed_by)
    given = " ".join(reason.split())
    if not given or len(given) > REASON_CHARACTERS_MAX:
        raise InvalidInput("A drawer is opened for a reason.", "Write a word or two: an auditor will read it.")
    with store.operation() as transaction:
        if not queue_drawer(transaction, register, actor.code):
            raise Refused("No printer is connected that could open the drawer.", "Open it with its key.")
        _note(transaction, DRAWER_OPENED, register, actor, authority, 0, given)


def reprint(store: BranchStore, actor: Actor, record_id: bytes, allowed_by: Actor | None = None) -> str:
    """Prints a receipt again, marked as a copy; returns its number. Raises NotPermitted, NotFound, Refused."""
    authority = _authority(actor, Permission.RECEIPT_REPRINT, allowed_by)
    with store.operation() as transaction:
        texts = _require_printer(transaction)
        found = read_receipt(transaction, record_id, texts)
        queue_copy(transaction, found.document, record_id)
        receipt = found.document.header.receipt
        _note(transaction, RECEIPT_REPRINTED, found.fact.register, actor, authority, 0, receipt)
    return receipt


def give_back(
    store: BranchStore,
    refund: Callable[[RefundRequest], RefundAnswer],
    actor: Actor,
    document: dict[str, Any],
    allowed_by: Actor | None = None,
    terminal: PaymentTerminal | None = None,
) -> RefundAnswer:
    """Gives goods back. `document` is a refund as `refund -` reads one, without cashier and who allowed it; `refund` is
    `Processor.refund`.

    What was paid by card through the terminal is paid back through it first. The same key goes on with what was begun.
    Raises NotPermitted, what `refund` does, and Refused when the terminal did not pay back.
    """
    asked = {**document, "cashier": actor.code}
    needed = _refund_permission(document, store.node()[0].code)
    authority = _authority(actor, needed, allowed_by)
    if authority is not actor:
        asked["authorised_by"] = authority.code
    request = parse_refund_request(asked)
    if needed is Permission.REFUND_WITHOUT_RECEIPT:
        require_refund_without_receipt(authority, sum(line.amount_minor for line in request.loose_lines))
    if terminal is not None and needed is Permission.REFUND_BY_RECEIPT:
        request = request._replace(card_references=_pay_back_by_card(store, terminal, request))
    return refund(request)


def _refund_permission(document: dict[str, Any], own_code: str) -> Permission:
    if document.get("branch") not in (None, own_code):
        return Permission.REFUND_OTHER_BRANCH
    has_receipt = document.get("receipt") is not None or document.get("sale") is not None
    return Permission.REFUND_BY_RECEIPT if has_receipt else Permission.REFUND_WITHOUT_RECEIPT


def _pay_back_by_card(store: BranchStore, terminal: PaymentTerminal, request: RefundRequest) -> tuple[str, ...]:
    """Pays back through the terminal what was charged through it; the references of what it paid back."""
    with store.look() as transaction:
        if transaction.cursor.execute("SELECT 1 FROM idempotency_key WHERE key = ?", (request.key,)).fetchone():
            return ()
        sold = find_sold(transaction, request.receipt, request.sale_id)
        payments = request.payments
        if payments is None:
            payments = propose_refund(sold, request.lines).payments
        planned = plan_pay_back(transaction.cursor, sold.sale_id, payments)
    return pay_back(store, terminal, request.key, request.register, planned)


def _authority(actor: Actor, permission: Permission, allowed_by: Actor | None) -> Actor:
    """Whose right it is: the actor's own, else that of whoever allowed it. Raises NotPermitted."""
    if allowed_by is None or actor.may(permission):
        require(actor, permission)
        return actor
    require(allowed_by, permission)
    return allowed_by


def _note_override(
    transaction: BranchTransaction, register: str, actor: Actor, authority: Actor, amount_minor: int, detail: str
) -> None:
    if authority is not actor:
        _note(transaction, OVERRIDE, register, actor, authority, amount_minor, detail)


def _note(
    transaction: BranchTransaction,
    action: str,
    register: str,
    actor: Actor,
    authority: Actor,
    amount_minor: int,
    detail: str,
) -> None:
    transaction.author = ensure_employee(transaction, actor.code)
    authorised_by = authority.code if authority is not actor else None
    at = local_moment(transaction.now_us, transaction.node.timezone)
    entry = AuditEntry(action, register, actor.code, authorised_by, amount_minor, detail[:REASON_CHARACTERS_MAX], at)
    record_branch_fact(transaction, entry)


def _require_printer(transaction: BranchTransaction) -> Any:
    if transaction.printing is None:
        raise Refused("No printer is connected.", "Open the PDF and print that.")
    return transaction.printing
