"""`filial-branch client`: the client base of this branch."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.bootstrap.asking import find_in_chain, show_from_chain
from branch_node.cli.client_merging import duplicates_command, merge_command, unmerge_command
from branch_node.cli.client_options import details, given_fields
from branch_node.cli.client_timeline import timeline_command
from branch_node.operations.client_editing import create_client, edit_client
from branch_node.operations.loyalty import points_here
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.cli.clients import print_card, print_clients, print_history
from shared.cli.commands import GlobalOptions, Group
from shared.cli.findings import print_findings
from shared.cli.output import print_result
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from shared.operations.client_history import history_document
from shared.operations.clients import (
    client_card,
    find_clients,
    resolve_client,
)
from shared.sync.card_merge import HQ_ORIGIN


@click.group(cls=Group)
def client() -> None:
    """Add, edit, find, show and merge clients."""


client.add_command(duplicates_command)
client.add_command(merge_command)
client.add_command(unmerge_command)


client.defer("attach", "branch_node.cli.client_files:attach", "Attach a file to a client.")
client.defer("files", "branch_node.cli.client_files:files", "List the files of a client.")
client.defer("fetch", "branch_node.cli.client_files:fetch", "Write a client's file, once all its parts are here.")
client.defer("put-away", "branch_node.cli.client_files:put_away", "Put a client's file away, or bring it back.")
client.add_command(timeline_command)
client.defer("import", "branch_node.cli.client_import:import_command", "Import clients from a spreadsheet.")
client.defer("imports", "branch_node.cli.client_import:imports_command", "List the imports.")
client.defer("import-revert", "branch_node.cli.client_import:revert_command", "Take a whole import back.")


@client.command("add")
@details
@click.pass_obj
def add_command(options: GlobalOptions, /, **given: Any) -> None:
    """Add a client."""
    settings, store = _open(options)
    with store.read() as connection:
        fields = given_fields(connection, given)
    with closing(open_processor(settings, store)) as processor:
        client_id = create_client(store, processor.commit, LOCAL_ADMINISTRATOR, fields, settings.phone_country)
    print_result(options, {"id": format_id(client_id)}, f"Added client {format_id(client_id)}.")


@client.command("edit")
@click.argument("reference", metavar="ID")
@details
@click.option("--archive/--restore", "archived", default=None, help="Put the card away, or bring it back.")
@click.pass_obj
def edit_command(options: GlobalOptions, /, reference: str, **given: Any) -> None:
    """Edit a client, named by id or external id."""
    settings, store = _open(options)
    with store.read() as connection:
        fields = given_fields(connection, given)
        if not fields:
            raise InvalidInput("Nothing was given to change.", "See: filial-branch client edit --help")
        client_id = resolve_client(connection, reference)
    with closing(open_processor(settings, store)) as processor:
        changed = edit_client(processor.commit, LOCAL_ADMINISTRATOR, client_id, fields, settings.phone_country)
    sentence = f"Changed client {format_id(client_id)}." if changed else "Nothing to change: the card says so already."
    print_result(options, {"id": format_id(client_id), "changed": changed}, sentence)


@client.command("history")
@click.argument("reference", metavar="ID")
@click.pass_obj
def history_command(options: GlobalOptions, reference: str) -> None:
    """Show what changed on a client's card: who, when, where, before and after."""
    _settings, store = _open(options)
    node, _chain = store.node()
    with store.read() as connection:
        client_id = resolve_client(connection, reference)
        names = {node.branch_id: node.code, HQ_ORIGIN: "head office"}
        edits = history_document(connection, RecordKind.CLIENT, client_id, names)
    print_history(options, edits)


@client.command("find")
@click.argument("text")
@click.option("--chain", is_flag=True, help="Among the clients of the whole chain, while the head office answers.")
@click.pass_obj
def find_command(options: GlobalOptions, text: str, chain: bool) -> None:
    """Find clients by a part of the name, a phone, an e-mail or an external id."""
    settings, store = _open(options)
    if chain:
        print_findings(options, find_in_chain(settings, store, text))
        return
    with store.read() as connection:
        found = find_clients(connection, text)
    print_clients(options, found)


@client.command("show")
@click.argument("reference", metavar="ID")
@click.option("--chain", is_flag=True, help="With what was sold to the client in the whole chain.")
@click.pass_obj
def show_command(options: GlobalOptions, reference: str, chain: bool) -> None:
    """Show a client, named by id or external id, with conflicts of its fields."""
    settings, store = _open(options)
    if chain:
        print_findings(options, show_from_chain(settings, store, reference))
        return
    node, _chain = store.node()
    with store.read() as connection:
        client_id = resolve_client(connection, reference)
        card = client_card(connection, client_id, {node.branch_id: node.code, HQ_ORIGIN: "head office"})
    with store.read_cursor() as cursor:
        here = points_here(cursor, client_id, store.clock.now_us(), node.timezone)
    # Only the head office knows what other branches entered.
    card |= {"points_entered_here": here.balance.points, "points_at_hand": here.at_hand}
    print_card(options, card)


def _open(options: GlobalOptions) -> tuple[Settings, BranchStore]:
    settings = settings_for(options.home)
    return settings, open_store(settings)
