"""`filial-hq client timeline`: everything that took place with a client in the chain, newest first."""

from __future__ import annotations

import click

from hq_server.bootstrap import head_office
from hq_server.operations.client_timeline import read_client_timeline
from shared.cli.commands import Command, GlobalOptions
from shared.cli.timeline import print_timeline
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
    """Show what took place with a client, named by id or external id, at every branch."""
    with head_office(options.home) as office, office.store.read() as connection:
        client_id = resolve_client(connection, reference)
        found = read_client_timeline(connection, client_id, Shown(shown), parse_key(after), limit)
    print_timeline(options, found.page)
