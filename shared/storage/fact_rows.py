"""Facts as rows of their tables, in column order: what the hot paths hand to the driver as it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table

from shared.domain.branch_facts import (
    AuditEntry,
    BranchFact,
    BudgetSpend,
    CashMovement,
    LeaseReturn,
    ModeSwitch,
    PasswordChange,
    ReceiptVoid,
)
from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.loyalty import LoyaltyEntry
from shared.domain.sales import Refund, Sale, SaleTotals, total_lines
from shared.domain.shifts import ShiftClose, ShiftOpen
from shared.domain.stock import StockMovement
from shared.storage.tables import (
    audit_entry,
    budget_spend,
    cash_movement,
    client_transfer,
    interaction,
    interaction_point,
    lease_return,
    loyalty_entry,
    mode_switch,
    password_change,
    payment,
    receipt_void,
    refund,
    refund_line,
    refund_payment,
    sale,
    sale_line,
    shift_close,
    shift_close_method,
    shift_open,
    stock_movement,
    stock_movement_line,
)

Row = tuple[Any, ...]
RowsByTable = dict[Table, list[Row]]

BRANCH_FACT_TABLES: dict[type[BranchFact], Table] = {
    ReceiptVoid: receipt_void,
    ModeSwitch: mode_switch,
    BudgetSpend: budget_spend,
    LeaseReturn: lease_return,
    CashMovement: cash_movement,
    AuditEntry: audit_entry,
    PasswordChange: password_change,
    StockMovement: stock_movement,
    LoyaltyEntry: loyalty_entry,
    Interaction: interaction,
    ClientTransfer: client_transfer,
}
FACT_TABLES = (
    sale,
    sale_line,
    payment,
    shift_open,
    shift_close,
    shift_close_method,
    refund,
    refund_line,
    refund_payment,
    *BRANCH_FACT_TABLES.values(),
    stock_movement_line,
    interaction_point,
)


def new_rows() -> RowsByTable:
    """An empty list for every table that holds facts."""
    return {table: [] for table in FACT_TABLES}


def add_sale_rows(
    rows: RowsByTable, branch_id: bytes, sale_id: bytes, command_id: bytes, fact: Sale, received_at_us: int | None
) -> SaleTotals:
    """Adds a sale's rows and returns its totals."""
    totals = total_lines(fact.lines)
    sold_at = fact.sold_at
    rows[sale].append(
        (
            branch_id,
            sale_id,
            command_id,
            fact.shift_id,
            fact.register,
            fact.receipt_number,
            fact.cashier,
            fact.client,
            fact.client_id,
            sold_at.at_us,
            sold_at.utc_offset_seconds,
            sold_at.zone,
            fact.business_date,
            sold_at.hour,
            fact.currency,
            *totals,
            fact.change_minor,
            fact.rounding_minor,
            received_at_us,
        )
    )
    append_line = rows[sale_line].append
    for number, line in enumerate(fact.lines, 1):
        append_line((branch_id, sale_id, number, *line, received_at_us))
    append_payment = rows[payment].append
    for number, (method, amount_minor) in enumerate(fact.payments, 1):
        append_payment((branch_id, sale_id, number, method, amount_minor, received_at_us))
    return totals


def add_refund_rows(
    rows: RowsByTable, branch_id: bytes, refund_id: bytes, command_id: bytes, fact: Refund, received_at_us: int | None
) -> None:
    """Adds a refund's rows."""
    at = fact.refunded_at
    rows[refund].append(
        (
            branch_id,
            refund_id,
            command_id,
            fact.shift_id,
            fact.register,
            fact.receipt_number,
            fact.cashier,
            fact.client,
            fact.client_id,
            at.at_us,
            at.utc_offset_seconds,
            at.zone,
            fact.business_date,
            at.hour,
            fact.currency,
            fact.sale_id,
            fact.sale_branch_id,
            fact.sale_receipt,
            fact.authorised_by,
            fact.reason,
            fact.total_minor,
            fact.rounding_minor,
            received_at_us,
        )
    )
    for number, line in enumerate(fact.lines, 1):
        rows[refund_line].append((branch_id, refund_id, number, *line, received_at_us))
    for number, (method, amount_minor) in enumerate(fact.payments, 1):
        rows[refund_payment].append((branch_id, refund_id, number, method, amount_minor, received_at_us))


