"""`filial-branch budget`: what this branch may spend of the chain's budgets."""

from __future__ import annotations

from contextlib import closing

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.bootstrap.asking import show_budget
from branch_node.operations.budgets import leases_at_hand, return_leases, want_lease
from shared.cli.commands import GlobalOptions, Group
from shared.cli.findings import print_findings
from shared.cli.output import print_result, print_rows
from shared.domain.budgets import amount_number, parse_amount, require_owner
from shared.domain.business_time import format_us


@click.group(cls=Group)
def budget() -> None:
    """Show, lease, spend and return what this branch may spend of the chain's budgets."""


@budget.command("list")
@click.pass_obj
def list_command(options: GlobalOptions) -> None:
    """List what may be spent here without the head office."""
    store = open_store(settings_for(options.home))
    with store.read_cursor() as cursor:
        leases = leases_at_hand(cursor, store.clock.now_us())
    rows = [
        {
            "owner": lease.owner,
            "amount": amount_number(lease.owner, lease.amount),
            "left": amount_number(lease.owner, lease.left),
            "expires_at": format_us(lease.expires_at_us),
        }
        for lease in leases
    ]
    columns = ("owner", "amount", "left", "expires_at")
    print_rows(options, "leases", columns, rows, "Nothing is leased. Ask: filial-branch budget want OWNER AMOUNT")


@budget.command("show")
@click.argument("owner")
@click.pass_obj
def show_command(options: GlobalOptions, owner: str) -> None:
    """Show what is left of OWNER's budget in the chain, and which branches hold it."""
    settings = settings_for(options.home)
    print_findings(options, show_budget(settings, open_store(settings), require_owner(owner)))


@budget.command("want")
@click.argument("owner")
@click.argument("amount")
@click.pass_obj
def want_command(options: GlobalOptions, owner: str, amount: str) -> None:
    """Have AMOUNT of OWNER's budget at hand here from now on; 0 for nothing more."""
    store = open_store(settings_for(options.home))
    require_owner(owner)
    wanted = 0 if amount == "0" else parse_amount(owner, amount)
    with store.write() as connection:
        want_lease(connection.connection.cursor(), store.ids, owner, wanted)
    number = amount_number(owner, wanted)
    sentence = (
        f"The head office is asked for {number} of {owner} with the next contact."
        if wanted
        else f"No more of {owner} is asked for. What is at hand stays: filial-branch budget return {owner}"
    )
    print_result(options, {"owner": owner, "wanted": number}, sentence)


@budget.command("spend")
@click.argument("owner")
@click.argument("amount")
@click.pass_obj
def spend_command(options: GlobalOptions, owner: str, amount: str) -> None:
    """Spend of OWNER's budget."""
    settings = settings_for(options.home)
    spent = parse_amount(require_owner(owner), amount)
    with closing(open_processor(settings, open_store(settings))) as processor:
        processor.spend(owner, spent)
    number = amount_number(owner, spent)
    print_result(options, {"owner": owner, "spent": number}, f"Spent {number} of {owner}.")


@budget.command("return")
@click.argument("owner")
@click.pass_obj
def return_command(options: GlobalOptions, owner: str) -> None:
    """Give back what is leased of OWNER's budget and not spent."""
    store = open_store(settings_for(options.home))
    with store.operation() as transaction:
        want_lease(transaction.cursor, store.ids, owner, 0)
        returned = return_leases(transaction, owner)
    print_result(options, {"owner": owner, "returned": returned}, f"{returned} leases of {owner} are returned.")
