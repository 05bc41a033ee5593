"""`filial-hq budget`: what the chain may spend once, wherever it is spent."""

from __future__ import annotations

import click

from hq_server.bootstrap import head_office
from hq_server.operations.budgeting import add_to_budget, list_budgets, list_leases, release_lease
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.budgets import amount_number, parse_amount, require_owner
from shared.domain.identifiers import parse_id


@click.group(cls=Group)
def budget() -> None:
    """Make budgets, add to them, and show what became of them."""


@budget.command("add")
@click.argument("owner")
@click.argument("amount")
@click.pass_obj
def add_command(options: GlobalOptions, owner: str, amount: str) -> None:
    """Make a budget for OWNER, such as product:42, or add to it; AMOUNT of a product is in its units, such as 1.5."""
    added = parse_amount(require_owner(owner), amount)
    with head_office(options.home) as office, office.store.write() as connection:
        add_to_budget(connection, owner, added, office.clock.now_us())
    number = amount_number(owner, added)
    print_result(options, {"owner": owner, "added": number}, f"{number} more may be spent of {owner}.")


@budget.command("list")
@click.pass_obj
def list_command(options: GlobalOptions) -> None:
    """List the budgets."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = list_budgets(connection)
    columns = ("owner", "amount", "spent", "leased", "available", "overdraft")
    rows = [row | {name: amount_number(row["owner"], row[name]) for name in columns[1:]} for row in rows]
    print_rows(options, "budgets", columns, rows, "There is no budget. Make one: filial-hq budget add OWNER AMOUNT")


@budget.command("leases")
@click.argument("owner")
@click.pass_obj
def leases_command(options: GlobalOptions, owner: str) -> None:
    """List the leases of a budget: what branches may spend of it without the head office."""
    with head_office(options.home) as office, office.store.read() as connection:
        rows = list_leases(connection, owner)
    rows = [row | {name: amount_number(owner, row[name]) for name in ("amount", "spent")} for row in rows]
    columns = ("lease", "branch", "amount", "spent", "expires_at", "returned_at")
    print_rows(options, "leases", columns, rows, "No branch holds a lease of it.")


@budget.command("release")
@click.argument("lease")
@click.pass_obj
def release_command(options: GlobalOptions, lease: str) -> None:
    """Take back what is left of LEASE, named by its id, when the store that held it is gone for good."""
    with head_office(options.home) as office, office.store.write() as connection:
        owner, left = release_lease(connection, parse_id(lease), office.clock.now_us())
    released = amount_number(owner, left)
    print_result(options, {"lease": lease, "released": released}, f"{released} of {owner} may be spent again.")
