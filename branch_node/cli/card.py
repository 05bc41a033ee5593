"""`filial-branch card`: card payments that nobody knows the end of, and charges without a sale."""

from __future__ import annotations

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations import card_payments
from branch_node.settings import Settings
from branch_node.storage.card_attempts import CardAttempt
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.card_payments import AttemptState, PaymentTerminal
from shared.domain.money import format_minor
from shared.errors import InvalidInput

_NOTHING = "No card payment is unresolved."


@click.group(cls=Group)
def card() -> None:
    """Find out and reverse card payments."""


@card.command("list")
@click.option("--register", help="Of one register only.")
@click.pass_obj
def list_command(options: GlobalOptions, register: str | None) -> None:
    """List card payments with something still to be done: in doubt, or approved without a sale."""
    store = open_store(settings_for(options.home))
    found = card_payments.unresolved(store, register)
    store.close()
    _print_attempts(options, found)


@card.command("resolve")
@click.option("--register", help="Of one register only.")
@click.pass_obj
def resolve_command(options: GlobalOptions, register: str | None) -> int:
    """Ask the terminal what became of payments in doubt; exit 1 when some are still unresolved."""
    settings = settings_for(options.home)
    store = open_store(settings)
    left = card_payments.resolve_all(store, _require_terminal(settings), register)
    store.close()
    _print_attempts(options, left)
    return 1 if left else 0


@card.command("reverse")
@click.argument("reference")
@click.pass_obj
def reverse_command(options: GlobalOptions, reference: str) -> int:
    """Give an approved charge that no sale used back to the customer."""
    settings = settings_for(options.home)
    store = open_store(settings)
    attempt = card_payments.reverse(store, _require_terminal(settings), reference)
    store.close()
    is_over = attempt.state is not AttemptState.REVERSING
    amount = f"{format_minor(attempt.amount_minor, attempt.currency)} {attempt.currency}"
    sentence = f"{amount} went back." if is_over else "The terminal does not answer; run: filial-branch card resolve"
    print_result(options, {"reference": reference, "state": attempt.state.value}, sentence)
    return 0 if is_over else 1


def _require_terminal(settings: Settings) -> PaymentTerminal:
    from branch_node.devices.payment_terminal import open_terminal

    terminal = open_terminal(settings.payment_terminal)
    if terminal is None:
        raise InvalidInput("No payment terminal is set.", "Set FILIAL_PAYMENT_TERMINAL to simulator:FOLDER.")
    return terminal


def _print_attempts(options: GlobalOptions, attempts: list[CardAttempt]) -> None:
    rows = [
        {
            "reference": attempt.reference,
            "register": attempt.register,
            "sale": attempt.key,
            "amount": f"{format_minor(attempt.amount_minor, attempt.currency)} {attempt.currency}",
            "state": attempt.state.value,
            "begun_at": format_us(attempt.created_at_us),
            "problem": attempt.problem,
        }
        for attempt in attempts
    ]
    columns = ("reference", "register", "sale", "amount", "state", "begun_at", "problem")
    print_rows(options, "attempts", columns, rows, _NOTHING)
