"""`filial-branch client timeline`: everything that took place with a client, newest first."""

from __future__ import annotations

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations.client_timeline import read_client_timeline
from shared.cli.commands import Command, GlobalOptions
from shared.cli.timeline import print_timeline
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.timeline import Shown, parse_key
from shared.operations.client_timeline import ENTRIES_SHOWN_MAX
from shared.operations.clients import resolve_client


@click.command("timeline", cls=Command)
@click.argument("reference", metavar="ID")
@click.option("--shown", type=click.Choice(list(map(str, Shown))), default="all", help="Only entries of one kind.")
@click.option("--after", default="", metavar="KEY", help="What follows that entry, as `further` of the page before.")
@click.option("--limit", default=ENTRIES_SHOWN_MAX, type=click.IntRange(1, 1_000), help="How many entries.")
@click.pass_obj
def timeline_command(options: GlobalOptions, reference: str, shown: str, after: str, limit: int) -> None:
    """Show what took place with a client, named by id or external id, here and at other branches."""
    store = open_store(settings_for(options.home))
    with store.read() as connection:
        client_id = resolve_client(connection, reference)
    found = read_client_timeline(store, LOCAL_ADMINISTRATOR, client_id, Shown(shown), parse_key(after), limit)
    print_timeline(options, found.page)
