"""`filial-branch receipt`: receipts of this branch and of others."""

from __future__ import annotations

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.bootstrap.asking import show_receipt
from shared.cli.commands import GlobalOptions, Group
from shared.cli.findings import print_findings


@click.group(cls=Group)
def receipt() -> None:
    """Show a receipt of any branch."""


@receipt.command("show")
@click.argument("branch")
@click.argument("number", metavar="RECEIPT")
@click.pass_obj
def show_command(options: GlobalOptions, branch: str, number: str) -> None:
    """Show a receipt by its branch's code and its number as printed, such as 1-000001."""
    settings = settings_for(options.home)
    print_findings(options, show_receipt(settings, open_store(settings), branch, number))