def add_shift_open_rows(
    rows: RowsByTable,
    branch_id: bytes,
    shift_id: bytes,
    command_id: bytes,
    fact: ShiftOpen,
    received_at_us: int | None,
) -> None:
    """Adds the row of an opened shift."""
    rows[shift_open].append(
        (
            branch_id,
            shift_id,
            command_id,
            fact.register,
            fact.cashier,
            fact.opened_at.at_us,
            fact.opened_at.utc_offset_seconds,
            fact.opened_at.zone,
            fact.business_date,
            fact.implicit,
            fact.float_minor,
            fact.currency,
            received_at_us,
        )
    )


def add_shift_close_rows(
    rows: RowsByTable,
    branch_id: bytes,
    close_id: bytes,
    command_id: bytes,
    fact: ShiftClose,
    received_at_us: int | None,
) -> None:
    """Adds the rows of a closed shift."""
    rows[shift_close].append(
        (
            branch_id,
            close_id,
            command_id,
            fact.shift_id,
            fact.register,
            fact.cashier,
            fact.closed_at.at_us,
            fact.closed_at.utc_offset_seconds,
            fact.closed_at.zone,
            fact.business_date,
            fact.currency,
            fact.receipts,
            fact.first_receipt,
            fact.last_receipt,
            fact.gross_minor,
            fact.discounts_minor,
            fact.net_minor,
            fact.float_minor,
            fact.expected_cash_minor,
            fact.counted_cash_minor,
            fact.refunds,
            fact.returns_minor,
            fact.cash_in_minor,
            fact.cash_out_minor,
            fact.rounding_minor,
            ",".join(map(str, fact.undecided)),
            ",".join(map(str, fact.late)),
            fact.late_minor,
            ",".join(f"{counted.value_minor}:{counted.pieces}" for counted in fact.denominations),
            fact.signature,
            received_at_us,
        )
    )
    for total in fact.methods:
        rows[shift_close_method].append((branch_id, close_id, total.method, total.amount_minor, received_at_us))


def add_branch_fact_rows(
    rows: RowsByTable,
    branch_id: bytes,
    fact_id: bytes,
    command_id: bytes,
    fact: BranchFact,
    received_at_us: int | None,
) -> None:
    """Adds the rows of one of the small facts."""
    match fact:
        case ReceiptVoid(register, receipt_number, _, reason):
            values: Row = (register, receipt_number, reason)
        case ModeSwitch(mode, when_unreachable, _):
            values = (mode, when_unreachable)
        case BudgetSpend(budget_id, lease_id, amount, _):
            values = (budget_id, lease_id, amount)
        case LeaseReturn(budget_id, lease_id, unused, _):
            values = (budget_id, lease_id, unused)
        case CashMovement(shift_id, register, cashier, direction, amount, reason, _):
            values = (shift_id, register, cashier, direction, amount, reason)
        case AuditEntry(action, register, cashier, authorised_by, amount, detail, _):
            values = (action, register, cashier, authorised_by, amount, detail)
        case PasswordChange(employee_id, password_hash, replaces, _):
            values = (employee_id, password_hash, replaces)
        case StockMovement(reason, document, register_, employee, lines, _, note):
            values = (reason, document, register_, employee, note or None)
            rows[stock_movement_line] += [
                (branch_id, fact_id, number, *line, received_at_us) for number, line in enumerate(lines, 1)
            ]
        case LoyaltyEntry(client_id, kind, points, sale_id, refund_id, expires_on, reason, _):
            values = (client_id, kind, points, sale_id, refund_id, expires_on, reason)
        case Interaction():
            values = _interaction_values(fact)
            rows[interaction_point] += [
                (branch_id, fact_id, number, *point, received_at_us) for number, point in enumerate(fact.points, 1)
            ]
        case ClientTransfer(client_id, from_id, to_id, hand_over_id, employee, _, reason, undoes_id):
            values = (client_id, from_id, to_id, hand_over_id, undoes_id, employee, reason)
    row = (branch_id, fact_id, command_id, *values, *fact.at, fact.at.business_date, received_at_us)
    rows[BRANCH_FACT_TABLES[type(fact)]].append(row)


def _interaction_values(fact: Interaction) -> Row:
    """The columns between `command_id` and `at`."""
    return (
        fact.client_id,
        fact.channel,
        fact.direction,
        fact.employee,
        fact.contact,
        fact.reached,
        fact.outcome,
        fact.duration_seconds,
        fact.subject,
        fact.body,
        fact.told,
        fact.task_id,
        fact.next_task_id,
        fact.corrects_id,
        fact.withdrawn or None,
        fact.at.hour,
    )
