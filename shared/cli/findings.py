"""How the command lines show what is known of the whole chain: from where, as of when, clients, receipts, budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from shared.cli.clients import print_clients
from shared.cli.commands import GlobalOptions
from shared.cli.output import print_json
from shared.domain.money import format_minor


def print_findings(options: GlobalOptions, found: Mapping[str, Any]) -> None:
    """One document; for people clients as a table, receipts with their lines, and where all this comes from."""
    if options.json:
        print_json(found)
        return
    if found.get("clients") or not found.keys() & {"sales", "budgets"}:
        print_clients(options, found["clients"])
    for sale in found.get("sales", ()):
        _print_receipt(sale)
    for budget in found.get("budgets", ()):
        _print_budget(budget)
    if found["source"] == "branch":
        as_of = found["as_of"] or "no contact yet"
        click.echo(f"{found['reason']} This is what this branch knows, as of {as_of}.")


def _print_receipt(sale: Mapping[str, Any]) -> None:
    def money(amount_minor: int) -> str:
        return format_minor(amount_minor, sale["currency"])

    total = f"{money(sale['total_minor'])} {sale['currency']}"
    click.echo(f"{sale['branch']} {sale['receipt']}  {sale['sold_at']}  {sale['cashier']}  {total}")
    for line in sale["lines"]:
        click.echo(f"    {line['sku']}  {line['quantity']} ×  {money(line['amount_minor'])}")


def _print_budget(budget: Mapping[str, Any]) -> None:
    available = "not known here" if budget["available"] is None else budget["available"]
    click.echo(f"{budget['owner']}  available: {available}")
    for holding in budget["holdings"]:
        click.echo(f"    {holding['branch']} holds {holding['left']}")
