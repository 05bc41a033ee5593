"""`filial-branch employee`: who works here, and PINs."""

from __future__ import annotations

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations.pins import remove_pin, set_pin
from branch_node.operations.staff import list_staff
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.cli.secrets import read_secret
from shared.domain.permissions import LOCAL_ADMINISTRATOR


@click.group(cls=Group)
def employee() -> None:
    """List who works at this branch, and set PINs. Whoever may run this acts as local administrator."""


@employee.command("list")
@click.pass_obj
def list_command(options: GlobalOptions) -> None:
    """List the employees who may log in here today."""
    settings = settings_for(options.home)
    store = open_store(settings)
    rows = list_staff(store)
    columns = ("code", "name", "role", "password", "pin")
    empty = "Nobody works here yet. The head office hires: filial-hq employee add"
    print_rows(options, "employees", columns, rows, empty)


@employee.command("pin")
@click.argument("code")
@click.option("--remove", is_flag=True, help="Take the PIN away.")
@click.pass_obj
def pin_command(options: GlobalOptions, code: str, remove: bool) -> None:
    """Set an employee's PIN, read from standard input or asked for. It counts on paired registers alone."""
    settings = settings_for(options.home)
    store = open_store(settings)
    if remove:
        remove_pin(store, LOCAL_ADMINISTRATOR, code)
    else:
        set_pin(store, settings, LOCAL_ADMINISTRATOR, code, read_secret("PIN"))
    sentence = f"Employee {code} has no PIN." if remove else f"Employee {code} has a new PIN."
    print_result(options, {"code": code, "pin": not remove}, sentence)
