"""`filial-branch shift`: open and close a till."""

from __future__ import annotations

from typing import Any

import click

from branch_node.bootstrap import open_signer, open_store, settings_for
from branch_node.operations import cash, shifts
from branch_node.operations.employees import ensure_employee
from branch_node.operations.shift_reports import summarize_shift
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result
from shared.domain.branch_facts import CASH_DIRECTIONS
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id, require_code
from shared.domain.money import format_minor, parse_major
from shared.domain.sales import format_receipt
from shared.domain.shifts import ShiftClose


@click.group(cls=Group)
def shift() -> None:
    """Open and close a till, show its shift."""


@shift.command("open")
@click.option("--register", required=True, help="Code of the register.")
@click.option("--cashier", required=True, help="Code of the cashier.")
@click.option("--float", "float_major", default="0", help="Cash in the drawer at the start, as 100.00.")
@click.pass_obj
def open_command(options: GlobalOptions, register: str, cashier: str, float_major: str) -> None:
    """Open a till."""
    store = open_store(settings_for(options.home))
    with store.operation() as transaction:
        currency = transaction.node.currency
        transaction.author = ensure_employee(transaction, require_code(cashier, "cashier"))
        opened = shifts.open_shift(
            transaction, require_code(register, "register"), cashier, parse_major(float_major, currency)
        )
    document = {
        "shift": format_id(opened.shift_id),
        "register": opened.register,
        "cashier": opened.cashier,
        "opened_at": format_us(opened.opened_at_us),
        "business_date": opened.business_date.isoformat(),
        "float_minor": opened.float_minor,
    }
    print_result(options, document, f"Register {register} is open for {cashier}.")


@shift.command("close")
@click.option("--register", required=True, help="Code of the register.")
@click.option("--cashier", required=True, help="Code of the cashier who closes.")
@click.option("--counted", "counted_major", help="Cash counted in the drawer, as 1481.69.")
@click.option("--carry-over", is_flag=True, help="Close although receipts are undecided: they join the next shift.")
@click.pass_obj
def close_command(
    options: GlobalOptions, register: str, cashier: str, counted_major: str | None, carry_over: bool
) -> None:
    """Close a till with its Z-report, signed by this branch."""
    settings = settings_for(options.home)
    store = open_store(settings)
    sign = open_signer(settings)
    with store.operation() as transaction:
        currency = transaction.node.currency
        counted = None if counted_major is None else parse_major(counted_major, currency)
        transaction.author = ensure_employee(transaction, require_code(cashier, "cashier"))
        report = shifts.close_shift(transaction, register, cashier, counted, sign=sign, carry_over=carry_over)
    _print_report(options, report)


@shift.command("show")
@click.option("--register", required=True, help="Code of the register.")
@click.pass_obj
def show_command(options: GlobalOptions, register: str) -> None:
    """Show the open shift as it stands (an X-report)."""
    store = open_store(settings_for(options.home))
    with store.operation() as transaction:
        opened = shifts.require_open_shift(transaction, register)
        report = summarize_shift(transaction, opened, opened.cashier, None)
    _print_report(options, report)


@shift.command("cash")
@click.argument("direction", type=click.Choice(CASH_DIRECTIONS))
@click.argument("amount_major", metavar="AMOUNT")
@click.option("--register", required=True, help="Code of the register.")
@click.option("--cashier", required=True, help="Code of the cashier.")
@click.option("--reason", required=True, help="Why: an auditor will read it.")
@click.pass_obj
def cash_command(
    options: GlobalOptions, direction: str, amount_major: str, register: str, cashier: str, reason: str
) -> None:
    """Put cash into the drawer (in), take some out (out), or bring it away (pickup)."""
    store = open_store(settings_for(options.home))
    with store.operation() as transaction:
        currency = transaction.node.currency
        moved = cash.move_cash(transaction, register, cashier, direction, parse_major(amount_major, currency), reason)
    document = {
        "shift": format_id(moved.shift_id),
        "register": register,
        "direction": direction,
        "amount_minor": moved.amount_minor,
        "reason": moved.reason,
    }
    print_result(options, document, f"Register {register}: {format_minor(moved.amount_minor, currency)} {direction}.")


def _print_report(options: GlobalOptions, report: ShiftClose) -> None:
    money = {
        "gross": report.gross_minor,
        "discounts": report.discounts_minor,
        "net": report.net_minor,
        "returns": report.returns_minor,
        "rounding": report.rounding_minor,
        "float": report.float_minor,
        "cash_in": report.cash_in_minor,
        "cash_out": report.cash_out_minor,
        "expected_cash": report.expected_cash_minor,
        "counted_cash": report.counted_cash_minor,
        "cash_variance": report.cash_variance_minor,
    }
    document: dict[str, Any] = {
        "shift": format_id(report.shift_id),
        "register": report.register,
        "cashier": report.cashier,
        "business_date": report.business_date.isoformat(),
        "currency": report.currency,
        "receipts": report.receipts,
        "first_receipt": report.first_receipt or None,
        "last_receipt": report.last_receipt or None,
        "refunds": report.refunds,
        "undecided": [format_receipt(report.register, number) for number in report.undecided],
        "late": [format_receipt(report.register, number) for number in report.late],
        "signed": bool(report.signature),
    }
    methods = {total.method: total.amount_minor for total in report.methods}
    if options.json:
        document |= {f"{name}_minor": amount for name, amount in money.items()} | {"methods_minor": methods}
    else:
        shown = {**money, **{f"paid by {method}": amount for method, amount in methods.items()}}
        document |= {
            name: None if amount is None else format_minor(amount, report.currency) for name, amount in shown.items()
        }
    print_result(options, document)
