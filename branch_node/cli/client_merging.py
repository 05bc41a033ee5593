"""`filial-branch client merge|unmerge|duplicates`: clients who are here twice."""

from __future__ import annotations

from contextlib import closing

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations import client_merging
from shared.cli.commands import Command, GlobalOptions
from shared.cli.merging import print_merged, print_preview, print_proposals
from shared.cli.output import print_result
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.operations.clients import resolve_client
from shared.operations.duplicates import all_proposals


@click.command("duplicates", cls=Command)
@click.pass_obj
def duplicates_command(options: GlobalOptions) -> None:
    """List pairs of clients known here who may be one, with score and reasons."""
    store = open_store(settings_for(options.home))
    with store.read() as connection:
        found = list(all_proposals(connection))
    print_proposals(options, found, client_merging.merges_that_hold(store, LOCAL_ADMINISTRATOR))


@click.command("merge", cls=Command)
@click.argument("survivor", metavar="ID")
@click.argument("merged", metavar="MERGED_ID")
@click.option("--take", "taken", multiple=True, help="A field of which the merged card's value is kept; repeatable.")
@click.option("--preview", is_flag=True, help="Only show what would be kept.")
@click.pass_obj
def merge_command(options: GlobalOptions, survivor: str, merged: str, taken: tuple[str, ...], preview: bool) -> None:
    """Merge a client's card into another's, named by id or external id."""
    settings = settings_for(options.home)
    store = open_store(settings)
    with store.read() as connection:
        survivor_id, loser_id = resolve_client(connection, survivor), resolve_client(connection, merged)
    if preview:
        print_preview(options, client_merging.preview(store, LOCAL_ADMINISTRATOR, survivor_id, loser_id, taken))
        return
    with closing(open_processor(settings, store)) as processor:
        command = client_merging.merge(store, processor.commit, LOCAL_ADMINISTRATOR, survivor_id, loser_id, taken)
    print_merged(options, survivor_id, loser_id, command)


@click.command("unmerge", cls=Command)
@click.argument("merged", metavar="MERGED_ID")
@click.pass_obj
def unmerge_command(options: GlobalOptions, merged: str) -> None:
    """Take the merge of a card back; what was changed since stays."""
    settings = settings_for(options.home)
    store = open_store(settings)
    with store.read() as connection:
        loser_id = resolve_client(connection, merged)
    with closing(open_processor(settings, store)) as processor:
        client_merging.unmerge(processor.commit, LOCAL_ADMINISTRATOR, loser_id)
    print_result(options, {"id": format_id(loser_id)}, f"Client {format_id(loser_id)} is a client of its own again.")
