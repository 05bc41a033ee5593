"""`filial-branch register`: browsers that belong to a register."""

from __future__ import annotations

from typing import Any

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations.pairing import (
    CODE_VALID_SECONDS,
    Pairing,
    list_pairings,
    make_pairing_code,
    revoke_pairings,
)
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_json, print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR


@click.group(cls=Group)
def register() -> None:
    """Pair browsers with registers: only there a PIN counts. Whoever may run this acts as local administrator."""


@register.command("pair")
@click.argument("code")
@click.pass_obj
def pair_command(options: GlobalOptions, code: str) -> None:
    """Print a code, alone on standard output, by which one browser becomes that of register CODE."""
    store = open_store(settings_for(options.home))
    made = make_pairing_code(store, LOCAL_ADMINISTRATOR, code)
    if options.json:
        expires_at = format_us(made.expires_at_us)
        print_json({"register": code, "code": made.code, "expires_at": expires_at, "valid_seconds": CODE_VALID_SECONDS})
    else:
        click.echo(made.code)


@register.command("list")
@click.pass_obj
def list_command(options: GlobalOptions) -> None:
    """List the paired browsers."""
    store = open_store(settings_for(options.home))
    with store.read() as connection:
        rows = [_document(each) for each in list_pairings(connection)]
    columns = ("register", "browser", "paired_at", "id")
    print_rows(options, "pairings", columns, rows, "No browser is paired. Pair one: filial-branch register pair CODE")


@register.command("revoke")
@click.argument("reference", metavar="CODE_OR_ID")
@click.pass_obj
def revoke_command(options: GlobalOptions, reference: str) -> None:
    """Take the pairing from all browsers of a register, or from one named by id; sessions opened on them end."""
    store = open_store(settings_for(options.home))
    revoked = [_document(each) for each in revoke_pairings(store, LOCAL_ADMINISTRATOR, reference)]
    print_result(options, {"revoked": revoked}, f"Browsers that are paired no more: {len(revoked)}.")


def _document(paired: Pairing) -> dict[str, Any]:
    return {
        "id": format_id(paired.pairing_id),
        "register": paired.register,
        "browser": paired.label,
        "paired_at": format_us(paired.paired_at_us),
    }
